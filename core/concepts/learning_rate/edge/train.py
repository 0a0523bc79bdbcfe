"""Gradient descent at the edge of stability: sharpness rises until 2/η and stays about there (Cohen et al., 2021).

Where a loss has curvature κ along a direction, a step multiplies the distance to its lowest place by 1 − η κ: above 2/η
it grows. The largest curvature is found from products of the Hessian with directions, which are gradients of gradients
(Pearlmutter, 1994), and at a few moments once more, from differences of gradients alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from core.concepts.learning_rate.edge.params import CHECKS, EVERY, EXAMPLES, SIZES, Result, rates
from core.concepts.learning_rate.params import Params
from core.ml.data import digits, split
from core.ml.networks import forward, initial_weights
from core.ml.random import stream
from core.ml.recording import Recording, schedule

PRODUCTS = 12  # with the Hessian at every look
NUDGE = 1e-4  # of the central differences, in double precision


def train(params: Params, device: str = "cpu", chunk: int = 50) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [rates, seeds, D]."""
    seeds, speeds, total = params.seeds, rates(params), params.descent_steps
    sets = [drawn(params.data_seed + s) for s in range(seeds)]
    x, t = (torch.as_tensor(np.stack(parts)) for parts in zip(*sets))
    height = mean_loss(params.objective, x.repeat(len(speeds), 1, 1), t.repeat(len(speeds), 1, 1))
    first = np.stack([initial_weights(SIZES, params.weight_seed + s) for s in range(seeds)])
    w, lr = torch.as_tensor(np.tile(first, (len(speeds), 1))), torch.tensor(np.repeat(speeds, seeds)[:, None]).float()
    direction = np.stack(
        [stream("direction", params.weight_seed + s).standard_normal(w.shape[1]) for s in range(seeds)]
    )
    v = torch.as_tensor(np.tile(direction, (len(speeds), 1))).float()
    ticks = np.unique(np.r_[np.arange(0, total, EVERY), total])
    checks = ticks[np.unique(np.linspace(0, len(ticks) - 1, CHECKS).round().astype(int))]
    before, rose = torch.full((len(w),), torch.inf), np.zeros(len(w))
    twice = (a[:1].double().repeat(2, 1, 1) for a in (x, t))
    first_seed, rows = mean_loss(params.objective, *twice), slice(None, None, seeds)
    axes = {"rate": len(speeds), "seed": seeds}
    record = Recording(Result, params, total, axes, tick=ticks, checked=checks)

    for moment in schedule(total, chunk, tick=ticks, check=checks):
        for _ in moment.steps:
            loss, gradient = slope_at(height, w)
            rose += (loss > before).numpy()
            w, before = w - lr * gradient, loss
        if "tick" in moment.due:
            loss, sharp, v = sharpest(height, w, v)
            record.append("tick", loss=loss, sharpness=sharp, rose=rose / max(moment.step - 1, 1))
        if "check" in moment.due:
            record.append("check", check=[by_differences(first_seed, row) for row in w[rows].double().numpy()])
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": record.parted("rate seed", w.numpy())}


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The first training digits of a split: x [64, n] and targets of 0 and 1 [10, n]."""
    data = split(*digits(), seed)
    return data.x[0][:EXAMPLES].T, np.eye(SIZES[-1], dtype=np.float32)[data.y[0][:EXAMPLES]].T


def mean_loss(objective: str, x: Tensor, t: Tensor) -> Callable[[Tensor], Tensor]:
    """Weights [members, D] → mean loss [members] over the examples."""

    def height(w: Tensor) -> Tensor:
        z = forward(w, x, SIZES, "tanh")
        return (0.5 * (z - t).square() if objective == "squared" else -t * z.log_softmax(1)).sum(1).mean(1)

    return height


def slope_at(height: Callable[[Tensor], Tensor], w: Tensor) -> tuple[Tensor, Tensor]:
    leaf = w.detach().requires_grad_()
    loss = height(leaf)
    return loss.detach(), torch.autograd.grad(loss.sum(), leaf)[0]


def sharpest(height: Callable[[Tensor], Tensor], w: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Losses, largest eigenvalues of the Hessians [members] and their directions, from directions v [members, D]: the
    largest within the space of v and its products with the Hessian (Lanczos, 1950, all kept orthogonal)."""
    leaf = w.detach().requires_grad_()
    loss = height(leaf)
    (gradient,) = torch.autograd.grad(loss.sum(), leaf, create_graph=True)
    basis, bent = v.new_zeros(len(v), 0, v.shape[1]), v.new_zeros(len(v), 0, v.shape[1])
    for _ in range(PRODUCTS):
        for _ in range(2):  # once is not enough in single precision
            v = v - ((basis @ v[..., None]).mT @ basis)[:, 0]
        v = v / v.norm(dim=1, keepdim=True)
        (product,) = torch.autograd.grad((gradient * v).sum(), leaf, retain_graph=True)
        basis, bent = (torch.cat([kept, new[:, None]], 1) for kept, new in ((basis, v), (bent, product)))
        v = product
    inner = (basis @ bent.mT).double()
    fine = inner.isfinite().all(-1).all(-1)
    values, vectors = torch.linalg.eigh(torch.where(fine[:, None, None], inner, torch.eye(PRODUCTS).double()))
    along = (vectors[:, None, :, -1].float() @ basis)[:, 0]
    return loss.detach(), torch.where(fine, values[:, -1], torch.nan).float(), along


def by_differences(height: Callable[[Tensor], Tensor], w: np.ndarray) -> float:
    """The largest eigenvalue of the Hessian at weights w [D] (float64), by ARPACK on central differences of
    gradients: no second derivative is taken."""

    def product(v: np.ndarray) -> np.ndarray:
        v = v.ravel()
        both = torch.as_tensor(np.stack([w + NUDGE * v, w - NUDGE * v]))
        up, down = slope_at(height, both)[1].numpy()
        return (up - down) / (2 * NUDGE)

    if not np.isfinite(w).all():
        return np.nan
    operator = LinearOperator((len(w), len(w)), matvec=product, dtype=np.float64)
    return float(eigsh(operator, k=1, which="LA", v0=np.ones(len(w)), tol=1e-6, return_eigenvectors=False)[0])
