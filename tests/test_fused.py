"""The fused kernel: each member's path is that of torch for that member alone, and of the stacked trainer."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from torch.nn import functional

from core.ml import fused
from core.ml.fused import simd
from core.ml.fused.formulas import ACTIVATIONS, LOSSES
from core.ml.fused.population import Fused, seats
from core.ml.networks import ACTIVATIONS as TORCH_ACTIVATIONS
from core.ml.networks import initial_weights
from core.ml.population import Stacked
from core.ml.rules import RULES, Contender
from tests.test_optimizers import reference

ROOT = Path(__file__).resolve().parents[1]
LANES = simd.BYTES // 4


def problem(sizes: tuple[int, ...], members: int, loss: str = "softmax", **changes: Any) -> dict[str, Any]:
    """Arguments of a population: three data sets of 37 examples, of which 23 are trained on in batches of 5."""
    rng = np.random.default_rng(sum(sizes) + members)
    kind, epochs = changes.pop("kind", np.float64), changes.pop("epochs", 4)
    x = rng.standard_normal((3, 37, sizes[0]))
    y: np.ndarray = rng.integers(0, sizes[-1], (3, 37))
    if loss == "binary":
        y = rng.integers(0, 2, (3, 37, sizes[-1])).astype(float)
    if loss == "squared":
        y = rng.standard_normal((3, 37, sizes[-1]))
    weights = np.stack([initial_weights(sizes, i) for i in range(members)]).astype(kind)
    orders = np.stack([[rng.permutation(23) for _ in range(epochs)] for _ in range(3)])
    mixed = [Contender(rule=RULES[m % len(RULES)], lr=0.02, l2=0.01 * (m % 2)) for m in range(members)]
    return {
        "sizes": sizes,
        "activation": "tanh",
        "loss": loss,
        "weights": weights,
        "settings": mixed,
        "x": x.astype(kind),
        "y": y if loss == "softmax" else y.astype(kind),
        "which": np.arange(members) % 3,
        "orders": orders.astype(np.int32),
        "batch": 5,
    } | changes


def trained(make: Any, steps: int = 20, **arguments: Any) -> Any:
    population = make(**arguments)
    population.advance(steps)
    return population


LOSS_OF_TORCH: dict[str, Any] = {
    "squared": functional.mse_loss,
    "binary": functional.binary_cross_entropy_with_logits,
    "softmax": functional.cross_entropy,
}


def alone(arguments: dict[str, Any], m: int, steps: int) -> np.ndarray:
    """Weights [D] of member m after some steps of a network written with torch.nn's functions under torch.optim."""
    a, sizes = SimpleNamespace(**arguments), arguments["sizes"]
    parts, at = [], 0
    for i, o in pairwise(sizes):
        for shape in ((o, i), (o,)):
            count = int(np.prod(shape))
            parts.append(torch.tensor(a.weights[m, at : at + count].reshape(shape), requires_grad=True))
            at += count
    optimizer = reference(a.settings[m], parts)  # type: ignore[arg-type]
    x, y, orders = torch.as_tensor(a.x[a.which[m]]), torch.as_tensor(a.y[a.which[m]]), a.orders[a.which[m]]
    batch = int(np.broadcast_to(a.batch, len(a.weights))[m])
    batches = [order[k : k + batch] for order in orders for k in range(0, len(order), batch)]
    torch.set_default_dtype(torch.float64)  # else NAdam of torch keeps the product of its μ in float32
    try:
        for t in range(steps):
            if "factors" in arguments:
                optimizer.param_groups[0]["lr"] = a.settings[m].lr * np.atleast_2d(a.factors)[m % len(a.factors), t]
            optimizer.zero_grad()
            z = x[batches[t].astype(np.int64)]
            for k, (w, b) in enumerate(zip(parts[::2], parts[1::2])):
                z = functional.linear(TORCH_ACTIVATIONS[a.activation](z) if k else z, w, b)
            loss = LOSS_OF_TORCH[a.loss](z, y[batches[t].astype(np.int64)])
            loss = loss + getattr(a.settings[m], "l1", 0.0) * sum(p.abs().sum() for p in parts)
            loss.backward()
            optimizer.step()
    finally:
        torch.set_default_dtype(torch.float32)
    return torch.cat([p.detach().flatten() for p in parts]).numpy()


def furthest(arguments: dict[str, Any], steps: int) -> float:
    found = trained(Fused, steps, **arguments).weights
    return max(np.abs(found[m] - alone(arguments, m, steps)).max() for m in range(len(found)))


# Against torch.optim, in float64


def unit(low: float, high: float) -> Any:
    return st.floats(low, high, allow_nan=False)


@st.composite
def contenders(draw: Any, rule: str) -> Contender:
    """Any settings of a rule under which 100 steps do not blow rounding up."""
    bold = {"adadelta": 1.0, "adagrad": 0.1}.get(rule, 0.03)
    return Contender(
        rule=rule,
        lr=draw(unit(1e-4, bold)),
        momentum=draw(unit(0.01, 0.95)),
        beta1=draw(unit(0.0, 0.95)),
        beta2=draw(unit(0.5, 0.9999)),
        alpha=draw(unit(0.5, 0.999)),
        rho=draw(unit(0.1, 0.99)),
        eps=draw(unit(1e-4, 1e-1)),
        weight_decay=draw(unit(0.0, 1.0)),
        l2=draw(unit(0.0, 0.1)),
    )


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=4, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_member_takes_the_path_of_torch_for_a_hundred_steps(rule: str, data: Any) -> None:
    drawn = [data.draw(contenders(rule)) for _ in range(3)]
    arguments = problem((4, 6, 3), 3, epochs=20, settings=drawn)
    assert furthest(arguments, 100) < 1e-12
    assert not np.array_equal(trained(Fused, 100, **arguments).weights, arguments["weights"])


def test_all_rules_in_one_register_leave_each_other_alone() -> None:
    arguments = problem((3, 5, 2), 2 * len(RULES) + 3, epochs=20)
    assert furthest(arguments, 100) < 1e-12


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation: str) -> None:
    assert furthest(problem((3, 5, 4, 2), 4, activation=activation), 20) < 1e-12


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("outputs", [1, 3])
def test_every_loss(loss: str, outputs: int) -> None:
    assert furthest(problem((3, 5, outputs), 4, loss), 20) < 1e-12


@pytest.mark.parametrize("sizes", [(1, 1), (20, 3), (2, 9, 2), (17, 1, 33, 5), (3, 7, 6, 5, 4, 3, 2, 11)])
def test_any_depth_and_width(sizes: tuple[int, ...]) -> None:
    assert furthest(problem(sizes, 3), 20) < 1e-12


@pytest.mark.parametrize("batch", [1, 4, 23, 1000])
def test_any_batch(batch: int) -> None:
    arguments = problem((3, 5, 2), 3, batch=batch)
    assert furthest(arguments, 4) < 1e-12


def test_members_of_one_register_may_have_batches_of_their_own() -> None:
    arguments = problem((3, 5, 2), 5, batch=np.array([1, 3, 5, 11, 23]))
    assert furthest(arguments, 4) < 1e-12  # of 23 examples: some end an epoch in these steps, some do not


@pytest.mark.parametrize("each", [False, True])
def test_schedules_of_the_learning_rate(each: bool) -> None:
    members = len(RULES)
    factors = np.linspace(1, 0.1, 20) * (1 + np.arange(members)[:, None] if each else np.ones((1, 1)))
    arguments = problem((3, 5, 2), members, factors=factors)
    assert furthest(arguments, 20) < 1e-12
    stacked = trained(Stacked, **arguments).weights
    assert np.abs(stacked - trained(Fused, **arguments).weights).max() < 1e-12
    plain = trained(Fused, **arguments | {"factors": None}).weights
    assert (np.abs(plain - stacked).max(1) > 1e-4).all()


@dataclasses.dataclass(frozen=True)
class Penalised:
    """A contender with an L1 penalty beside its other settings."""

    of: Contender
    l1: float

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of, name)


def test_penalties() -> None:
    rules = [Penalised(Contender(rule=rule, lr=0.01, l2=0.02), 0.003) for rule in RULES]
    arguments = problem((3, 5, 2), len(RULES), settings=rules)
    assert furthest(arguments, 20) < 1e-12
    stacked = trained(Stacked, **arguments).weights
    assert np.abs(stacked - trained(Fused, **arguments).weights).max() < 1e-12
    without = trained(Fused, **arguments | {"settings": [r.of for r in rules]}).weights
    assert (np.abs(without - stacked).max(1) > 1e-5).all()


# Against the stacked trainer, in both types


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("kind", "near"), [(np.float32, 1e-4), (np.float64, 1e-12)])
def test_fused_and_stacked_are_one_population(loss: str, kind: Any, near: float) -> None:
    arguments = problem((7, 6, 3), 2 * LANES + 3, loss, kind=kind)
    one, other = (trained(make, **arguments) for make in (Fused, Stacked))
    assert one.weights.dtype == other.weights.dtype == kind
    assert np.abs(one.weights - other.weights).max() < near
    bounds = [0, 23, 24, 37]
    for mine, theirs in zip(one.measure(bounds), other.measure(bounds)):
        assert mine.shape == theirs.shape == (len(one.weights), 3) and mine.dtype == kind
        assert np.abs(mine - theirs).max() < near
    grid, chosen = np.random.default_rng(0).standard_normal((70, 7)), np.array([len(one.weights) - 1, 1, 2, 2])
    assert np.abs(one.outputs(grid, chosen) - other.outputs(grid, chosen)).max() < 10 * near


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_is_as_near_to_float64_as_torch_is(activation: str) -> None:
    """Outputs of a network without hidden weights to speak of: the activation itself, on a fine line."""
    line = np.concatenate([np.linspace(-30, 30, 6001), [0.0, -1e-3, 1e-3, 1e-20, -1e-20]])[:, None]
    weights = np.array([[1.0, 0.0, 1.0, 0.0]])
    arguments = problem((1, 1, 1), 1, "squared", activation=activation)
    exact = Stacked(**arguments | {"weights": weights}).outputs(line, np.arange(1))
    mine = Fused(**arguments | {"weights": weights.astype(np.float32)}).outputs(line, np.arange(1))
    assert np.abs(mine - exact).max() < 5e-7 * max(1, np.abs(exact).max() / 4)


def test_large_outputs_do_not_overflow_a_loss() -> None:
    for scale in (1.0, 1e2, 1e4):
        z = scale * np.linspace(-3, 3, 37)
        for loss, y in (("binary", (np.arange(37) % 2).astype(float)), ("softmax", np.arange(37) % 3)):
            outputs = 3 if loss == "softmax" else 1
            x = np.stack([np.roll(z, k) for k in range(outputs)], 1)
            given = problem((outputs, outputs), 1, loss, x=np.stack([x] * 3), weights=np.append(
                np.eye(outputs).ravel(), np.zeros(outputs))[None].astype(np.float32))  # fmt: skip
            given["y"] = np.stack([y if loss == "softmax" else y[:, None]] * 3)
            found, right = Fused(**given).measure([0, 37])
            if loss == "softmax":
                exact = (special.logsumexp(x, 1) - x[np.arange(37), y]).mean()
                hits = (x.argmax(1) == y).mean()
            else:
                exact, hits = (np.logaddexp(0, z) - y * z).mean(), ((z > 0) == (y > 0.5))[z != 0].sum() / 37
            assert found[0, 0] == pytest.approx(exact, rel=1e-5)
            assert right[0, 0] == pytest.approx(hits)


def test_ties_go_to_the_first_class() -> None:
    arguments = problem((3, 5, 4), 1)
    _, right = Fused(**arguments | {"weights": np.zeros_like(arguments["weights"])}).measure([0, 37])
    assert right[0, 0] == (arguments["y"][0] == 0).mean()


# Bits


def state(population: Fused) -> bytes:
    return population._weights.tobytes() + population._past.tobytes()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_neither_chunks_nor_threads_change_a_bit(kind: Any) -> None:
    arguments = problem((5, 7, 3), 4 * LANES + 1, kind=kind)
    whole = trained(Fused, 20, **arguments)
    for chunks, threads in (([1] * 20, 1), ([7, 0, 13], 2), ([20], 5), ([3, 17], 50)):
        population = Fused(**arguments, threads=threads)
        for steps in chunks:
            population.advance(steps)
        assert state(population) == state(whole)
        assert population.measure([0, 9, 37])[0].tobytes() == whole.measure([0, 9, 37])[0].tobytes()


def test_a_member_has_the_same_bits_in_any_company() -> None:
    arguments = problem((5, 7, 3), LANES + 3, kind=np.float32)
    together = trained(Fused, **arguments).weights
    for m in (0, LANES - 1, LANES + 2):
        own = {
            "weights": arguments["weights"][[m]],
            "settings": [arguments["settings"][m]],
            "which": arguments["which"][[m]],
        }
        assert trained(Fused, **arguments | own).weights.tobytes() == together[m].tobytes()


# Divergence


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_member_that_is_lost_stays_lost_and_disturbs_no_other(activation: str, loss: str) -> None:
    arguments = problem((4, 5, 3), LANES, loss, activation=activation, kind=np.float32)
    calm = trained(Fused, **arguments)
    for poison in (np.nan, np.inf):
        weights = arguments["weights"].copy()
        weights[::2, 0] = poison
        found = trained(Fused, **arguments | {"weights": weights})
        assert found.weights[1::2].tobytes() == calm.weights[1::2].tobytes()
        losses, right = found.measure([0, 37])
        if np.isnan(poison):
            assert np.isnan(losses[::2]).all() and (right[::2] == 0).all()
        assert (~np.isfinite(found.weights[::2])).any(1).all()


def test_too_high_a_rate_ends_in_what_is_not_finite() -> None:
    rules = [SimpleNamespace(**vars(Contender(rule=rule)) | {"lr": 1e30}) for rule in RULES]
    arguments = problem((4, 5, 3), len(RULES), activation="relu", kind=np.float32, settings=rules)
    losses, right = trained(Fused, **arguments).measure([0, 37])
    stacked, _ = trained(Stacked, **arguments).measure([0, 37])
    assert np.isfinite(losses).tolist() == np.isfinite(stacked).tolist() and not np.isfinite(losses).any()
    assert (right == 0).all()


def test_numbers_below_the_normal_ones_are_kept() -> None:
    """Nothing here may switch the process to flushing them to zero."""
    trained(Fused, **problem((3, 2), 2, kind=np.float32))
    assert np.float32(1e-38) * np.float32(1e-3) > 0
    arguments = problem((1, 1), 1, "squared", kind=np.float32)
    out = Fused(**arguments | {"weights": np.array([[1e-3, 0.0]], np.float32)}).outputs(
        np.array([[1e-38]]), np.arange(1)
    )
    assert out[0, 0, 0] == np.float32(1e-3) * np.float32(1e-38) > 0


# What is refused


@pytest.mark.parametrize(
    "changes",
    [
        {"sizes": (5, 6, 3)},
        {"sizes": (4, 0, 3)},
        {"sizes": (4,)},
        {"activation": "softplus"},
        {"loss": "hinge"},
        {"device": "cuda"},
        {"batch": 0},
        {"batch": np.array([5, 5, 0])},
        {"weights": np.zeros((3, 53), np.float16)},
        {"weights": np.zeros((0, 53), np.float32)},
        {"weights": np.zeros((3, 52), np.float32)},
        {"settings": [Contender()] * 2},
        {"settings": [SimpleNamespace(rule="magic")] * 3},
        {"x": np.zeros((3, 37, 5))},
        {"x": np.zeros((2, 37, 4))},
        {"y": np.full((3, 37), 3)},
        {"y": np.full((3, 37), -1)},
        {"y": np.zeros((3, 37))},
        {"y": np.zeros((3, 36), int)},
        {"orders": np.full((3, 2, 5), 37, np.int32)},
        {"orders": np.full((3, 2, 5), -1, np.int32)},
        {"orders": np.zeros((3, 2, 5))},
        {"orders": np.zeros((2, 2, 5), np.int32)},
        {"orders": np.zeros((3, 0, 5), np.int32)},
        {"which": np.array([0, 1, 3])},
        {"which": np.array([0, -1, 2])},
        {"which": np.array([0, 1])},
        {"factors": np.ones(19)},
        {"factors": np.ones((2, 20))},
    ],
)
def test_what_the_kernel_could_not_survive_is_refused(changes: dict[str, Any]) -> None:
    arguments = problem((4, 6, 3), 3)
    Fused(**arguments)
    with pytest.raises(ValueError):
        Fused(**arguments | changes)


def test_calls_beyond_the_data_are_refused() -> None:
    population = Fused(**problem((4, 6, 3), 3))
    for steps in (-1, 21):
        with pytest.raises(ValueError):
            population.advance(steps)
    population.advance(20)
    with pytest.raises(ValueError):
        population.advance(1)
    for bounds in ([0, 38], [-1, 5], [5, 5], [3]):
        with pytest.raises(ValueError):
            population.measure(bounds)
    with pytest.raises(ValueError):
        population.outputs(np.zeros((5, 3)), np.arange(3))
    with pytest.raises(IndexError):
        population.outputs(np.zeros((5, 4)), np.array([3]))


def test_arrays_that_are_not_contiguous_are_taken_as_they_read() -> None:
    arguments = problem((4, 6, 3), 3)
    wide = arguments | {
        name: np.repeat(arguments[name], 2, axis=-1)[..., ::2] for name in ("x", "y", "orders", "weights", "which")
    }
    assert not wide["x"].flags.c_contiguous
    assert trained(Fused, **wide).weights.tobytes() == trained(Fused, **arguments).weights.tobytes()


# The cache of compiled code


def test_another_source_version_or_width_has_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KERNELS", str(tmp_path / "kernels"))
    here, plain = Path(fused.__file__).parent, fused.version
    sources = {path: tmp_path / "fused" / path.name for path in sorted(here.glob("*.py"))}
    sources[here.parent / "random.py"] = tmp_path / "random.py"  # the bits of dropout
    (tmp_path / "fused").mkdir()
    for path, copied in sources.items():
        copied.write_bytes(path.read_bytes())

    def folder() -> str:
        fused.digest.cache_clear()
        return simd.cache_folder().name

    names = [folder()]
    assert (tmp_path / "kernels" / names[0]).is_dir()
    monkeypatch.setattr(fused, "__file__", str(tmp_path / "fused" / "__init__.py"))
    assert folder() == names[0]  # the same sources elsewhere
    for path, copied in sources.items():
        copied.write_bytes(path.read_bytes() + b"\n")
        names.append(folder())
    for package in ("numba", "llvmlite"):
        monkeypatch.setattr(fused, "version", lambda name, p=package: plain(name) + ".1" * (name == p))
        names.append(folder())
    monkeypatch.setattr(simd, "BYTES", 8)
    names.append(folder())
    monkeypatch.setattr(simd.llvm, "get_host_cpu_name", lambda: "another")
    names.append(folder())
    assert len(set(names)) == len(names) == len(sources) + 5
    monkeypatch.undo()
    fused.digest.cache_clear()


def test_without_the_compiler_there_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise fused.PackageNotFoundError(name)

    monkeypatch.setattr(fused, "version", missing)
    fused.digest.cache_clear()
    assert fused.digest() == ""
    fused.digest.cache_clear()


@pytest.mark.skipif(simd.BYTES == 16, reason="there are no narrower registers")
def test_narrower_registers_give_the_same_bits() -> None:
    """As a processor without AVX-512, or without AVX2, would have it; compiled into a folder of its own."""
    code = """
from hashlib import sha256
from core.ml.fused import simd
from tests.test_fused import Fused, np, problem, trained
found = trained(Fused, **problem((17, 7, 3), 35, kind=np.float32))
print(simd.BYTES, sha256(found.weights.tobytes() + found.measure([0, 9, 37])[0].tobytes()).hexdigest())
"""
    said = []
    for width in (simd.BYTES, simd.BYTES // 2):
        environment = os.environ | {"LAB_LANE_BYTES": str(width)}
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200
        )
        assert run.returncode == 0, run.stderr
        said.append(run.stdout.split())
    assert [int(width) for width, _ in said] == [simd.BYTES, simd.BYTES // 2]
    assert said[0][1] == said[1][1]


@given(st.lists(st.sampled_from(RULES[:5]), min_size=1, max_size=60), st.sampled_from([4, 8, 16]))
def test_everyone_has_a_seat_and_rules_sit_together(rules: list[str], lanes: int) -> None:
    found = seats(rules, lanes)
    registers = found.reshape(-1, lanes)
    assert set(found) == set(range(len(rules))) and len(registers) == -(-len(rules) // lanes)

    def updates(seated: np.ndarray) -> int:
        return sum(len({rules[m] for m in register}) for register in seated)

    assert (
        updates(registers) <= len(registers) + len(set(rules)) - 1
    )  # no worse than a row of groups cut into registers


def test_the_rules_of_the_default_race_meet_in_no_more_registers_than_they_must() -> None:
    found = seats([rule for rule in RULES[:8] for _ in range(5)], 16).reshape(-1, 16) // 5
    assert [len(set(register)) for register in found] == [3, 3, 2]
