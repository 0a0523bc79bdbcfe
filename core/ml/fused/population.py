"""`Fused`: the face of `core.ml.population.Stacked` before the compiled kernel.

Everything the kernel relies on is checked here: it works on raw addresses and looks at no bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from core.ml.fused import kernel
from core.ml.fused.formulas import ACTIVATIONS, LOSSES
from core.ml.fused.rules import SETTINGS, numbers
from core.ml.fused.simd import BYTES


def aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Zeros at an address that registers like."""
    size = int(np.prod(shape))
    room = np.zeros(size + BYTES // dtype.itemsize, dtype)
    first = -room.ctypes.data % BYTES // dtype.itemsize
    return room[first : first + size].reshape(shape)


def seats(rules: Sequence[str], lanes: int) -> np.ndarray:
    """Which member sits in each lane [registers · lanes]. Members of one rule sit together, for a register computes
    every rule that one of its lanes follows; lanes that are spare repeat the member before them."""
    found: list[int] = []
    spare = -len(rules) % lanes
    for rule in dict.fromkeys(rules):
        group = [member for member, other in enumerate(rules) if other == rule]
        free = -len(found) % lanes
        if free <= spare and free < len(group) <= lanes:  # whole in the next register
            found += found[-1:] * free
            spare -= free
        found += group
    return np.array(found + found[-1:] * spare)


def _refuse(wrong: bool, message: str) -> None:
    if wrong:
        raise ValueError(message)


class Fused:
    """As `Stacked`, on the CPU, in float32 or float64 as the weights are. Beyond it:

    batch: also one per member, [members]; then their epochs end at different steps.
    x, y, orders: a first axis of 1 serves all members whatever `which` says.
    threads: how many threads share the members; the numbers are the same bits for any.
    """

    LANES = BYTES // 4  # members of float32 that cost no more than one
    ACTIVATIONS = tuple(ACTIVATIONS)  # those it knows: fewer than `Stacked`

    def __init__(
        self,
        sizes: tuple[int, ...],
        activation: str,
        loss: str,
        weights: np.ndarray,
        settings: Sequence[Any],
        x: np.ndarray,
        y: np.ndarray,
        which: np.ndarray,
        orders: np.ndarray,
        batch: int | np.ndarray,
        factors: np.ndarray | None = None,
        device: str = "cpu",
        dropout: Any = None,
        threads: int = 1,
    ):
        members, kind = len(weights), weights.dtype
        _refuse(device != "cpu", f"the kernel runs on the CPU, not on {device}")
        _refuse(kind not in (np.float32, np.float64), f"weights are {kind}, not float32 or float64")
        _refuse(len(sizes) < 2 or min(sizes) < 1, f"no network has layers of {sizes} units")
        _refuse(activation not in ACTIVATIONS, f"no activation is called {activation!r}")
        _refuse(loss not in LOSSES, f"no loss is called {loss!r}")
        parameters = sum((i + 1) * o for i, o in pairwise(sizes))
        _refuse(weights.shape != (members, parameters) or not members, f"weights {weights.shape}, not [members, D]")
        _refuse(len(settings) != members, f"{len(settings)} settings for {members} members")
        _refuse(any(s.rule not in kernel.RULES for s in settings), "a rule the kernel does not know")
        _refuse(x.ndim != 3 or x.shape[2] != sizes[0] or not x.shape[1], f"x {x.shape}, not [sets, n, {sizes[0]}]")
        if loss == "softmax":
            _refuse(y.shape != x.shape[:2] or y.dtype.kind not in "iu", f"labels {y.shape} of {y.dtype}")
            _refuse(bool(y.min() < 0 or y.max() >= sizes[-1]), f"labels beyond 0 … {sizes[-1] - 1}")
            y = np.eye(sizes[-1], dtype=kind)[y]
        _refuse(y.shape != (*x.shape[:2], sizes[-1]), f"y {y.shape}, not [sets, n, {sizes[-1]}]")
        _refuse(orders.ndim != 3 or 0 in orders.shape or orders.dtype.kind not in "iu", f"orders {orders.shape}")
        _refuse(bool(orders.min() < 0 or orders.max() >= x.shape[1]), "an order names an example that is not there")
        _refuse(which.shape != (members,) or which.dtype.kind not in "iu", f"which {which.shape}, not [members]")
        batches = np.broadcast_to(np.asarray(batch, np.int64), members)
        _refuse(bool(batches.min() < 1), "a batch has at least one example")
        batches = np.minimum(batches, orders.shape[2])
        rows = {}
        for name, axis in (("x", x), ("orders", orders)):
            rows[name] = which.astype(np.int64) if len(axis) > 1 else np.zeros(members, np.int64)
            _refuse(bool(rows[name].min() < 0 or rows[name].max() >= len(axis)), f"which names no set of {name}")

        self.sizes, self.step = tuple(sizes), 0
        self.lanes, self.members = BYTES // kind.itemsize, members
        self.registers = -(-members // self.lanes)
        self.steps = orders.shape[1] * int((-(-orders.shape[2] // batches)).min())  # as far as the orders reach
        self._sizes = np.array(sizes, np.int64)
        self._codes = (
            list(ACTIVATIONS).index(activation),
            LOSSES.index(loss),
            1.0 if loss == "softmax" else 1 / sizes[-1],
        )
        self._x, self._y = (np.ascontiguousarray(a, kind) for a in (x, y))
        self._orders = np.ascontiguousarray(orders, np.int32)
        lanes = seats([s.rule for s in settings], self.lanes)
        self._seat = np.unique(lanes, return_index=True)[1]  # the lane of every member
        self._weights = self._packed(weights[lanes])
        self._past = aligned((self.registers, kernel.STATES, parameters, self.lanes), kind)
        self._data_row, self._order_row, self._batch = (a[lanes] for a in (rows["x"], rows["orders"], batches))

        factors = np.ones((1, self.steps)) if factors is None else np.atleast_2d(factors)
        _refuse(
            len(factors) not in (1, members) or factors.shape[1] < self.steps,
            f"factors {factors.shape}, not [{self.steps}] or [{members}, {self.steps}]",
        )
        places: dict[Any, int] = {}  # members with the same settings and factors share a row of numbers
        values = [(s.rule, s.l2, getattr(s, "l1", 0.0), *(getattr(s, name) for name in SETTINGS)) for s in settings]
        who = [places.setdefault((v, m if len(factors) > 1 else 0), len(places)) for m, v in enumerate(values)]
        first = [who.index(i) for i in range(len(places))]
        used = factors[first if len(factors) > 1 else [0], : self.steps]
        constants, rates = numbers([settings[m] for m in first], self.steps, used)
        self._who = np.array(who, np.int64)[lanes]
        self._constants, self._rates = constants.astype(kind), rates.astype(kind)
        rules = np.array([kernel.RULES.index(s.rule) for s in settings])[lanes].reshape(self.registers, 1, self.lanes)
        masks = rules == np.arange(kernel.KINDS)[:, None]  # [register, rule, lane]
        self._present = np.ascontiguousarray(masks.any(2), np.uint8)
        self._masks = aligned(masks.shape, kind)
        self._masks[:] = masks

        self._dropped = dropout is not None
        limits, up, seeds = np.zeros((members, len(sizes) - 1)), np.ones((members, len(sizes) - 1)), np.zeros(members)
        self._down = None  # what weights are multiplied by at test
        if dropout is not None:
            limits, up, down, all_seeds = (
                np.asarray(a) for a in (dropout.limits, dropout.up, dropout.down, dropout.seeds)
            )
            limits, up = limits[..., 0, 0], up[..., 0, 0]
            _refuse(
                limits.shape != (members, len(sizes) - 1) or down.shape != weights.shape, "dropout of other networks"
            )
            seeds = all_seeds.ravel()[np.asarray(dropout.which)]
            self._down = None if (down == 1).all() else self._packed(down[lanes].astype(kind))
        self._limits, self._seeds = limits[lanes].astype(np.int64), seeds[lanes].astype(np.int64)
        self._up = up[lanes].astype(kind)

        cuts = np.linspace(0, self.registers, min(threads, self.registers) + 1).round().astype(int)
        self._parts = [(int(a), int(b)) for a, b in pairwise(cuts)]
        need = kernel.scratch_registers(self.sizes, int(batches.max()))
        self._scratch = [aligned((need * self.lanes,), kind) for _ in self._parts]
        self._pool = ThreadPoolExecutor(len(self._parts)) if len(self._parts) > 1 else None

    def _packed(self, rows: np.ndarray) -> np.ndarray:
        """[registers · lanes, D] → [register, D, lane]."""
        found = aligned((len(rows) // self.lanes, rows.shape[1], self.lanes), rows.dtype)
        found[:] = rows.reshape(-1, self.lanes, rows.shape[1]).swapaxes(1, 2)
        return found

    def _members(self, packed: np.ndarray) -> np.ndarray:
        """[register, …, lane] → [members, …]."""
        return np.moveaxis(packed, -1, 1).reshape(-1, *packed.shape[1:-1])[self._seat]

    def _share(self, work: Any) -> None:
        """work(first register, last register, scratch) for every part, each in its thread."""
        jobs = [(*part, scratch) for part, scratch in zip(self._parts, self._scratch)]
        if self._pool is None:
            work(*jobs[0])
        else:
            list(self._pool.map(lambda job: work(*job), jobs))

    @property
    def weights(self) -> np.ndarray:
        """[members, D] as they are now."""
        return self._members(self._weights).copy()

    def advance(self, steps: int) -> None:
        """Train every member for so many steps."""
        _refuse(steps < 0 or self.step + steps > self.steps, f"the orders end after {self.steps} steps")
        activation, loss, unit = self._codes
        past, end = self.step, self.step + steps
        self._share(
            lambda first, last, scratch: kernel.train(
                first,
                last,
                past,
                end,
                self._sizes,
                activation,
                loss,
                unit,
                self._x,
                self._y,
                self._x.shape[1],
                self._orders,
                self._orders.shape[2],
                self._orders.shape[1],
                self._data_row,
                self._order_row,
                self._batch,
                self._weights,
                self._past,
                self._constants,
                self._rates,
                self._who,
                self._present,
                self._masks,
                self._dropped,
                self._limits,
                self._up,
                self._seeds,
                scratch,
            )
        )
        self.step = end

    def _at_test(self) -> np.ndarray:
        """The weights [register, D, lane] that networks have at test."""
        if self._down is None:
            return self._weights
        found = aligned(self._weights.shape, self._weights.dtype)
        return np.multiply(self._weights, self._down, out=found)

    def measure(self, bounds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and share of right answers [members, splits] on the examples bounds[i] … bounds[i+1] − 1 of each
        member's data set. Who has diverged is never right."""
        limits = np.array(bounds, np.int64)
        _refuse(limits.ndim != 1 or len(limits) < 2 or bool((np.diff(limits) < 1).any()), "a split without examples")
        _refuse(bool(limits[0] < 0 or limits[-1] > self._x.shape[1]), "a split beyond the examples")
        activation, loss, unit = self._codes
        weights = self._at_test()
        found = np.empty((2, self.registers, len(limits) - 1, self.lanes), self._weights.dtype)
        self._share(
            lambda first, last, scratch: kernel.measure(
                first,
                last,
                self._sizes,
                activation,
                loss,
                unit,
                self._x,
                self._y,
                self._x.shape[1],
                limits,
                self._data_row,
                weights,
                found[0],
                found[1],
                scratch,
            )
        )
        return self._members(found[0]), self._members(found[1])

    def outputs(self, x: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Outputs [members, outputs, n] of some members at the same inputs x [n, inputs]."""
        kind, chosen = self._weights.dtype, self._seat[members]
        _refuse(x.ndim != 2 or x.shape[1] != self.sizes[0], f"x {x.shape}, not [n, {self.sizes[0]}]")
        places = chosen[np.minimum(np.arange(-(-len(chosen) // self.lanes) * self.lanes), len(chosen) - 1)]
        registers, lane = np.divmod(places, self.lanes)
        weights = self._packed(self._at_test()[registers, :, lane])
        found = aligned((len(weights), len(x), self.sizes[-1], self.lanes), kind)
        inputs = np.ascontiguousarray(x, kind)
        kernel.outputs(self._sizes, self._codes[0], inputs, weights, found, self._scratch[0])
        return found.transpose(0, 3, 2, 1).reshape(-1, self.sizes[-1], len(x))[: len(chosen)]
