"""Learning rates against torch's schedulers and optimizers, brute force, and the eigenvalues of whole Hessians."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.optim import SGD, lr_scheduler

from core.concept.parts import Experiment, load, train_module
from core.concepts.learning_rate import claims
from core.concepts.learning_rate.edge import train as edge
from core.concepts.learning_rate.edge.params import EXAMPLES, RATES, SIZES
from core.concepts.learning_rate.networks import FROM, RISE, TO, WARM, factors_of, sets_of, starts
from core.concepts.learning_rate.params import SCHEDULES, Params, layout, of, steps_per_epoch, weights
from core.concepts.learning_rate.range_test import train as finder
from core.concepts.learning_rate.range_test.params import ERROR, FIRST, GRID, METHODS, RECIPE, TRIED
from core.concepts.learning_rate.rates.params import NAMES, PEAKS
from core.concepts.learning_rate.warmup.params import DEPTH, EPOCHS, HELD, LENGTHS, PARTS, TARGETS
from core.concepts.learning_rate.warmup.params import NAMES as WAYS
from core.concepts.learning_rate.warmup.params import SIZES as WARMED
from core.concepts.learning_rate.warmup.train import warmed
from core.ml.labels import mistaught
from core.ml.own import CONTENTS
from core.takeaway.export import script
from tests.known import known

# That the texts repeat
CONSTANTS = {EPOCHS, HELD, LENGTHS[0], TRIED, RECIPE, FIRST, 100 * ERROR, 100 * RISE, EXAMPLES, SIZES[1]}
CONSTANTS |= {
    WARMED["batch"],
    finder.STOP,
    claims.TARGET,
    RATES["squared"][0],
    RATES["squared"][1],
    RATES["squared"][2],
}
CONSTANTS |= {100 * Params().wrong_labels, 110.0, Params().gain}  # layers of the network of He et al., 2016

SMALL = Params(data="moons", epochs=3, every=1, batch=40, width=3, seeds=2, descent_steps=60)


@cache
def run(name: str, params: Params) -> tuple[Any, dict[str, np.ndarray]]:
    """The last Result, and the state."""
    training, result = train_module(name).train(params), None
    while True:
        try:
            result = next(training)
        except StopIteration as end:
            return result, end.value


def network(row: np.ndarray, sizes: tuple[int, ...]) -> torch.nn.Sequential:
    parts: list[torch.nn.Module] = []
    for i, o in pairwise(sizes):
        parts += [torch.nn.Linear(i, o), torch.nn.ReLU()]
    net = torch.nn.Sequential(*parts[:-1])
    torch.nn.utils.vector_to_parameters(torch.tensor(row), net.parameters())
    return net


def row_of(net: torch.nn.Module) -> np.ndarray:
    return torch.nn.utils.parameters_to_vector(net.parameters()).detach().numpy()


# Schedules


def by_torch(rule: str, params: Params) -> tuple[lr_scheduler.LRScheduler, bool]:
    """A scheduler at a peak of 1, and whether it is stepped per epoch."""
    steps = params.epochs * steps_per_epoch(params)
    optimizer, warm = SGD([torch.zeros(1)], lr=1.0), max(1, round(WARM * steps))
    if rule == "warm_cosine":
        rising = lr_scheduler.LinearLR(optimizer, 1 / warm, total_iters=warm - 1)
        falling = lr_scheduler.CosineAnnealingLR(optimizer, steps - warm)
        return lr_scheduler.SequentialLR(optimizer, [rising, falling], [warm]), False
    made: dict[str, Any] = {
        "constant": lambda: lr_scheduler.ConstantLR(optimizer, 1.0),
        "staircase": lambda: lr_scheduler.StepLR(optimizer, params.every, params.drop),
        "per_batch": lambda: lr_scheduler.StepLR(optimizer, params.every, params.drop),
        "inverse": lambda: lr_scheduler.LambdaLR(
            optimizer, lambda epoch: 1 / (1 + (1 / params.drop - 1) / params.every * epoch)
        ),
        "exponential": lambda: lr_scheduler.ExponentialLR(optimizer, params.drop ** (1 / params.every)),
        "cosine": lambda: lr_scheduler.CosineAnnealingLR(optimizer, steps),
        "one_cycle": lambda: lr_scheduler.OneCycleLR(
            optimizer, 1.0, steps, pct_start=RISE, div_factor=FROM, final_div_factor=TO, cycle_momentum=False
        ),
    }
    return made[rule](), rule in ("staircase", "inverse", "exponential")


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("rule", SCHEDULES)
def test_schedules_are_those_of_torch(rule: str) -> None:
    params = Params(epochs=6, every=2, batch=100)
    scheduler, per_epoch = by_torch(rule, params)
    found, each = [], steps_per_epoch(params)
    for step in range(params.epochs * each):
        found.append(scheduler.get_last_lr()[0])
        if not per_epoch or step % each == each - 1:
            scheduler.step()
    np.testing.assert_allclose(factors_of(rule, params), found, rtol=1e-6, atol=1e-9)


def test_decays_agree_at_the_first_stair_and_a_run_of_one_step_has_them_all() -> None:
    params = Params(epochs=12, every=5, drop=0.3)
    at = 5 * steps_per_epoch(params)
    for rule in ("staircase", "inverse", "exponential"):
        assert factors_of(rule, params)[at] == pytest.approx(0.3)
    short = Params(data="moons", epochs=1, batch=512)
    assert all(np.isfinite(factors_of(rule, short)).all() and len(factors_of(rule, short)) == 1 for rule in SCHEDULES)


def test_networks_take_the_path_of_torch_and_its_scheduler() -> None:
    params = SMALL.replace(schedules=of("staircase", "cosine"), rate=0.3)
    result, state = run("learning_rate", params)
    sets, seed = sets_of(params), 1
    for k, rule in enumerate(("staircase", "cosine")):
        net = network(starts(params)[seed], layout(params))
        optimizer = SGD(net.parameters(), lr=params.rate)
        factors, step = iter(factors_of(rule, params)), 0
        for order in sets.orders[seed]:
            for at in range(0, len(order), params.batch):
                rows = order[at : at + params.batch]
                optimizer.param_groups[0]["lr"] = params.rate * next(factors)
                optimizer.zero_grad()
                out = net(torch.tensor(sets.x[seed][rows]))
                functional.cross_entropy(out, torch.tensor(sets.y[seed][rows])).backward()
                optimizer.step()
                step += 1
        np.testing.assert_allclose(state["weights"][k, seed], row_of(net), atol=2e-5)
        x, y = (torch.tensor(a[seed][: sets.bounds[1]]) for a in (sets.x, sets.y))
        assert result.loss[k, seed, -1, 0] == pytest.approx(functional.cross_entropy(net(x), y).item(), abs=1e-5)
        for own, w in zip(net.parameters(), weights(result, state).values()):
            np.testing.assert_allclose(w[k, seed], own.detach().numpy(), atol=2e-5)


def test_so_many_labels_are_wrong_and_only_those_of_training() -> None:
    wrong, right = sets_of(Params(wrong_labels=0.3, seeds=2)), sets_of(Params(wrong_labels=0.0, seeds=2))
    n = wrong.bounds[1]
    assert 0.25 < (wrong.y[:, :n] != right.y[:, :n]).mean() < 0.35
    assert (wrong.y[:, n:] == right.y[:, n:]).all()
    assert set(mistaught(np.zeros(200, int), 3, 1.0, 0)) == {1, 2}


@pytest.mark.parametrize("part", load("learning_rate").experiments, ids=lambda part: part.name)
def test_every_experiment_fits_into_one_script(part: Experiment) -> None:
    compile(script(part.name, part.tiny), part.name, "exec")


def test_a_table_of_ones_own_is_trained_on() -> None:
    rng, y = np.random.default_rng(0), np.arange(90) % 3
    x = rng.standard_normal((90, 2)) + 3 * np.stack([y == 1, y == 2], 1)
    content = "\n".join(["a,b,label", *(f"{a:.4f},{b:.4f},k{label}" for (a, b), label in zip(x, y))]).encode()
    name = f"sha256:{hashlib.sha256(content).hexdigest()}:90x2x3"
    CONTENTS[name] = content
    result, _ = run("learning_rate", Params(own=name, epochs=8, batch=10, seeds=2, wrong_labels=0.0))
    assert result.accuracy[0, :, -1, 2].mean() > 0.7
    assert all(claim.measure(result) is None for claim in claims.CLAIMS if not claim.of)


# Rates that are read off a test


def test_the_range_test_is_a_run_of_torch_that_stops() -> None:
    params = SMALL.replace(batch=20)
    sets, rates = sets_of(params), np.geomspace(1e-3, 300.0, 40)
    smooth, left = finder.range_test(params, sets, starts(params), rates)
    seed, kept = 1, finder.KEPT
    net, average, lowest, found = network(starts(params)[seed], layout(params)), 0.0, np.inf, []
    optimizer, each = SGD(net.parameters(), lr=1.0), steps_per_epoch(params)
    for step, rate in enumerate(rates):
        epoch, k = divmod(step, each)
        rows = sets.orders[seed, epoch % params.epochs, k * 20 : (k + 1) * 20]
        optimizer.zero_grad()
        out = net(torch.tensor(sets.x[seed][rows]))
        loss = functional.cross_entropy(out, torch.tensor(sets.y[seed][rows]))
        average = kept * average + (1 - kept) * loss.item()
        found.append(average / (1 - kept ** (step + 1)))
        if not found[-1] <= finder.STOP * lowest:
            found.pop()
            break
        lowest = min(lowest, found[-1])
        loss.backward()
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    np.testing.assert_allclose(smooth[seed][: len(found)], found, rtol=1e-3)
    assert np.isnan(smooth[seed][len(found) :]).all()
    np.testing.assert_allclose(left[seed], row_of(net), rtol=1e-2, atol=1e-3)


def test_methods_read_what_they_say() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        losses, rates = rng.standard_normal(9), np.geomspace(0.01, 1, 9)
        slopes = [(losses[i + 1] - losses[i]) / np.log(rates[i + 1] / rates[i]) for i in range(8)]
        assert finder.steepest(rates, losses) == rates[int(np.argmin(slopes))]
        assert finder.tenth(rates, losses) == pytest.approx(rates[losses.tolist().index(min(losses))] / 10)
        falling = [c for n in range(1, 10) for c in combinations(range(9), n) if (np.diff(losses[list(c)]) < 0).all()]
        longest = max(map(len, falling))
        end = min(c[-1] for c in falling if len(c) == longest)
        assert finder.valley(rates, losses) == rates[max(0, end - longest // 2)]
    rates, losses = np.arange(1.0, 41), np.r_[np.linspace(1, 2, 40)]
    losses[30:] = np.nan
    assert finder.readable(rates, losses)[0].tolist() == list(range(11, 26))


def test_the_recipe_changes_its_rate_where_torch_finds_the_error_low() -> None:
    params = Params(epochs=2, seeds=2, batch=64)
    sets, seed = sets_of(params), 1
    found = finder.first_switch(params, sets, starts(params), 34)
    net, n = network(starts(params)[seed], layout(params)), sets.bounds[1]
    optimizer, x, y = SGD(net.parameters(), lr=FIRST), torch.tensor(sets.x[seed]), torch.tensor(sets.y[seed])
    for step in range(34):
        if (net(x[:n]).argmax(1) != y[:n]).float().mean() < ERROR:
            break
        rows = sets.orders[seed].reshape(2, n)[step // 17][step % 17 * 64 :][:64]
        optimizer.zero_grad()
        functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
    else:
        step = 34
    assert abs(int(found[seed]) - step) <= 1


# Warm-up


def test_warm_up_is_that_of_torch() -> None:
    factors = warmed(100)
    for k, length in enumerate(LENGTHS, 1):
        scheduler = lr_scheduler.LinearLR(SGD([torch.zeros(1)], lr=1.0), 1 / length, total_iters=length - 1)
        found = []
        for _ in range(100):
            found.append(scheduler.get_last_lr()[0])
            scheduler.optimizer.step()
            scheduler.step()
        np.testing.assert_allclose(factors[k], found, rtol=1e-6)
    assert (factors[0] == 1).all() and (factors[-len(PARTS) :, HELD:] == 1).all()
    assert factors[-len(PARTS) :, 0].tolist() == list(PARTS)


def test_larger_first_weights_are_larger_and_biases_are_not() -> None:
    plain, large = (starts(Params(seeds=1, width=4), DEPTH, gain)[0] for gain in (1.0, 3.0))
    ratio = large / plain
    np.testing.assert_allclose(np.unique(ratio.round(5)), [1, 3])
    assert (ratio.round(5) == 1).sum() == 4 * DEPTH + 10


def test_of_first_rates_that_are_held_the_best_on_validation_data_counts() -> None:
    values = np.arange(7 * 2 * 3, dtype=float).reshape(7, 2, 3)
    accuracy = np.zeros((7, 2, 3))
    accuracy[5, 0], accuracy[6, 1] = 1, 1
    found = claims.with_best_held(values, accuracy)
    assert found.shape == (5, 2, 3)
    np.testing.assert_array_equal(found[4], [values[5, 0], values[6, 1]])


# The edge


@pytest.mark.parametrize("objective", ["squared", "cross_entropy"])
def test_sharpness_is_the_largest_eigenvalue_of_the_whole_hessian(objective: str, monkeypatch: Any) -> None:
    """Of a smaller network, on the way of torch.optim."""
    sizes = (64, 2, 10)
    monkeypatch.setattr(edge, "SIZES", sizes)
    monkeypatch.setattr(edge, "EXAMPLES", 40)
    params = Params(seeds=1, objective=objective, descent_steps=40)
    result, state = run.__wrapped__("learning_rate.edge", params)
    x, t = (torch.tensor(a).double() for a in edge.drawn(0))
    for k, rate in enumerate(RATES[objective]):
        first = torch.tensor(edge.initial_weights(sizes, 0)).double()
        w = first.clone().requires_grad_()
        optimizer = SGD([w], lr=rate)

        def loss(w: torch.Tensor) -> torch.Tensor:
            one, b, two, c = w.split([128, 2, 20, 10])
            z = two.view(10, 2) @ torch.tanh(one.view(2, 64) @ x + b[:, None]) + c[:, None]
            if objective == "squared":
                return 0.5 * (z - t).square().sum(0).mean()
            return functional.cross_entropy(z.T, t.argmax(0))

        for step in range(41):
            if step in (0, 20, 40):
                largest = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, w.detach()))[-1].item()
                at = result.tick.tolist().index(step)
                assert result.sharpness[k, 0, at] == pytest.approx(largest, rel=2e-3)
                checked = result.checked.tolist().index(step)
                assert result.check[k, checked] == pytest.approx(largest, rel=1e-3)
                assert result.loss[k, 0, at] == pytest.approx(loss(w).item(), rel=1e-4)
            optimizer.zero_grad()
            loss(w).backward()
            if step < 40:
                optimizer.step()
        np.testing.assert_allclose(state["weights"][k, 0], w.detach().numpy(), atol=1e-4)


def test_on_a_parabola_the_edge_is_two_over_the_rate() -> None:
    """Descent comes closer below 2/η and goes away above it; the eigenvalue is found, and lost where nothing is."""
    curvature = torch.linspace(0.1, 4.0, 30)

    def height(w: torch.Tensor) -> torch.Tensor:
        return 0.5 * (curvature * w.square()).sum(1)

    w = torch.ones(2, 30)
    for rate, closer in ((0.49, True), (0.51, False)):
        far = w.clone()
        for _ in range(50):
            far = far - rate * edge.slope_at(height, far)[1]
        assert (height(far) < height(w)).all() == closer
    _, found, v = edge.sharpest(height, w, torch.ones(2, 30))
    for _ in range(3):
        _, found, v = edge.sharpest(height, w, v)
    np.testing.assert_allclose(found, 4.0, rtol=1e-3)
    assert edge.by_differences(height, np.ones(30)) == pytest.approx(4.0, rel=1e-4)
    x, t = (torch.tensor(a)[None] for a in edge.drawn(0))
    steep = edge.mean_loss("squared", x, t)
    lost = torch.full((1, edge.initial_weights(SIZES, 0).size), torch.nan)
    assert edge.sharpest(steep, lost, torch.ones_like(lost))[1].isnan().all()
    assert np.isnan(edge.by_differences(steep, lost[0].numpy()))


# Measures

SEEDS = 20


def schedules(id: str, **ends: tuple[float, float]) -> Any:
    """Training loss and test accuracy in the end, by the rule of a contender; before it the loss is 2."""
    params = next(claim for claim in claims.CLAIMS if claim.id == id).params
    rows = [ends.get(each.rule, (0.0, 0.0)) for each in params.schedules]
    loss, accuracy = np.full((len(rows), SEEDS, params.epochs + 1, 3), 2.0), np.zeros((len(rows), SEEDS, 2, 3))
    for i, (last, right) in enumerate(rows):
        loss[i, :, params.every + 1 :], accuracy[i] = last, right
    kind = load("learning_rate").experiments[0].Result
    tick = np.arange(params.epochs + 1)
    accuracy = np.repeat(accuracy[:, :, :1], len(tick), 2)
    return known(kind, params.replace(seeds=SEEDS), loss=loss, accuracy=accuracy, tick=tick)


def other(id: str, **given: np.ndarray) -> Any:
    """A Result of the further experiment that a claim is of."""
    claim = next(c for c in claims.CLAIMS if c.id == id)
    return known(load("learning_rate").of(claim).Result, claim.params.replace(seeds=SEEDS), **given)


def peaks(id: str, **best: tuple[int, float]) -> Any:
    """Where each schedule is best, and its accuracy there; half of it elsewhere, others have none right."""
    accuracy = np.zeros((len(NAMES), len(PEAKS), SEEDS, 2, 3))
    for name, (place, right) in best.items():
        accuracy[NAMES.index(name)] = right / 2
        accuracy[NAMES.index(name), place] = right
    return other(id, accuracy=accuracy)


def methods(id: str, **lost: float) -> Any:
    """Accuracy lost by methods; the best of the grid has 0.9."""
    accuracy = np.zeros((len(METHODS) + len(GRID), SEEDS, 2, 3))
    accuracy[len(METHODS)] = 0.9
    for name, points in lost.items():
        accuracy[METHODS.index(name)] = 0.9 - points
    return other(id, accuracy=accuracy)


def warm(id: str, alive: tuple[str, ...] = (), **right: float) -> Any:
    """Ways that survive every target, and accuracies of ways."""
    shape = len(WAYS), len(TARGETS), SEEDS, 2, 3
    loss, accuracy = np.full(shape, 5.0), np.zeros(shape)
    for k, way in enumerate(WAYS):
        name = "held" if way.startswith("held") else way
        loss[k] = 0.1 if name in alive else 5.0
        accuracy[k] = right.get(name, 0.0)
    return other(id, loss=loss, accuracy=accuracy)


def edges(id: str, times: float = 1.0, rose: float = 0.3, losses: tuple[float, ...] = (0.2, 0.1, 0.1)) -> Any:
    """Sharpness as a multiple of 2/η, how often the loss rose, and the losses in the end."""
    sharp = 2 / np.array(RATES["squared"])[:, None, None] * np.full((3, SEEDS, 2), times)
    loss = np.broadcast_to(np.array(losses)[:, None, None], sharp.shape)
    return other(id, sharpness=sharp, rose=np.full(sharp.shape, rose), loss=loss, tick=np.array([0, 800]))


ALL = (*WAYS[:4], "held")
KNOWN: dict[str, tuple[Any, Any]] = {
    "lower": tuple(schedules("lower", constant=(1.0, 0), staircase=(v, 0)) for v in (0.8, 1.0)),
    "accuracy": tuple(schedules("accuracy", constant=(1, 0.8), staircase=(1, v)) for v in (0.9, 0.8)),
    "first_stair": tuple(schedules("first_stair", constant=(1.9, 0), staircase=(v, 0)) for v in (1.0, 1.9)),
    "clean": tuple(schedules("clean", constant=(1, 0.9), staircase=(1, v)) for v in (0.9, 0.8)),
    "low": tuple(schedules("low", constant=(1, v), staircase=(1, 0.8)) for v in (0.9, 0.8)),
    "per_batch": tuple(schedules("per_batch", constant=(1, 0.9), per_batch=(v, r)) for v, r in ((2, 0.1), (1, 0.9))),
    "tuned": tuple(peaks("tuned", cosine=(4, v), constant=(2, 0.9)) for v in (0.95, 0.9)),
    "alike": tuple(peaks("alike", cosine=(4, 0.9), staircase=(4, v)) for v in (0.9, 0.8)),
    "cycle": tuple(peaks("cycle", one_cycle=(4, v), cosine=(4, 0.9)) for v in (0.9, 0.8)),
    "higher": tuple(peaks("higher", cosine=(v, 0.9), constant=(2, 0.9)) for v in (5, 2)),
    "steepest": (methods("steepest", steepest=0.3), methods("steepest", steepest=0.0)),
    "tenth": (methods("tenth", tenth=0.05), methods("tenth", tenth=0.0)),
    "valley": (methods("valley", valley=0.05), methods("valley", valley=0.0)),
    "tenth_clean": (methods("tenth_clean", tenth=0.0), methods("tenth_clean", tenth=0.1)),
    "valley_clean": (methods("valley_clean", valley=0.0), methods("valley_clean", valley=0.1)),
    "recipe": (methods("recipe", recipe=0.0), methods("recipe", recipe=0.1)),
    "unrestored": tuple(methods("unrestored", valley=0.02, unrestored=v) for v in (0.4, 0.02)),
    "dies": (warm("dies"), warm("dies", ALL)),
    "lives": (warm("lives", ALL), warm("lives")),
    "too_short": (warm("too_short"), warm("too_short", ALL)),
    "first_rate": (warm("first_rate", ALL), warm("first_rate")),
    "nothing_won": tuple(warm("nothing_won", ALL, none=0.9, linear_80=v) for v in (0.9, 0.95)),
    "edge": (edges("edge"), edges("edge", 0.5)),
    "edge_fast": (edges("edge_fast", 1.1), edges("edge_fast", 0.5)),
    "below": (edges("below", 0.7), edges("below")),
    "rises": (edges("rises"), edges("rises", rose=0.0)),
    "still_falls": (edges("still_falls"), edges("still_falls", losses=(0.1, 0.2, 0.2))),
}
