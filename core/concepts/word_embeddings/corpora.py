"""Texts as sentences of word numbers: two from installed packages, a reader's own, and one made by rules, of which is
known what the vectors should say. No torch."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from itertools import permutations
from pathlib import Path

import numpy as np

from core.concept.params import Refused
from core.ml.own import text
from core.ml.random import stream

LEAST = 5  # times that a word must come to have a vector
LEAST_SIGN = 20  # the same of a Chinese character
MOST = 1500  # words that have one: the most frequent
FEWEST = 60  # words without which there is nothing to see
SKIPPED = 20  # most frequent words that the map of a reader's text leaves out
PLURALS = 20  # words with their plural, of which analogies are made
OFTEN = 5.0  # times that a pair must come for its PMI to be told
SUBSAMPLING = 1e-3  # share of the text from which on a word is thinned (Mikolov et al., 2013)

GROUPS = {
    "docs": (
        "int float complex str bytes tuple list dict",
        "called returned raised evaluated defined executed assigned created",
        "can may must should will would cannot does",
        "module class function method attribute instance argument variable",
        "one two three four zero first last next",
    ),
    "phrases": ("二 三 四 五 六 七 八 十", "红 黄 绿 白 黑 青 紫 灰", "马 牛 羊 狗 鸡 虎 龙 蛇",
                "山 水 河 海 云 雨 雪 江", "头 手 足 眼 耳 口 舌 目"),
}  # fmt: skip

# The made text. A sentence is about a verb in one of five forms: two words of its topic, a word that announces the
# form, the verb, a word that follows the form, two more of the topic. One in ten of these six is any of its kind.
VERBS = {
    "play": "ball game team",
    "paint": "brush colour wall",
    "farm": "field cow wheat",
    "climb": "rope rock hill",
    "clean": "soap floor dust",
    "work": "office desk boss",
    "print": "paper ink page",
    "train": "muscle coach lap",
}
FORMS = {"": ("to can", "now"), "s": ("he she", "often"), "ing": ("is are", "still"), "ed": ("has had", "already"),
         "er": ("the a", "who")}  # fmt: skip
SENTENCES = 4000
LENGTH = 7
VERB_AT = 3
NOISE = 0.1


@dataclass(frozen=True)
class Corpus:
    """words: the vocabulary. flat: the text as numbers of words; sentence: the number of the sentence of each.
    pick, group, topic: of the words on the map, as in the Result. questions: [n, 4], a is to b as c is to d."""

    words: tuple[str, ...]
    flat: np.ndarray
    sentence: np.ndarray
    pick: np.ndarray
    group: np.ndarray
    topic: np.ndarray
    questions: np.ndarray

    @property
    def count(self) -> np.ndarray:
        return np.bincount(self.flat, minlength=len(self.words))


def corpus(data: str, own: str, seed: int) -> Corpus:
    """The text of one seed: only the made one depends on it."""
    if own:
        return of_text(text(own))
    return made(seed) if data == "known" else packaged(data)


@cache
def packaged(data: str) -> Corpus:
    """Python's reference manual, or the phrases of pypinyin by characters."""
    if data == "docs":
        from pydoc_data.topics import topics

        return read("\n\n".join(page for _, page in sorted(topics.items())), GROUPS[data])
    spec = find_spec("pypinyin")
    assert spec and spec.submodule_search_locations
    file = Path(spec.submodule_search_locations[0]) / "phrases_dict.json"
    return numbered([list(phrase) for phrase in json.loads(file.read_text("utf-8"))], LEAST_SIGN, GROUPS[data])


def of_text(content: str) -> Corpus:
    return read(content, ())


def usable(content: str) -> None:
    """Raise Refused where hardly any word comes often enough."""
    if (found := len(of_text(content).words)) < FEWEST:
        raise Refused("few_words", count=found, low=FEWEST, least=LEAST)


def read(content: str, groups: Iterable[str]) -> Corpus:
    """A text by sentences; words in small letters, Chinese by characters."""
    pieces = re.split(r"[.:;!?。！？；：]\s|[。！？；]|\n\s*\n", content.lower())
    return numbered([re.findall(r"[\u4e00-\u9fff]|[^\W\d_\u4e00-\u9fff]+", piece) for piece in pieces], LEAST, groups)


def numbered(sentences: list[list[str]], least: int, groups: Iterable[str]) -> Corpus:
    """The words that come often enough, the most frequent first."""
    counted = Counter(word for sentence in sentences for word in sentence)
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    words = tuple(word for word, n in ranked if n >= least)[:MOST]
    number = {word: i for i, word in enumerate(words)}
    found = [[number[word] for word in sentence if word in number] for sentence in sentences]
    flat = np.array([word for sentence in found for word in sentence], np.int64)
    where = np.repeat(np.arange(len(found)), [len(sentence) for sentence in found])
    named = [(number[word], i) for i, group in enumerate(groups) for word in group.split() if word in number]
    picked = np.array(named or [(i, 0) for i in range(len(words))][SKIPPED : SKIPPED + 40], np.int64).reshape(-1, 2)
    pairs = [(i, number[word + "s"]) for i, word in enumerate(words) if len(word) > 3 and word + "s" in number]
    nothing = np.full(len(picked), -1)
    return Corpus(words, flat, where, picked[:, 0], picked[:, 1], nothing, asked(pairs[:PLURALS]))


def asked(pairs: list[tuple[int, int]]) -> np.ndarray:
    """Every pair to every other, there and back: [n, 4]."""
    found = [(*one, *other) for one, other in permutations(pairs, 2)]
    return np.array(found + [(b, a, d, c) for a, b, c, d in found], np.int64).reshape(-1, 4)


def grammar() -> tuple[tuple[str, ...], np.ndarray]:
    """Words of the made text, and the chance of each at every place of a sentence about a verb in a form: [verb · form,
    place, word]."""
    topics, forms = [nouns.split() for nouns in VERBS.values()], list(FORMS)
    before, after = ([FORMS[form][i].split() for form in forms] for i in range(2))
    said = [verb + form for form in forms for verb in VERBS]
    words = (*said, *(word for kind in (*before, *after, *topics) for word in kind))
    number = {word: i for i, word in enumerate(words)}

    def spread(kinds: list[list[str]], which: int) -> np.ndarray:
        """Even over one kind, but for NOISE, which is even over all."""
        chance, all_kinds = np.zeros(len(words)), [word for kind in kinds for word in kind]
        chance[[number[word] for word in all_kinds]] = NOISE / len(all_kinds)
        chance[[number[word] for word in kinds[which]]] += (1 - NOISE) / len(kinds[which])
        return chance

    chances = np.zeros((len(VERBS) * len(forms), LENGTH, len(words)))
    for i in range(len(chances)):
        form, verb = divmod(i, len(VERBS))
        chances[i] = spread(topics, verb)
        chances[i, VERB_AT - 1], chances[i, VERB_AT + 1] = spread(before, form), spread(after, form)
        chances[i, VERB_AT] = np.eye(len(words))[i]
    return words, chances


def sentences_made(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sentences [n, LENGTH], and what each is about: verb and form as one number [n]."""
    _, chances = grammar()
    about = rng.integers(0, len(chances), n)
    ends, drawn = chances.cumsum(-1), np.empty((n, LENGTH), np.int64)
    luck = rng.random((n, LENGTH))
    for place in range(LENGTH):
        drawn[:, place] = (luck[:, place, None] >= ends[about, place]).sum(1)
    return np.minimum(drawn, chances.shape[2] - 1), about


def made(seed: int) -> Corpus:
    words, chances = grammar()
    drawn, _ = sentences_made(SENTENCES, stream("made text", seed))
    picked = np.arange(len(chances))
    form, verb = np.divmod(picked, len(VERBS))
    # As a question goes from verb to verb or from form to form it is the same square of words: one of both will do
    grid = picked.reshape(len(FORMS), len(VERBS))
    pairs = [list(zip(grid[f], grid[g])) for f, g in permutations(range(len(FORMS)), 2)]
    questions = [(*one, *other) for pair in pairs for one, other in permutations(pair, 2)]
    where = np.repeat(np.arange(SENTENCES), LENGTH)
    return Corpus(words, drawn.ravel(), where, picked, form, verb, np.array(questions, np.int64))


def expected(window: int) -> np.ndarray:
    """How often a word of the made text has each as its context, as its rules say: [word, context]."""
    _, chances = grammar()
    found = np.zeros((chances.shape[2],) * 2)
    for i in range(LENGTH):
        for j in range(LENGTH):
            if 0 < abs(i - j) <= window:
                found += chances[:, i].T @ chances[:, j]
    return found * SENTENCES / len(chances)


def shuffled(one: Corpus, seed: int) -> Corpus:
    """The same words in random order: nothing is left of their use."""
    return replace(one, flat=stream("shuffled text", seed).permutation(one.flat))


def thinned(one: Corpus, seed: int) -> Corpus:
    """Without some of the frequent words: one of share f stays with chance √(t / f) (Mikolov et al., 2013)."""
    share = one.count / len(one.flat)
    stays = np.sqrt(SUBSAMPLING / np.maximum(share, 1e-9))
    kept = stream("subsampling", seed).random(len(one.flat)) < stays[one.flat]
    return replace(one, flat=one.flat[kept], sentence=one.sentence[kept])


def pairs_within(one: Corpus, window: int) -> np.ndarray:
    """Every word with every other up to `window` places away in its sentence: word and context, int32 [2, n]."""
    found = []
    for away in range(1, window + 1):
        together = one.sentence[away:] == one.sentence[:-away]
        ends = one.flat[:-away][together], one.flat[away:][together]
        found += [np.stack(ends), np.stack(ends[::-1])]
    return np.concatenate(found, 1).astype(np.int32)
