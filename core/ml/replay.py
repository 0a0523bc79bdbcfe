"""A training step that a GPU replays as a whole: launching its many small kernels costs more than running them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WARM_UP = 3  # steps before the capture, for libraries to set themselves up, as torch's notes on CUDA graphs ask


class Replayed:
    """`step(*inputs)` as it is on a CPU; on CUDA, per shape of the inputs, replayed as one graph after a few calls.

    The step changes tensors of its own in place (weights, state, counters), gives nothing back, and asks nothing of the
    host: no `.item()`, no number of Python's that changes, no random numbers drawn there. Steps before the capture are
    real steps, so a replayed run is the eager run.
    """

    def __init__(self, step: Callable[..., None]):
        self.step = step
        self.calls: dict[tuple[torch.Size, ...], int] = {}
        self.graphs: dict[tuple[torch.Size, ...], tuple[Any, list[Tensor]]] = {}

    def __call__(self, *inputs: Tensor) -> None:
        if not inputs[0].is_cuda:
            self.step(*inputs)
            return
        shapes = tuple(x.shape for x in inputs)
        self.calls[shapes] = self.calls.get(shapes, 0) + 1
        if self.calls[shapes] <= WARM_UP:
            aside = torch.cuda.Stream()  # captures must not have met the default stream
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                self.step(*inputs)
            torch.cuda.current_stream().wait_stream(aside)
            return
        if shapes not in self.graphs:
            graph, buffers = torch.cuda.CUDAGraph(), [x.clone() for x in inputs]
            with torch.cuda.graph(graph):  # records, runs nothing
                self.step(*buffers)
            self.graphs[shapes] = graph, buffers
        graph, buffers = self.graphs[shapes]
        for buffer, x in zip(buffers, inputs):
            buffer.copy_(x)
        graph.replay()
