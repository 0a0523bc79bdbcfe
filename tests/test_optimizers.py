"""Every optimizer of a population takes the path that torch.optim gives for that member alone."""

from __future__ import annotations

import dataclasses
from decimal import Decimal, getcontext
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.concept.params import applicable
from core.ml.networks import forward, initial_weights
from core.ml.optimizers import STEPS, Optimizer, tables
from core.ml.rules import RULES, Contender

SIZES, STEPS_TAKEN, BATCH = (5, 4, 3), 200, 8

# Two settings of every rule, none of them the customary one.
POPULATION = (
    Contender(rule="sgd", lr=0.3),
    Contender(rule="sgd", lr=0.1, l2=0.02),
    Contender(rule="momentum", lr=0.05, momentum=0.8),
    Contender(rule="momentum", lr=0.02, momentum=0.95, l2=0.01),
    Contender(rule="nesterov", lr=0.05, momentum=0.7),
    Contender(rule="nesterov", lr=0.02, momentum=0.93, l2=0.01),
    Contender(rule="adagrad", lr=0.05),
    Contender(rule="adagrad", lr=0.02, l2=0.03),
    Contender(rule="adadelta", lr=1.0, rho=0.8),
    Contender(rule="adadelta", lr=0.7, rho=0.95, l2=0.01),
    Contender(rule="rmsprop", lr=0.01, alpha=0.9, eps=1e-3),
    Contender(rule="rmsprop", lr=0.003, alpha=0.95, eps=1e-2, l2=0.01),
    Contender(rule="adam", lr=0.01, beta1=0.8, beta2=0.99, eps=1e-3),
    Contender(rule="adam", lr=0.02, beta1=0.95, beta2=0.9, eps=1e-2, l2=0.02),
    Contender(rule="adamw", lr=0.01, beta1=0.7, beta2=0.98, eps=1e-3, weight_decay=0.1),
    Contender(rule="adamw", lr=0.03, beta1=0.92, beta2=0.95, eps=1e-2, weight_decay=0.5),
    Contender(rule="nadam", lr=0.01, beta1=0.85, beta2=0.99, eps=1e-3),
    Contender(rule="nadam", lr=0.005, beta1=0.95, beta2=0.97, eps=1e-2, l2=0.02),
    Contender(rule="radam", lr=0.01, beta1=0.8, beta2=0.99, eps=1e-3),
    Contender(rule="radam", lr=0.02, beta1=0.95, beta2=0.5, eps=1e-2, l2=0.02),  # never leaves its warm-up
    Contender(rule="amsgrad", lr=0.01, beta1=0.8, beta2=0.9, eps=1e-3),
    Contender(rule="amsgrad", lr=0.02, beta1=0.9, beta2=0.97, eps=1e-2, l2=0.02),
    Contender(rule="lion", lr=0.003, beta1=0.9, beta2=0.99),
    Contender(rule="lion", lr=0.001, beta1=0.8, beta2=0.95, l2=0.02),
)


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al. (2023), which torch does not have; with the L2 term where torch puts it."""

    def __init__(self, parameters: list[nn.Parameter], lr: float, betas: tuple[float, float], weight_decay: float):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                g = p.grad + group["weight_decay"] * p
                m = self.state[p].get("m", torch.zeros_like(p))
                p -= group["lr"] * torch.sign(beta1 * m + (1 - beta1) * g)
                self.state[p]["m"] = beta2 * m + (1 - beta2) * g


def reference(c: Contender, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of torch that a contender is named after."""
    lr, l2, adam = c.lr, c.l2, {"betas": (c.beta1, c.beta2), "eps": c.eps, "foreach": False}
    makers = {
        "sgd": lambda: torch.optim.SGD(parameters, lr, weight_decay=l2, foreach=False),
        "momentum": lambda: torch.optim.SGD(parameters, lr, c.momentum, weight_decay=l2, foreach=False),
        "nesterov": lambda: torch.optim.SGD(parameters, lr, c.momentum, 0, l2, nesterov=True, foreach=False),
        "adagrad": lambda: torch.optim.Adagrad(parameters, lr, weight_decay=l2, foreach=False),
        "adadelta": lambda: torch.optim.Adadelta(parameters, lr, c.rho, weight_decay=l2, foreach=False),
        "rmsprop": lambda: torch.optim.RMSprop(parameters, lr, c.alpha, c.eps, l2, foreach=False),
        "adam": lambda: torch.optim.Adam(parameters, lr, weight_decay=l2, **adam),
        "adamw": lambda: torch.optim.AdamW(parameters, lr, weight_decay=c.weight_decay, **adam),
        "nadam": lambda: torch.optim.NAdam(parameters, lr, weight_decay=l2, **adam),
        "radam": lambda: torch.optim.RAdam(parameters, lr, weight_decay=l2, **adam),
        "amsgrad": lambda: torch.optim.Adam(parameters, lr, weight_decay=l2, amsgrad=True, **adam),
        "lion": lambda: Lion(parameters, lr, (c.beta1, c.beta2), l2),
    }
    return makers[c.rule]()


@cache
def batches() -> tuple[Tensor, Tensor]:
    """Inputs [step, example, feature] in float64 and labels [step, example]."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((STEPS_TAKEN, BATCH, SIZES[0]))
    return torch.as_tensor(x), torch.as_tensor((x[..., 0] > 0).astype(int) + (x[..., 1] > x[..., 2]))


def start() -> Tensor:
    return torch.as_tensor(initial_weights(SIZES, 7)).double()


def population(contenders: tuple[Contender, ...], weights: Tensor | None = None) -> Tensor:
    """Weights [member, D] after all steps, all members at once."""
    weights = start().repeat(len(contenders), 1) if weights is None else weights.clone()
    optimizer = Optimizer(weights, contenders, STEPS_TAKEN)
    for x, y in zip(*batches()):
        leaf = weights.detach().requires_grad_()
        logits = forward(leaf, x.T.expand(len(weights), -1, -1), SIZES, "tanh")
        loss = functional.cross_entropy(logits, y.expand(len(weights), -1), reduction="sum") / BATCH
        optimizer.step(torch.autograd.grad(loss, leaf)[0])
    return weights


@cache
def mixed() -> Tensor:
    return population(POPULATION)


@cache
def alone(contender: Contender) -> Tensor:
    """Weights [D] after all steps of one network of torch.nn under torch.optim."""
    network = nn.Sequential(nn.Linear(SIZES[0], SIZES[1]), nn.Tanh(), nn.Linear(SIZES[1], SIZES[2])).double()
    given, linears = start(), [network[0], network[2]]
    with torch.no_grad():
        for linear in linears:
            o, i = linear.weight.shape
            linear.weight.copy_(given[: i * o].view(o, i))
            linear.bias.copy_(given[i * o : i * o + o])
            given = given[i * o + o :]
    optimizer = reference(contender, list(network.parameters()))
    torch.set_default_dtype(torch.float64)  # else NAdam of torch keeps the product of its μ in float32: 1e-10 off
    try:
        for x, y in zip(*batches()):
            optimizer.zero_grad()
            functional.cross_entropy(network(x), y).backward()
            optimizer.step()
    finally:
        torch.set_default_dtype(torch.float32)
    return torch.cat([p.detach().flatten() for layer in linears for p in (layer.weight, layer.bias)])


def test_every_rule_is_tried_twice() -> None:
    assert set(RULES) == set(STEPS)
    assert sorted(c.rule for c in POPULATION) == sorted([*RULES, *RULES])


@pytest.mark.parametrize("member", range(len(POPULATION)), ids=[f"{c.rule}-{i % 2}" for i, c in enumerate(POPULATION)])
def test_a_member_takes_the_path_of_torch(member: int) -> None:
    expected = alone(POPULATION[member])
    assert (expected - start()).abs().max() > 0.05  # it went somewhere
    assert (mixed()[member] - expected).abs().max() < 1e-12


def without_effect(contender: Contender) -> set[str]:
    """Settings that cannot show: RAdam divides by no √v while its variance is unbounded, for β₂ = 0.5 for ever; Lion
    takes a sign, which does not see the ninth decimal. Bias correction has no decimals: it has a test of its own."""
    unseen = {"rule", "correction"}
    if contender.rule == "lion":
        unseen |= {"beta1", "beta2", "l2"}
    return unseen | {"beta2", "eps"} if contender.rule == "radam" and contender.beta2 == 0.5 else unseen


def test_a_change_in_the_ninth_decimal_of_any_setting_is_seen() -> None:
    pairs = [(m, name) for m, c in enumerate(POPULATION) for name in applicable(c) if name not in without_effect(c)]
    changed = [dataclasses.replace(POPULATION[m], **{name: getattr(POPULATION[m], name) + 1e-9}) for m, name in pairs]
    apart = (population(tuple(changed)) - mixed()[[m for m, _ in pairs]]).abs().amax(1)
    assert len(pairs) > 70
    for (m, name), distance in zip(pairs, apart):
        assert distance > 1e-12, (POPULATION[m].rule, name)


def quadratic_path(contender: Contender, steps: int) -> np.ndarray:
    """Where a contender is after every step on ½(x² + 100 y²) from (−4, 1): [steps, 2]."""
    weights, curvature = torch.tensor([[-4.0, 1.0]], dtype=torch.float64), torch.tensor([1.0, 100.0]).double()
    optimizer, path = Optimizer(weights, [contender], steps), []
    for _ in range(steps):
        optimizer.step(curvature * weights)
        path.append(weights[0].tolist())
    return np.array(path)


@pytest.mark.parametrize("rule", ["adam", "adamw", "amsgrad"])
def test_without_bias_correction_the_averages_are_used_as_they_are(rule: str) -> None:
    settings = {"lr": 0.1, "beta1": 0.8, "beta2": 0.97, "eps": 1e-6, "weight_decay": 0.1}
    w, m, v = np.array([-4.0, 1.0]), np.zeros(2), np.zeros(2)
    largest, expected = v, []
    for _ in range(50):
        g = np.array([1.0, 100.0]) * w
        m, v = 0.8 * m + 0.2 * g, 0.97 * v + 0.03 * g * g
        largest = np.maximum(largest, v)
        w = w * (1 - 0.1 * 0.1) if rule == "adamw" else w
        w = w - 0.1 * m / (np.sqrt(largest if rule == "amsgrad" else v) + 1e-6)
        expected.append(w)
    found = quadratic_path(Contender(rule=rule, correction=False, **settings), 50)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert np.abs(found - quadratic_path(Contender(rule=rule, **settings), 50)).max() > 0.01


def test_where_bias_correction_does_not_apply_it_changes_nothing() -> None:
    for rule in set(RULES) - {"adam", "adamw", "amsgrad"}:
        on, off = (quadratic_path(Contender(rule=rule, lr=0.01, correction=c), 20) for c in (True, False))
        assert on.tobytes() == off.tobytes()


def test_the_order_of_members_does_not_matter() -> None:
    order = np.random.default_rng(1).permutation(len(POPULATION))
    shuffled = population(tuple(POPULATION[i] for i in order))
    assert (shuffled - mixed()[order]).abs().max() < 1e-13


def test_a_member_that_is_lost_leaves_the_others_alone() -> None:
    weights = start().repeat(len(POPULATION), 1)
    lost = torch.arange(len(POPULATION)) % 2 == 0
    weights[lost] = torch.nan
    found = population(POPULATION, weights)
    assert found[lost].isnan().all()
    assert torch.equal(found[~lost], mixed()[~lost])


def rectification(beta2: float, t: int) -> Decimal | None:
    """r_t of Liu et al. (2020), algorithm 2, in 60 digits; None while the length ρ_t is 5 or less, as torch has it."""
    getcontext().prec = 60
    b = Decimal(beta2)
    limit = 2 / (1 - b) - 1
    length = limit - 2 * t * b**t / (1 - b**t)
    if length <= 5:
        return None
    return ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)).sqrt()


@pytest.mark.parametrize("beta2", [0.5, 0.9, 0.99, 0.999, 0.99999])
def test_radam_switches_when_its_length_passes_five(beta2: float) -> None:
    settings = {name: np.array([getattr(Contender(), name)]) for name in ("lr", "beta1")} | {"beta2": np.array([beta2])}
    found = tables("radam", settings, 400)["rectified"][:, 0]
    for t in range(1, 401):
        r = rectification(beta2, t)
        if r is None:
            assert found[t - 1] == 0
        else:
            assert found[t - 1] == pytest.approx(float(r * (1 - Decimal(beta2) ** t).sqrt()), rel=1e-7)
    assert (found.argmax() > 0) == (beta2 > 0.5)
    if beta2 > 0.5:
        assert np.flatnonzero(found)[0] + 1 == 6  # five steps of momentum come first


def test_tables_reach_over_the_whole_run() -> None:
    columns = {name: np.array([0.1, 0.2]) for name in ("lr", "beta1", "beta2", "rho", "alpha", "correction")}
    for rule in RULES:
        for name, table in tables(rule, columns, 9).items():
            assert table.shape in ((9, 2), (1, 2)) and np.isfinite(table).all(), (rule, name)
