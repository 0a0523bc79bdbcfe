"""Training steps, measuring and outputs of registers of members: one lane, one member.

All of it in registers' order: weights [register, D] with D as in `core.ml.networks` (layer by layer W [out, in], then
b [out]), what a layer computes [example, unit]. Compiled once per float type for every depth, width and batch size.
"""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import Any

import numba
import numpy as np

from core.ml.fused.formulas import activate, losses_of, slopes_of
from core.ml.fused.rules import CONSTANTS, RATES, STEPS
from core.ml.fused.simd import (
    BLOCK,
    BYTES,
    ahead,
    apart,
    cache_folder,
    get,
    jit,
    load,
    pick,
    pointer,
    product,
    put,
    shift,
    store,
    transpose,
)
from core.ml.random import philox

config: Any = numba.config
config.CACHE_DIR = str(cache_folder())
RULES = list(STEPS)
KINDS = len(RULES)
STATES = 3  # what a rule keeps of the past: a, b, c
BLOCK_ROWS = 32  # examples that are measured at a time
HALVES, TRAINING = 8, zlib.crc32(b"training")  # as in core.ml.dropout

words = jit(philox)


# Products


def _strip(columns: int) -> Any:
    rows = BLOCK[0]

    @jit
    def strip(A: Any, am: int, ak: int, B: Any, bk: int, bn: int, C: Any, cm: int, cn: int, M: int, K: int, bias: Any, step: int) -> None:  # fmt: skip # noqa: E501
        """A strip of C, `columns` registers wide."""
        m = 0
        while m + rows <= M:
            product(rows, columns, ahead(A, m * am), am, ak, B, bk, bn, ahead(C, m * cm), cm, cn, K, bias, step)
            m += rows
        while m + 2 <= M:
            product(2, columns, ahead(A, m * am), am, ak, B, bk, bn, ahead(C, m * cm), cm, cn, K, bias, step)
            m += 2
        if m < M:
            product(1, columns, ahead(A, m * am), am, ak, B, bk, bn, ahead(C, m * cm), cm, cn, K, bias, step)

    return strip


_wide, _two, _one = _strip(BLOCK[1]), _strip(2), _strip(1)


@jit
def multiply(A: Any, am: int, ak: int, B: Any, bk: int, bn: int, C: Any, cm: int, cn: int, M: int, N: int, K: int, bias: Any, step: int) -> None:  # fmt: skip # noqa: E501
    """C[m, n] = bias[n] + Σₖ A[m, k] B[k, n], for m < M and n < N."""
    n = 0
    while n + BLOCK[1] <= N:
        _wide(A, am, ak, ahead(B, n * bn), bk, bn, ahead(C, n * cn), cm, cn, M, K, ahead(bias, n * step), step)
        n += BLOCK[1]
    while n + 2 <= N:
        _two(A, am, ak, ahead(B, n * bn), bk, bn, ahead(C, n * cn), cm, cn, M, K, ahead(bias, n * step), step)
        n += 2
    if n < N:
        _one(A, am, ak, ahead(B, n * bn), bk, bn, ahead(C, n * cn), cm, cn, M, K, ahead(bias, n * step), step)


# The parts of a step


@jit
def fill(out: Any, source: Any, starts: Any, count: int, lanes: int) -> None:
    """Lane q of out's registers 0 … count − 1 takes the numbers from source[starts[q]] on."""
    i = 0
    while i + lanes <= count:
        transpose(out, source, starts, i)
        i += lanes
    while i < count:
        for q in range(lanes):
            put(out, i * lanes + q, get(source, get(starts, q) + i))
        i += 1


@jit
def leave_out(drop: Any, sizes: Any, limits: Any, up: Any, seeds: Any, base: int, t: int, examples: int, lanes: int) -> None:  # fmt: skip # noqa: E501
    """What the inputs and the activations of every layer are multiplied by in step t, one after the other in drop."""
    for layer in range(len(sizes) - 1):
        units = sizes[layer]
        for q in range(lanes):
            limit, scale = limits[base + q, layer], up[base + q, layer]
            for b in range(examples):
                for first in range(0, units, HALVES):
                    four = words((first // HALVES, b, t, layer), (seeds[base + q], TRAINING))
                    for k in range(min(HALVES, units - first)):
                        half = four[k >> 1] >> 16 * (k & 1) & 0xFFFF
                        stays = scale if half >= limit else up.dtype.type(0)
                        put(drop, (b * apart(units) + first + k) * lanes + q, stays)
        drop = ahead(drop, examples * apart(units))


@jit
def scale_by(drop: Any, x: Any, count: int) -> None:
    for k in range(count):
        store(x, k, load(x, k) * load(drop, k))


@jit
def forward(sizes: Any, activation: int, w: Any, x: Any, h: Any, slopes: Any, examples: int, dropped: bool, drop: Any) -> Any:  # fmt: skip # noqa: E501
    """What every layer computes, one after the other in h, with the slopes of the activations. Returns the outputs.

    drop: what the activations (and so their slopes) of every hidden layer are multiplied by, if they are `dropped`.
    """
    layers = len(sizes) - 1
    for layer in range(layers):
        i, o = sizes[layer], sizes[layer + 1]
        multiply(x, apart(i), 1, w, 1, i, h, apart(o), 1, examples, o, i, ahead(w, i * o), 1)
        size = examples * apart(o)
        if layer < layers - 1:
            activate(activation, h, slopes, size)
            if dropped:
                scale_by(drop, h, size)
                scale_by(drop, slopes, size)
                drop = ahead(drop, size)
        x = h
        h, slopes, w = ahead(h, size), ahead(slopes, size), ahead(w, (i + 1) * o)
    return x


@jit
def backward(sizes: Any, w: Any, x: Any, h: Any, slopes: Any, errors: Any, gradient: Any, zero: Any, examples: int, units: int, parameters: int) -> None:  # fmt: skip # noqa: E501
    """The gradient of the loss by all weights, from `errors`, whose last layer is ∂loss/∂outputs."""
    at, behind = units, parameters  # where the layer's units and its weights end
    for layer in range(len(sizes) - 2, -1, -1):
        i, o = sizes[layer], sizes[layer + 1]
        at, behind = at - apart(o), behind - (i + 1) * o
        error, g = ahead(errors, at * examples), ahead(gradient, behind)
        under = (at - apart(i)) * examples
        before = ahead(h, under) if layer else x
        multiply(error, 1, apart(o), before, apart(i), 1, g, i, 1, o, i, examples, zero, 0)
        for k in range(o):
            total = load(error, k)
            for b in range(1, examples):
                total = total + load(error, b * apart(o) + k)
            store(g, i * o + k, total)
        if layer:
            below, slope = ahead(errors, under), ahead(slopes, under)
            multiply(error, apart(o), 1, ahead(w, behind), i, 1, below, apart(i), 1, examples, i, o, zero, 0)
            for k in range(examples * apart(i)):
                store(below, k, load(below, k) * load(slope, k))


@jit
def penalise(w: Any, g: Any, l1: Any, l2: Any, count: int) -> None:
    """g ← g + λ₂ w + λ₁ sign w."""
    for k in range(count):
        a = load(w, k)
        store(g, k, load(g, k) + l2 * a + l1 * (pick(a, 0.0, 1.0, 0.0) - pick(0.0, a, 1.0, 0.0)))


def _rule(own: int, formula: Any, others: Any) -> Any:
    @jit
    def update(w: Any, g: Any, past: Any, constants: Any, rates: Any, present: Any, masks: Any, count: int) -> None:
        """Apply the rule to all weights, in the lanes that follow it."""
        if get(present, own):
            mine = load(masks, own)
            p, q, eps = load(constants, 2), load(constants, 3), load(constants, 4)
            r, s, u = load(rates, 0), load(rates, 1), load(rates, 2)
            first, second, third = past, ahead(past, count), ahead(past, 2 * count)
            for k in range(count):
                v, a, b, c = load(w, k), load(first, k), load(second, k), load(third, k)
                v_, a_, b_, c_ = formula(v, load(g, k), a, b, c, p, q, eps, r, s, u)
                store(third, k, pick(mine, 0.0, c_, c))  # in this order, what a rule leaves alone is not stored:
                store(second, k, pick(mine, 0.0, b_, b))  # nothing came between its load and its store
                store(first, k, pick(mine, 0.0, a_, a))
                store(w, k, pick(mine, 0.0, v_, v))
        others(w, g, past, constants, rates, present, masks, count)

    return update


@jit
def _no_rule(w: Any, g: Any, past: Any, constants: Any, rates: Any, present: Any, masks: Any, count: int) -> None:
    pass


update = _no_rule
for _code, _name in reversed(list(enumerate(RULES))):
    update = _rule(_code, STEPS[_name], update)


@jit
def extent(sizes: Any) -> Any:
    """Registers of an example in all layers but the inputs, and weights."""
    units = parameters = 0
    for layer in range(len(sizes) - 1):
        units += apart(sizes[layer + 1])
        parameters += (sizes[layer] + 1) * sizes[layer + 1]
    return units, parameters


def scratch_registers(sizes: tuple[int, ...], batch: int) -> int:
    """Registers of working memory that `train` and `measure` need, for batches of at most this size."""
    examples = max(batch, BLOCK_ROWS)
    units, parameters = sum(n | 1 for n in sizes[1:]), sum((i + 1) * o for i, o in pairwise(sizes))
    return examples * (2 * (sizes[0] | 1) + sizes[-1] + 1 + 4 * units) + parameters + CONSTANTS + RATES + 3


# What Python calls


@jit(cache=True)
def train(begin: int, end: int, t0: int, t1: int, sizes: Any, activation: int, loss: int, unit: float, x_: Any, y_: Any, pool: int, order_: Any, examples: int, epochs: int, data_row: Any, order_row: Any, batch: Any, weights_: Any, past_: Any, constants_: Any, rates_: Any, who: Any, present_: Any, masks_: Any, dropped: bool, limits: Any, up: Any, seeds: Any, scratch_: Any) -> None:  # fmt: skip # noqa: E501
    """Steps t0 … t1 − 1 of the registers begin … end − 1.

    sizes: units of every layer; unit: factor of the loss besides 1/batch; pool: examples of a data set, `examples` of
    them in an order; per lane: data_row, order_row, batch, who (its row in constants and rates); where units are left
    out (`dropped`), seeds, and of every layer but the outputs the limits of the bits and the scale of what stays.
    """
    lanes = BYTES // x_.itemsize
    inputs, outputs = sizes[0], sizes[-1]
    units, parameters = extent(sizes)
    most = 0
    for lane in range(begin * lanes, end * lanes):
        most = max(most, batch[lane])
    x, y, order, rates = pointer(x_), pointer(y_), pointer(order_), pointer(rates_)
    here = pointer(scratch_)
    xb, here = here, ahead(here, most * apart(inputs))
    yb, here = here, ahead(here, most * outputs)
    share, here = here, ahead(here, most)
    h, here = here, ahead(here, most * units)
    slopes, here = here, ahead(here, most * units)
    errors, here = here, ahead(here, most * units)
    gradient, here = here, ahead(here, parameters)
    fixed, here = here, ahead(here, CONSTANTS)
    moving, here = here, ahead(here, RATES)
    drop, zero = here, ahead(here, most * (apart(inputs) + units))
    store(zero, 0, 0.0)
    kinds = rates_.shape[1]
    first, epoch, count = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    x_starts_, y_starts_ = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    x_starts, y_starts = pointer(x_starts_), pointer(y_starts_)

    for register in range(begin, end):
        base = register * lanes
        w = ahead(pointer(weights_), register * parameters)
        past = ahead(pointer(past_), register * parameters * STATES)
        present, masks = shift(pointer(present_), register * KINDS), ahead(pointer(masks_), register * KINDS)
        penalised = False
        for q in range(lanes):
            per_epoch = -(-examples // batch[base + q])
            epoch[q], first[q] = t0 // per_epoch, t0 % per_epoch * batch[base + q]
            for k in range(CONSTANTS):
                put(fixed, k * lanes + q, constants_[who[base + q], k])
            penalised |= constants_[who[base + q], 0] != 0 or constants_[who[base + q], 1] != 0

        for t in range(t0, t1):
            largest = 0
            for q in range(lanes):
                count[q] = min(batch[base + q], examples - first[q])
                largest = max(largest, count[q])
            for b in range(largest):
                for q in range(lanes):
                    there = (order_row[base + q] * epochs + epoch[q]) * examples + first[q]
                    row = data_row[base + q] * pool + np.int64(get(order, there + min(b, count[q] - 1)))
                    x_starts_[q], y_starts_[q] = row * inputs, row * outputs
                    part = unit / count[q] if b < count[q] else 0.0
                    put(share, b * lanes + q, x_.dtype.type(part))
                fill(ahead(xb, b * apart(inputs)), x, x_starts, inputs, lanes)
                fill(ahead(yb, b * outputs), y, y_starts, outputs, lanes)
            for q in range(lanes):
                first[q] += batch[base + q]
                if first[q] >= examples:
                    first[q] = 0
                    epoch[q] += 1
                for k in range(RATES):
                    put(moving, k * lanes + q, get(rates, (t * kinds + who[base + q]) * RATES + k))

            if dropped:
                leave_out(drop, sizes, limits, up, seeds, base, t, largest, lanes)
                scale_by(drop, xb, largest * apart(inputs))
            z = forward(sizes, activation, w, xb, h, slopes, largest, dropped, ahead(drop, largest * apart(inputs)))
            slopes_of(loss, z, yb, ahead(errors, (units - apart(outputs)) * largest), share, largest, outputs)
            backward(sizes, w, xb, h, slopes, errors, gradient, zero, largest, units, parameters)
            if penalised:
                penalise(w, gradient, load(fixed, 0), load(fixed, 1), parameters)
            update(w, gradient, past, fixed, moving, present, masks, parameters)


@jit(cache=True)
def measure(begin: int, end: int, sizes: Any, activation: int, loss: int, unit: float, x_: Any, y_: Any, pool: int, bounds: Any, data_row: Any, weights_: Any, losses: Any, right: Any, scratch_: Any) -> None:  # fmt: skip # noqa: E501
    """Mean loss and share of right answers of each lane on the examples between two bounds: losses and right
    [register, split, lane]."""
    lanes = BYTES // x_.itemsize
    inputs, outputs = sizes[0], sizes[-1]
    units, parameters = extent(sizes)
    x, y, here = pointer(x_), pointer(y_), pointer(scratch_)
    xb, here = here, ahead(here, BLOCK_ROWS * apart(inputs))
    yb, here = here, ahead(here, BLOCK_ROWS * outputs)
    h, here = here, ahead(here, BLOCK_ROWS * units)
    slopes, here = here, ahead(here, BLOCK_ROWS * units)
    total, here = here, ahead(here, 1)
    hits, here = here, ahead(here, 1)
    x_starts_, y_starts_ = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    x_starts, y_starts = pointer(x_starts_), pointer(y_starts_)
    for register in range(begin, end):
        w = ahead(pointer(weights_), register * parameters)
        for split in range(len(bounds) - 1):
            store(total, 0, 0.0)
            store(hits, 0, 0.0)
            for first in range(bounds[split], bounds[split + 1], BLOCK_ROWS):
                count = min(BLOCK_ROWS, bounds[split + 1] - first)
                for b in range(count):
                    for q in range(lanes):
                        row = data_row[register * lanes + q] * pool + first + b
                        x_starts_[q], y_starts_[q] = row * inputs, row * outputs
                    fill(ahead(xb, b * apart(inputs)), x, x_starts, inputs, lanes)
                    fill(ahead(yb, b * outputs), y, y_starts, outputs, lanes)
                z = forward(sizes, activation, w, xb, h, slopes, count, False, slopes)
                losses_of(loss, z, yb, total, hits, count, outputs)
            part = unit / (bounds[split + 1] - bounds[split])
            for q in range(lanes):
                losses[register, split, q] = get(total, q) * x_.dtype.type(part)
                right[register, split, q] = get(hits, q) * x_.dtype.type(part)


@jit(cache=True)
def outputs(sizes: Any, activation: int, x_: Any, weights_: Any, found_: Any, scratch_: Any) -> None:
    """Outputs of every lane at the same inputs x [examples, inputs]: found [register, example, output, lane]."""
    units, parameters = extent(sizes)
    width, examples = sizes[-1], x_.shape[0]
    x, here = pointer(x_), pointer(scratch_)
    xb, here = here, ahead(here, BLOCK_ROWS * apart(sizes[0]))
    h, slopes = here, ahead(here, BLOCK_ROWS * units)
    for register in range(found_.shape[0]):
        w = ahead(pointer(weights_), register * parameters)
        for first in range(0, examples, BLOCK_ROWS):
            count = min(BLOCK_ROWS, examples - first)
            for b in range(count):
                for i in range(sizes[0]):
                    store(xb, b * apart(sizes[0]) + i, get(x, (first + b) * sizes[0] + i))
            z = forward(sizes, activation, w, xb, h, slopes, count, False, slopes)
            found = ahead(pointer(found_), (register * examples + first) * width)
            for b in range(count):
                for i in range(width):
                    store(found, b * width + i, load(z, b * apart(width) + i))
