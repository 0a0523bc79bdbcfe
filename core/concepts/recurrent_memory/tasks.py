"""Tasks whose answer is asked for when the sequence has ended. No torch.

x [n, 2, time] are the values and the marks; answers are [n, outputs].
"""

from __future__ import annotations

import numpy as np

from core.concepts.recurrent_memory.params import BITS, Params

Sequences = tuple[np.ndarray, np.ndarray]


def adding(rng: np.random.Generator, n: int, time: int) -> Sequences:
    """The sum of the two marked values, a mark in each half (Hochreiter and Schmidhuber, 1997; Le et al., 2015)."""
    x, row, half = numbers(rng, n, time), np.arange(n), time // 2
    x[row, 1, rng.integers(0, half, n)] = 1
    x[row, 1, rng.integers(half, time, n)] = 1
    return x, (x[:, 0] * x[:, 1]).sum(1, keepdims=True)


def latch(rng: np.random.Generator, n: int, time: int) -> Sequences:
    """The value at the last of three marks."""
    x = numbers(rng, n, time)
    places = np.sort(rng.random((n, time)).argsort(1)[:, :3], 1)
    np.put_along_axis(x[:, 1], places, 1, 1)
    return x, x[np.arange(n), 0, places[:, -1]][:, None]


def echo(rng: np.random.Generator, n: int, time: int) -> Sequences:
    """The value half the time ago."""
    x = numbers(rng, n, time)
    return x, x[:, 0, time - 1 - time // 2, None]


def copy(rng: np.random.Generator, n: int, time: int) -> Sequences:
    """The bits at the beginning, all of them, after nothing has come in for long; a mark at the end."""
    x = np.zeros((n, 2, time), np.float32)
    x[:, 0, :BITS] = rng.integers(0, 2, (n, BITS))
    x[:, 1, -1] = 1
    return x, x[:, 0, :BITS]


def parity(rng: np.random.Generator, n: int, time: int) -> Sequences:
    """Whether the number of ones is odd."""
    x = np.zeros((n, 2, time), np.float32)
    x[:, 0] = rng.integers(0, 2, (n, time))
    return x, x[:, 0].sum(1, keepdims=True) % 2


def numbers(rng: np.random.Generator, n: int, time: int) -> np.ndarray:
    """Values that are uniform from 0 to 1, and no marks."""
    x = np.zeros((n, 2, time), np.float32)
    x[:, 0] = rng.random((n, time), np.float32)
    return x


TASKS = {"adding": adding, "ahead": adding, "latch": latch, "echo": echo, "copy": copy, "parity": parity}


def drawn(params: Params, rng: np.random.Generator, n: int) -> Sequences:
    return TASKS[params.task](rng, n, params.length)


def answered(task: str, values: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The right answers [outputs] to one sequence that somebody typed."""
    if task in ("adding", "ahead"):
        return np.array([(values * marks).sum()])
    if task == "latch":
        return np.array([values[marks][-1] if marks.any() else np.nan])
    if task == "echo":
        return np.array([values[len(values) - 1 - len(values) // 2]])
    return values[:BITS] if task == "copy" else np.array([values.round().sum() % 2])
