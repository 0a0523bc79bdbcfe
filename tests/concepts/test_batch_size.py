"""Batch sizes against torch's own training and gradients, the formulas of sampling, and a balance solved exactly."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.batch_size.claims import CLAIMS, MISTAKES, passes, seconds, soonest, steps, tuned_steps
from core.concepts.batch_size.noise.params import BATCH, DRAWS, RATE, WAYS
from core.concepts.batch_size.noise.train import centred, exact, noise, products
from core.concepts.batch_size.params import BATCHES, Contender, Params, moments, of, per_epoch, size_of, sizes
from core.concepts.batch_size.paths.params import EXAMPLES, STEPS, ticks
from core.concepts.batch_size.paths.train import DEVIATION, ERROR, first, gradient, points_of
from core.concepts.batch_size.tuning.params import RATES, TRIED
from core.ml.data import batch_orders, points, split
from core.ml.networks import initial_weights
from core.ml.own import CONTENTS
from tests.known import known

# That the texts repeat: batches drawn, the batch and rate of the network whose noise is measured, rates tried, and
# sizes, whole or half, that claims compare with what is expected of them; the passes of a preset and the pixels
CONSTANTS = {*map(int, BATCHES[:-1]), DRAWS, BATCH, RATE, len(RATES), len(BATCHES), 3, 10, 50}
SMALL = Params(
    contenders=of("4", "all", lr=0.3), data="moons", points=240, target=0.6, epochs=2, steps=20, width=3, seeds=2
)


def ended(name: str, params: Params) -> tuple[Any, dict[str, np.ndarray]]:
    """The last Result of a run, and the state it returns."""
    run, result = train_module(name).train(params), None
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


@cache
def last(name: str, params: Params = SMALL) -> Any:
    return ended(name, params)[0]


# The race


def network(params: Params, seed: int) -> torch.nn.Sequential:
    """The network of a seed in torch, at its first weights."""
    inputs, hidden, classes = sizes(params)
    net = torch.nn.Sequential(torch.nn.Linear(inputs, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, classes))
    torch.nn.utils.vector_to_parameters(torch.tensor(initial_weights(sizes(params), seed)), net.parameters())
    return net


def test_batches_train_as_torch_does() -> None:
    """With its own loader, whose last batch of a pass may be smaller, as here."""
    result, state = ended("batch_size", SMALL)
    named = experiment("batch_size").weights(result, state)  # type: ignore[misc]
    data = split(*points("moons", 240, 0.1, 1), 1)
    x, y = torch.tensor(data.x[0]), torch.tensor(data.y[0])
    for c, size in enumerate((4, len(x))):
        net, taken, epoch = network(SMALL, 1), 0, 0
        rule = torch.optim.SGD(net.parameters(), 0.3)
        orders = batch_orders(len(x), 40, 1)
        while taken < result.taken[c, -1]:
            order = torch.tensor(orders[epoch].astype(int))
            for inputs, labels in DataLoader(TensorDataset(x[order], y[order]), batch_size=size):
                rule.zero_grad()
                functional.cross_entropy(net(inputs), labels).backward()
                rule.step()
                taken += 1
            epoch += 1
        assert result.taken[c, -1] == taken and result.size[c] == size
        for layer, own in ((0, net[0]), (1, net[2])):
            np.testing.assert_allclose(named[f"{layer}.weight"][c, 1], own.weight.detach(), atol=2e-4)
            np.testing.assert_allclose(named[f"{layer}.bias"][c, 1], own.bias.detach(), atol=2e-4)


def test_each_makes_its_passes_and_its_steps() -> None:
    size = np.array([size_of(batch, 360) for batch in BATCHES])
    assert size[-1] == 360 and size[-2] == 360 and per_epoch(np.array(64), 360) == 6  # five whole batches and a rest
    found = moments(Params(epochs=3, steps=50), size, 360)
    assert (found[:, 0] == 0).all() and (found[:, -1] == np.maximum(3 * per_epoch(size, 360), 50)).all()
    assert (np.diff(found) >= 0).all() and (np.diff(found.sum(0)) > 0).all()
    assert all(3 * per_epoch(size, 360)[i] in row for i, row in enumerate(found))


def test_the_target_is_reached_where_it_is_first() -> None:
    result = replace(last("batch_size"), step_seconds=np.array([[1e-3] * 2, [2e-3] * 2]))
    found = steps(result)
    for c, s in np.ndindex(found.shape):
        there = [int(k) for k, a in zip(result.taken[c], result.accuracy[c, s, :, 1]) if a > 0.6 - 1e-6]
        assert found[c, s] == (there[0] if there else np.inf)
    np.testing.assert_allclose(passes(result)[1], found[1])  # all at once: one step a pass
    np.testing.assert_allclose(seconds(result), found * [[1e-3], [2e-3]])


# Tuning


def test_tuning_holds_the_race() -> None:
    """The size and rate that both train are the same network."""
    params = SMALL.replace(contenders=(Contender(batch="64", lr=0.5),), epochs=1)
    (race, state), (swept, all_of_them) = ended("batch_size", params), ended("batch_size.tuning", params)
    k, r = TRIED.index("64"), RATES.index(0.5)
    np.testing.assert_allclose(all_of_them["weights"][k, r], state["weights"][0], atol=1e-5)
    np.testing.assert_allclose(np.nan_to_num(swept.reached[k, r], nan=np.inf), steps(race)[0])
    np.testing.assert_allclose(swept.test[k, r], race.accuracy[0, :, -1, 2], atol=1e-6)
    assert race.taken[0, -1] == 20 and 3 in race.taken[0]
    passed = race.accuracy[0, :, race.taken[0].tolist().index(3), 2]  # three steps a pass
    np.testing.assert_allclose(swept.passed[k, r], passed, atol=1e-6)


# Noise


def test_products_are_of_gradients_that_torch_computes() -> None:
    params = Params(data="moons", width=5)
    data = split(*points("moons", 60, 0.1, 0), 0)
    net = network(params, 0)
    rows = []
    for x, y in zip(torch.tensor(data.x[0]), torch.tensor(data.y[0])):
        loss = functional.cross_entropy(net(x[None]), y[None])
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))]))
    each = torch.stack(rows).numpy()
    gram = products(initial_weights(sizes(params), 0), sizes(params), data.x[0], data.y[0])
    np.testing.assert_allclose(gram, each @ each.T, atol=1e-5)
    whole = functional.cross_entropy(net(torch.tensor(data.x[0])), torch.tensor(data.y[0]))
    full = torch.cat([g.flatten() for g in torch.autograd.grad(whole, list(net.parameters()))])
    assert gram.mean() == pytest.approx(full.square().sum().item(), rel=1e-4)  # ‖g‖²
    assert centred(gram).trace() == pytest.approx(((each - full.numpy()) ** 2).sum(), rel=1e-4)


def test_the_formulas_are_exact_over_all_batches_there_are() -> None:
    """Every batch of two and of three of five examples, each as likely, drawn with and without replacement."""
    from itertools import combinations, product

    each = np.random.default_rng(0).standard_normal((5, 3))
    found = exact(each @ each.T, np.array([2, 3, 5]))
    for k, size in enumerate((2, 3, 5)):
        for way, drawn in enumerate((product(range(5), repeat=size), combinations(range(5), size))):
            far = [((each[list(batch)].mean(0) - each.mean(0)) ** 2).sum() for batch in drawn]
            assert found[way, k] == pytest.approx(np.mean(far), abs=1e-12)


def test_what_is_measured_is_what_is_exact() -> None:
    each = np.random.default_rng(1).standard_normal((80, 20))
    size = np.array([1, 8, 40, 80])
    measured, said = noise(each @ each.T, size, 0, 0), exact(each @ each.T, size)
    np.testing.assert_allclose(measured[:, :3], said[:, :3], rtol=0.2)
    assert measured[1, 3] < 1e-6 * measured[0, 3] and said[1, 3] == 0
    assert measured[0, 3] == pytest.approx(said[0, 3], rel=0.2)


# Paths


def test_a_gradient_of_a_batch_is_torchs() -> None:
    x, y = (part[None] for part in points_of(3))
    w, drawn = np.array([[0.3, -0.7]]), np.array([[5, 5, 200]])
    for batch in (drawn, None):
        weights = torch.tensor(w[0], requires_grad=True)
        rows = slice(None) if batch is None else batch[0]
        off = torch.tensor(x[0][rows]) @ weights - torch.tensor(y[0][rows])
        (0.5 * off.square().mean()).backward()
        np.testing.assert_allclose(gradient(w, x, y, batch)[0], weights.grad)
    assert np.hypot(*first(9)) == pytest.approx(2)


def test_paths_wander_as_high_as_noise_and_pull_have_it() -> None:
    """The covariance V of the weights in balance solves V = E (1 − η H_B) V (1 − η H_B) + η² C/B, by iteration."""
    params = Params(contenders=of("4", "all"), seeds=6, rate=0.1)
    result = last("batch_size.paths", params)
    height = result.gap[0][:, result.tick >= STEPS // 2].mean(1)
    expected = []
    for s in range(6):
        x, y = points_of(s)
        h = x.T @ x / EXAMPLES
        off = y - x @ np.linalg.solve(h, x.T @ y / EXAMPLES)
        shape, pull = np.einsum("ni,nj,n->ij", x, x, off**2) / EXAMPLES, np.eye(2) - 0.1 * h
        v = np.zeros((2, 2))
        for _ in range(2000):
            spread = np.einsum("ni,nj,n->ij", x, x, np.einsum("ni,ij,nj->n", x, v, x)) / EXAMPLES - h @ v @ h
            v = pull @ v @ pull + 0.01 / 4 * (spread + shape)
        expected.append(0.5 * np.trace(h @ v))
    assert height.mean() == pytest.approx(np.mean(expected), rel=0.15)
    by_rule = 0.1 * (DEVIATION**2).sum() * ERROR**2 / 16
    assert np.mean(expected) == pytest.approx(by_rule, rel=0.15)
    assert result.gap[1, :, -1].max() < 1e-9


# Own data


OWN = ("a,b,c,label\n" + "".join(f"{i},{1000 * (i * i % 7)},{i % 3},{'xy'[i % 2]}\n" for i in range(30))).encode()
NAME = f"sha256:{hashlib.sha256(OWN).hexdigest()}:30x3x2"


@pytest.mark.parametrize("name", ["batch_size", "batch_size.noise"])
def test_a_readers_table_is_learned(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTENTS, NAME, OWN)
    *_, result = train_module(name).train(SMALL.replace(own=NAME))
    assert result.complete
    for figure in load("batch_size").figures:
        if figure.of == name.partition(".")[2]:
            assert figure.summary(result, "en") and len(figure.table(result, "zh"))


def test_who_is_first_is_said_of_those_who_are() -> None:
    """Equal ones are all first, and where nobody is at the target that is said."""
    three = load("batch_size").figure("three")
    assert three.summary(raced(10, 10, 10), "en").count("B = 1, B = 64, all 1,078 (") == 2  # by steps, by seconds
    assert three.summary(raced(10, 10, 10), "en").count("B = 1 (") == 1  # by passes
    nobody = replace(raced(10, 10, 10), accuracy=np.zeros((3, 20, 3, 3)))
    assert "no batch size" in three.summary(nobody, "en")


# Known Results


def raced(one: int, middle: int, most: int, small: float = 0.9, large: float = 0.9) -> Any:
    """Batches of 1, of 64 and of all that are at the target after so many steps, of a millisecond each; test accuracy
    of the smallest and of the largest."""
    params = Params(contenders=of("1", "64", "all"), seeds=20)
    accuracy = np.zeros((3, 20, 3, 3))
    accuracy[:, :, 1:, 1] = 0.95
    accuracy[..., 2] = np.array([small, 0.9, large])[:, None, None]
    taken = np.array([[0, steps, 9999] for steps in (one, middle, most)])
    return known(
        experiment("batch_size").Result, params, examples=1078, size=np.array([1, 64, 1078]), taken=taken,
        accuracy=accuracy, loss=np.zeros_like(accuracy), step_seconds=np.full((3, 20), 1e-3),
    )  # fmt: skip


def tuned(steps_of: dict[str, float] | None = None, shared: float = 0, test: float = 0.9, passed: float = 0.9) -> Any:
    """Every size has its steps at the third rate, where it is best, but the smallest at the first, at which the largest
    takes `shared`. Test accuracies are of the largest."""
    shape = len(TRIED), len(RATES), 20
    reached, validation = np.full(shape, np.nan), np.full(shape, 0.5)
    for k, batch in enumerate(TRIED):
        reached[k, 2 if k else 0] = (steps_of or {}).get(batch, 100)
        validation[k, 2 if k else 0] = 0.9
    reached[-1, 0] = shared or np.nan
    tested, early = np.full(shape, 0.9), np.full(shape, 0.9)
    tested[-1], early[-1] = test, passed
    size = np.array([size_of(batch, 1078) for batch in TRIED])
    given = {"reached": reached, "validation": validation, "test": tested, "passed": early}
    return known(experiment("batch_size.tuning").Result, Params(seeds=20), examples=1078, size=size, **given)


def noisy(off: float = 1.0, grown: float = 1.0, plain: float = 1.0) -> Any:
    """What is measured is `off` times what is exact, half of all without replacement `plain` times; the gradient has
    become so many times smaller."""
    size = np.array([1, 64, 500, 1000])
    exact = np.tile((1 / size)[None, None, None], (2, 20, 2, 1))
    exact[1] *= (1000 - size) / 999
    measured = off * exact
    measured[1, ..., 2] *= plain
    signal = np.tile([1, 1 / grown], (20, 1))
    return known(
        experiment("batch_size.noise").Result, Params(seeds=20), size=size, exact=exact, measured=measured,
        signal=signal, epoch=np.array([0, 10]),
    )  # fmt: skip


def wandering(one: float, scaling: str) -> Any:
    """Batches of 1 stay so high, all others one high."""
    params = Params(contenders=of("1", "8", "4"), scaling=scaling, seeds=20)
    gap = np.ones((3, 20, len(ticks())))
    gap[0] *= one
    given = {"gap": gap, "tick": ticks(), "size": np.array([1, 8, 4])}
    return known(experiment("batch_size.paths").Result, params, **given)


KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "per_pass": (raced(10, 20, 20), raced(1000, 10, 10)),
    "per_step": (raced(1000, 10, 10), raced(10, 10, 10)),
    "middle_one": (raced(1000, 10, 20), raced(10, 10, 10)),
    "middle_all": (raced(10, 10, 1000), raced(10, 10, 10)),
    "with": (noisy(), noisy(1.5)),
    "without": (noisy(), noisy(1.5)),
    "plain": (noisy(), noisy(plain=2)),
    "scale": (noisy(grown=4), noisy()),
    "straight": (tuned({"1": 1000}), tuned()),
    "flat": (tuned(), tuned({"256": 1000})),
    "tuned": (tuned({"1": 10_000}), tuned()),
    "shared": (tuned(), tuned({"1": 10_000})),  # the largest has not arrived
    "general": (tuned(), tuned(test=0.8)),
    "misled": (tuned(passed=0.2), tuned()),
    "ball": (wandering(8, "same"), wandering(1, "same")),
    "same_ball": (wandering(1, "linear"), wandering(8, "linear")),
    "same_ball_early": (wandering(1, "linear"), wandering(8, "linear")),
    "one_rate": (raced(10, 10, 10, large=0.7), raced(10, 10, 10)),
    "equal_passes": (raced(10, 10, 10, large=0.7), raced(10, 10, 10)),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    concept = load("batch_size")
    for claim in CLAIMS:
        name = concept.of(claim).name
        assert claim.measure(next(train_module(name).train(experiment(name).tiny))) is None
    nobody = replace(raced(10, 10, 10), accuracy=np.zeros((3, 20, 3, 3)))
    apart = [claim for claim in CLAIMS if not claim.of]
    assert all(claim.measure(nobody) is None for claim in apart)
    assert len(MISTAKES) == 2 and WAYS[0] == "with"


def test_the_fastest_is_found_among_three() -> None:
    (asked,) = load("batch_size").predictions
    answer, found = asked.answer(raced(50, 10, 40))  # type: ignore[misc]
    assert answer == "middle" and found == {"size": "64", "seconds": "0.01", "seeds": 20}
    assert asked.answer(raced(5, 10, 40))[0] == "smallest"  # type: ignore[index]
    assert asked.answer(raced(10, 10, 40)) is None  # two are first


def test_rates_are_those_with_the_fewest_steps() -> None:
    result = tuned({"16": 30}, shared=50)
    assert soonest(result).tolist() == [0, 2, 2, 2, 2, 0]  # the largest is quicker at the rate of the smallest
    np.testing.assert_array_equal(tuned_steps(result)[:, 0], [100, 100, 30, 100, 100, 50])
