"""CTC against brute force, torch's and autograd's; what strips are; and claims on made-up results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.concept.parts import experiment, train_module
from core.concept.result import BaseResult
from core.concepts.ctc.claims import CLAIMS, MISTAKES
from core.concepts.ctc.lattice import summed
from core.concepts.ctc.params import (
    BEAM,
    BLANK,
    FINE,
    HIGH,
    MOST,
    SYMBOLS,
    TESTED,
    TINY,
    WIDE,
    Params,
    Strip,
    network,
    weights,
)
from core.concepts.ctc.paths.params import CASES, FRAMES
from core.concepts.ctc.reading import beam, edits, every_path, said_by
from core.concepts.ctc.strips import cut_digits, drawn, frames, merged, middles, told
from core.concepts.ctc.train import Reader, answer, frames_needed, impossible, seen
from core.ml.architecture import parameters
from core.ml.random import stream
from core.ml.scenes import glyphs
from tests.known import DIGITS, known

CONSTANTS = DIGITS | {HIGH, WIDE, MOST, TESTED, BEAM, CASES, *FRAMES}


def random_scores(b: int, time: int, symbols: int, seed: int = 0) -> torch.Tensor:
    made = torch.randn(b, time, symbols, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return made.log_softmax(-1)


@pytest.mark.parametrize("text", [(), (0,), (0, 0), (0, 1), (1, 1, 0), (0, 1, 0, 1)])
def test_the_sum_over_paths_is_that_of_all_paths(text: tuple[int, ...]) -> None:
    scores = random_scores(1, 5, 3)
    paths, chance = every_path(scores[0].exp().numpy())
    mine = np.array([said_by(row, 2) == text for row in paths.tolist()])
    padded = torch.tensor([[*text, *[2] * (5 - len(text))]])
    found = summed(scores, padded)
    assert found.log_p.item() == pytest.approx(np.log(chance[mine].sum()), abs=1e-9)
    share = np.stack([(chance[mine, None] * (paths[mine] == k)).sum(0) for k in range(3)], 1) / chance[mine].sum()
    np.testing.assert_allclose(found.posterior[0], share, atol=1e-9)


def test_the_loss_is_torchs_and_its_gradient_softmax_less_posterior() -> None:
    rng = np.random.default_rng(1)
    logits = torch.randn(40, 12, 5, dtype=torch.float64, requires_grad=True)
    lengths = torch.as_tensor(rng.integers(0, 7, 40))
    texts = torch.as_tensor(rng.integers(0, 4, (40, 6)))
    texts[torch.arange(6) >= lengths[:, None]] = 4
    log_p = logits.log_softmax(-1)
    given = log_p.transpose(0, 1), texts, torch.full((40,), 12), lengths
    theirs = functional.ctc_loss(*given, blank=4, reduction="none")
    found = summed(log_p.detach(), texts)
    torch.testing.assert_close(-found.log_p, theirs.detach(), atol=1e-9, rtol=0)
    theirs.sum().backward()
    assert logits.grad is not None
    torch.testing.assert_close(log_p.detach().exp() - found.posterior, logits.grad, atol=1e-9, rtol=0)


def test_a_text_that_is_too_long_has_an_infinite_loss() -> None:
    texts = torch.tensor([[0, 0, 1], [0, 1, 0], [0, 0, 0]])
    found = summed(random_scores(3, 4, 3), texts).log_p
    assert found.isfinite().tolist() == [True, True, False]
    assert frames_needed(np.array([[0, 0, 1, BLANK], [1, 1, 1, 1]])).tolist() == [4, 7]


def test_a_prior_changes_the_gradient_as_autograd_says() -> None:
    """−log Σ over paths of Π p(k) / prior(k)^0.3, with the prior held fixed."""
    logits = torch.randn(1, 4, 3, dtype=torch.float64, requires_grad=True)
    prior = torch.tensor([0.2, 0.1, 0.7], dtype=torch.float64)
    scores = logits.log_softmax(-1) - 0.3 * prior.log()
    paths, _ = every_path(np.ones((4, 3)))
    mine = torch.tensor([row for row in paths.tolist() if said_by(row, 2) == (0, 1)])
    loss = -scores[0, torch.arange(4), mine].sum(1).logsumexp(0)
    loss.backward()
    found = summed(scores.detach(), torch.tensor([[0, 1]]))
    assert -found.log_p.item() == pytest.approx(loss.item(), abs=1e-9)
    assert logits.grad is not None
    torch.testing.assert_close(logits.detach().softmax(-1) - found.posterior, logits.grad, atol=1e-9, rtol=0)


def test_without_a_blank_only_paths_without_it_count() -> None:
    logits = torch.randn(1, 5, 3, dtype=torch.float64)
    logits[..., 2] = -1e9
    p = logits.softmax(-1)
    paths, chance = every_path(p[0].numpy())
    says = np.array([2 not in row and said_by(row, 2) == (0, 1) for row in paths.tolist()])
    assert summed(p.log(), torch.tensor([[0, 1, 2]])).log_p.exp().item() == pytest.approx(chance[says].sum(), abs=1e-12)
    assert merged(np.array([[3, 3, 1, 1, BLANK]])).tolist() == [[3, 1, BLANK, BLANK, BLANK]]


def test_a_wide_beam_finds_the_likeliest_text_with_its_probability() -> None:
    p = random_scores(1, 5, 3, 4)[0].exp().numpy()
    paths, chance = every_path(p)
    texts: dict[tuple[int, ...], float] = {}
    for row, share in zip(paths.tolist(), chance):
        texts[said_by(row, 2)] = texts.get(said_by(row, 2), 0) + share
    found = {text: share for text, share in beam(p, 1000).items() if share}
    assert found.keys() == texts.keys() and next(iter(found)) == max(texts, key=lambda text: texts[text])
    assert all(found[text] == pytest.approx(share, abs=1e-12) for text, share in texts.items())
    two = np.array([[0.4, 0.6], [0.4, 0.6]])  # the textbook case: the blank twice is likeliest, the symbol more likely
    assert next(iter(beam(two, 2).items())) == ((0,), pytest.approx(0.64))
    assert said_by(every_path(two)[0][every_path(two)[1].argmax()].tolist(), 1) == ()


def test_edits() -> None:
    assert [edits("kitten", "sitting"), edits("", "abc"), edits("abc", "abc"), edits("ab", "ba")] == [3, 3, 0, 2]


def test_strips_hold_their_digits_where_they_say() -> None:
    params = Params(noise=0.0, gap=3, digits=6)
    strips = drawn(params, 3, "test", stream("x", 1), 60)
    ink, wide = cut_digits()
    mine, train = ({n for rows in glyphs(3, part) for n in rows.tolist()} for part in ("test", "train"))
    assert not mine & train
    for x, text, left, right in zip(strips.x, strips.text, strips.left, strips.right):
        blank = np.ones(WIDE, bool)
        for digit, a, b in zip(text, left, right):
            blank[a:b] = False
            if digit < BLANK:
                known = [
                    n for n in glyphs(3, "test")[digit] if wide[n] == b - a and (ink[n, :, : b - a] == x[:, a:b]).all()
                ]
                assert known and 0 <= a < b <= WIDE
        assert not x[:, blank].any()
        assert (left[1:] >= right[:-1]).all() and (left[1:] - right[:-1] <= 3).all()
    assert (strips.text < BLANK).sum(1).min() >= 2 and (strips.text < BLANK).sum(1).max() == 6
    again = drawn(params.replace(repeats=1.0), 3, "test", stream("x", 1), 9).text
    assert all(len(set(row[row < BLANK])) == 1 for row in again)


def test_frames_see_their_columns_and_one_beside() -> None:
    x = np.arange(2 * HIGH * WIDE, dtype=np.float32).reshape(2, HIGH, WIDE) + 1
    found = frames(x, 5)
    assert found.shape == (2, HIGH * 7, 10) and middles(5)[:2].tolist() == [2, 7]
    np.testing.assert_array_equal(found[1, :, 2].reshape(HIGH, 7), x[1, :, 9:16])
    assert not found[:, :, 0].reshape(2, HIGH, 7)[:, :, 0].any()


def test_who_is_told_reads_right_by_what_it_is_told() -> None:
    strips = drawn(Params(repeats=0.5), 0, "train", stream("x", 2), 50)
    for row, text in zip(told(strips, 1), strips.text):
        assert said_by(row.tolist(), BLANK) == tuple(text[text < BLANK])


def test_a_step_is_torchs() -> None:
    """Each seed as if alone, with torch.nn's layers, its loss and its Adam."""
    params = TINY.replace(lr=0.01)
    reader = Reader(params, params.nets[0], "cpu")
    first = reader.weights.detach().clone()
    strips = [drawn(params, i, "train", stream("x", i), 4) for i in range(2)]
    reader.learn(strips)
    layers, shape = network(params, params.nets[0])
    sizes = parameters(layers, shape)
    for i, one in enumerate(strips):
        gru, linear = (
            torch.nn.GRU(shape[0], params.units, bidirectional=True),
            torch.nn.Linear(2 * params.units, SYMBOLS),
        )
        parts = dict(zip(sizes, first[i].split([int(np.prod(size)) for size in sizes.values()])))
        gru.load_state_dict({n[2:]: part.view(sizes[n]) for n, part in parts.items() if n.startswith("0.")})
        linear.load_state_dict({n[2:]: part.view(sizes[n]).squeeze(-1) for n, part in parts.items() if n[0] == "1"})
        named = [*gru.parameters(), *linear.parameters()]
        adam = torch.optim.Adam(named, params.lr)
        log_p = linear(gru(seen([one], params.stride)[0].permute(2, 0, 1))[0]).log_softmax(-1)
        lengths = torch.as_tensor((one.text < BLANK).sum(1))
        texts, full = torch.as_tensor(one.text), torch.full((4,), shape[1])
        loss = functional.ctc_loss(log_p, texts, full, lengths, blank=BLANK, reduction="none").mean()
        loss.backward()
        adam.step()
        mine = torch.cat([part.detach().flatten() for part in named])
        assert (reader.weights[i].detach() - mine).abs().max() < 1e-4


@pytest.fixture(scope="module")
def run() -> tuple[BaseResult, dict[str, np.ndarray]]:
    training = train_module("ctc").train(TINY)
    try:
        while True:
            result = next(training)
    except StopIteration as end:
        return result, end.value


def test_weights_and_an_own_strip(run: tuple[Any, dict[str, np.ndarray]]) -> None:
    result, state = run
    named = weights(result, state)
    assert named["net 2.0.weight_hh_l0_reverse"].shape == (2, 24, 8) and named["net 1.prior"].shape == (2, SYMBOLS)
    np.testing.assert_allclose(named["net 1.prior"].sum(1), 1, atol=1e-5)
    typed = answer(TINY, result, state, Strip(typed="77", gap=3))
    assert typed.p.shape == (2, SYMBOLS, len(middles(4))) and typed.strip.shape == (HIGH, WIDE)
    np.testing.assert_allclose(typed.p.sum(1), 1, atol=1e-5)
    pixels = "0" * (FINE * WIDE) * (FINE * HIGH - 2) + ("gg" + "0" * (FINE * WIDE - 2)) * 2
    inked = answer(TINY, result, state, Strip(pixels=pixels)).strip
    assert inked[-1, 0] == 1 and inked.sum() == 1


def test_infinite_losses_are_counted_and_left_out() -> None:
    params = TINY.replace(stride=8, digits=6, repeats=1.0, steps=1)
    tests = [drawn(params, 0, "test", stream("x", 0), 50)]
    assert impossible(tests, 8)[0] == pytest.approx((frames_needed(tests[0].text) > 6).mean())
    *_, result = train_module("ctc").train(params)
    assert np.isfinite(result.loss).all() and (result.impossible > 0.3).all()


# Claims

MANY = 20
SETTINGS = {claim.id: claim.params for claim in CLAIMS} | {mistake.id: mistake.params for mistake in MISTAKES}


def made(id: str, **means: list[Any]) -> BaseResult:
    """Known means of every network in the end, in the order of the claim's nets; of one number, of all."""
    params: Params = SETTINGS[id].replace(seeds=MANY)
    noise, given = np.random.default_rng(0).normal(0, 1e-4, MANY), {}
    for name, nets in means.items():
        values = np.array(nets, float)[:, None] + noise
        given[name] = values[0] if name == "impossible" else values[:, :, None]
    return known(experiment("ctc").Result, params, sizes={"net": len(params.nets), "tick": 1}, **given)


def over_time(id: str, blank: list[float], error: list[float]) -> BaseResult:
    """All networks alike, at three moments."""
    params: Params = SETTINGS[id].replace(seeds=MANY)
    noise = np.random.default_rng(0).normal(0, 1e-4, (len(params.nets), MANY, 1))
    given = {"blank": noise + blank, "error": noise + error}
    return known(experiment("ctc").Result, params, **given)


def splits(id: str, plain: list[float], repeated: list[float]) -> BaseResult:
    params: Params = SETTINGS[id].replace(seeds=MANY)
    noise = np.random.default_rng(0).normal(0, 1e-4, MANY)
    both = np.stack([np.array(each)[:, None] + noise for each in (plain, repeated)], -1)
    return known(experiment("ctc").Result, params, split=both[:, :, None])


def small(id: str, differs: float, misses: float = 0.0) -> BaseResult:
    """The same in random cases of any number of frames."""
    params: Params = SETTINGS[id].replace(seeds=MANY)
    noise = np.random.default_rng(0).normal(0, 1e-4, (MANY, len(FRAMES)))
    given = {"differs": noise + differs, "misses": np.stack([noise + misses] * 3)}
    return known(experiment("ctc.paths").Result, params, **given)


def pair(id: str, **values: tuple[list[float], list[float]]) -> tuple[BaseResult, BaseResult]:
    """Values of ctc, told, prior, one way, no blank for which it holds, and for which not."""
    yes, no = ({name: found[k] for name, found in values.items()} for k in (0, 1))
    return made(id, **yes), made(id, **no)


KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "reads": pair("reads", error=([0.1] * 5, [0.5] * 5)),
    "told": pair("told", error=([0.1, 0.2, 0, 0, 0], [0.2] * 5)),
    "blanks": (over_time("blanks", [0, 1, 0.8], [1, 1, 0.1]), over_time("blanks", [1, 0.5, 0.8], [1, 1, 0.1])),
    "nothing": (over_time("nothing", [0, 1, 0.8], [1, 1, 0.1]), over_time("nothing", [0, 0.5, 0.8], [1, 1, 0.1])),
    "peaks": pair("peaks", covers=([0.3] * 5, [0.8] * 5)),
    "inside": pair("inside", inside=([1.0] * 5, [0.5] * 5)),
    "prior": pair("prior", covers=([0.3, 0, 0.6, 0, 0], [0.3] * 5)),
    "prior_error": pair("prior_error", error=([0.1, 0, 0.2, 0, 0], [0.1] * 5)),
    "repeats": (splits("repeats", [0.2] * 5, [0.3, 0, 0, 0, 1]), splits("repeats", [0.2] * 5, [0.3] * 5)),
    "no_repeats": (splits("no_repeats", [0.2, 0, 0, 0, 0.9], [0.3] * 5), splits("no_repeats", [0.2] * 5, [0.3] * 5)),
    "one_way": pair("one_way", error=([0.1, 0, 0, 0.9, 0], [0.1] * 5)),
    "better_end": pair("better_end", better=([0.01] * 5, [0.3] * 5)),
    "gains": pair("gains", gains=([0.0] * 5, [0.1] * 5)),
    "differs": (small("differs", 0.3), small("differs", 0.05)),
    "short": (small("short", 0.0), small("short", 0.3)),
    "beam": (small("beam", 0.3, 0.2), small("beam", 0.3, 0.0)),
    "reduction": (made("reduction", reported=[2, 8], loss=[8, 8]), made("reduction", reported=[8, 8], loss=[8, 8])),
    "too_short": (made("too_short", impossible=[0.2]), made("too_short", impossible=[0])),
}
