"""What common networks ask of an engine, for the `cost` of a concept. No torch."""

from __future__ import annotations

from itertools import pairwise


def weight_count(sizes: tuple[int, ...]) -> int:
    """Weights and biases of one perceptron with these units per layer."""
    return sum((i + 1) * o for i, o in pairwise(sizes))


def stepping(weights: int, batch: int) -> float:
    """Floating-point operations of one training step of one network: forward and backward take about 6 per weight and
    example, and an optimizer reads and writes every weight several times, which takes as long as 100."""
    return weights * (6.0 * batch + 100.0)


def population_bytes(sizes: tuple[int, ...], members: int, batch: int, sets: int, examples: float) -> float:
    """Memory of a population of perceptrons in training: weights with the state of an optimizer, what a step keeps for
    the way back, and what is computed when all `examples` of each of the data `sets` are measured."""
    units = sum(sizes)
    return 4.0 * (members * (12 * weight_count(sizes) + 3 * units * batch) + 3 * units * sets * examples)


def order_bytes(sets: int, examples: int, epochs: int) -> float:
    """Memory of the orders in which examples are visited, drawn beforehand."""
    return 12.0 * sets * examples * epochs
