"""Optimizers on surfaces against formulas worked out by hand, scipy, pandas, and torch.optim on one start alone."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cache
from math import sqrt

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from core.concept.result import arrays
from core.concepts.optimizers.averages.params import Result as Averages
from core.concepts.optimizers.averages.train import train as train_averages
from core.concepts.optimizers.claims import CLAIMS, at
from core.concepts.optimizers.figures import FIGURES
from core.concepts.optimizers.params import (
    FOUR,
    MEMORIES,
    NETWORK,
    PAD_RATES,
    PRESETS,
    RATES,
    SURFACES,
    TILT,
    TINY,
    WIDTHS,
    Params,
    Result,
    fresh,
    start_of,
)
from core.concepts.optimizers.train import (
    TUNED_RATES,
    UNROLLED,
    first_weights,
    height,
    shocks,
    slope,
    train,
    xor,
)
from core.conclusions.stats import interval, verdict
from core.ml.own import CONTENTS
from core.ml.rules import RULES, Contender
from tests.known import known

# Numbers of the code that the texts repeat.
MOMENTA = [((sqrt(k) - 1) / (sqrt(k) + 1)) ** 2 for k in (10, 100, 1000)]  # Polyak's best at condition number k
CONSTANTS = {len(RATES), len(TUNED_RATES), UNROLLED, 0.02, 100, 1000, *(round(mu, 2) for mu in MOMENTA)}
CONSTANTS |= {round(0.1 / sqrt(1 - 0.999), 1)}


def averaged(**changes: object) -> Averages:
    *_, result = train_averages(Params(**changes))
    return result


def test_an_own_signal_is_averaged_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    column = np.random.default_rng(3).normal(20, 7, 60).round(3)
    content = ("value\n" + "".join(f"{value!r}\n" for value in column.tolist())).encode()
    name = f"sha256:{hashlib.sha256(content).hexdigest()}:60x1x0"
    monkeypatch.setitem(CONTENTS, name, content)
    found = averaged(own=name, scatter=0.0, beta=0.8, seeds=2)
    signal = (column - np.mean(column)) / np.std(column)
    np.testing.assert_allclose(found.truth, signal, rtol=1e-12)
    np.testing.assert_allclose(found.noisy, [signal, signal], rtol=1e-6)
    expected = pd.Series(signal).ewm(alpha=0.2, adjust=True).mean()
    np.testing.assert_allclose(found.averaged[1, 1], expected, rtol=1e-5, atol=1e-6)
    assert all(claim.measure(found) is None for claim in CLAIMS if claim.id.startswith(("look_back", "correction_e")))
    assert FIGURES[-1].id == "averages" and FIGURES[-1].table(found, "en").iloc[-1, 0] == 60


@cache
def last(**changes: object) -> Result:
    *_, result = train(Params(**changes))
    return result


def heights(places: np.ndarray, surface: str, **changes: object) -> np.ndarray:
    return height(torch.as_tensor(places), Params(surface=surface, **changes)).numpy()


# The surfaces


@pytest.mark.parametrize("surface", SURFACES)
def test_no_place_is_lower_than_the_lowest(surface: str) -> None:
    """From a grid of starts scipy finds no place under 0, and the minima named are at 0."""
    params, known = Params(surface=surface), SURFACES[surface]
    if known.minima:
        assert np.abs(heights(np.array(known.minima, float), surface)).max() < 1e-10
    lowest = []
    for x in np.linspace(*known.box[:2], 5):
        for y in np.linspace(*known.box[2:], 5):

            def f(w: np.ndarray) -> tuple[float, np.ndarray]:
                h, g = slope(torch.as_tensor(w[None]), params)
                return float(h[0]), g[0].numpy()

            lowest.append(minimize(f, [x, y], jac=True, method="L-BFGS-B").fun)
    assert -1e-12 < min(lowest) < 1e-8


@pytest.mark.parametrize("surface", SURFACES)
def test_gradients_are_central_differences(surface: str) -> None:
    places = np.random.default_rng(0).uniform(*np.array(SURFACES[surface].box).reshape(2, 2).T, (40, 2))
    _, g = slope(torch.as_tensor(places), Params(surface=surface))
    for axis, e in enumerate(1e-6 * np.eye(2)):
        difference = (heights(places + e, surface) - heights(places - e, surface)) / 2e-6
        np.testing.assert_allclose(g[:, axis], difference, rtol=1e-5, atol=1e-6 * np.abs(difference).max())


def test_the_surfaces_have_their_published_values() -> None:
    at = np.array([[0.0, 0.0], [1.0, 1.0], [-1.2, 1.0]])
    assert heights(at, "rosenbrock") == pytest.approx([1, 0, 24.2])
    assert heights(at[:2], "beale") == pytest.approx([1.5**2 + 2.25**2 + 2.625**2, 14.203125])
    assert heights(at[:1], "himmelblau") == pytest.approx([170])
    assert heights(at[:2], "bumpy") == pytest.approx([0, 2])
    assert heights(at[:2], "plateau") == pytest.approx([0, 2 / 3])
    assert heights(at[:1], "saddle") == pytest.approx([0.25])
    left, right = (minimize(lambda x: (x[0] ** 2 - 1) ** 2 / 4 + TILT * x[0], [x]).fun for x in (-1, 1))
    assert right - left > 0.25 and SURFACES["tilted"].lowest == pytest.approx(left)


def test_a_turned_bowl_has_its_curvatures() -> None:
    params = Params(conditioning=50.0, angle=25.0)
    second = torch.autograd.functional.hessian(lambda w: height(w[None], params)[0], torch.zeros(2).double()).numpy()
    assert np.linalg.eigvalsh(second) == pytest.approx([1, 50])
    a = np.deg2rad(25)
    assert second @ [np.cos(a), np.sin(a)] == pytest.approx([np.cos(a), np.sin(a)])


def test_the_cliff_is_a_recurrent_unit() -> None:
    w, b = 6.2, -2.4
    cell, h = nn.Linear(1, 1).double(), torch.full((1,), 0.5).double()
    with torch.no_grad():
        cell.weight.fill_(w)
        cell.bias.fill_(b)
        for _ in range(20):
            h = cell(torch.sigmoid(h))
    assert heights(np.array([[w, b]]), "cliff")[0] == pytest.approx((float(torch.sigmoid(h)) - 0.7) ** 2)
    cliff = last(surface="cliff", steps=10, seeds=4).field
    assert np.abs(np.diff(cliff, axis=0)).max() > 0.15 and np.median(np.abs(np.diff(cliff, axis=0))) < 0.005


# Paths


def torch_alone(contender: Contender, params: Params, lr: float, noise: np.ndarray) -> np.ndarray:
    """The path of torch.optim on this surface from the one start: [place, 2]."""
    w = nn.Parameter(torch.tensor(start_of(params), dtype=torch.float64))
    makers = {
        "sgd": lambda: torch.optim.SGD([w], lr),
        "momentum": lambda: torch.optim.SGD([w], lr, contender.momentum),
        "nesterov": lambda: torch.optim.SGD([w], lr, contender.momentum, nesterov=True),
        "adagrad": lambda: torch.optim.Adagrad([w], lr),
        "rmsprop": lambda: torch.optim.RMSprop([w], lr),
        "adam": lambda: torch.optim.Adam([w], lr),
    }
    optimizer, path = makers[contender.rule](), [w.detach().numpy().copy()]
    for t in range(params.steps):
        optimizer.zero_grad()
        height(w[None], params).sum().backward()
        w.grad += torch.as_tensor(params.noise * noise[t])
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize("surface", ["quadratic", "beale", "cliff"])
def test_every_path_is_that_of_torch_alone(surface: str) -> None:
    rules = tuple(fresh(rule, None) for rule in ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"))
    gentle = tuple(c.replace(lr=0.01) for c in rules)
    params = Params(contenders=gentle, surface=surface, rates="given", steps=120, seeds=2, noise=0.3)
    *_, result = train(params)
    for c, contender in enumerate(gentle):
        expected = torch_alone(contender, params, 0.01, shocks(params, 0))
        np.testing.assert_allclose(result.path[c], expected, rtol=0, atol=1e-12)
        np.testing.assert_allclose(result.height[c], heights(expected, surface), rtol=1e-9, atol=1e-12)


def test_all_rules_walk_and_start_together() -> None:
    every = tuple(fresh(rule, None) for rule in RULES)
    result = last(contenders=every, steps=60, seeds=5, layout="random")
    assert np.isfinite(result.path).all() and (result.path[:, 0] == result.path[0, 0]).all()
    assert (result.height[:, -1] < result.height[:, 0]).all()
    assert (result.swarm[:, :, 0] == result.swarm[:1, :, 0]).all()
    assert len({path.tobytes() for path in result.path}) == len(RULES)


def test_the_parts_make_up_the_step() -> None:
    result = last(noise=0.2, seeds=3, steps=80)
    step = np.diff(result.path, axis=1)
    np.testing.assert_allclose(-result.scale * result.average, step, rtol=1e-9, atol=1e-15)
    sgd, momentum, nesterov, adam = range(4)
    np.testing.assert_array_equal(result.average[sgd], result.gradient[sgd])
    for plain in (sgd, momentum, nesterov):
        np.testing.assert_allclose(result.scale[plain], result.chosen[plain], rtol=1e-7)
    b = np.zeros(2)
    for t, g in enumerate(result.gradient[momentum]):
        b = 0.9 * b + g
        np.testing.assert_allclose(result.average[momentum, t], b, rtol=1e-9, atol=1e-12)
    m, v = np.zeros(2), np.zeros(2)
    for t, g in enumerate(result.gradient[adam], 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        np.testing.assert_allclose(result.average[adam, t - 1], m / (1 - 0.9**t), rtol=1e-9, atol=1e-12)
        scale = result.chosen[adam] / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(result.scale[adam, t - 1], scale, rtol=1e-6)


def test_on_a_bowl_sgd_shrinks_every_coordinate_by_its_factor() -> None:
    contenders = (Contender(rule="sgd", lr=0.015),)
    result = last(contenders=contenders, rates="given", angle=0.0, steps=300, seeds=4, layout="random")
    t = np.arange(301)[:, None]
    factors = (1 - 0.015 * np.array([1.0, 100.0])) ** t
    np.testing.assert_allclose(result.path[0], np.array([-4, 1]) * factors, rtol=1e-9, atol=1e-15)
    h = 0.5 * ((np.array([-4, 1]) * factors) ** 2 @ [1, 100])
    assert result.reached[0] == np.flatnonzero(h <= 1e-4 * h[0])[0]
    expected = np.abs(factors[:, None] * result.swarm[0, :, 0].astype(float)).mean(0)
    np.testing.assert_allclose(result.extent[0], expected, rtol=1e-5)


def test_the_stability_limit_of_sgd_and_of_momentum() -> None:
    """SGD diverges from η λ > 2 on, momentum from η λ > 2 (1 + μ) on (Polyak, 1964)."""
    limits = {"sgd": 2 / 100, "momentum": 2 * 1.9 / 100}
    for rule, limit in limits.items():
        two = tuple(at(rule, factor * limit) for factor in (0.99, 1.01))
        result = last(contenders=two, rates="given", steps=1000, seeds=1)
        assert result.height[0, -1] < result.height[0, 0] < result.height[1, -1]


def test_a_target_is_reached_when_it_is_kept() -> None:
    result = last(surface="tilted", contenders=(at("momentum", 0.1),), rates="given", target=0.05, seeds=1)
    under = result.height[0] <= 0.05 * result.height[0, 0]
    n = int(result.reached[0])
    assert under[n:].all() and not under[n - 1]
    first = np.flatnonzero(under)[0]
    assert first < n, "momentum passes the minimum once before it stays"


def test_what_diverges_is_lost_and_harms_nobody() -> None:
    alone = last(contenders=(at("adam", 0.1),), rates="given", surface="rosenbrock", steps=50, seeds=3)
    both = (at("sgd", 50.0), at("adam", 0.1))
    result = last(contenders=both, rates="given", surface="rosenbrock", steps=50, seeds=3)
    assert not np.isfinite(result.path[0, -1]).any() and np.isnan(result.reached[0])
    assert result.path[1].tobytes() == alone.path[0].tobytes()


def test_the_sweep_is_what_the_path_would_be() -> None:
    """The steps of a rate in the sweep are those of a path with that rate; the best rate has the fewest."""
    result = last(seeds=2)
    for c, contender in enumerate(FOUR):
        best = np.nanmin(result.sweep[c])
        assert result.reached[c] == best == result.sweep[c, np.flatnonzero(result.chosen[c] == RATES)[0]]
        some = int(np.flatnonzero(np.isfinite(result.sweep[c]))[3])
        path = last(contenders=(contender.replace(lr=float(RATES[some])),), rates="given", seeds=1)
        assert path.reached[0] == result.sweep[c, some]


def test_the_pad_is_what_the_path_would_be() -> None:
    result = last(seeds=2)
    assert np.isnan(result.pad[0]).all()  # SGD has no memory
    for c, name in ((1, "momentum"), (3, "beta1")):
        m, r = np.argwhere(np.isfinite(result.pad[c]))[7]
        contender = FOUR[c].replace(lr=float(PAD_RATES[r]), **{name: float(MEMORIES[m])})
        path = last(contenders=(contender,), rates="given", seeds=1)
        assert path.reached[0] == result.pad[c, m, r]


def test_turning_the_bowl_leaves_sgd_alone_if_its_start_turns_along() -> None:
    a = np.deg2rad(30)
    x, y = np.cos(a) * -4 - np.sin(a), np.sin(a) * -4 + np.cos(a)
    straight = last(angle=0.0, placed=True, x=-4.0, y=1.0, seeds=1)
    turned = last(angle=30.0, placed=True, x=float(x), y=float(y), seeds=1)
    assert (straight.sweep[:3] == turned.sweep[:3])[np.isfinite(straight.sweep[:3])].mean() > 0.98
    assert turned.reached[:3].tolist() == straight.reached[:3].tolist()


def test_starts_are_a_grid_or_drawn() -> None:
    grid, drawn = (last(layout=layout, seeds=9, steps=10).swarm[0, :, 0] for layout in ("grid", "random"))
    assert len(np.unique(grid[:, 0])) == len(np.unique(grid[:, 1])) == 3
    assert grid.mean(0) == pytest.approx([0, -0.5], abs=1e-6)  # the middle of the box
    assert len(np.unique(drawn[:, 0])) == 9
    more = last(layout="random", seeds=12, steps=10).swarm[0, :9, 0]
    assert (more == drawn).all()
    moved = last(layout="random", seeds=9, steps=10, weight_seed=1).swarm[0, :8, 0]
    assert (moved == drawn[1:]).all()


def test_the_field_covers_the_box_and_the_start() -> None:
    result = last(placed=True, x=-9.0, y=4.0, seeds=1, steps=10)
    assert result.path[0, 0].tolist() == [-9, 4]
    assert result.column[0] < -9 and result.column[-1] == 5 and result.row[-1] > 4
    for i, j in ((0, 0), (10, 70), (-1, -1)):
        place = np.array([[result.column[j], result.row[i]]])
        assert result.field[i, j] == pytest.approx(heights(place, "quadratic")[0], rel=1e-6)


def test_a_result_fits_its_limit() -> None:
    many = tuple(fresh(rule, None) for rule in RULES)
    *_, result = train(Params(contenders=many, seeds=400, steps=100))
    grow = sum(a.nbytes for n, a in arrays(result).items() if n in ("path", "height", "gradient", "average", "scale"))
    assert sum(a.nbytes for a in arrays(result).values()) + 20 * grow < 16 * 1024**2


# Networks


def test_the_networks_are_those_of_torch() -> None:
    for width in WIDTHS:
        row = first_weights(width, "optimizers network", 3)
        parts = torch.as_tensor(row[:-1]).view(4, -1)[:, :width]
        network = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1)).double()
        with torch.no_grad():
            network[0].weight.copy_(parts[:2].T)
            network[0].bias.copy_(parts[2])
            network[2].weight.copy_(parts[3:])
            network[2].bias.fill_(row[-1])
        x = torch.tensor([[-1.0, -1], [-1, 1], [1, -1], [1, 1]], dtype=torch.float64)
        y = torch.tensor([[0.0], [1], [1], [0]], dtype=torch.float64)
        loss = nn.functional.binary_cross_entropy_with_logits(network(x), y)
        loss.backward()
        found, right, gradient = xor(torch.as_tensor(row[None]), np.array([width]))
        assert float(found[0]) == pytest.approx(loss.item(), rel=1e-12)
        assert int(right[0]) == ((network(x) > 0) == (y > 0.5)).sum()
        mine = gradient[0, :-1].view(4, -1)
        torch.testing.assert_close(mine[:2, :width].T, network[0].weight.grad)
        torch.testing.assert_close(mine[3, :width], network[2].weight.grad[0])
        assert (mine[:, width:] == 0).all()


def test_one_unit_never_solves_xor_and_eight_do() -> None:
    result = last(contenders=(at("adam", 0.1),), surface=NETWORK, rates="given", steps=200, seeds=20)
    solved = (result.right[0] == 4).mean(-1)
    assert solved[0] == 0 and solved[-1] == 1
    assert (result.loss[0, -1] < 0.1).all() and (result.loss[0, 0] > 0.3).all()


# Averages


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99])
def test_averages_are_those_of_pandas(beta: float) -> None:
    found = averaged(beta=beta, seeds=3, signal="ramp")
    for seed in range(3):
        values = pd.Series(found.noisy[seed].astype(float))
        corrected = values.ewm(alpha=1 - beta, adjust=True).mean()
        np.testing.assert_allclose(found.averaged[1, seed], corrected, atol=1e-6)
        from_zero = pd.concat([pd.Series([0.0]), values]).ewm(alpha=1 - beta, adjust=False).mean().iloc[1:]
        np.testing.assert_allclose(found.averaged[0, seed], from_zero, atol=1e-6)
        window = values.rolling(round(1 / (1 - beta)), min_periods=1).mean()
        np.testing.assert_allclose(found.averaged[2, seed], window, atol=1e-5)


# The whole


def test_chunks_change_nothing_and_results_are_kept_apart() -> None:
    first, *_, end = train(TINY, chunk=7)
    assert first.step == 0 and end.complete and end.step == 2 * TINY.steps
    assert np.isnan(first.reached).all()


def test_presets_show_what_they_say() -> None:
    changes = {preset.id: preset.changes for preset in PRESETS}
    bowl, ravine = last(**changes["bowl"], seeds=1), last(seeds=1)
    assert bowl.reached[0] == 1 and bowl.reached[1] > 50
    assert ravine.reached[0] > ravine.reached[1] > ravine.reached[2]
    aligned, rotated = (last(**changes[name], seeds=1) for name in ("aligned", "rotated"))
    assert aligned.reached[2] < 10 and rotated.reached[2] > 10 * aligned.reached[2]
    correction = last(**changes["correction"], seeds=1)
    steps = np.linalg.norm(np.diff(correction.path[:, :2], axis=1), axis=-1)[:, 0]
    assert steps[1] / steps[0] == pytest.approx(np.sqrt(1 - 0.9) / np.sqrt(1 - 0.999) * np.sqrt(0.1), rel=1e-4)


# Claims: every measure on a Result known to bear it out, and on one known not to


def made(id: str, **given: np.ndarray) -> Result:
    """A finished run of a claim's settings of which these arrays are known."""
    return known(Result, next(c for c in CLAIMS if c.id == id).params, **given)


def each(values: object, *shape: int) -> np.ndarray:
    """A value per contender, the same along all further axes, give or take 2 % over the first of them, the starts."""
    spread = np.linspace(0.98, 1.02, shape[0]).reshape(-1, *[1] * (len(shape) - 1)) * np.ones(shape)
    return np.multiply.outer(np.array(values, float), spread)


def counted(id: str, *steps: float) -> Result:
    """These steps to the target for the contenders, from every start."""
    return made(id, reached=np.array(steps, float), reached_by=each(steps, 40))


def apart(id: str, *distances: float) -> Result:
    """Contenders that end this far from the minimum, along both axes."""
    return made(id, extent=each(distances, 40, 2))


def left_at(id: str, *steps: int) -> Result:
    """Contenders that wait at their starts and are off the saddle or the plateau after these steps."""
    start, off = ((0.05, 0.5), (0.9, 0.0)) if "saddle" in id else ((3.0, 0.0), (0.5, 0.0))
    frame = np.arange(61)
    away = (frame >= np.array(steps)[:, None])[:, None, :, None] & np.ones((5, 40, 61, 1), bool)
    return made(id, frame=frame, swarm=np.where(away, off, start))


def shrinks(id: str, power: float) -> Result:
    """Steps of a length that falls with a power of their number."""
    frame, jitter = np.arange(100), np.exp(0.05 * np.random.default_rng(0).standard_normal((1, 40, 100)))
    return made(id, frame=frame, pace=jitter / (frame + 1.0) ** power)


def solving(id: str, *points: int) -> Result:
    """Networks of every width that have so many points right."""
    return made(id, right=np.broadcast_to(np.reshape(points, (-1, 1, 1)), (2, len(WIDTHS), 200)))


SLOW, QUICK = (40, 10), (10, 40)  # the first contender is the slower one, the quicker one
RAMP, CONSTANT = averaged(seeds=40, signal="ramp", scatter=0.05), averaged(seeds=40, signal="constant")


def remade(result: Averages, *kinds: int, late: float = 0.0) -> Averages:
    """With other averages in the places of plain, corrected and window, and something added to the first."""
    return dataclasses.replace(result, averaged=result.averaged[[*kinds]] + np.array([late, 0, 0])[:, None, None])


KNOWN = {
    "correction_steps": (counted("correction_steps", 20, 20), counted("correction_steps", *QUICK)),
    "correction_first": tuple(made("correction_first", pace=each(ends, 40, 1)) for ends in (QUICK, SLOW)),
    "xor_adam": (solving("xor_adam", 0, 4), solving("xor_adam", 4, 0)),
    "look_back": (RAMP, remade(RAMP, 0, 2, 2)),
    "look_back_smooth": (remade(CONSTANT, 0, 1, 1), CONSTANT),
    "correction_early": (CONSTANT, remade(CONSTANT, 1, 1, 2)),
    "correction_late": (CONSTANT, remade(CONSTANT, 0, 1, 2, late=0.1)),
}
KNOWN |= {
    id: (counted(id, *SLOW), counted(id, *QUICK))
    for id in ("momentum_ravine", "damping_severe", "adagrad_aligned", "adagrad_rotated")
}
KNOWN |= {id: (counted(id, *QUICK), counted(id, *SLOW)) for id in ("momentum_bowl", "best_rate", "damping_mild")}
KNOWN |= {
    id: (left_at(id, 50, 10, 10, 20, 10), left_at(id, 50, 10, 10, 60, 10))
    for id in ("saddle_one_rate", "saddle_best", "plateau_one_rate", "plateau_best")
}
KNOWN |= {id: (counted(id, np.nan, 9), counted(id, 9, np.nan)) for id in ("local_one_rate", "local_best")}
KNOWN |= {
    id: (apart(id, *SLOW), apart(id, *QUICK)) for id in ("momentum_speeds", "momentum_damps", "momentum_damps_half")
}
KNOWN |= {id: (shrinks(id, 0.5), shrinks(id, 1.0)) for id in ("adagrad_root", "adagrad_root_calm")}
KNOWN |= {id: (solving(id, 4, 4), solving(id, 0, 0)) for id in ("one_minimum_narrow", "one_minimum_wide")}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_verdict_can_come_out_either_way(claim: object) -> None:
    positive, negative = (verdict(claim, interval(claim.measure(r), claim.share)) for r in KNOWN[claim.id])
    assert (positive, negative) == ("holds", "fails")


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    first, *_ = train(Params(seeds=2, steps=10))
    assert all(
        claim.measure(first) is None for claim in CLAIMS if "look" not in claim.id and "correction_" not in claim.id
    )
    alone = last(contenders=(at("lion", 0.1),), steps=10, seeds=2)
    assert all(claim.measure(alone) is None for claim in CLAIMS)
