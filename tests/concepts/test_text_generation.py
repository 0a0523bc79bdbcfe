"""Text generation: counting by brute force, the network by torch.nn, honest splits, and claims on known results."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from core.concept.catalog import LANGUAGES
from core.concept.result import arrays
from core.concepts.text_generation import corpora, counting
from core.concepts.text_generation import train as experiment
from core.concepts.text_generation.claims import CLAIMS, best_ngram, best_order
from core.concepts.text_generation.corpora import COMMON, MOST_HELD_OUT, SHARED, STRETCH
from core.concepts.text_generation.figures import FIGURES, WIDE, apart, line, marked, passages, rungs, table_counting
from core.concepts.text_generation.params import (
    CORPORA,
    FEATURES,
    HEATS,
    PACKERS,
    SAMPLED,
    SIZES,
    SPLITS,
    TINY,
    WARMTHS,
    Params,
    Prompt,
    Result,
    cost,
    sample_shape,
)
from core.ml.own import CONTENTS
from core.ml.recurrent import recurrent_weights

TEST = SPLITS.index("test")


# Numbers of the code that the texts repeat.
CONSTANTS = {MOST_HELD_OUT, COMMON, SHARED, STRETCH, 32, 8, WARMTHS[0]}


def made(params: Params, **given: np.ndarray) -> Result:
    """A finished run with these arrays; the rest is neither here nor there."""
    seeds, ticks = params.seeds, 3
    shape = (len(SAMPLED), *sample_shape(params))
    plain: dict[str, Any] = {
        "vocabulary": np.array([10, 97, 98], np.uint32),
        "at": np.array([0, params.steps // 4, params.steps]),
        "bits": np.full((seeds, ticks, 3), 2.0),
        "bytes_per_character": np.full(seeds, 1.0),
        "ngram": np.full((seeds, 5, 2), 3.0),
        "packed": np.full((seeds, len(PACKERS)), 4.0),
        "sample": np.full((ticks, *shape), 97, np.uint32),
        "copied": np.zeros((ticks, *shape), np.uint8),
        "counted": np.zeros(shape, np.uint32),
        "counted_copied": np.zeros(shape, np.uint8),
        "distinct": np.full((seeds, len(WARMTHS)), 0.5),
        "from_training": np.full((seeds, len(WARMTHS)), 0.5),
        "from_held_out": np.zeros((seeds, len(WARMTHS))),
        "tempered": np.full((seeds, len(HEATS)), 2.0),
        "followed": np.full((seeds, 2, len(FEATURES)), 0.3),
        "follows": np.full((2, params.units, len(FEATURES)), 0.3),
        "reading": np.array([10, 97, 98], np.uint32),
        "activation": np.zeros((params.units, 3), np.int8),
    }
    return Result(params, params.steps, params.steps, parameters=10, characters=100, **plain | given)


def near(shape: tuple[int, ...], value: float, seed: int = 0) -> np.ndarray:
    return value + 0.004 * np.random.default_rng(seed).standard_normal(shape)


def with_effect(name: str, params: Params, effect: float) -> Result:
    """A run whose claim `name` has about this effect on every seed."""
    seeds, cold, one = params.seeds, WARMTHS.index(0.3), WARMTHS.index(1.0)
    if name.endswith("counting"):
        bits = near((seeds, 3, 3), 3 - effect)
        bits[:, :2] = 9.0  # the last tick alone tells
        return made(params, bits=bits)
    if name.endswith("gzip"):
        return made(params, packed=np.stack([near((seeds,), 2 + effect), np.full(seeds, 9.0)], 1))
    if name.startswith("cold") or name == "writes_new":
        shares = np.full((seeds, len(WARMTHS)), 0.5)
        if name == "writes_new":
            shares[:, one] = near((seeds,), 1 - effect)
            return made(params, from_training=shares)
        shares[:, one if name == "cold_repeats" else cold] = near((seeds,), 0.5 + effect)
        return made(params, **{"distinct" if name == "cold_repeats" else "from_training": shares})
    if name == "one_fits":
        tempered = np.full((seeds, len(HEATS)), 2.0)
        places = [HEATS.index(round(1 + effect + 0.05 * (i % 2), 2)) for i in range(seeds)]
        tempered[np.arange(seeds), places] = 1.9
        return made(params, tempered=tempered)
    followed = near((seeds, 2, len(FEATURES)), 0.3)
    followed[:, 1, FEATURES.index(name.removeprefix("unit_"))] += effect
    return made(params, followed=followed)


EFFECTS = {"one_fits": (0.0, 0.3), "writes_new": (0.8, 0.2)}
KNOWN = {
    claim.id: tuple(with_effect(claim.id, claim.params, e) for e in EFFECTS.get(claim.id, (0.4, -0.1)))
    for claim in CLAIMS
}


def test_a_run_on_another_text_or_a_lost_one_cannot_speak() -> None:
    for claim in CLAIMS:
        result = KNOWN[claim.id][0]
        assert claim.measure(dataclasses.replace(result, step=1)) is None
        other = "idioms" if result.params.corpus == "names" else "names"
        assert claim.measure(dataclasses.replace(result, params=result.params.replace(corpus=other))) is None
    lost = made(CLAIMS[0].params, bits=np.full((10, 3, 3), np.nan))
    assert CLAIMS[0].measure(lost) is None


def test_the_best_ngram_is_chosen_on_the_validation_text() -> None:
    ngram = np.full((2, 4, 2), 5.0)
    ngram[0, 2], ngram[0, 3] = (1.0, 3.0), (2.0, 0.5)
    ngram[1, 1], ngram[1, 0] = (1.0, 2.5), (3.0, 0.1)
    result = made(TINY.replace(seeds=2), ngram=ngram)
    assert best_order(result).tolist() == [3, 2] and best_ngram(result).tolist() == [3.0, 2.5]


# Texts


def split_of(corpus: str, seed: int) -> tuple[list[str], list[str], list[str]]:
    texts = corpora.built_in(corpus)
    return corpora.divided(texts, corpora.families(texts), seed)


@pytest.mark.parametrize("corpus", CORPORA)
def test_passages_stand_alone(corpus: str) -> None:
    found = corpora.built_in(corpus)
    assert len(set(found)) == len(found) > 1000
    assert not any(corpora.END in passage or passage != passage.strip() or not passage for passage in found)
    symbols = corpora.vocabulary(found)
    assert symbols[0] == corpora.END and set(symbols[1:]) == set("".join(found)) and len(set(symbols)) == len(symbols)
    assert abs(len(symbols) - SIZES[corpus][0]) < 30  # what costs are reckoned with
    if corpus != "prose":
        assert max(map(len, found)) < SIZES[corpus][2]


@pytest.mark.parametrize("corpus", CORPORA)
def test_no_passage_is_on_two_sides_of_the_split(corpus: str) -> None:
    parts = split_of(corpus, 3)
    assert Counter(p for part in parts for p in part) == Counter(corpora.built_in(corpus))
    sizes = [sum(map(len, part)) for part in parts]
    assert sizes[0] > 0.75 * sum(sizes) and min(sizes) > 2000
    pieces = [{p[k : k + corpora.SHARED] for p in part for k in range(len(p) - corpora.SHARED + 1)} for part in parts]
    assert not (pieces[0] & pieces[1] or pieces[0] & pieces[2] or pieces[1] & pieces[2])
    assert split_of(corpus, 3) == parts and split_of(corpus, 4)[2] != parts[2]


def test_sentences_are_prose() -> None:
    page = "Title\n*****\n\nThis is one  sentence\nof prose. Here is another one, also plain.\n\n   >>> code = 1\n\n"
    page += 'a_rule ::= "x" ["y"]\n\n* A bullet that is long enough to stay here.\n'
    assert corpora.sentences(page) == [
        "This is one sentence of prose.",
        "Here is another one, also plain.",
        "A bullet that is long enough to stay here.",
    ]


def test_a_reader_s_text_is_cut_into_passages() -> None:
    lines = [f"line {i} of a text" for i in range(12)]
    long = " ".join(f"Sentence {i} of a long line goes on and on, and ends here." for i in range(9))
    chinese = "".join(f"第{i}句话写得不长不短，正好到这里为止。" for i in range(20))
    endless = "".join(map(chr, range(0x4E00, 0x4E00 + 700)))
    found = corpora.pieces("\n".join([*lines, "", lines[0], "  ", long, chinese, endless]))
    assert found[:12] == tuple(lines) and len(set(found)) == len(found)
    assert found[12:21] == tuple(f"Sentence {i} of a long line goes on and on, and ends here." for i in range(9))
    assert found[21:41] == tuple(f"第{i}句话写得不长不短，正好到这里为止。" for i in range(20))
    assert list(map(len, found[41:])) == [300, 300, 100] and "".join(found[41:]) == endless
    with pytest.raises(ValueError, match="different"):
        corpora.pieces("the same line again\n" * 500)
    with pytest.raises(ValueError, match="different"):
        corpora.pieces("\n".join(f"one long beginning that all of the passages share, and then {i}" for i in range(90)))


def test_a_run_on_a_reader_s_text() -> None:
    content = "\n".join(
        f"{a}山{b}水\t{c}" for a in "春夏秋冬" for b in "高低远近明" for c in "一二三四五六七八九十" * 2
    ).encode()
    shape = f"{len(content.decode())}x{len(set(content.decode()))}"
    own = f"sha256:{hashlib.sha256(content).hexdigest()}:{shape}"
    CONTENTS[own] = content
    (*_, last), state = ended(own=own, seeds=1)
    assert last.complete and len(last.vocabulary) == len(set(content.decode()))
    assert last.bytes_per_character[0] > 2
    assert "".join(map(chr, state["training"])).count("\n") > 150
    assert all(claim.measure(last) is None for claim in CLAIMS)
    question = Prompt(prompt="春山", length=20)
    answer = experiment.answer(TINY.replace(own=own, seeds=1), last, state, question)
    assert "".join(map(chr, answer.letters)).startswith("春山")


def test_what_is_copied() -> None:
    training = ["Anna", "Bo", "x" * 10 + "abcdefghijklmnopqrstuvwxyz0123456789"]
    everything = "\n" + "\n".join(training) + "\n"
    known = set(training)
    assert corpora.copied("Anna", known, everything).tolist() == [1] * 4
    assert corpora.copied("Ann", known, everything).sum() == 0  # a part of a passage, and short
    assert corpora.copied("", known, everything).shape == (0,)
    text = "yy" + training[2][5:38] + "yy"
    assert corpora.copied(text, known, everything).tolist() == [0, 0] + [1] * 33 + [0, 0]


# Counting


def kneser_ney(text: list[list[int]], symbols: int, order: int) -> Any:
    """Modified Kneser-Ney by dictionaries and recursion, as Chen and Goodman (1999) write it."""
    grams: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(order + 1)]
    for passage in text:
        line = [0] * (order - 1) + passage
        for end in range(order - 1, len(line)):
            for n in range(1, order + 1):
                grams[n][tuple(line[end - n + 1 : end + 1])] += 1
    counts: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(order + 1)]
    for n in range(1, order + 1):
        if n == order:
            counts[n] = Counter(grams[n])
        else:
            before = defaultdict(set)
            for gram in grams[n + 1]:
                before[gram[1:]].add(gram[0])
            for gram, count in grams[n].items():
                counts[n][gram] = count if n > 1 and gram[0] == 0 else len(before[gram])
    for s in range(symbols):
        counts[1][(s,)] += 1

    def discount(n: int, count: int) -> float:
        of = [sum(1 for c in counts[n].values() if c == k) for k in range(5)]
        y = of[1] / (of[1] + 2 * of[2]) if of[1] + of[2] else 0.0
        k = min(count, 3)
        amount = k - (k + 1) * y * of[k + 1] / max(of[k], 1)
        return min(count, amount if amount > 0 else y)

    def probability(context: tuple[int, ...], symbol: int) -> float:
        n = len(context) + 1
        below = 1 / symbols if n == 1 else probability(context[1:], symbol)
        row = {gram[-1]: count for gram, count in counts[n].items() if gram[:-1] == context}
        if not row:
            return below
        total = sum(row.values())
        rest = sum(discount(n, count) for count in row.values()) / total
        own = row.get(symbol, 0)
        return ((own - discount(n, own)) / total if own else 0.0) + rest * below

    return probability


TEXT = [[int(c) for c in row] + [0] for row in ("12312", "1231", "32", "1132312", "2", "331", "1221")]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_ngrams_are_those_of_the_definition(order: int) -> None:
    model = counting.NGrams([np.array(row) for row in TEXT], 5)
    expected = kneser_ney(TEXT, 5, order)
    for passage in ([1, 2, 3, 1, 2, 0], [4, 4, 1, 0], [3, 3, 3, 2, 1, 0], [0]):
        contexts, following = model.places([np.array(passage)])
        line = [0] * (order - 1) + passage
        for t, symbol in enumerate(passage):
            context = tuple(line[t : t + order - 1])
            every = model.probabilities(np.repeat(contexts[:, t : t + 1], 5, 1), np.arange(5))[order - 1]
            assert every == pytest.approx([expected(context, s) for s in range(5)], abs=1e-12)
            assert every.sum() == pytest.approx(1, abs=1e-12) and (every > 0).all()
            assert model.probabilities(contexts, following)[order - 1, t] == every[symbol]
        bits = -np.mean([math.log2(expected(tuple(line[t : t + order - 1]), s)) for t, s in enumerate(passage)])
        assert model.bits([np.array(passage)])[order - 1] == pytest.approx(bits, abs=1e-12)


def test_no_probability_is_zero_and_all_add_up_to_one() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        symbols = int(rng.integers(2, 9))
        text = [np.r_[rng.integers(1, symbols, rng.integers(0, 30)), 0] for _ in range(rng.integers(1, 60))]
        model = counting.NGrams(text, symbols)
        contexts, _ = model.places([np.r_[rng.integers(1, symbols, 20), 0], *text[:2]])
        n = contexts.shape[1]
        every = model.probabilities(np.repeat(contexts, symbols, 1), np.tile(np.arange(symbols), n))
        assert (every > 0).all()
        assert np.abs(every.reshape(model.longest, n, symbols).sum(2) - 1).max() < 1e-9


def test_the_longest_order_fits_into_a_key() -> None:
    for symbols in (2, 53, 98, 1000, 5000):
        assert symbols ** counting.NGrams.orders(symbols) < 2**63
    assert counting.NGrams.orders(53) == 9 and counting.NGrams.orders(1000) == 6


def test_ngrams_write_what_they_have_counted() -> None:
    model = counting.NGrams([np.array(row) for row in TEXT], 5)
    luck = np.random.default_rng(0).random((4000, 8))
    found = model.written(luck, 2, np.ones(4000))
    first = np.bincount(found[:, 0], minlength=5) / 4000
    expected = [kneser_ney(TEXT, 5, 2)((0,), s) for s in range(5)]
    assert np.abs(first - expected).max() < 0.03
    ended = np.maximum.accumulate(found == 0, axis=1)
    assert (found[ended] == 0).all()
    cold = model.written(luck, 3, np.full(4000, 0.01))
    assert len(np.unique(cold, axis=0)) == 1


def test_drawing_at_a_temperature() -> None:
    p = np.array([0.5, 0.3, 0.2, 0.0])
    n = 20_000
    uniform = (np.arange(n) + 0.5) / n
    for temperature in (0.5, 1.0, 2.0):
        found = counting.drawn(np.tile(p, (n, 1)), uniform, np.full(n, temperature))
        power = p ** (1 / temperature)
        assert np.bincount(found, minlength=4) / n == pytest.approx(power / power.sum(), abs=1e-3)
        assert (np.diff(found) >= 0).all()  # one random number means the same rank at every temperature
    assert counting.drawn(np.full((1, 4), np.nan), np.array([0.5]), np.ones(1)) == 0


def test_packers_have_read_the_training_text() -> None:
    line = "the quick brown fox jumps over the lazy dog\n"
    alien = "".join(map(chr, np.random.default_rng(0).integers(33, 120, 440)))
    told, untold = counting.packed(line * 20, line * 10), counting.packed(alien, line * 10)
    assert (told < untold).all() and (told < 1).all()
    assert (counting.packed(line * 20, alien) > 6).all()


# The network


class Network(torch.nn.Module):
    """The same network by torch.nn, with the weights of one member."""

    def __init__(self, row: torch.Tensor, symbols: int, units: int):
        super().__init__()
        self.embedding = torch.nn.Embedding(symbols, experiment.EMBEDDING)
        self.lstm = torch.nn.LSTM(experiment.EMBEDDING, units, batch_first=True)
        self.linear = torch.nn.Linear(units, symbols)
        torch.nn.utils.vector_to_parameters(row, self.parameters())

    def forward(self, x: list[int]) -> torch.Tensor:
        return self.linear(self.lstm(self.embedding(torch.tensor([x])))[0])[0]


@cache
def ended(**changes: Any) -> tuple[list[Result], dict[str, np.ndarray]]:
    run, found = experiment.train(TINY.replace(**changes)), []
    while True:
        try:
            result = next(run)  # later ones share its buffers
            found.append(dataclasses.replace(result, **{n: np.array(a) for n, a in arrays(result).items()}))
        except StopIteration as stop:
            return found, stop.value


def test_bits_are_those_of_torch_passage_by_passage() -> None:
    (*_, last), state = ended()
    symbols = corpora.vocabulary(corpora.built_in("names"))
    for i in range(TINY.seeds):
        network = Network(torch.tensor(state["weights"][i]), len(symbols), TINY.units)
        training, validation, test = split_of("names", TINY.data_seed + i)
        for split, part in enumerate((training[: len(test)], validation, test)):
            nats = []
            for passage in part:
                numbers = [symbols.index(c) for c in corpora.END + passage + corpora.END]
                outputs = network(numbers[:-1]).detach()
                nats += torch.nn.functional.cross_entropy(outputs, torch.tensor(numbers[1:]), reduction="none").tolist()
            assert np.mean(nats) / np.log(2) == pytest.approx(last.bits[i, -1, split], rel=1e-5)
    assert last.tempered[:, HEATS.index(1.0)] == pytest.approx(last.bits[:, -1, TEST], rel=1e-5)


def test_one_step_is_that_of_torch() -> None:
    """A step without dropout: Adam on the mean cross-entropy of the batch, its gradient cut to length 1."""
    params = TINY.replace(dropout=0.0, seeds=1, steps=16)
    _, state = ended(dropout=0.0, seeds=1)
    symbols = corpora.vocabulary(corpora.built_in("names"))
    training = split_of("names", 0)[0]
    order = experiment.batch_orders(len(training), 1, 0)[0]
    ranked = sorted(experiment.encoded(training, symbols), key=len, reverse=True)
    sizes = (len(symbols), params.units, len(symbols))
    row = torch.tensor(recurrent_weights("lstm", sizes, 0, experiment.EMBEDDING))
    network = Network(row, len(symbols), params.units)
    optimizer = torch.optim.Adam(network.parameters(), lr=params.lr)
    for step in range(params.steps):
        for group in optimizer.param_groups:
            group["lr"] = params.lr * (1 - step / params.steps)
        chosen = [ranked[i].tolist() for i in order[step * params.batch : (step + 1) * params.batch]]
        nats = [
            torch.nn.functional.cross_entropy(network(p[:-1]), torch.tensor(p[1:]), reduction="sum") for p in chosen
        ]
        optimizer.zero_grad()
        (torch.stack(nats).sum() / sum(len(p) - 1 for p in chosen)).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), experiment.CLIP)
        optimizer.step()
    found = torch.nn.utils.parameters_to_vector(network.parameters()).detach().numpy()
    assert np.abs(found - state["weights"][0]).max() < 2e-4


def test_seed_i_is_a_run_of_its_own() -> None:
    (*_, both), _ = ended(data_seed=4, weight_seed=9)
    for i in range(2):
        (*_, alone), _ = ended(seeds=1, data_seed=4 + i, weight_seed=9 + i)
        for name in ("bits", "ngram", "packed", "distinct", "from_training", "tempered", "followed"):
            assert np.allclose(getattr(both, name)[i], getattr(alone, name)[0], rtol=1e-3, atol=2e-2), name
        assert np.array_equal(both.sample[0], alone.sample[0]) == (i == 0)


@pytest.mark.parametrize("changes", [{}, {"corpus": "prose", "window": 16, "cell": "gru"}, {"cell": "peephole"}])
def test_a_run_takes_the_steps_its_cost_says(changes: dict[str, Any]) -> None:
    (first, *_, last), _ = ended(**changes)
    assert cost(TINY.replace(**changes)).steps == last.step == last.total
    assert np.log2(len(first.vocabulary)) == pytest.approx(first.bits[:, 0, TEST].mean(), rel=0.1)
    assert np.isnan(first.ngram).all() and np.isfinite(last.ngram).all()
    assert last.bits[:, -1].mean() < first.bits[:, 0].mean()


def test_windows_cover_every_character_once() -> None:
    passages = [np.array([0, *range(1, n), 0], np.int16) for n in (2, 5, 9, 13)]
    for window in (None, 1, 4, 5, 100):
        found = experiment.cut_up(passages, window)
        pairs = Counter()
        for row in found:
            row = row[row >= 0]
            assert len(row) >= 2 and (window is None or len(row) <= window + 1)
            pairs.update(zip(row[:-1].tolist(), row[1:].tolist()))
        assert pairs == Counter(pair for p in passages for pair in zip(p[:-1].tolist(), p[1:].tolist()))


def test_rows_of_several_seeds() -> None:
    passages = [[np.array([0, 3, 0])], [np.array([0, 1, 2, 3, 0]), np.array([0, 0])]]
    table = experiment.padded(passages)
    assert table.tolist() == [[[0, 3, 0, -1, -1], [-1] * 5], [[0, 1, 2, 3, 0], [0, 0, -1, -1, -1]]]
    x, y = experiment.to_predict(table, "cpu")
    assert x[1].T.tolist() == [[0, 1, 2, 3], [0, 0, 0, 0]]
    assert y[1].T.tolist() == [[1, 2, 3, 0], [0, -1, -1, -1]] and (y[0].T[1] == -1).all()
    cut = experiment.rows_of_one_length([table[0], table[1, 1:]])
    assert [t.tolist() for t in cut] == [[[0, 3, 0], [-1, -1, -1]], [[0, 0, -1]]]


# Writing


def test_what_it_writes_follows_from_its_predictions() -> None:
    (*_, last), state = ended()
    symbols = corpora.vocabulary(corpora.built_in("names"))
    network = Network(torch.tensor(state["weights"][0]), len(symbols), TINY.units)
    luck = experiment.stream("samples", TINY.weight_seed).random(sample_shape(TINY))
    for t, temperature in enumerate(SAMPLED):
        for k in range(6):
            text = [0]
            for u in luck[k]:
                p = (network(text)[-1].detach().double() / temperature).softmax(0).numpy()
                text.append(int(np.searchsorted(p.cumsum(), u)))
                if text[-1] == 0:
                    break
            said = passages(last.sample[-1, t], last.copied[-1, t])[k][0]
            assert said == "".join(symbols[i] for i in text[1:]).rstrip(corpora.END)


def test_an_ask_goes_on_from_the_prompt() -> None:
    (*_, last), state = ended()
    ask = lambda **q: experiment.answer(TINY, last, state, Prompt(**q))  # noqa: E731
    found = ask(prompt="Ma\u4e00r", length=30, luck=5)
    text = "".join(map(chr, found.letters))
    assert text.startswith("Mar") and len(text) == 33 == len(found.chance) == len(found.copied)
    assert found.prompted == 3 and found.unknown.tolist() == [0x4E00]
    assert text != "".join(map(chr, ask(prompt="Mar", length=30, luck=6).letters))
    symbols = corpora.vocabulary(corpora.built_in("names"))
    network = Network(torch.tensor(state["weights"][0]), len(symbols), TINY.units)
    line = corpora.END
    for letter, chance in zip(text, found.chance):
        p = network([symbols.index(c) for c in line])[-1].detach().softmax(0)
        assert float(p[symbols.index(letter)]) == pytest.approx(chance, rel=1e-4)
        line = corpora.END if letter == corpora.END else line + letter  # every passage begins from nothing
    greedy = "".join(map(chr, ask(prompt="Mar", length=8, top_k=1).letters))
    assert greedy == "".join(map(chr, ask(prompt="Mar", length=8, top_k=1, luck=9).letters))
    assert len(ask(prompt="", length=1).letters) == 1
    name = next(p for p in split_of("names", 0)[0] if len(p) > 3)
    assert ask(prompt=name + corpora.END + "A", length=1).copied[: len(name) + 1].tolist() == [1] * len(name) + [0]


def test_top_k_and_top_p() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.dirichlet(np.ones(6))
        k, top_p, temperature = int(rng.integers(0, 7)), float(rng.uniform(0.1, 1)), float(rng.uniform(0.3, 2))
        power = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
        kept: list[int] = []
        for i in sorted(range(6), key=lambda i: -power[i]):
            if sum(power[kept]) < top_p and (not k or len(kept) < k):
                kept.append(i)
        found = experiment.narrowed(p[None], Prompt(top_k=k, top_p=top_p, temperature=temperature))[0]
        assert set(np.flatnonzero(found)) == set(kept)
        assert found[kept] == pytest.approx(power[kept])


# Single units


def test_what_a_unit_could_follow() -> None:
    found = dict(zip(FEATURES, experiment.features('Ab "c(d)" e').astype(int).tolist()))
    assert found["place"] == list(range(12))
    assert found["place_in_word"] == [0, 1, 2, 0, 0, 1, 0, 1, 0, 0, 0, 1]
    assert found["word_end"] == [0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1]
    assert found["vowel"] == [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert found["capital"] == [0, 1] + [0] * 10
    assert found["quoted"] == [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0]
    assert found["bracketed"] == [0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    assert found["end"] == [0] * 11 + [1]


def test_correlations_and_the_best_unit() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((50, 4)), rng.standard_normal((50, 3))
    one[:, 3] = 7.0
    found = experiment.correlations(one, other)
    assert found[:3] == pytest.approx(np.corrcoef(one[:, :3].T, other.T)[:3, 3:]) and (found[3] == 0).all()
    follows = np.zeros((1, 2, 3, len(FEATURES)))
    follows[0, 0, :, 0] = (0.2, -0.9, 0.5)  # the choice
    follows[0, 1, :, 0] = (0.8, -0.4, 0.6)  # the measurement
    assert experiment.best_followed(follows)[0, 0] == 0.4


# Figures


def test_labels_of_a_ruler_stay_apart_and_in_order() -> None:
    for values in ([3.0, 2.99, 2.98, 1.0], [5.0, 4.0, 3.0], [2.0, 2.0, 2.0], []):
        places = apart(values, 0.1)
        assert all(a - b > 0.1 - 1e-6 for a, b in pairwise(places))
        assert np.mean(places or [0]) == pytest.approx(np.mean(values or [0]))
    assert apart([5.0, 4.0, 3.0], 0.1) == [5.0, 4.0, 3.0]


def test_a_line_of_samples_fits_and_marks_copies() -> None:
    found = [("Anna", np.ones(4)), ("Bo<b>", np.zeros(5)), ("Cleo", np.array([0, 0, 1, 1]))]
    whole = line(found)
    assert "<u>Anna</u>" in whole and "Bo&lt;b&gt;" in whole and "Cl<span" in whole
    assert "Bo" not in line(found, wide=8) and "Anna" in line(found, wide=8)
    assert line([]) and line([("", np.zeros(0))]) == "\u00a0"
    assert marked("abcdef", np.zeros(6)) == "abcdef"
    assert line([("x" * 200, np.zeros(200))]).count("x") == WIDE


def test_rungs_are_the_moments_of_the_ladder() -> None:
    (*_, last), _ = ended()
    assert last.at[rungs(last)].tolist() == [0, 1, 4, 16]
    part = dataclasses.replace(last, step=2, at=last.at[:3], bits=last.bits[:, :3], sample=last.sample[:3])
    assert part.at[rungs(part)].tolist() == [0, 1, 2]


def test_bits_per_byte_and_perplexity() -> None:
    result = made(TINY, bytes_per_character=np.full(2, 2.6), bits=np.full((2, 3, 3), 5.2))
    table = table_counting(result, "en")
    assert table.iloc[-1, 1:].tolist() == pytest.approx([5.2, 2.0, 2**5.2], abs=1e-3)


def test_a_diverged_run_is_shown_as_that() -> None:
    lost = made(TINY, bits=np.full((2, 3, 3), np.nan), tempered=np.full((2, len(HEATS)), np.nan))
    for figure in FIGURES:
        for language in LANGUAGES:
            assert figure.draw(lost, language).to_json()
            assert "nan" not in figure.summary(lost, language)
            assert len(figure.table(lost, language))
