"""JAX as its users write populations: jit of vmap over members of scan over steps, one program per rule."""

from __future__ import annotations

import os

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from core.ml.rules import Contender
from tests.peers.works import TIME, Work, data, orders, starts, weights

Arrays = dict[str, Any]


def update(c: Contender, w: Any, g: Any, s: Arrays, t: Any) -> tuple[Any, Arrays]:
    """One step of a rule at t = 1, 2, …, in the notation of torch.optim; state not used yet is 0."""
    a, b = s["a"], s["b"]
    if c.rule == "sgd":
        return w - c.lr * g, s
    if c.rule in ("momentum", "nesterov"):
        a = c.momentum * a + g
        return w - c.lr * (g + c.momentum * a if c.rule == "nesterov" else a), {**s, "a": a}
    if c.rule == "adagrad":
        a = a + g * g
        return w - c.lr * g / (jnp.sqrt(a) + 1e-10), {**s, "a": a}
    if c.rule == "adadelta":
        a = c.rho * a + (1 - c.rho) * g * g
        d = jnp.sqrt(b + 1e-6) / jnp.sqrt(a + 1e-6) * g
        return w - c.lr * d, {**s, "a": a, "b": c.rho * b + (1 - c.rho) * d * d}
    if c.rule == "rmsprop":
        a = c.alpha * a + (1 - c.alpha) * g * g
        return w - c.lr * g / (jnp.sqrt(a) + c.eps), {**s, "a": a}
    a, b = c.beta1 * a + (1 - c.beta1) * g, c.beta2 * b + (1 - c.beta2) * g * g
    root = jnp.sqrt(1 - c.beta2**t)
    rest = {"a": a, "b": b, "product": s["product"]}
    if c.rule == "adamw":
        w = w * (1 - c.lr * c.weight_decay)
    if c.rule == "nadam":
        mu, following = (c.beta1 * (1 - 0.5 * 0.96 ** (k * 0.004)) for k in (t, t + 1))
        product = s["product"] * mu
        step = (1 - mu) / (1 - product) * g + following / (1 - product * following) * a
        return w - c.lr * step / (jnp.sqrt(b) / root + c.eps), {**rest, "product": product}
    step = c.lr * a / (1 - c.beta1**t)
    if c.rule == "radam":
        limit = 2 / (1 - c.beta2) - 1
        length = limit - 2 * t * c.beta2**t / (1 - c.beta2**t)
        r = jnp.sqrt(jnp.maximum((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length), 0))
        return w - jnp.where(length > 5, step * r * root / (jnp.sqrt(b) + c.eps), step), rest
    return w - step / (jnp.sqrt(b) / root + c.eps), rest


def state(w: Any) -> Arrays:
    return {"a": jnp.zeros_like(w), "b": jnp.zeros_like(w), "product": jnp.ones(())}


def pieces(w: Any, shapes: list[tuple[int, ...]]) -> list[Any]:
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(jnp.split(w, ends[:-1]), shapes)]


def outputs(work: Work, w: Any, x: Any) -> Any:
    """Outputs of one member, [n, …, units]."""
    if work.kind == "images":
        shapes = [(8, 1, 3, 3), (8,), (16, 8, 3, 3), (16,), (10, 64), (10,)]
        *convs, dense, bias = pieces(w, shapes)
        for kernel, b in zip(convs[::2], convs[1::2]):
            x = lax.conv_general_dilated(x, kernel, (1, 1), "SAME") + b[:, None, None]
            x = jax.nn.relu(x)
            n, c, h, v = x.shape
            x = x.reshape(n, c, h // 2, 2, v // 2, 2).max((3, 5))
        return x.reshape(len(x), -1) @ dense.T + bias
    if work.kind == "text":
        inputs, units, classes = work.sizes
        shapes = [(4 * units, inputs), (4 * units, units), (4 * units,), (4 * units,), (classes, units), (classes,)]
        w_x, w_h, b_x, b_h, dense, bias = pieces(w, shapes)
        z = w_x.T[x] + (b_x + b_h)  # [n, TIME, gates]

        def step(carry: Any, z: Any) -> Any:
            h, c = carry
            i, f, g, o = jnp.split(z + h @ w_h.T, 4, 1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        nothing = jnp.zeros((len(x), units))
        _, hs = lax.scan(step, (nothing, nothing), z.swapaxes(0, 1), length=TIME)
        return hs.swapaxes(0, 1) @ dense.T + bias
    shapes = [shape for i, o in pairwise(work.sizes) for shape in ((o, i), (o,))]
    parts = pieces(w, shapes)
    for layer, (dense, b) in enumerate(zip(parts[::2], parts[1::2])):
        if layer:
            x = jnp.tanh(x) if work.kind == "points" else jax.nn.relu(x)
        x = x @ dense.T + b
    return x


def prepare(work: Work, seeds: int, epochs: int) -> Callable[[], np.ndarray]:
    if work.kind == "surface":
        return surface(work, seeds, epochs)
    x, y = (jnp.asarray(part) for part in data(work))
    order, rows = jnp.asarray(orders(work, seeds, epochs)), jnp.asarray(weights(work, seeds))

    def loss(w: Any, x: Any, y: Any) -> Any:
        found = outputs(work, w, x)
        if work.kind == "points":
            return jnp.mean((found - y) ** 2)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(found), y[..., None], -1))

    def program(c: Contender) -> Any:
        def step(carry: Any, batch: Any) -> Any:
            w, s, t = carry
            w, s = update(c, w, jax.grad(loss)(w, x[batch], y[batch]), s, t)
            return (w, s, t + 1), None

        def epoch(carry: Any, order: Any) -> Any:
            carry, _ = lax.scan(step, carry, order)
            return carry, loss(carry[0], x, y)

        def train(w: Any, order: Any) -> Any:
            _, after = lax.scan(epoch, (w, state(w), 1.0), order)
            return jnp.concatenate([loss(w, x, y)[None], after])

        return jax.jit(jax.vmap(train))

    programs = [program(c) for c in work.contenders]
    return lambda: np.concatenate([np.asarray(train(rows, order)) for train in programs])


def surface(work: Work, seeds: int, epochs: int) -> Callable[[], np.ndarray]:
    points = jnp.asarray(starts(work)[:seeds])

    def f(p: Any) -> Any:
        return (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2

    def program(c: Contender) -> Any:
        def step(carry: Any, _: None) -> Any:
            w, s, t = carry
            w, s = update(c, w, jax.grad(f)(w), s, t)
            return (w, s, t + 1), f(w)

        def search(w: Any) -> Any:
            _, after = lax.scan(step, (w, state(w), 1.0), None, length=epochs)
            return jnp.concatenate([f(w)[None], after])

        return jax.jit(jax.vmap(search))

    programs = [program(c) for c in work.contenders]
    return lambda: np.concatenate([np.asarray(search(points)) for search in programs])
