"""Is it easy for a block to do nothing? Blocks in a row that shall give what comes in."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from core.concepts.residual_networks.copy.params import BATCH, CHAINS, COPIED, STARTED, Result, chain
from core.concepts.residual_networks.params import Params
from core.ml.architecture import Layers
from core.ml.layered import layered_forward, layered_weights, untangled
from core.ml.optimizers import Optimizer, Settings
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the weights [seeds, D] of every
    chain, "plain.4"."""
    seeds = range(params.seeds)
    names = [(kind, count) for kind in STARTED for count in CHAINS]
    chains = [chain(params, kind, count) for kind, count in names]
    starts = [[layered_weights(net, COPIED, params.weight_seed + i, "he") for i in seeds] for net in chains]
    rows = [torch.as_tensor(np.stack(start), device=device) for start in starts]
    optimizers = [Optimizer(row, [Settings("adam", params.lr)] * params.seeds, params.steps) for row in rows]
    rngs = [stream("copy", params.data_seed + i) for i in seeds]
    moments = np.unique((params.steps * np.linspace(0, 1, min(40, params.steps // 3) + 1) ** 1.5).round().astype(int))

    def drawn() -> Tensor:
        """What activations are like: normal numbers, those below 0 set to 0; [seeds, batch, channels, length]."""
        x = np.stack([rng.standard_normal((BATCH, *COPIED), np.float32).clip(0) for rng in rngs])
        return torch.as_tensor(x, device=device)

    axes = {"net": len(STARTED), "chain": len(CHAINS), "seed": params.seeds}
    record = Recording(Result, params, params.steps, axes, tick=moments)

    probe = drawn()
    for moment in schedule(params.steps, chunk, tick=moments):
        for _ in moment.steps:
            x = drawn()
            for net, row, optimizer in zip(chains, rows, optimizers):
                leaf = row.detach().requires_grad_()
                optimizer.step(torch.autograd.grad(off(net, leaf, x).sum(), leaf)[0])
        if moment.due:
            with torch.no_grad():
                found = [off(net, row, probe).numpy(force=True) for net, row in zip(chains, rows)]
            record.append("tick", error=np.concatenate(found))
        yield record.result(moment.step)
    return {f"{kind}.{count}": row.numpy(force=True) for (kind, count), row in zip(names, rows)}


def off(net: Layers, rows: Tensor, x: Tensor) -> Tensor:
    """Mean square error of every chain [members], over the variance of what it was given."""
    said = untangled(layered_forward(net, COPIED, rows, x), len(rows)).squeeze(3)
    return (said - x).square().mean((1, 2, 3)) / x.var((1, 2, 3))
