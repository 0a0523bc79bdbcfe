"""Noise becomes a texture: networks, random filters and optimizers, each on the Gram matrices of the same style."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from core.concepts.style_transfer.data import pair
from core.concepts.style_transfer.networks import Painting, eye, gram, levels, noise, off, style_off, tensor
from core.concepts.style_transfer.params import FRAMES, LAYERS, Params, ticks
from core.concepts.style_transfer.texture.params import RATE, WAYS, Result
from core.ml.pretrained import installed
from core.ml.random import stream
from core.ml.recording import Recording, schedule

LAGS = 6  # pixels either way, by which a picture is laid over itself


def train(params: Params, device: str = "cpu", chunk: int = 5) -> Iterator[Result]:
    """Results, each fuller than the last, at least one every `chunk` evaluations."""
    side, moments = params.small, ticks(params.evaluations, FRAMES)
    styles = [tensor(pair(params.data_seed + i, side)[1]) for i in range(params.seeds)]
    seeds = [params.weight_seed + i for i in range(params.seeds)]
    used = {way: how for way, how in WAYS.items() if how[0] and (how[0] != "trained" or installed())}
    eyes = {(way, i): eye(network, seed) for way, (network, _) in used.items() for i, seed in enumerate(seeds)}
    before = {at: [weight.clone() for weight in each.weights] for at, each in eyes.items()}
    paintings = {
        (way, i): Painting(noise(side, side, seeds[i]), aim(each.look, styles[i]), used[way][1], RATE)
        for (way, i), each in eyes.items()
    }
    mixed = [shuffled(style, seed) for style, seed in zip(styles, seeds)]
    sizes = {"way": len(WAYS), "seed": params.seeds, "row": side, "column": side, "channel": 3}
    known = {"tick": moments, "style": levels(styles[0])[0], "trained": installed()}
    record = Recording(Result, params, params.evaluations, sizes, **known)

    def picture(way: str, i: int) -> Tensor:
        """As it is now; black where there is none."""
        return paintings[way, i].picture if (way, i) in paintings else mixed[i] * (way == "shuffled")

    for moment in schedule(params.evaluations, chunk, tick=moments):
        for painting in paintings.values():
            painting.advance(moment.step)
        if "tick" in moment.due:
            loss = np.full((len(WAYS), params.seeds), np.nan)
            for (way, i), painting in paintings.items():
                with torch.no_grad():
                    first = float(painting.aim(painting.picture)) if not painting.losses else np.inf
                loss[list(WAYS).index(way), i] = min([first, *painting.losses[: max(moment.step, 1)]])
            shown = [levels(picture(way, 0))[0] for way in WAYS]
            record.append("tick", picture=np.stack(shown), loss=loss)
        if moment.last:
            record.set(**judged(picture, styles, used), changed=drift(eyes, before, params.seeds))
        yield record.result(moment.step)


def aim(look: Callable[[Tensor, int], list[Tensor]], style: Tensor) -> Callable[[Tensor], Tensor]:
    """The style distance of a picture."""
    with torch.no_grad():
        wanted = [gram(maps) for maps in look(style, LAYERS)]
    return lambda picture: torch.stack(
        [off(gram(maps), other) for maps, other in zip(look(picture, LAYERS), wanted)]
    ).mean()


def shuffled(picture: Tensor, seed: int) -> Tensor:
    """Its pixels in another order."""
    order = torch.as_tensor(stream("order", seed).permutation(picture[0, 0].numel()))
    return picture.flatten(2)[..., order].reshape(picture.shape)


def autocorrelation(picture: Tensor) -> np.ndarray:
    """Of grey values a few pixels apart, [down, across] from -LAGS to LAGS, borders joined."""
    grey = picture[0].mean(0).double().numpy()
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    away = np.arange(-LAGS, LAGS + 1)
    return np.fft.ifft2(power).real[np.ix_(away, away)] / max(power.mean(), 1e-12)


def judged(
    picture: Callable[[str, int], Tensor], styles: list[Tensor], used: dict[str, tuple[str, str]]
) -> dict[str, np.ndarray]:
    """How far every way's pictures are from the style: by autocorrelations, and as the trained network sees it."""
    found = {name: np.full((len(WAYS), len(styles), 1), np.nan) for name in ("repeats", "seen")}
    for i, style in enumerate(styles):
        own = autocorrelation(style)
        for k, way in enumerate(WAYS):
            if way in used or way == "shuffled":
                found["repeats"][k, i] = np.sqrt(((autocorrelation(picture(way, i)) - own) ** 2).mean())
                if installed():
                    look = eye("trained", 0).look
                    with torch.no_grad():
                        found["seen"][k, i] = float(style_off(look(picture(way, i), LAYERS), look(style, LAYERS)))
    return found


def drift(eyes: dict, before: dict, count: int) -> np.ndarray:
    """The largest change of any weight: [way, seed, 1]."""
    found = np.full((len(WAYS), count, 1), np.nan)
    for (way, i), each in eyes.items():
        moved = [float((now - then).abs().max()) for now, then in zip(each.weights, before[way, i])]
        found[list(WAYS).index(way), i] = max(moved, default=0.0)
    return found
