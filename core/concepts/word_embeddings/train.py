"""Word vectors: learned by telling words that stood beside a word from random ones, or counted."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.word_embeddings.corpora import OFTEN, Corpus, corpus, expected, pairs_within, shuffled, thinned
from core.concepts.word_embeddings.networks import (
    SkipGram,
    against_pmi,
    counts_of,
    decomposed,
    first_tables,
    nearest,
    noise_of,
    of_one_kind,
    on_map,
    shifted_pmi,
    solved,
    unit,
)
from core.concepts.word_embeddings.params import (
    NEAREST,
    PAIRED,
    PAIRS,
    POWER,
    SHARED,
    WAYS,
    Method,
    Neighbours,
    Params,
    Result,
    Wanted,
    learns,
    ticks,
)
from core.ml.random import stream
from core.ml.recording import Recording, schedule, stacked

ANSWERS = 8  # words in an answer


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end both tables of every method,
    {"0": [seeds, 2, word, unit], …}."""
    texts = [corpus(params.data, params.own, params.data_seed + i) for i in range(params.seeds)]
    first, moments, total = texts[0], ticks(params.steps), params.steps
    arms = [Arm(params, method, texts, device) for method in params.methods]
    lucks = [stream("pairs", params.data_seed + i) for i in range(params.seeds)]
    shown = arms[0].often()
    axes = {"method": len(arms), "seed": params.seeds, "axis": 2, "rank": NEAREST, "end": 1, "way": len(WAYS)}
    axes |= {"pair": len(shown), "two": 2, "unit": params.methods[0].dimension}
    known = {"vocabulary": lettered(first.words), "count": first.count, "pick": first.pick, "group": first.group}
    record = Recording(Result, params, total, axes, tick=moments, topic=first.topic, **known)

    for moment in schedule(total, chunk, tick=moments):
        for step in moment.steps:
            draws = np.stack([rng.random(PAIRED + SHARED) for rng in lucks])  # the same for all methods
            for arm in arms:
                if arm.net:
                    arm.net.learn(draws[:, :PAIRED], draws[:, PAIRED:], params.lr * (1 - step / total))
        if moment.due:
            found = stacked(arm.looked() for arm in arms)
            record.append("tick", vector=arms[0].tables()[0, 0, first.pick], **found)
        if moment.last:
            record.append("end", pair=shown, **stacked(arm.judged(shown) for arm in arms))
        yield record.result(moment.step)
    return {f"{i}": arm.tables() for i, arm in enumerate(arms)}


class Arm:
    """A method with the vectors of every seed."""

    def __init__(self, params: Params, method: Method, texts: list[Corpus], device: str):
        self.params, self.method, self.texts = params, method, texts
        seeds, words = range(params.seeds), len(texts[0].words)
        seen = [
            shuffled(one, params.data_seed + i) if method.kind == "shuffled" else one for i, one in enumerate(texts)
        ]
        seen = [thinned(one, params.data_seed + i) if method.subsampled else one for i, one in enumerate(seen)]
        self.pairs = [pairs_within(one, method.window) for one in seen]
        self.noise = np.stack([noise_of(one.count, POWER) for one in texts])  # as it should be
        self.k = 1 if method.kind == "svd" else params.negatives
        self.places: np.ndarray | None = None
        self.net: SkipGram | None = None
        if learns(method):
            tables = np.stack([first_tables(words, method.dimension, params.weight_seed + i) for i in seeds])
            noise = np.full_like(self.noise, 1 / words) if method.kind == "uniform" else self.noise
            self.net = SkipGram(tables, self.pairs, noise, self.k, device)
            return
        same = texts[0] is texts[-1] and not method.subsampled  # one decomposition serves all
        counts = [counts_of(pairs, words) for pairs in self.pairs[: 1 if same else None]]
        found = [decomposed(count, noise, self.k, method.dimension) for count, noise in zip(counts, self.noise)]
        self.counted = np.stack(found * params.seeds if same else found)

    def tables(self) -> np.ndarray:
        """Both tables [seeds, 2, word, unit] as they are now."""
        return self.net.found() if self.net else self.counted

    def looked(self) -> dict[str, np.ndarray]:
        """The map and the nearest words of the first seed; of all, whether the nearest is of the same kind."""
        now, one = self.tables(), self.texts[0]
        other = int(self.method.kind == "crossed")  # the mistake: input vectors against output vectors
        cosines = np.stack([unit(both[0])[one.pick] @ unit(both[other]).T for both in now])
        kinds = {"alike": one.group, "about": one.topic}
        shares = {name: np.array([of_one_kind(c[:, one.pick], kind) for c in cosines]) for name, kind in kinds.items()}
        cosines[0, np.arange(len(one.pick)), one.pick] = -np.inf
        self.places = on_map(unit(now[0, 0])[one.pick].astype(float), self.places)
        return shares | {"place": self.places, "near": nearest(cosines[0], NEAREST)}

    def counts(self, seed: int) -> np.ndarray:
        """How often pairs come, of the made text as its rules say."""
        made = self.params.data == "known" and not self.params.own and self.method.kind != "shuffled"
        if made and not self.method.subsampled:
            return expected(self.method.window)
        return counts_of(self.pairs[seed], len(self.texts[seed].words))

    def often(self) -> np.ndarray:
        """Some pairs that come often enough, word and context: [n, 2]."""
        found = np.argwhere(self.counts(0) >= OFTEN)
        return found[stream("shown pairs", 0).permutation(len(found))[:PAIRS]]

    def judged(self, shown: np.ndarray) -> dict[str, np.ndarray]:
        """Analogies, and scores against the PMI; of the pairs `shown` both numbers of the first seed."""
        found, a, c = [], *shown.T
        for i, both in enumerate(self.tables()):
            counts = self.counts(i)
            wanted = shifted_pmi(counts, self.noise[i], self.k)
            told = against_pmi(both, wanted, counts, self.noise[i])
            found.append({"analogy": solved(unit(both[0].astype(float)), self.texts[i].questions)} | told)
            if not i:
                pmi = np.where(np.isfinite(wanted), wanted, np.nan)[a, c]
                pairs = {"score": (both[0][a] * both[1][c]).sum(1), "pmi": pmi}
        return stacked(found) | pairs


def lettered(words: tuple[str, ...]) -> np.ndarray:
    """Words as code points [word, letter], zeros behind."""
    longest = max(map(len, words), default=0)
    return np.array([[*map(ord, word), *[0] * (longest - len(word))] for word in words], np.uint32)


def answer(params: Params, result: Result, state: dict[str, np.ndarray], question: Wanted) -> Neighbours:
    """Words near a word, as the first seed has them; none for a word that the text has not."""
    words = ["".join(map(chr, row[row > 0])) for row in result.vocabulary]
    word = question.word.strip().lower() or words[result.pick[0]]
    if word not in words:
        none = np.zeros((2, 0, 1), np.uint32), np.zeros((2, 0), np.float32)
        return Neighbours(question, 1, 1, lettered((word,))[0], *none)
    at, (u, v) = words.index(word), state[f"{min(question.method, len(params.methods)) - 1}"][0]
    close = np.stack([unit(u) @ unit(u)[at], v @ u[at]])
    close[0, at] = -np.inf
    best = nearest(close, ANSWERS)
    near = lettered(tuple(words[i] for i in best.ravel())).reshape(*best.shape, -1)
    return Neighbours(question, 1, 1, lettered((word,))[0], near, np.take_along_axis(close, best, 1))
