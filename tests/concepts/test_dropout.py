"""Dropout: claims on known results, measures against brute force, expectation over every mask, wrong labels."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.concept.catalog import LANGUAGES
from core.concept.result import arrays, axes
from core.concepts.dropout import claims, figures
from core.concepts.dropout import train as experiment
from core.concepts.dropout.claims import CLAIMS, best, stopped
from core.concepts.dropout.params import (
    COUNTS,
    LAYERS,
    PROBED,
    REMOVALS,
    REMOVED,
    TEST,
    THINNED,
    TINY,
    VALIDATION,
    Net,
    Params,
    Result,
    cost,
    sizes,
)
from core.concepts.dropout.train import load, rates, train
from core.ml.dropout import LEVELS, Dropout
from core.ml.networks import forward, weighted_sums
from core.ml.own import CONTENTS
from core.ml.population import Stacked
from tests.known import DIGITS

# Numbers of the code that the texts repeat.
CONSTANTS = DIGITS | {THINNED, PROBED, 100 * REMOVED[2], 300, 1000, 0.5, 0.7, 13}


@cache
def last(**changes: Any) -> Result:
    *_, result = train(TINY.replace(**changes))
    return result


def in_the_end(params: Params) -> dict[str, tuple[int, ...]]:
    """The shapes of the fields that are recorded when training is over."""
    sizes = {"net": len(params.nets), "seed": params.seeds, "end+": 1, "count": len(COUNTS), "place": 2}
    sizes |= {"layer": params.depth + 1, "removed": len(REMOVED)}
    return {n: tuple(sizes[axis] for axis in declared) for n, declared in axes(Result).items() if "end+" in declared}


def made(params: Params, **given: np.ndarray) -> Result:
    """A finished run with these arrays, and noise for the others."""
    rng, members, ticks = np.random.default_rng(0), (len(params.nets), params.seeds), 4
    shapes = in_the_end(params) | dict.fromkeys(("on", "memorised"), (*members, ticks))
    shapes |= dict.fromkeys(("loss", "accuracy"), (*members, ticks, 3))
    values = {name: rng.uniform(0.4, 0.6, shape).astype(np.float32) for name, shape in shapes.items()}
    plane = np.zeros((len(params.nets), 1, 4, 4), np.uint8)
    points = {"x": np.zeros((0, 2), np.float32), "y": np.zeros(0, int), "frame": np.zeros(1, int)}
    kept = values | points | {"mean": plane, "deviation": plane} | given
    return Result(params, 3, 3, tick=np.arange(ticks), **kept)


def with_effect(claim: claims.Claim, effect: float) -> Result:
    """A run in which what the claim measures is `effect`, up to a little noise, with the luck of a seed shared."""
    params = claim.params
    rng, nets = np.random.default_rng(1), len(params.nets)
    luck = 0.5 + rng.normal(0, 0.02, (1, params.seeds))
    plain = (luck + rng.normal(0, 1e-4, (nets, params.seeds))).astype(np.float32)
    ticks = np.repeat(plain[..., None], 4, 2)
    result = made(
        params,
        on=ticks.copy(),
        memorised=ticks.copy(),
        loss=np.repeat(ticks[..., None], 3, 3),
        accuracy=np.repeat(ticks[..., None], 3, 3),
        **{name: np.zeros(shape, np.float32) for name, shape in in_the_end(params).items()},
    )
    net, index, field = MEASURED[claim.id]
    values = getattr(result, field)
    if values.shape[2] == 1:
        values += plain.reshape(nets, params.seeds, 1, *[1] * (values.ndim - 3))
        if field in ("gap", "blind"):
            values *= 1e-3
    if field == "unsure":  # a ratio
        effect *= float(values.mean())
    values[(params.nets.index(net), slice(None), *index)] += effect
    return result


NONE, HALF, MORE, UNSCALED = claims.NONE, claims.HALF, claims.MORE, claims.UNSCALED
LAST, TESTED = (-1, claims.TEST), (slice(2, 3), slice(1, None))  # a moment; validation and test at once
# Claim → what to raise for its effect to be there: the network, where, and in which field.
MEASURED: dict[str, tuple[Net, tuple, str]] = {
    "test_last": (HALF, LAST, "accuracy"),
    "test_stopped": (HALF, TESTED, "accuracy"),
    "underfits": (NONE, LAST, "accuracy"),
    "stopping_alone": (NONE, TESTED, "accuracy"),
    "clean": (HALF, LAST, "accuracy"),
    "train_on": (HALF, (-1,), "on"),
    "train_off": (HALF, (-1, claims.TRAIN), "loss"),
    "memorised": (NONE, (-1,), "memorised"),
    "higher": (MORE, LAST, "accuracy"),
    "too_high": (HALF, LAST, "accuracy"),
    "linear": (HALF, (0, 1), "gap"),
    "deep": (HALF, (0, 2), "gap"),
    "deep_close": (HALF, (0, 2), "gap"),
    "at_test": (HALF, (0, 0), "mean_accuracy"),
    "average": (HALF, (0, 0), "mean_accuracy"),
    "average_loss": (HALF, (0, 0), "mean_loss"),
    "depends": (HALF, (0, REMOVED.index(0.4)), "robust"),
    "correlated": (NONE, (0,), "correlation"),
    "random": (HALF, (0,), "blind"),
    "spread": (HALF, (0,), "spread"),
    "spread_clean": (HALF, (0,), "spread"),
    "small": (NONE, (0,), "size"),
    "small_clean": (NONE, (0,), "size"),
    "classic": (claims.CLASSIC, LAST, "accuracy"),
    "unscaled": (claims.CLASSIC, LAST, "accuracy"),
    "unscaled_loss": (UNSCALED, LAST, "loss"),
    "far": (HALF, (0, 1), "unsure"),
}
# The same measure where it turns.
TURNED = {
    "stopping_alone_slow": "stopping_alone",
    "memorised_long": "memorised",
    "higher_short": "higher",
    "average_loss_short": "average_loss",
}
MEASURED |= {id: MEASURED[of] for id, of in TURNED.items()}
KNOWN = {
    c.id: tuple(
        with_effect(c, e) for e in ((0.0, 3 * c.smallest) if c.direction == "within" else (3 * c.smallest, 0.0))
    )
    for c in CLAIMS
}


def test_a_run_without_the_networks_or_the_setting_cannot_speak_to_a_claim() -> None:
    for claim in CLAIMS:
        result = KNOWN[claim.id][0]
        assert claim.measure(dataclasses.replace(result, step=1)) is None  # not finished
        assert claim.measure(made(Params(nets=(Net(p=0.35), Net(p=0.15))))) is None
    noisy, clean = Params(), Params(wrong=0.0)
    speaks = {c.id for c in CLAIMS if c.measure(made(noisy)) is not None}
    assert "test_last" in speaks and not speaks & {"clean", "spread_clean", "underfits", "far"}
    assert "test_last" not in {c.id for c in CLAIMS if c.measure(made(clean)) is not None}


def test_stopping_is_at_the_first_best_validation_epoch() -> None:
    rng = np.random.default_rng(3)
    accuracy = rng.integers(0, 5, (2, 6, 4, 3)) / 4  # with ties
    result = made(Params(nets=Params().nets[:2], seeds=6), accuracy=accuracy)
    for net, seed, tick in product(range(2), range(6), range(4)):
        validation = accuracy[net, seed, : tick + 1, 1].tolist()
        chosen = validation.index(max(validation))
        assert best(result)[net, seed, tick] == chosen
        assert stopped(result)[net, seed, tick] == accuracy[net, seed, chosen, 2]


# Data


@pytest.mark.parametrize("data", ["digits", "moons"])
def test_wrong_labels_are_the_first_of_training_and_as_many_of_validation(data: str) -> None:
    params = Params(data=data, examples=100, wrong=0.3)
    (found, wrong), (right, none) = load(params, 5), load(params.replace(wrong=0.0), 5)
    assert (wrong, none) == (30, 0)
    assert [len(x) for x in found.x[:2]] == [100, VALIDATION]
    assert len(found.x[2]) == TEST
    for x, y in zip(found.x, right.x):
        assert np.array_equal(x, y)
    for split, count in enumerate((30, 90, 0)):
        changed = found.y[split] != right.y[split]
        assert changed[:count].all() and not changed[count:].any()
    assert set(found.y[0]) <= set(range(found.classes))
    assert len(load(params.replace(examples=1000), 5)[0].x[2]) == (TEST if data == "moons" else 497)
    other, _ = load(params, 6)
    assert not np.array_equal(other.y[0], found.y[0])


def test_rates_by_layer() -> None:
    expected = {
        "none": [0, 0, 0, 0],
        "hidden": [0, 0.5, 0.5, 0.5],
        "first": [0, 0.5, 0, 0],
        "last": [0, 0, 0, 0.5],
        "inputs": [0.5, 0, 0, 0],
        "all": [0.2, 0.5, 0.5, 0.5],
    }
    assert set(expected) == set(LAYERS)
    for name, found in expected.items():
        assert rates(Net(layers=name), 3) == found


# What is measured


def trained(**changes: Any) -> tuple[Params, Stacked, Result, list[Any]]:
    """A run with its population."""
    kept = []

    class Kept(Stacked):
        def __init__(self, *a: Any, **k: Any):
            super().__init__(*a, **k)
            kept.append(self)

    params = TINY.replace(**changes)
    *_, result = train(params, population=Kept)
    return params, kept[0], result, [load(params, params.data_seed + i) for i in range(params.seeds)]


@cache
def one() -> tuple[Params, Stacked, Result, list[Any]]:
    return trained(wrong=0.25)


def members(params: Params) -> list[tuple[int, int, int]]:
    """(member, net, seed) of all."""
    return [(n * params.seeds + s, n, s) for n in range(len(params.nets)) for s in range(params.seeds)]


def test_losses_in_both_modes_and_memorised_labels() -> None:
    params, race, result, sets = one()
    masks = race.dropout.masks("loss", result.total, params.examples)
    weights = race.dropout.at_test(torch.as_tensor(race.weights))
    for member, n, s in members(params):
        data, wrong = sets[s]
        x, y = torch.as_tensor(data.x[0]).T[None], torch.as_tensor(data.y[0])
        each = slice(member, member + 1)
        thin = forward(torch.as_tensor(race.weights)[each], x, race.sizes, "relu", [m[each] for m in masks])[0].T
        whole = forward(weights[each], x, race.sizes, "relu")[0].T
        assert result.on[n, s, -1] == pytest.approx(functional.cross_entropy(thin, y).item(), rel=1e-5)
        assert result.loss[n, s, -1, 0] == pytest.approx(functional.cross_entropy(whole, y).item(), rel=1e-5)
        right = (whole.argmax(1) == y).float()
        assert result.accuracy[n, s, -1, 0] == pytest.approx(right.mean().item())
        assert result.memorised[n, s, -1] == pytest.approx(right[:wrong].mean().item())


def test_without_wrong_labels_nothing_can_be_memorised() -> None:
    result = last(wrong=0.0)
    assert np.isnan(result.memorised).all() and np.isfinite(result.loss).all()
    assert not {f.id: f for f in figures.FIGURES}["memorised"].shown(result.params)


def test_averages_over_thinned_networks() -> None:
    params, race, result, sets = one()
    weights, tested = torch.as_tensor(race.weights), race.dropout.at_test(torch.as_tensor(race.weights))
    masks = [race.dropout.masks("thinned", t, 1) for t in range(THINNED)]
    for member, n, s in members(params):
        x, y = torch.as_tensor(sets[s][0].x[2][: experiment.PROBED]).T[None], sets[s][0].y[2][: experiment.PROBED]
        each = slice(member, member + 1)
        sums = [weighted_sums(weights[each], x, race.sizes, "relu", [m[each] for m in mask]) for mask in masks]
        whole = weighted_sums(tested[each], x, race.sizes, "relu")
        p = np.stack([z[-1].softmax(1)[0].double().numpy() for z in sums])
        for k, count in enumerate(COUNTS):
            mean = p[:count].mean(0) if count else whole[-1].softmax(1)[0].double().numpy()
            loss = -np.log(mean[y, np.arange(len(y))]).mean()
            assert result.mean_loss[n, s, 0, k] == pytest.approx(loss, rel=1e-4)
            assert abs(result.mean_accuracy[n, s, 0, k] - (mean.argmax(0) == y).mean()) <= 2 / len(y)
        for layer, z in enumerate(whole):
            z = z[0].double().numpy()
            a, b = (np.mean([v[layer][0].double().numpy() for v in sums[i::2]], 0) - z for i in (0, 1))
            expected = (a * b).mean() / z.var(1).mean()
            assert result.gap[n, s, 0, layer] == pytest.approx(expected, rel=1e-3, abs=1e-7)
        assert result.unsure[n, s, 0, 0] == pytest.approx(p[:, 1].std(0).mean(), rel=1e-3, abs=1e-4)


def test_far_is_far_from_every_training_example() -> None:
    params, race, result, sets = one()
    axis = np.linspace(-2, 2, 40)
    masks = [race.dropout.masks("thinned", t, 1) for t in range(THINNED)]
    for member, n, s in members(params):
        x = sets[s][0].x[0].astype(float)
        away = [(a, b) for b in axis for a in axis if np.hypot(x[:, 0] - a, x[:, 1] - b).min() > 0.5]
        each, places = slice(member, member + 1), torch.tensor(away, dtype=torch.float32).T[None]
        p = [
            forward(torch.as_tensor(race.weights)[each], places, race.sizes, "relu", [m[each] for m in mask]).softmax(1)
            for mask in masks
        ]
        spread = torch.cat(p)[:, 1].double().numpy().std(0).mean()
        assert result.unsure[n, s, 0, 1] == pytest.approx(spread, rel=1e-3, abs=1e-5)


def test_units_are_taken_away_with_all_that_they_send() -> None:
    params, race, result, sets = one()
    tested = race.dropout.at_test(torch.as_tensor(race.weights))
    for member, n, s in members(params):
        x, y = torch.as_tensor(sets[s][0].x[2][: experiment.PROBED]).T[None], sets[s][0].y[2][: experiment.PROBED]
        for k, share in enumerate(REMOVED):
            right = []
            for i in range(REMOVALS):
                bits = race.dropout.bits(f"removed {share}", i, 1)
                row, first = tested[member].clone(), 0
                for layer, (a, b) in enumerate(zip(race.sizes, race.sizes[1:])):
                    if layer:  # the weights of a missing unit are zero
                        row[first : first + a * b].view(b, a)[:, bits[layer][s, :, 0] < share * LEVELS] = 0
                    first += a * b + b
                right.append((forward(row[None], x, race.sizes, "relu")[0].argmax(0).numpy() == y).mean())
            assert result.robust[n, s, 0, k] == pytest.approx(np.mean(right), abs=2e-3)


def test_correlation_spread_and_size() -> None:
    params, race, result, sets = one()
    tested = race.dropout.at_test(torch.as_tensor(race.weights))
    for member, n, s in members(params):
        x = torch.as_tensor(sets[s][0].x[2][: experiment.PROBED]).T[None]
        sums = weighted_sums(tested[member][None], x, race.sizes, "relu")
        active = [torch.relu(z)[0].double().numpy() for z in sums[:-1]]
        means = []
        for a in active:
            a = a[a.std(1) > 0]
            r = np.abs(np.corrcoef(a))
            means.append((r.sum() - len(a)) / (len(a) * (len(a) - 1)))
        assert result.correlation[n, s, 0] == pytest.approx(np.mean(means), rel=1e-3)
        w, first, spread, flat = tested[member].double().numpy(), 0, [], []
        for layer, (a, b) in enumerate(zip(race.sizes, race.sizes[1:])):
            if layer:
                rows = w[first : first + a * b].reshape(b, a)
                spread.append(np.mean([(row**2).sum() ** 2 / (a * (row**4).sum()) for row in rows]))
                flat.append(rows.ravel())
            first += a * b + b
        assert result.spread[n, s, 0] == pytest.approx(np.mean(spread), rel=1e-4)
        assert result.size[n, s, 0] == pytest.approx(np.sqrt((np.concatenate(flat) ** 2).mean()), rel=1e-4)


def test_blindness_is_the_correlation_of_absence_with_use() -> None:
    params, race, result, sets = one()
    tested = race.dropout.at_test(torch.as_tensor(race.weights))
    steps = range(result.total - race.steps_per_epoch, result.total)
    for member, n, s in members(params):
        x = torch.as_tensor(sets[s][0].x[2][: experiment.PROBED]).T[None]
        sums = weighted_sums(tested[member][None], x, race.sizes, "relu")
        active = [torch.relu(z)[0].double().numpy() for z in sums[:-1]]
        w, first, found = tested[member].double().numpy(), 0, []
        for layer, (a, b) in enumerate(zip(race.sizes, race.sizes[1:])):
            if layer:
                norm = np.linalg.norm(w[first : first + a * b].reshape(b, a), axis=0)
                masks = [race.dropout.masks("training", t, params.batch)[layer][member] for t in steps]
                absent = (torch.cat(masks, 1) == 0).double().mean(1).numpy()
                if absent.std() > 0:
                    found.append(np.corrcoef(absent, active[layer - 1].mean(1) * norm)[0, 1])
            first += a * b + b
        if found:
            assert result.blind[n, s, 0] == pytest.approx(np.mean(found), rel=1e-3, abs=1e-4)
        else:
            assert np.isnan(result.blind[n, s, 0])


def test_scaling_is_exact_through_a_linear_layer_and_not_through_two() -> None:
    """The mean over all 2⁶ masks of the hidden units."""
    p, shape = 0.3, (3, 3, 3, 2)
    rng = np.random.default_rng(0)
    weights, x = torch.as_tensor(rng.normal(size=(1, 32))), torch.as_tensor(rng.normal(size=(1, 3, 5)))
    for scaling, up in (("inverted", 1 / (1 - p)), ("classic", 1.0)):
        for activation in ("relu", "identity"):
            mean = [torch.zeros(1, n, 5, dtype=torch.float64) for n in shape[1:]]
            for there in product((0, 1), repeat=6):
                chance = np.prod([1 - p if k else p for k in there])
                first, second = (torch.tensor(there[i : i + 3]).double().view(1, 3, 1) * up for i in (0, 3))
                sums = weighted_sums(weights, x, shape, activation, [torch.ones(1, 1, 1), first, second])
                mean = [m + chance * z for m, z in zip(mean, sums)]
            dropout = Dropout(shape, np.array([[0, p, p]]), [scaling], np.array([0]), np.array([0]))
            scaled = weighted_sums(dropout.at_test(weights), x, shape, activation)
            errors = [(m - z).abs().max().item() for m, z in zip(mean, scaled)]
            assert errors[0] < 1e-12 and errors[1] < 1e-6  # classic factors are float32
            assert (errors[2] > 1e-4) == (activation == "relu")


def test_the_estimate_of_the_gap_has_no_bias() -> None:
    """Without a non-linearity nothing but noise is left of it, on either side of zero."""
    found = [last(activation="identity", data_seed=i, seeds=3).gap[1, :, 0, 1:] for i in range(5)]
    values = np.concatenate(found).astype(float)
    assert np.abs(values.mean(0)).max() < 4 * values.std(0).max() / np.sqrt(len(values))
    assert values.min() < 0 < values.max()


def test_unscaled_is_classic_training_read_otherwise() -> None:
    result = last(nets=(Net(scaling="classic"), Net(scaling="none")))
    assert np.array_equal(result.on[0], result.on[1])
    assert not np.allclose(result.loss[0], result.loss[1])


def test_seed_i_is_a_run_of_its_own_and_nets_do_not_disturb_each_other() -> None:
    whole = last(seeds=3, data_seed=4, weight_seed=9)
    for i in range(3):
        alone = last(seeds=1, data_seed=4 + i, weight_seed=9 + i, nets=TINY.nets[1:2])
        assert np.allclose(whole.on[1:2, i], alone.on[:, 0], rtol=1e-4)
        assert np.allclose(whole.loss[1:2, i], alone.loss[:, 0], rtol=1e-4)


def test_without_dropout_both_modes_are_one() -> None:
    result = last(nets=(Net(layers="none"),))
    assert np.allclose(result.on, result.loss[..., 0], rtol=1e-5)
    assert np.abs(result.mean_loss - result.mean_loss[..., :1]).max() < 1e-5 and np.abs(result.gap).max() < 1e-9


def test_own_data() -> None:
    rng = np.random.default_rng(0)
    lines = ["a,b,c,label", *(",".join([*(f"{v:.3f}" for v in rng.normal(size=3)), "uvw"[i % 3]]) for i in range(60))]
    table = "\n".join(lines).encode()
    name = f"sha256:{hashlib.sha256(table).hexdigest()}:60x3x3"
    CONTENTS[name] = table
    params = Params(own=name, epochs=3, seeds=2, width=9, batch=16)
    *_, result = train(params)
    assert sizes(params) == (3, 9, 9, 3) and result.complete
    assert np.isnan(result.memorised).all() and np.isfinite(result.loss).all()
    assert cost(params).steps == result.total


def test_steps_are_those_of_the_cost() -> None:
    for changes in ({}, {"examples": 20, "batch": 20}, {"data": "digits", "epochs": 2, "examples": 60}):
        assert cost(TINY.replace(**changes)).steps == last(**changes).total


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_network_has_a_name_of_its_own(language: str) -> None:
    nets = (Net(), Net(), Net(p=0.3), Net(layers="all"), Net(scaling="classic"), Net(layers="none"))
    found = figures.names(made(Params(nets=nets)), language)
    assert len(set(found)) == 6 and "0.3" in found[2] and "0.2" in found[3]


def test_a_diverged_run_can_be_shown() -> None:
    result = last(lr=0.1)
    broken = dataclasses.replace(
        result, **{n: np.full_like(a, np.nan) for n, a in arrays(result).items() if a.dtype == np.float32 and n != "x"}
    )
    for figure in figures.FIGURES:
        assert figure.draw(broken, "en").to_json() and len(figure.table(broken, "en"))
