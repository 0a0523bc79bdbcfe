"""Batch normalization against torch.nn, autograd and numpy."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core.concept.parts import Experiment, experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.batch_norm import figures
from core.concepts.batch_norm.claims import CLAIMS, MISTAKES, good
from core.concepts.batch_norm.invariance.params import BIASES, SCALES
from core.concepts.batch_norm.invariance.params import KINDS as STARTED
from core.concepts.batch_norm.networks import EACH, EPS, FACTOR, KEPT, SHIFT, Normed, first_weights, noise, parts
from core.concepts.batch_norm.params import GOOD, RATES, TINY, Net, Params, named, sizes, weights
from core.concepts.batch_norm.serving.params import DRIFTS, WAYS
from core.concepts.batch_norm.serving.train import exactly, judged, others
from core.concepts.batch_norm.shift.params import KINDS
from core.concepts.batch_norm.shift.train import look, moved, turned
from core.ml.data import batch_orders
from core.ml.optimizers import Settings
from core.ml.own import CONTENTS
from core.takeaway.export import script
from tests.known import known

# That the texts repeat: how many rates, of the prediction, of the lesson, and sizes that figures and claims name
CONSTANTS = {len(RATES), GOOD, KEPT, 1 - KEPT, 70, *BIASES, *SCALES, 128, 8, 4, 16}
LAYERS = (5, 7, 6, 3)
N, BATCH, SEEDS = 48, 16, 2


class After(nn.Sequential):
    """A network of torch.nn of one kind, its norms where ours are."""

    def __init__(self, kind: str, row: np.ndarray):
        norm: Any = {"none": nn.Identity, "layer": nn.LayerNorm, "bare": lambda o: nn.BatchNorm1d(o, affine=False)}
        make, layers = norm.get(kind, nn.BatchNorm1d), []
        for i, o in pairwise(LAYERS[:-1]):
            own = [nn.Linear(i, o), nn.ReLU(), make(o)] if kind == "after" else [nn.Linear(i, o), make(o), nn.ReLU()]
            layers += own
        super().__init__(*layers, nn.Linear(*LAYERS[-2:]))
        self.double()
        found = named(row, LAYERS)
        linear = [m for m in self if isinstance(m, nn.Linear)]
        for k, module in enumerate(linear):
            module.weight.data, module.bias.data = (torch.tensor(found[f"{k}.{name}"]) for name in ("weight", "bias"))

    @property
    def norms(self) -> list[Any]:
        return [m for m in self if isinstance(m, (nn.BatchNorm1d, nn.LayerNorm))]


def drawn(kind: str, rule: str = "momentum", group: int = 0, epochs: int = 4) -> tuple[Normed, np.ndarray, np.ndarray]:
    """A small population in double precision, with its training data."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((SEEDS, N, LAYERS[0])), rng.integers(0, LAYERS[-1], (SEEDS, N))
    rows = np.stack([first_weights(LAYERS, i) for i in range(SEEDS)]).astype(float)
    orders = np.stack([batch_orders(N, epochs, i) for i in range(SEEDS)])
    settings = [Settings(rule, 0.05)] * SEEDS
    net = Normed(kind, LAYERS, rows, settings, x, y, np.arange(SEEDS), orders, BATCH, range(SEEDS), group)
    return net, x, y


def theirs(
    kind: str, rule: str, net: Normed, x: np.ndarray, y: np.ndarray, i: int, steps: int, group: int = BATCH
) -> Any:
    """Member i trained by torch.nn and torch.optim alone, each batch in groups, the averages of the first one."""
    alone = After(kind, np.r_[first_weights(LAYERS, i), net.state()[i, len(net.rows[i]) :]].astype(float))
    make: Any = {"momentum": lambda p: torch.optim.SGD(p, 0.05, 0.9), "adam": lambda p: torch.optim.Adam(p, 0.05)}
    optimizer = make[rule](alone.parameters())
    for step in range(steps):
        epoch, k = divmod(step, N // BATCH)
        at = net.orders[i, epoch, k * BATCH : (k + 1) * BATCH]
        outputs = []
        for j in range(0, BATCH, group):
            outputs.append(alone(torch.tensor(x[i, at[j : j + group]])))
            if j == 0:
                kept = [[buffer.clone() for buffer in norm.buffers()] for norm in alone.norms]
        optimizer.zero_grad()
        nn.functional.cross_entropy(torch.cat(outputs), torch.tensor(y[i, at])).backward()
        optimizer.step()
        for norm, buffers in zip(alone.norms, kept):
            for buffer, first in zip(norm.buffers(), buffers):
                buffer.copy_(first)
    return alone


@pytest.mark.parametrize(
    ("kind", "rule", "group"),
    [(kind, "momentum", BATCH) for kind in ("none", "before", "after", "layer", "bare")]
    + [("before", "adam", BATCH), ("before", "momentum", 4), ("after", "momentum", 2)],
)
def test_every_member_is_torchs_alone(kind: str, rule: str, group: int) -> None:
    net, x, y = drawn(kind, rule, group % BATCH)
    net.advance(10)
    for i in range(SEEDS):
        alone, mine = theirs(kind, rule, net, x, y, i, 10, group), named(net.state()[i], LAYERS)
        for k, linear in enumerate(m for m in alone if isinstance(m, nn.Linear)):
            np.testing.assert_allclose(mine[f"{k}.weight"], linear.weight.detach(), atol=1e-9)
            if kind in ("none", "layer"):  # before batch norm biases have no gradient but rounding
                np.testing.assert_allclose(mine[f"{k}.bias"], linear.bias.detach(), atol=1e-9)
        for k, norm in enumerate(alone.norms):
            for name, values in norm.state_dict().items():
                if f"{k}.norm.{name}" in mine and "num" not in name:
                    np.testing.assert_allclose(mine[f"{k}.norm.{name}"], values, atol=1e-9, err_msg=name)
        alone.eval()
        said = net.forward(net.rows, net.x, use="running")[-1][i].T
        np.testing.assert_allclose(said, alone(torch.tensor(x[i])).detach(), atol=1e-8)


def test_trained_in_evaluation_mode_is_torchs_evaluation_mode() -> None:
    net, x, _ = drawn("eval")
    net.advance(5)
    alone = After("before", net.state()[0])
    for k, norm in enumerate(alone.norms):
        norm.weight.data = torch.tensor(named(net.state()[0], LAYERS)[f"{k}.norm.weight"])
        norm.bias.data = torch.tensor(named(net.state()[0], LAYERS)[f"{k}.norm.bias"])
    for use in ("own", "running"):
        said = net.forward(net.rows, net.x, use=use)[-1][0].T
        np.testing.assert_allclose(said, alone.eval()(torch.tensor(x[0])).detach(), atol=1e-9)


def test_noise_is_as_it_is_described() -> None:
    factors, shifts = noise([3], 7, 1, 400, 300)
    middle = shifts.mean(-1)[0]
    assert np.abs(middle).max() < SHIFT + 0.02 and middle.std() == pytest.approx(SHIFT / 3**0.5, rel=0.1)
    assert np.ptp(shifts[0] - middle[:, None], 1).max() <= 2 * EACH + 0.02
    assert factors.std(-1).mean() == pytest.approx(EACH, rel=0.05)
    assert factors.mean(-1).min() > 0.97 and factors.mean() == pytest.approx((1 + FACTOR) / 2, abs=0.01)
    assert all(np.array_equal(*pair) for pair in zip(noise([3], 7, 1, 400, 300), (factors, shifts)))
    assert not np.array_equal(noise([3], 8, 1, 400, 300)[0], factors)


def test_noise_lies_behind_the_norm() -> None:
    """The first layer of a noisy network is batch norm's, times the factors, plus the shifts; at test, their means."""
    (noisy, *_), (plain, *_) = drawn("noisy"), drawn("before")
    factors, shifts = noise(range(SEEDS), 0, 0, LAYERS[1], N)
    clean, loud = (net.forward(net.rows, net.x)[0] for net in (plain, noisy))
    np.testing.assert_allclose(loud, factors * clean.numpy() + shifts, atol=1e-6)
    tested = [net.forward(net.rows, net.x, use="running")[0] for net in (plain, noisy)]
    np.testing.assert_allclose(tested[1], tested[0] * (1 + FACTOR) / 2, atol=1e-9)


def test_the_biased_variance_is_the_average_of_those_over_n() -> None:
    net, *_ = drawn("before", group=4)
    average = torch.ones(SEEDS, LAYERS[1], dtype=torch.float64)
    for _ in range(6):
        w, b, *_ = parts(net.rows, LAYERS)[0]
        average = 0.9 * average + 0.1 * torch.baddbmm(b, w, net.next_batch()[0])[..., :4].var(-1, correction=0)
        net.advance(1)
    w, b, gamma, beta = parts(net.rows, LAYERS)[0]
    away = torch.baddbmm(b, w, net.x) - net.averages[0][0][..., None]
    wanted = gamma * away / (average[..., None] + EPS).sqrt() + beta
    np.testing.assert_allclose(net.forward(net.rows, net.x, use="biased")[0], wanted, atol=1e-9)


def test_exact_averages_are_those_of_all_training_examples_and_leave_the_others() -> None:
    net, x, y = drawn("before", group=4)
    net.advance(5)
    before = net.state()
    loss, right = exactly(net, x, y)
    np.testing.assert_array_equal(net.state(), before)
    own = net.group
    net.group = 0
    z = net.forward(net.rows, net.x)[-1]  # of all training examples at once: the same, but for n over n − 1
    net.group = own
    same = z.argmax(1).numpy() == y
    assert loss.shape == right.shape == y.shape and (same == right).mean() > 0.9


def test_a_group_of_one_says_nothing_and_of_two_only_which_is_larger() -> None:
    for group in (1, 2):
        net, x, y = drawn("before", group=group)
        z = net.forward(net.rows, net.x)[0].numpy()
        assert np.abs(z).max() == 0 if group == 1 else (np.abs(np.abs(z) - 1) < 0.05).mean() > 0.9
        assert judged(net, (x, y)).shape == (len(WAYS), SEEDS)
        net.advance(2)
        assert np.isfinite(net.state()).all()


def test_other_data() -> None:
    x = np.random.default_rng(0).random((2, 9, 4)).astype(np.float32)
    np.testing.assert_allclose(others(x, "inverted") + x, x.min() + x.max(), atol=1e-6)
    np.testing.assert_allclose(others(x, "brighter") - x, np.ptp(x) / 2, atol=1e-6)
    np.testing.assert_array_equal(others(x, "same"), x)


def test_shift_is_as_it_is_defined() -> None:
    """Against gradients of torch.nn networks whose lower layers have moved."""
    net, x, y = drawn("before")
    one = look(net, net.rows)
    net.advance(1)
    other = look(net, net.rows)
    found, cosines = moved(one, other), turned(net, one, other, LAYERS)
    a, b = (seen.inputs[1].numpy() for seen in (one, other))
    by_hand = np.abs(a.mean(-1) - b.mean(-1)) / np.sqrt((a.var(-1, ddof=1) + b.var(-1, ddof=1)) / 2)
    np.testing.assert_allclose(found[:, 1], by_hand.mean(1), rtol=1e-6)
    assert np.isnan(cosines[:, 0]).all() and net.step == 1
    ends = [np.r_[seen.rows[0].numpy(), net.state()[0, len(net.rows[0]) :]] for seen in (one, other)]
    gradients = []
    for lower in ends:
        alone = After("before", ends[0])
        below = After("before", lower)
        alone[0].load_state_dict(below[0].state_dict())
        moved_norm = named(lower, LAYERS)
        alone.norms[0].weight.data, alone.norms[0].bias.data = (
            torch.tensor(moved_norm[f"0.norm.{name}"]) for name in ("weight", "bias")
        )
        nn.functional.cross_entropy(alone(torch.tensor(x[0])), torch.tensor(y[0])).backward()
        gradients.append(alone[3].weight.grad.flatten())
    assert cosines[0, 1] == pytest.approx(torch.cosine_similarity(*gradients, 0).item(), abs=1e-6)


# Runs


@cache
def last(name: str, params: Params) -> tuple[Any, dict[str, np.ndarray]]:
    run = train_module(name).train(params)
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


def test_weights_times_ten_give_the_same_outputs_and_a_tenth_of_the_gradient() -> None:
    result, state = last("batch_norm.invariance", TINY)
    k, norm, plain = SCALES.index(10), STARTED.index("before"), STARTED.index("none")
    np.testing.assert_allclose(result.gradient[norm, k], 0.1, rtol=1e-3)
    assert result.scaled_off[norm, k].max() < 1e-3 < 1 < result.scaled_off[plain, k].min()
    assert result.shifted_off[norm].max() < 1e-4 and result.shifted_off[STARTED.index("layer"), -1].min() > 0.1
    np.testing.assert_array_equal(result.gradient[:, SCALES.index(1)], 1)
    assert state["none"].shape[:2] == (len(SCALES) + len(BIASES), 2)


def test_weights_are_those_of_torch_nn() -> None:
    """The exported network, put into torch.nn, is as right on test data as the Result says."""
    from core.concepts.batch_norm.train import data_of

    result, state = last("batch_norm", TINY)
    at, rate, seed = 1, 4, 1  # batch norm
    assert result.params.nets[at] == Net()
    found = {key: values[rate, seed] for key, values in weights(result, state).items() if key.startswith(f"{at}.")}
    layers: list[nn.Module] = []
    for k, (i, o) in enumerate(pairwise(sizes(TINY))):
        own = [nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU()]
        for module, part in ((own[0], f"{at}.{k}."), (own[1], f"{at}.{k}.norm.")):
            for name in ("weight", "bias", "running_mean", "running_var"):
                if f"{part}{name}" in found:
                    getattr(module, name).data = torch.tensor(found[f"{part}{name}"])
        layers += own
    x, y = data_of(TINY)[2]
    said = nn.Sequential(*layers[:-2]).eval()(torch.tensor(x[seed])).argmax(1).numpy()
    assert (said == y[seed]).mean() == pytest.approx(result.test[at, rate, seed, -1], abs=1e-6)


def test_a_table_of_ones_own_is_learned() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 3)) * 50, np.arange(60) % 2
    x[:, 0] += 120 * y
    content = "a,b,c,kind\n" + "".join(f"{a:.3f},{b:.3f},{c:.3f},{'yn'[k]}\n" for (a, b, c), k in zip(x, y))
    name = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}:60x3x2"
    CONTENTS[name] = content.encode()
    params = Params(own=name, seeds=2, epochs=30, batch=16, width=8, depth=2)
    result, _ = last("batch_norm", params)
    assert result.test[1, :, :, -1].max(0).mean() > 0.8
    served, _ = last("batch_norm.serving", params.replace(epochs=1))
    assert list(served.group) == [1, 2, 4, 8, 16, 32] and np.isfinite(served.test).all()


def test_good_rates_are_near_the_best_of_all() -> None:
    accuracy = np.array([[0.5, 0.9, 0.3], [0.81, 0.2, 0.95]])
    np.testing.assert_array_equal(good(accuracy), [[False, True, False], [False, False, True]])
    result: Any = rates({"none": 3, "before": 6})
    high = figures.bands(result)[:2, -1, 1]
    np.testing.assert_allclose(high, [RATES[3], RATES[6]])
    assert np.isnan(figures.bands(result)[:, 0]).all()  # before training


@pytest.mark.parametrize("part", load("batch_norm").experiments, ids=lambda part: part.name)
def test_every_experiment_fits_into_one_script(part: Experiment) -> None:
    compile(script(part.name, part.tiny), part.name, "exec")


# Claims

MANY = 40
CLAIMED = {claim.id: claim for claim in CLAIMS} | {mistake.id: mistake for mistake in MISTAKES}


def of(id: str) -> tuple[type[BaseResult], Params]:
    concept = load("batch_norm")
    part = getattr(CLAIMED[id], "of", None)
    part = concept.figure(CLAIMED[id].figure).of if part is None else part  # type: ignore[attr-defined]
    name = "batch_norm" + (f".{part}" if part else "")
    return experiment(name).Result, CLAIMED[id].params.replace(seeds=MANY)


def rates(largest: dict[str, int], base: float = 0.9, at: str = "larger_rates", **tops: float) -> BaseResult:
    """Networks that are good up to a place in RATES; the others reach `tops` at their best rate, else `base`."""
    kind, params = of(at)
    accuracy = np.full((len(params.nets), len(RATES), MANY, 2), 0.1)
    for i, net in enumerate(params.nets):
        accuracy[i, : largest.get(net.norm, 5) + 1] = tops.get(net.norm, base)
    accuracy[..., 0] = 0.1
    return known(kind, params, tick=np.array([0, 9]), test=accuracy, validation=accuracy)


def up(id: str, **largest: int) -> BaseResult:
    return rates(largest, at=id)


def tops(id: str, **reached: float) -> BaseResult:
    return rates({}, at=id, **reached)


def rows(id: str, field: str, names: tuple[str, ...], shape: tuple[int, ...], **values: float) -> BaseResult:
    """An array [row, seed, …] that is the same everywhere but in named rows."""
    kind, params = of(id)
    filled = np.full((len(names), MANY, *shape), 0.5)
    for name, value in values.items():
        filled[names.index(name)] = value
    return known(kind, params, **{field: filled})


def shift(id: str, field: str, **values: float) -> BaseResult:
    return rows(id, field, KINDS, (3,) if field == "test" else (3, 2), **values)


GROUP = np.array((1, 2, 4, 8, 16, 32, 64, 128))


def serve(id: str, way: str = "running", group: int = 128, value: float = 0.9, field: str = "test") -> BaseResult:
    """Accuracy 0.5 in all groups, and another in one."""
    kind, params = of(id)
    filled = np.full((len(WAYS), MANY, 2, len(GROUP)) if field == "test" else (MANY, 2, len(GROUP)), 0.5)
    filled[(WAYS.index(way), ...) if field == "test" else ...][..., list(GROUP).index(group)] = value
    return known(kind, params, group=GROUP, **{field: filled})


def start(id: str, field: str, net: str, value: float, place: int) -> BaseResult:
    kind, params = of(id)
    places = len(BIASES) if field == "shifted" else len(SCALES)
    filled = np.full((len(STARTED), places, MANY), 0.5 if field != "gradient" else 0.1)
    filled[STARTED.index(net), place] = value
    return known(kind, params, **{field: filled if field == "gradient" else filled[..., None]})


TEN = SCALES.index(10)
KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "larger_rates": (up("larger_rates", none=3, before=6), up("larger_rates", none=5, before=5)),
    "better": (tops("better", none=0.85), tops("better", before=0.85)),
    "layer_norm": (up("layer_norm", layer=5), up("layer_norm", none=3, layer=6)),
    "shallow": (tops("shallow"), tops("shallow", none=0.8)),
    "deep": (tops("deep", none=0.6), tops("deep")),
    "adam": (up("adam", none=3, before=6), up("adam")),
    "after": (tops("after"), tops("after", after=0.8)),
    "bare": (tops("bare"), tops("bare", bare=0.8)),
    "bare_rates": (up("bare_rates", before=4, bare=6), up("bare_rates")),
    "batch_of_two": (tops("batch_of_two", before=0.2), tops("batch_of_two")),
    "layer_of_two": (tops("layer_of_two", before=0.2), tops("layer_of_two")),
    "noise_rates": (tops("noise_rates", none=0.8), tops("noise_rates", noisy=0.8)),
    "less_shift": (shift("less_shift", "moved", before=0.1), shift("less_shift", "moved")),
    "more_shift": (shift("more_shift", "moved", noisy=0.8), shift("more_shift", "moved")),
    "yet_faster": (shift("yet_faster", "test", noisy=0.8), shift("yet_faster", "test", noisy=0.2)),
    "noise_costs": (shift("noise_costs", "test"), shift("noise_costs", "test", noisy=0.2)),
    "by_itself": (shift("by_itself", "turned", before=0.9), shift("by_itself", "turned")),
    "running": (serve("running", value=0.5), serve("running", "own", value=0.2)),
    "running_small": (serve("running_small", group=8), serve("running_small", "own", 8)),
    "sorted": (serve("sorted", "sorted", value=0.1), serve("sorted", value=0.5)),
    "small_groups": (serve("small_groups", group=4, value=0.1), serve("small_groups", value=0.5)),
    "averages": (serve("averages", "exact", 4), serve("averages", "running", 4)),
    "biased": (serve("biased", group=8), serve("biased", "biased", 16)),
    "fits_less": (serve("fits_less", group=8, value=0.1, field="fitted"), serve("fits_less", field="fitted", group=8)),
    "regularises": (serve("regularises", group=16), serve("regularises", group=128)),
    "company": (serve("company", "sorted", value=0.1), serve("company", value=0.5)),
    "drift": (rows("drift", "drift", DRIFTS, (3,), drifting=0.2), rows("drift", "drift", DRIFTS, (3,))),
    "scale": (start("scale", "gradient", "before", 0.1, TEN), start("scale", "gradient", "before", 0.5, TEN)),
    "tolerates": (start("tolerates", "scaled", "none", 0.1, TEN), start("tolerates", "scaled", "none", 0.5, TEN)),
    "bias": (start("bias", "shifted", "none", 0.1, 2), start("bias", "shifted", "before", 0.1, 2)),
    "bias_none": (start("bias_none", "shifted", "none", 0.1, 2), start("bias_none", "shifted", "none", 0.5, 2)),
    "bias_layer": (start("bias_layer", "shifted", "layer", 0.1, 2), start("bias_layer", "shifted", "layer", 0.5, 2)),
    "eval_mode": (up("eval_mode", eval=3, before=6), up("eval_mode")),
    "eval": (tops("eval"), tops("eval", eval=0.8)),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    for claim in CLAIMS:
        name = load("batch_norm").of(claim).name
        assert claim.measure(next(train_module(name).train(experiment(name).tiny))) is None
