"""A training step recorded once and replayed is the eager run, bit for bit: it asks nothing of the host.

On the CPU a trace of torch.fx stands for the CUDA graph: both hold the operations of one step and none of Python's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional

from core.ml.architecture import Act, Conv, Dense, Flatten, Norm, Pool
from core.ml.layered import layered_forward, layered_weights
from core.ml.networks import forward, initial_weights
from core.ml.optimizers import Optimizer
from core.ml.recurrent import recurrent_forward, recurrent_weights
from core.ml.replay import WARM_UP, Replayed
from core.ml.rules import RULES, Contender

TAKEN, N = 20, 6
CONTENDERS = tuple(Contender(rule=rule, lr=0.01, beta2=0.9, l2=0.01 * (k % 2)) for k, rule in enumerate(RULES))

MLP, IMAGE, WORDS = (5, 4, 3), (1, 6, 6), (7, 4, 3)
CNN = (Conv(4), Norm(), Pool(), Act(), Conv(5), Act(), Flatten(), Dense(3))
KINDS: dict[str, tuple[np.ndarray, tuple[int, ...], Callable[[Tensor, Tensor], Tensor]]] = {
    "mlp": (initial_weights(MLP, 0), (MLP[0], N), lambda w, x: forward(w, x, MLP, "tanh")),
    "cnn": (
        layered_weights(CNN, IMAGE, 0),
        (N, *IMAGE),
        lambda w, x: layered_forward(CNN, IMAGE, w, x),
    ),
} | {
    cell: (
        recurrent_weights(cell, WORDS, 0),
        (4, N, WORDS[0]),
        lambda w, x, cell=cell: recurrent_forward(w, x, cell, WORDS)[0][:, -1].mT,
    )
    for cell in ("rnn", "gru", "lstm", "peephole")
}


def training(kind: str, device: str) -> tuple[Callable[[Tensor, Tensor], None], Tensor, Tensor, Tensor]:
    """A step on a batch, the weights it changes, and the batches: x [step, members, …, n], y [step, members, n]."""
    row, shape, network = KINDS[kind]
    weights = torch.as_tensor(row, device=device).repeat(len(CONTENDERS), 1)
    optimizer = Optimizer(weights, CONTENDERS, TAKEN)

    def step(x: Tensor, y: Tensor) -> None:
        leaf = weights.detach().requires_grad_()
        loss = functional.cross_entropy(network(leaf, x), y, reduction="sum") / N
        optimizer.step(torch.autograd.grad(loss, leaf)[0])

    rng = torch.Generator().manual_seed(0)
    xs = torch.randn(TAKEN, len(CONTENDERS), *shape, generator=rng)
    ys = torch.randint(0, 3, (TAKEN, len(CONTENDERS), N), generator=rng)
    return step, weights, xs.to(device), ys.to(device)


def eager(kind: str, device: str) -> Tensor:
    step, weights, xs, ys = training(kind, device)
    for x, y in zip(xs, ys):
        step(x, y)
    return weights


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_of_one_step_replayed_is_the_eager_run(kind: str) -> None:
    step, weights, xs, ys = training(kind, "cpu")
    before = weights.clone()
    x, y = xs[0].clone(), ys[0].clone()  # the buffers
    step(x, y)
    trace = make_fx(step)(x, y)  # tracing takes a step too: the second, on the batch of the first
    assert len(trace.graph.nodes) > 50
    step, weights_again, _, _ = training(kind, "cpu")
    for x_now, y_now in [(xs[0], ys[0]), (xs[0], ys[0]), *zip(xs[2:], ys[2:])]:
        step(x_now, y_now)
    for x_now, y_now in zip(xs[2:], ys[2:]):
        x.copy_(x_now)
        y.copy_(y_now)
        trace(x, y)
    assert torch.equal(weights, weights_again)
    assert (weights - before).abs().amax(1).min() > 1e-5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", KINDS)
def test_a_cuda_graph_takes_the_path_of_the_eager_run(kind: str) -> None:
    step, weights, xs, ys = training(kind, "cuda")
    learn = Replayed(step)
    for x, y in zip(xs, ys):
        learn(x, y)
    assert list(learn.calls.values()) == [TAKEN] and TAKEN > WARM_UP and len(learn.graphs) == 1
    assert (weights - eager(kind, "cuda")).abs().max() < 1e-5


def test_on_the_cpu_a_replayed_step_is_the_step() -> None:
    step, weights, xs, ys = training("mlp", "cpu")
    learn = Replayed(step)
    for x, y in zip(xs, ys):
        learn(x, y)
    assert torch.equal(weights, eager("mlp", "cpu"))
    assert not learn.graphs
