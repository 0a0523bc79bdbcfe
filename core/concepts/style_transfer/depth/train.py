"""Content by layer and style by layer: pictures from noise that a network sees as it sees another one there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from core.concepts.style_transfer.data import pair
from core.concepts.style_transfer.depth.params import KINDS, RATE, WEIGHT, Result
from core.concepts.style_transfer.networks import Painting, eye, levels, noise, off, style_off, tensor
from core.concepts.style_transfer.params import FRAMES, LAYERS, Params, sees, ticks
from core.ml.pretrained import installed
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 5) -> Iterator[Result]:
    """Results, each fuller than the last, at least one every `chunk` evaluations."""
    side, moments, used = params.small, ticks(params.evaluations, FRAMES), sees("trained")
    pairs = [[tensor(each) for each in pair(params.data_seed + i, side)] for i in range(params.seeds)]
    best = [eye(used, params.weight_seed + i).look for i in range(params.seeds)]
    paintings: dict[tuple[int, int, int], Painting] = {}
    for i, (content, style) in enumerate(pairs):
        seed = params.weight_seed + i
        for kind in KINDS:
            if (kind == "trained" and not installed()) or (kind == "texture" and i):
                continue
            look = eye("random", seed).look if kind == "random" else best[i]
            for layer in range(LAYERS):
                goal = aim(kind, look, content, style, layer)
                paintings[KINDS.index(kind), layer, i] = Painting(noise(side, side, seed), goal, "adam", RATE)
    sizes = {"kind": len(KINDS), "layer": LAYERS, "seed": params.seeds, "row": side, "column": side, "channel": 3}
    known = {"content": levels(pairs[0][0])[0], "style": levels(pairs[0][1])[0]}
    record = Recording(Result, params, params.evaluations, sizes, trained=installed(), tick=moments, **known)
    for moment in schedule(params.evaluations, chunk, tick=moments):
        for painting in paintings.values():
            painting.advance(moment.step)
        if "tick" in moment.due:
            record.append("tick", **measured(paintings, pairs, best, side))
        yield record.result(moment.step)


def aim(
    kind: str, look: Callable[[Tensor, int], list[Tensor]], content: Tensor, style: Tensor, layer: int
) -> Callable[[Tensor], Tensor]:
    """What is to become small for pictures of this kind."""
    depth = LAYERS if kind == "transferred" else layer + 1
    with torch.no_grad():
        wanted, styled = look(content, depth)[layer], look(style, depth)
    if kind == "texture":
        return lambda picture: style_off(look(picture, depth), styled)
    if kind != "transferred":
        return lambda picture: off(look(picture, depth)[layer], wanted)

    def both(picture: Tensor) -> Tensor:
        found = look(picture, depth)
        return off(found[layer], wanted) + WEIGHT * style_off(found, styled)

    return both


def measured(
    paintings: dict[tuple[int, int, int], Painting],
    pairs: list[list[Tensor]],
    best: list[Callable[[Tensor, int], list[Tensor]]],
    side: int,
) -> dict[str, np.ndarray]:
    """What a moment has of every picture."""
    seeds = len(pairs)
    found = {
        "picture": np.zeros((len(KINDS), LAYERS, side, side, 3), np.uint8),
        "psnr": np.full((len(KINDS), LAYERS, seeds), np.nan),
        "styled": np.full((LAYERS, seeds), np.nan),
        "alike": np.full((LAYERS, seeds), np.nan),
    }
    for (kind, layer, i), painting in paintings.items():
        picture, (content, style) = painting.picture, pairs[i]
        if not i:
            found["picture"][kind, layer] = levels(picture)[0]
        found["psnr"][kind, layer, i] = -10 * np.log10(float(((picture - content) ** 2).mean().clamp_min(1e-10)))
        if KINDS[kind] == "transferred":
            with torch.no_grad():
                found["styled"][layer, i] = float(style_off(best[i](picture, LAYERS), best[i](style, LAYERS)))
            found["alike"][layer, i] = alike(picture, content)
    return found


def alike(one: Tensor, other: Tensor) -> float:
    """Correlation of grey values."""
    pair = [each[0].mean(0).flatten().double().numpy() for each in (one, other)]
    centred = [each - each.mean() for each in pair]
    return float(centred[0] @ centred[1] / max(np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]), 1e-12))
