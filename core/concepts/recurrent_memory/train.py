"""Networks that have to remember: the same sequences for all, and the answer when they have ended."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch

from core.concepts.recurrent_memory.networks import Population, first_weights, inside, looked_into, padded
from core.concepts.recurrent_memory.params import (
    QUANTITIES,
    SHOWN,
    Answer,
    Params,
    Result,
    Sequence,
    looks,
    outputs,
    tested,
    ticks,
    typed_sequence,
    used,
)
from core.concepts.recurrent_memory.tasks import answered, drawn
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 5) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end weights "net 0" [seeds, D]."""
    nets, seeds, moments, count = used(params), range(params.seeds), ticks(params), tested(params)
    sources = [stream("sequences", params.data_seed + i) for i in seeds]
    x, y = together(params, [stream("test sequences", params.data_seed + i) for i in seeds], 2 * count)
    rows = [np.stack([first_weights(params, net, params.weight_seed + i) for i in seeds]) for net in nets]
    populations = [Population(params, net, row) for net, row in zip(nets, rows)]
    sizes = {"net": len(nets), "seed": params.seeds, "tick": len(moments), "look": len(looks(params)), "mark": 2}
    sizes |= {"time": params.length, "output": outputs(params), "quantity": len(QUANTITIES), "unit": SHOWN}
    about = {"example": x[0, 0].numpy(), "truth": y[0, 0].numpy()}
    record = Recording(Result, params, params.steps, sizes, tick=moments, look=looks(params), **about)

    for moment in schedule(params.steps, chunk, tick=moments, look=looks(params)):
        for _ in moment.steps:
            batch = together(params, sources, params.batch)
            for population in populations:
                population.learn(*batch)
        if not moment.step:
            for population in populations:
                population.gradient(x[:, : params.batch], y[:, : params.batch])
        if "tick" in moment.due:
            found = np.stack([population.tested(x[:, :count]) for population in populations])
            record.append(
                "tick",
                error=np.square(found - y[:, :count].numpy()).mean((2, 3)),
                norm=np.stack([population.norms() for population in populations]),
                said=found[:, 0, 0],
            )
        if "look" in moment.due:
            seen = [looked_into(population, x, x[:1, :1]) for population in populations]
            record.append("look", **{name: np.stack([one[name] for one in seen]) for name in seen[0]})
        yield record.result(moment.step)
    return {f"net {k}": population.weights.numpy() for k, population in enumerate(populations)}


def together(params: Params, sources: list[np.random.Generator], n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The next n sequences of every seed, [seeds, n, 2, time], and their answers [seeds, n, outputs]."""
    parts = [drawn(params, source, n) for source in sources]
    return torch.as_tensor(np.stack([x for x, _ in parts])), torch.as_tensor(np.stack([y for _, y in parts]))


def answer(params: Params, result: Result, state: dict[str, np.ndarray], question: Sequence) -> Answer:
    """What every network of the first seed answers to a sequence that was typed, and what is inside meanwhile."""
    values, marks = (np.array(part) for part in typed_sequence(question.sequence))
    if len(values) < 4:
        values, marks = np.r_[values, np.zeros(4 - len(values))], np.r_[marks, np.zeros(4 - len(marks))]
    example = np.stack([values, marks]).astype(np.float32)
    populations = [Population(params, net, state[f"net {k}"][:1]) for k, net in enumerate(used(params))]
    x = torch.as_tensor(example)[None, None]
    said = np.stack([population.tested(x)[0, 0] for population in populations])
    units = np.stack([padded(inside(population, x)[0, :, 0].numpy()) for population in populations])
    truth = answered(params.task, values, marks.astype(bool))
    return Answer(question, 1, 1, example, truth.astype(np.float32), said, units)
