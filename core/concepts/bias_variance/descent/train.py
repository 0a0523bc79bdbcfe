"""Double descent in closed form: least squares of smallest norm on random ReLU features (Belkin et al., 2019), and its
error taken apart over training sets and over features (Adlam and Pennington, 2020)."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from core.concepts.bias_variance.descent.params import AMOUNTS, DRAWS, INPUTS, ROWS, SETS, SHARES, Result, counts
from core.concepts.bias_variance.draws import twofold
from core.concepts.bias_variance.params import Params
from core.ml.random import stream
from core.ml.recording import Recording, schedule

TESTED = 100  # fresh examples, the same for all models of a seed
STEPS = len(SHARES) + len(AMOUNTS)


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, None]:
    """Results, each fuller than the last, at least one every `chunk` numbers of features, then of examples."""
    widths, amounts, kept = counts(params, SHARES), counts(params, AMOUNTS), 1 - 2 * params.wrong
    most, expected = max(widths), np.array([1.0, kept, kept])
    sides = [drawn_side(params, seed, max(amounts), most) for seed in range(params.seeds)]
    x, y, x_test, y_test, slopes = (torch.as_tensor(np.stack(each)) for each in zip(*sides))
    phi, phi_test = (torch.relu(inputs @ slopes) for inputs in (x[:, :, None], x_test[:, None, None]))
    right, targets = x_test[..., 0].sign().numpy(), y_test[..., [0, 1, 1]].movedim(-1, 0)[:, :, :, None].numpy()
    axes = {"row": len(ROWS), "seed": params.seeds}
    record = Recording(Result, params, STEPS, axes, width=widths, amount=amounts)

    def outputs(n: int, count: int) -> np.ndarray:
        """Of models of `count` features on n examples: [row, seed, set, draw, test example]."""
        scale = count**-0.5
        inner, outer = scale * phi[..., :n, :count], scale * phi_test[..., :count]
        plain, penalised = minimum_norm(inner, y[:, :, None, :n], outer, (0.0, params.ridge))
        return torch.cat([plain, penalised[..., 1:]], -1).movedim(-1, 0).numpy()

    def error(found: np.ndarray) -> np.ndarray:
        return ((found - targets) ** 2).mean((2, 3, 4))

    for moment in schedule(STEPS, chunk):
        for step in moment.steps:
            if step < len(SHARES):
                found = outputs(params.examples, widths[step])
                each = [twofold(row, goal * right, 1 / TESTED) for row, goal in zip(found, expected)]
                parts = {name: np.stack([one[name] for one in each]) for name in each[0]}
                missed = (found * right[:, None, None] <= 0).mean((2, 3, 4))
                record.append("width", test=error(found), missed=missed, **parts)
            else:
                record.append("amount", by_amount=error(outputs(amounts[step - len(SHARES)], params.examples)))
        yield record.result(moment.step)


def drawn_side(params: Params, seed: int, n: int, most: int) -> tuple[np.ndarray, ...]:
    """Of one seed: training examples [sets, n, inputs] with labels ±1 [sets, n, 2], the second kind partly wrong; test
    examples [m, inputs] and their labels, drawn for every set [sets, m, 2]; slopes of
    random ReLU units, which are the features (Rahimi and Recht, 2008), [sets, draws, inputs, most]."""
    rng = stream("double descent", params.data_seed + seed)
    x, x_test = rng.standard_normal((SETS, n, INPUTS)), rng.standard_normal((TESTED, INPUTS))
    labels = []
    for inputs in (x, np.broadcast_to(x_test, (SETS, TESTED, INPUTS))):
        right = np.sign(inputs[..., 0])
        labels.append(np.stack([right, np.where(rng.random(right.shape) < params.wrong, -right, right)], -1))
    drawn = stream("random features", params.weight_seed + seed)
    slopes = drawn.standard_normal((SETS, DRAWS, INPUTS, most)) / INPUTS**0.5
    return x, labels[0], x_test, labels[1], slopes


def minimum_norm(phi: Tensor, y: Tensor, at: Tensor, ridges: tuple[float, ...]) -> list[Tensor]:
    """For every ridge, outputs at features `at` [..., m, N] of the weights that make |phi w − y|² + ridge |w|² least,
    and where several do, of the shortest. phi [..., n, N], y [..., n, k]. Of the two Gram matrices the smaller
    one is taken apart."""
    back = phi.mT
    gram, aims, at = (back @ phi, back @ y, at) if phi.shape[-1] <= phi.shape[-2] else (phi @ back, y, at @ back)
    values, vectors = torch.linalg.eigh(gram)
    kept = values > 1e-13 * values[..., -1:]
    aims, at = vectors.mT @ aims, at @ vectors
    inverses = [torch.where(kept, 1 / (values.clamp(min=1e-300) + ridge), 0.0) for ridge in ridges]
    return [at @ (inverse[..., None] * aims) for inverse in inverses]
