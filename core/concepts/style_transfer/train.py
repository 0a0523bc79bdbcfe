"""A picture is changed until a network sees the content of one picture and the style of another in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.style_transfer.data import picture
from core.concepts.style_transfer.networks import Painting, eye, levels, noise, off, style_off, tensor
from core.concepts.style_transfer.params import Params, Result, sees, ticks
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 10) -> Iterator[Result]:
    """Results, each fuller than the last, at least one every `chunk` evaluations."""
    p, network = params, sees(params.network)
    content, style = (tensor(found) for found in pictures(p))
    look, _ = eye(network, p.weight_seed)
    at, depth, divided = p.content_layer - 1, max(p.content_layer, p.style_layers), p.gram == "divided"
    factor = 255.0 if p.inputs == "bytes" else 1.0

    def distances(found: list[Tensor], wanted: list[list[Tensor]], divided: bool = True) -> tuple[Tensor, Tensor]:
        """From the content's maps, and from the style's Gram matrices."""
        mapped, styled = wanted
        return off(found[at], mapped[at]), style_off(found[: p.style_layers], styled[: p.style_layers], divided)

    def aim(picture: Tensor) -> Tensor:
        far, strange = distances(look(factor * picture, depth), given, divided)
        return far + p.weight * strange

    with torch.no_grad():
        given = [look(factor * each, depth) for each in (content, style)]
        truth = [look(each, depth) for each in (content, style)]
        beside = look(functional.interpolate(style, content.shape[-2:], mode="bilinear"), depth)
        still = [distances(truth[0], truth)[1].item(), distances(beside, truth)[0].item()]
    high, wide = content.shape[-2:]
    start = content if p.start == "content" else noise(high, wide, p.data_seed)
    painting = Painting(start, aim, p.optimizer, p.rate)
    moments = ticks(p.steps)
    known = {
        "content": levels(content)[0],
        "style": levels(style)[0],
        "tick": moments,
        "still": np.array(still, np.float32),
    }
    record = Recording(Result, p, p.steps, {"tick": len(moments)}, trained=network == "trained", **known)
    for moment in schedule(p.steps, chunk, tick=moments):
        painting.advance(moment.step)
        if "tick" in moment.due:
            with torch.no_grad():
                far, strange = distances(look(painting.picture, depth), truth)
            found = {"content_distance": far.item(), "style_distance": strange.item()}
            record.append("tick", picture=levels(painting.picture)[0], **found)
        yield record.result(moment.step)


def pictures(params: Params) -> tuple[np.ndarray, np.ndarray]:
    """Content and style."""
    content = picture(params.own, params.content, params.side)
    return content, picture(params.own_style, params.style, params.style_side)
