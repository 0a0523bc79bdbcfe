"""Deeper and deeper, with and without shortcuts: all from the same weights where their layers have the same names, and
on the same batches."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch

from core.concepts.residual_networks.networks import Examples, Population, batches, data_of, judged, operated
from core.concepts.residual_networks.params import (
    KINDS,
    PROBED,
    Operation,
    Outcome,
    Params,
    Result,
    batch_of,
    blocks,
    built,
    depths,
    ticks,
)
from core.ml.recording import Recording, schedule, stacked


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the states [seeds, …] of every
    network at every depth, "0.20" (`Population.state`)."""
    training, test = data_of(params, device)
    probe = Examples(training.x[:, :PROBED], training.y[:, :PROBED])
    orders = batches(params, training.x.shape[1], batch_of(params))
    nets = [[Population(params, net, depth, [params.lr], device) for depth in depths(params)] for net in params.nets]
    seen, moments = torch.arange(params.seeds, device=device)[:, None], ticks(params.steps)
    most = blocks(params.deepest)
    axes = {"net": len(nets), "seed": params.seeds, "split": 2, "end": 1}
    axes |= {"place": most + 1, "block": most, "pair": most - 1}
    record = Recording(Result, params, params.steps, axes, depth=np.array(depths(params)), tick=moments)

    for moment in schedule(params.steps, chunk, tick=moments):
        for step in moment.steps:
            chosen = torch.as_tensor(orders[step].astype(np.int64), device=device)
            batch = Examples(training.x[seen, chosen], training.y[seen, chosen])
            for row in nets:
                for population in row:
                    population.learn(batch)
        if moment.due:
            record.append("tick", **stacked(looked(row, probe, test, most) for row in nets))
        if moment.last:
            record.append("end", **stacked(lesions(params, i, row[-1].state(), test) for i, row in enumerate(nets)))
        yield record.result(moment.step)
    return {
        f"{i}.{depth}": population.state()
        for i, row in enumerate(nets)
        for depth, population in zip(depths(params), row)
    }


def looked(row: list[Population], probe: Examples, test: Examples, most: int) -> dict[str, np.ndarray]:
    """Of one network at all depths: what it has learned, and what comes through the deepest."""
    found = np.array([[population.measure(split) for split in (probe, test)] for population in row])
    loss, accuracy = found.transpose(2, 0, 3, 1)  # [depth, seed, split] each
    inside = row[-1].look(Examples(probe.x[:, :64], probe.y[:, :64]))
    beyond = lambda v: np.pad(v, ((0, 0), (0, most)), constant_values=np.nan)[:, : most + 1]  # noqa: E731
    wide = {name: beyond(values) for name, values in inside.items()}
    return {"loss": loss, "accuracy": accuracy} | wide


def lesions(params: Params, place: int, state: np.ndarray, test: Examples) -> dict[str, np.ndarray]:
    """Test accuracy of the deepest after each block alone is taken out, and after each pair of neighbours changed
    places; NaN for blocks that are not there."""
    most, there = blocks(params.deepest), blocks(built(params.nets[place], params.deepest))
    removed, swapped = (np.full((params.seeds, max(n, 0)), np.nan) for n in (most, most - 1))
    for k in range(min(most, there)):
        removed[:, k] = judged(operated(params, place, params.deepest, state, test.x, out=[k]), test.y)[1]
    for k in range(min(most, there) - 1):
        z = operated(params, place, params.deepest, state, test.x, swapped=(k, k + 1))
        swapped[:, k] = judged(z, test.y)[1]
    return {"removed": removed, "swapped": swapped}


def answer(params: Params, result: Result, state: dict[str, np.ndarray], question: Operation) -> Outcome:
    """Accuracy of the deepest before and after, and what the first seed says of one test example."""
    _, test = data_of(params)
    example = question.example % test.x.shape[1]
    accuracy, said = [], []
    for place, net in enumerate(params.nets):
        there = range(blocks(built(net, params.deepest)))
        chosen = [k - 1 for k in (question.first, question.second) if k - 1 in there]
        rows = state[f"{place}.{params.deepest}"]
        if not question.swap:
            done = operated(params, place, params.deepest, rows, test.x, out=chosen)
        else:
            pair = (chosen[0], chosen[1]) if len(chosen) == 2 else None
            done = operated(params, place, params.deepest, rows, test.x, swapped=pair)
        both = (operated(params, place, params.deepest, rows, test.x), done)
        accuracy.append(np.stack([judged(z, test.y)[1] for z in both], -1))
        said.append(np.stack([z[0, :, example].softmax(0).numpy() for z in both], -1))
    kind = np.array([KINDS.index(net.kind) for net in params.nets])
    return Outcome(question, 1, 1, kind, np.stack(accuracy), np.stack(said), np.array(int(test.y[0, example])))
