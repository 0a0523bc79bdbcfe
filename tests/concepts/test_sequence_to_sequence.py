"""Encoders and decoders against torch.nn, beams against all answers, BLEU against a second reading of its paper, pairs
against what is known of them, and made-up Results."""

from __future__ import annotations

import hashlib
from datetime import date
from itertools import product
from math import exp, log
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import f_oneway
from torch import Tensor, nn

from core.concept.params import Refused
from core.concept.parts import experiment, train_module
from core.concept.result import BaseResult
from core.concepts.sequence_to_sequence.claims import CLAIMS, MISTAKES
from core.concepts.sequence_to_sequence.networks import Model, first_row, losses
from core.concepts.sequence_to_sequence.pairs import (
    EACH,
    FEWEST,
    GRAMS,
    GROUPS,
    LOCALES,
    LONGEST,
    Course,
    bleu,
    in_every_way,
    own_pairs,
    pool,
    said_in_words,
    solved_by_hand,
    usable,
)
from core.concepts.sequence_to_sequence.params import (
    ATTENTION,
    BLIND,
    LAST,
    PARTS,
    TINY,
    WIDTHS,
    Net,
    Params,
    Prompt,
    counts_of,
    parameters_of,
    sizes,
    weights,
)
from core.concepts.sequence_to_sequence.train import answer, between, code_points, cut_off, ended, exact
from core.ml.own import CONTENTS
from tests.known import known

CONSTANTS = {FEWEST, LONGEST, GRAMS, 2, 8, 12}  # of an own text; lengths at which claims are measured
COUNTS, UNITS = (5, 4), 6
SOURCE = torch.tensor([[[0, 3, 1, 4], [2, -1, -1, -1], [4, 4, -1, -1]]])
TARGET = torch.tensor([[[1, 2, 4, -1], [0, 4, -1, -1], [3, 3, 3, 4]]])


def model_of(net: Net, seed: int = 3, counts: tuple[int, int] = COUNTS, loud: float = 1.0) -> Model:
    """A network of random weights, `loud` times as large."""
    return Model(net, counts, UNITS, loud * torch.tensor(first_row(net, counts, UNITS, seed))[None].double())


def by_torch(net: Net, source: Tensor, told: list[int]) -> tuple[Tensor, Tensor]:
    """Log probabilities of the next symbols after START and every one of `told`, and weights, of one source."""
    row = first_row(net, COUNTS, UNITS, 3).astype(float)
    named, at = {}, 0
    for name, size in parameters_of(net, COUNTS, UNITS).items():
        named[name] = torch.tensor(row[at : at + int(np.prod(size))].reshape(size))
        at += int(np.prod(size))
    grus = {}
    for part in ("encoder", "decoder"):
        grus[part] = nn.GRU(16, UNITS, batch_first=True, dtype=torch.float64)
        own = {name.split(".")[2]: w for name, w in named.items() if name.startswith(f"{part}.1")}
        grus[part].load_state_dict(own)
    source = source.flip(0) if net.turned else source
    states, last = grus["encoder"](named["encoder.0.weight"][source][None])
    h, said, looks = last, [], []
    for symbol in [COUNTS[1], *told]:
        out, h = grus["decoder"](named["decoder.0.weight"][symbol][None, None], h)
        s = out[0, 0]
        if net.kind == "last":
            p = torch.eye(len(source), dtype=torch.float64)[-1]
        elif net.kind == "attention":
            p = torch.stack([s @ named["score.weight"] @ one for one in states[0]]).softmax(0)
        else:
            p = (named["score.weight"] @ s)[: len(source)].softmax(0)
        mixed = torch.tanh(named["mix.weight"] @ torch.cat([p @ states[0], s]) + named["mix.bias"])
        said.append((named["out.weight"] @ mixed + named["out.bias"]).log_softmax(0))
        looks.append(p)
    return torch.stack(said).detach(), torch.stack(looks).detach()


@pytest.mark.parametrize("net", [LAST, ATTENTION, BLIND, Net("attention", turned=True)])
def test_a_member_is_what_torch_makes_of_its_weights(net: Net) -> None:
    model = model_of(net)
    read = model.read(SOURCE)
    scores, _, looks, _ = model.step(model.given(TARGET), read.last, read)
    total = 0.0
    for k, (source, target) in enumerate(zip(SOURCE[0], TARGET[0])):
        n, m = int((source >= 0).sum()), int((target >= 0).sum())
        said, look = by_torch(net, source[:n], target[: m - 1].tolist())
        torch.testing.assert_close(scores[0, k, :m].log_softmax(-1), said, atol=1e-10, rtol=0)
        torch.testing.assert_close(looks[0, k, :m, :n], look, atol=1e-6, rtol=0)
        assert not looks[0, k, :, n:].any()
        total -= float(said[torch.arange(m), target[:m]].sum())
    assert float(losses(model, scores, TARGET)) == pytest.approx(total / int((TARGET >= 0).sum()))


def test_blind_attention_does_not_see_the_encoder() -> None:
    for net in (ATTENTION, BLIND):
        model = model_of(net)
        read = model.read(SOURCE)
        h = model.step(model.given(TARGET), read.last, read)[3]
        other = read._replace(states=read.states.flip(-1))
        assert torch.equal(model.weighted(h, read), model.weighted(h, other)) == (net == BLIND)


def test_free_answers_follow_their_own_symbols_and_told_ones_the_truth() -> None:
    model = model_of(ATTENTION, loud=3.0)
    read = model.read(SOURCE)
    free, _ = model.decoded(read, 4)
    assert torch.equal(model.step(model.given(free), read.last, read)[0].argmax(-1), free)
    truth = TARGET.where(TARGET >= 0, model.end)
    told, _ = model.decoded(read, 4, torch.ones_like(TARGET).bool(), truth)
    forced = model.step(model.given(TARGET), read.last, read)[0].argmax(-1)
    assert torch.equal(told, forced)
    # A whole answer cannot be flattered: right throughout when told is right when free
    for target in (free, TARGET):
        target = target.where((target == model.end).cumsum(-1) - (target == model.end).long() == 0, -1)
        again = model.step(model.given(target), read.last, read)[0].argmax(-1)
        assert torch.equal(exact(again, target), exact(free, target))
    assert exact(free, free).all()
    assert int(model_of(Net(ends=False)).decoded(read, 9)[0].max()) < model.end


def test_a_beam_wide_enough_finds_the_likeliest_of_all_answers() -> None:
    counts, longest = (5, 2), 3
    model = model_of(LAST, 5, counts, 4.0)
    read = model.read(SOURCE[:, :1])
    best = -np.inf
    for n in range(longest + 1):  # answers that end, and those that are cut
        for symbols in product(range(2), repeat=n):
            row = torch.tensor([[[*symbols, 2][:longest]]])
            each = model.step(model.given(row), read.last, read)[0].log_softmax(-1)
            best = max(best, float(each.gather(3, row[..., None]).sum()))
    said, total = model.beamed(read, longest, 27)
    assert float(total[0, 0, 0]) == pytest.approx(best)
    wide = model_of(LAST, loud=4.0)
    read = wide.read(SOURCE)
    one, free = wide.beamed(read, 4, 1)[0][:, :, 0], wide.decoded(read, 4)[0]
    assert torch.equal(cut_off(one, wide.end), cut_off(free, wide.end))
    known = wide.beamed(read, 4, 2)[1]
    assert (known[..., 0] >= known[..., 1]).all()
    assert said.shape == (1, 1, 27, 3)


def their_bleu(said: list[list[int]], truth: list[list[int]]) -> float:
    """After the paper: counts clipped sentence by sentence, summed over the corpus."""
    logs = 0.0
    for n in range(1, 5):
        hits = total = 0
        for one, other in zip(said, truth):
            mine = [tuple(one[i : i + n]) for i in range(len(one) - n + 1)]
            theirs = [tuple(other[i : i + n]) for i in range(len(other) - n + 1)]
            hits += sum(min(mine.count(gram), theirs.count(gram)) for gram in set(mine))
            total += len(mine)
        logs += log(hits / total) / 4
    c, r = sum(map(len, said)), sum(map(len, truth))
    return exp(logs + min(0, 1 - r / c))


def test_bleu() -> None:
    rng = np.random.default_rng(0)
    truth = [rng.integers(0, 3, n).tolist() for n in (4, 9, 12, 7)]
    said = [[*one[:-1], 0] for one in truth] + [[]]
    truth.append([1, 2])
    found = bleu(said, truth)
    assert len(found) == len(PARTS) and found[-1] == pytest.approx(their_bleu(said, truth), abs=1e-6)
    assert bleu(truth, truth)[-1] == 1 and bleu([[]], [[1]])[-1] == 0
    # The example of the paper: "the" seven times, of which two are in the reference
    assert bleu([[0] * 7], [[0, 1, 2, 3, 0, 4]])[0] == pytest.approx(2 / 7)


def test_numbers_in_words_mean_the_number() -> None:
    small = {word: n for n in range(20) for word in said_in_words(n)}
    small |= {said_in_words(n)[0]: n for n in range(20, 100, 10)}
    for n in (0, 7, 13, 20, 99, 100, 107, 110, 999, 1000, 1001, 20_020, 99_999, 512_300):
        total = part = 0
        for word in said_in_words(n):
            if word == "hundred":
                part *= 100
            elif word == "thousand":
                total, part = 1000 * part, 0
            else:
                part += small[word]
        assert total + part == n


def test_pairs() -> None:
    found = in_every_way([date(2024, 2, 29)] * len(LOCALES))
    assert found[3::5] == [
        "Donnerstag, 29. Februar 2024",
        "2024年2月29日星期四",
    ]
    x = np.array([[[4, 1, 3, -1], [2, -1, -1, -1]]])
    assert solved_by_hand("reverse", x).tolist() == [[[3, 1, 4, -1], [2, -1, -1, -1]]]
    assert solved_by_hand("copy", x) is x
    data = Course("numbers", "", 8, [], [0, 1])
    for row, rest in zip(data.test.source, data.rest):
        kept = {tuple(r) for r in row}
        assert len(kept) == EACH * GROUPS and not kept & {tuple(r) for r in data.stock.source[rest]}
    drawn = Course("reverse", "", 6, [2, 6, 9], [0])
    assert drawn.inside.tolist() == [True, True, False] and drawn.test.source.shape == (1, 3 * EACH, 9)
    source, target = ended(drawn.batch(50), 10)
    assert ((source >= 0).sum(2) + 1 == (target >= 0).sum(2)).all() and (source >= 0).sum(2).unique().tolist() == [
        *range(1, 7)
    ]


def test_how_much_of_a_state_lies_between_groups() -> None:
    group = torch.arange(4).repeat(50)
    noise = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    assert between(torch.ones(200, 3) * group.unsqueeze(1), group) == pytest.approx(1)
    assert between(noise, group) == pytest.approx(0, abs=0.03)
    one = between(noise[:, :1] + group.unsqueeze(1), group)  # F as scipy has it: 1 − (n − 1) / (n − k + (k − 1) F)
    f = f_oneway(*((noise[:, 0] + group)[group == k].numpy() for k in range(4))).statistic
    assert one == pytest.approx(1 - 199 / (196 + 3 * f), abs=1e-5)


@pytest.fixture(scope="module")
def trained() -> tuple[BaseResult, dict[str, np.ndarray], Params]:
    """A run on a reader's own pairs, with every kind of net."""
    content = "".join(f"{a}{b}={'yn'[a == b]}{b}\n" for a in "abcdefg" for b in "abcdefgh").encode()
    name = f"sha256:{hashlib.sha256(content).hexdigest()}:{len(content)}x12"
    CONTENTS[name] = content
    pool.cache_clear()
    params = TINY.replace(own=name, nets=(LAST, ATTENTION, Net(told=0.5), Net("blind", ends=False)))
    run = train_module("sequence_to_sequence").train(params, chunk=100)
    try:
        while True:
            result = next(run)
    except StopIteration as end:
        return result, end.value, params


def test_own_pairs_and_exported_weights(trained: tuple[BaseResult, dict[str, np.ndarray], Params]) -> None:
    result, state, params = trained
    assert own_pairs("a b\tc=d\nx = y=z\nnone\n = \nx = y=z") == [("a b", "c=d"), ("x", "y=z")]
    with pytest.raises(Refused):
        usable("a=b\n" * 100)
    counts = counts_of(result.symbols)  # type: ignore[attr-defined]
    assert counts == (8, 10)
    named = weights(result, state)
    for i, net in enumerate(params.nets):
        for key, size in parameters_of(net, counts, params.units).items():
            assert named[f"{i}.{key}"].shape == (params.seeds, *size)
    assert result.ratio[3].min() > 1  # type: ignore[attr-defined]
    found = answer(params, result, state, Prompt("ab?", net=2, width=3))
    assert found.source.tolist() == [0, 1] and found.said.shape[0] == 4 and len(found.best) == 3
    np.testing.assert_allclose(found.look.sum(2), 1, atol=1e-5)
    assert (np.diff(found.likely) <= 0).all()
    assert answer(params, result, state, Prompt()).source.tolist() == result.source.tolist()  # type: ignore[attr-defined]


def test_symbols_are_kept_as_code_points() -> None:
    found = code_points((("a", "年"), ("two", "one", "ten")))
    assert counts_of(found) == (2, 3) and "".join(map(chr, found[1, 2])) == "ten" and found[0, 1, 0] == ord("年")


# Claims

MANY = 20
SETTINGS = {claim.id: claim.params for claim in CLAIMS} | {mistake.id: mistake.params for mistake in MISTAKES}


def made(id: str, **means: list[Any]) -> BaseResult:
    """Known means of every net in the end: `forced`, `free`, `ratio` …; of `by_size` at the shortest quarter, the
    longest of training, and beyond; of others a list per net. Nets that are not
    named are like the last."""
    params: Params = SETTINGS[id].replace(seeds=MANY)
    noise = np.random.default_rng(0).normal(0, 1e-4, MANY)
    lengths = sizes(params)
    given: dict[str, Any] = {"size": np.array(lengths), "inside": np.array(lengths) <= params.length}
    for name, nets in means.items():
        nets = [*nets, *nets[-1:] * (len(params.nets) - len(nets))]
        if name == "by_size":
            nets = [np.interp(lengths, [2, 8, 12], own) for own in nets]
        given[name] = np.moveaxis(np.array(nets, float)[..., None] + noise, -1, 1)[:, :, None]
    return known(experiment("sequence_to_sequence").Result, params, sizes={"net": len(params.nets), "tick": 1}, **given)


GOOD, BAD, EVEN = [1, 1, 0], [1, 0, 0], [1, 1, 1]
NONE = [0.0] * (len(WIDTHS) - 1)


def scores(*last: float) -> list[list[float]]:
    """BLEU of every net, its parts nothing."""
    return [[0.0] * (len(PARTS) - 1) + [value] for value in last]


KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "falls": (made("falls", by_size=[BAD, GOOD]), made("falls", by_size=[EVEN, GOOD])),
    "holds": (made("holds", by_size=[BAD, GOOD]), made("holds", by_size=[BAD, BAD])),
    "beyond": (made("beyond", by_size=[BAD, GOOD]), made("beyond", by_size=[BAD, EVEN])),
    "flatters": (
        made("flatters", forced=[0.9, 1], free=[0.8, 1]),
        made("flatters", forced=[0.9, 1], free=[0.9, 1]),
    ),
    "flatters_less": (
        made("flatters_less", forced=[0.9, 1], free=[0.8, 1]),
        made("flatters_less", forced=[0.9, 1], free=[0.8, 0.9]),
    ),
    "beam": (made("beam", beam=[[0.5, *NONE[1:], 0.51]] * 2), made("beam", beam=[[0.5, *NONE[1:], 0.7]] * 2)),
    "first_held": (
        made("first_held", held=[[0.2, 0.5, 0.1], [0.1, 0.5, 0.4]]),
        made("first_held", held=[[0.1, 0.5, 0.1], [0.1, 0.5, 0.4]]),
    ),
    "length_held": (
        made("length_held", held=[[0.2, 0.5, 0.1], [0.1, 0.5, 0.4]]),
        made("length_held", held=[[0.2, 0.5, 0.4], [0.1, 0.5, 0.4]]),
    ),
    "copy_falls": (made("copy_falls", by_size=[BAD, BAD]), made("copy_falls", by_size=[EVEN, BAD])),
    "turned": (made("turned", free=[0.8, 0.85]), made("turned", free=[0.8, 0.8])),
    "told": (made("told", by_size=[EVEN, BAD]), made("told", by_size=[BAD, BAD])),
    "blind_reverse": (
        made("blind_reverse", by_size=[BAD, GOOD, GOOD]),
        made("blind_reverse", by_size=[BAD, GOOD, BAD]),
    ),
    "dates": (made("dates", by_size=[BAD, GOOD, BAD]), made("dates", by_size=[GOOD, GOOD, GOOD])),
    "blind_dates": (made("blind_dates", by_size=[BAD, GOOD, BAD]), made("blind_dates", by_size=[BAD, GOOD, GOOD])),
    "bleu": (
        made("bleu", by_size=[[0, 0, 0]] * 3, bleu=scores(0.5, 1, 1)),
        made("bleu", by_size=[[0.5] * 3] * 3, bleu=scores(0.5, 1, 1)),
    ),
    "numbers": (made("numbers", by_size=[BAD, GOOD]), made("numbers", by_size=[GOOD, GOOD])),
    "blind": (made("blind", moves=[0, 0.5, 0]), made("blind", moves=[0, 0, 0])),
    "endless": (made("endless", ratio=[1, 3]), made("endless", ratio=[1, 1])),
}
