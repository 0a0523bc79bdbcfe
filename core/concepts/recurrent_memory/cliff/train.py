"""One unit, hₜ = w σ(hₜ₋₁) + b, whose output σ(h₅₀) shall be 0.7 (Pascanu, Mikolov and Bengio, 2013, figure 6)."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.recurrent_memory.cliff.params import FIRST, RATE, STEPS, TARGET, TIME, B, Result, W
from core.concepts.recurrent_memory.params import Params
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 10) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps."""
    starts = np.stack([start(params.weight_seed + i) for i in range(params.seeds)])
    at = np.tile(starts, (len(params.clips), 1, 1))  # [clip, seed, 2]
    longest, turned = np.zeros(at.shape[:2]), np.zeros(at.shape[:2])
    surface = loss_and_gradient(*np.meshgrid(W, B))[0].astype(np.float32)
    sizes = {"clip": len(params.clips), "seed": params.seeds, "axis": 2, "tick": STEPS + 1}
    record = Recording(Result, params, STEPS, sizes, tick=np.arange(STEPS + 1), surface=surface)
    for moment in schedule(STEPS, chunk):
        for _ in range(1 if moment.step == 0 else len(moment.steps)):
            if moment.step:
                at, longest, turned = descended(params, at, longest, turned)
            loss, gradient = loss_and_gradient(at[..., 0], at[..., 1])
            record.append("tick", path=at, loss=loss, size=np.linalg.norm(gradient, axis=-1))
        record.set(longest=longest, turned=turned)
        yield record.result(moment.step)
    return {"place": at}


def start(seed: int) -> np.ndarray:
    """A place (w, b) above the cliff, which lies near b = −w/2."""
    w, above = stream("start above the cliff", seed).uniform((4.5, 0.2), (7.0, 0.8))
    return np.array([w, above - w / 2])


def descended(params: Params, at: np.ndarray, longest: np.ndarray, turned: np.ndarray) -> tuple[np.ndarray, ...]:
    """Every clip one step on, with the longest step and the largest angle so far."""
    _, gradient = loss_and_gradient(at[..., 0], at[..., 1])
    step = np.stack([clipped(g, clip.kind, params.threshold) for g, clip in zip(gradient, params.clips)])
    length, size = np.linalg.norm(step, axis=-1), np.linalg.norm(gradient, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (step * gradient).sum(-1) / (length * size)
    angle = np.degrees(np.arccos(np.clip(np.where(length * size > 0, cosine, 1), -1, 1)))
    return at - RATE * step, np.maximum(longest, RATE * length), np.maximum(turned, angle)


def clipped(gradient: np.ndarray, kind: str, threshold: float) -> np.ndarray:
    """Gradients [seed, 2] of w and b, two tensors of one number each."""
    if kind == "norm":  # the whole of it, as long as the threshold at most: its direction stays
        return gradient * np.minimum(
            1, threshold / np.maximum(np.linalg.norm(gradient, axis=-1, keepdims=True), 1e-300)
        )
    if kind == "tensor":  # wrong: every tensor by its own norm, which turns the step
        return gradient * np.minimum(1, threshold / np.maximum(np.abs(gradient), 1e-300))
    if kind == "above":  # wrong: min(G, threshold) leaves −1000 as it is
        return np.minimum(gradient, threshold)
    return gradient


def loss_and_gradient(w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(σ(h) − 0.7)² after TIME steps, and its gradient by w and b [..., 2], carried along forwards."""
    h = np.full(np.shape(w), FIRST)
    by = np.zeros((*h.shape, 2))
    for _ in range(TIME):
        out = sigmoid(h)
        slope = w * out * (1 - out)
        by = np.stack([out, np.ones_like(out)], -1) + slope[..., None] * by
        h = w * out + b
    out = sigmoid(h)
    return (out - TARGET) ** 2, (2 * (out - TARGET) * out * (1 - out))[..., None] * by


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(z / 2))
