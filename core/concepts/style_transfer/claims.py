"""What the notes and papers say of style transfer, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.style_transfer.depth.params import KINDS
from core.concepts.style_transfer.params import PRESETS, Params, Result
from core.concepts.style_transfer.shuffled.params import NETWORKS, ORDERS
from core.concepts.style_transfer.texture.params import WAYS
from core.conclusions.measures import Contenders, Measure, finished, preset, unseen

TEXTURES, REBUILT = Contenders(lambda params: tuple(WAYS)), Contenders(lambda params: KINDS[:2])
SAME = 1e-6  # a Gram matrix that moved by less did not move
STRANGE = 0.4  # style distance at which the style is missed


def at_end(name: str) -> Callable[[Any], np.ndarray]:
    """What was measured of textures, [way, seed]."""
    return lambda result: getattr(result, name)[..., 0]


def log_loss(result: Any) -> np.ndarray:
    """Decimal logarithm of the loss in the end, [way, seed]."""
    return np.log10(np.maximum(result.loss[..., -1].astype(float), 1e-9))


def psnr(layer: int) -> Callable[[Any], np.ndarray]:
    """Of what is rebuilt from this layer (from 0), [network, seed]."""
    return lambda result: result.psnr[:2, layer, :, -1].astype(float)


def between(name: str, one: int, other: int) -> Measure:
    """What is transferred with the content of one layer, less that with another's."""
    return finished(lambda result: np.subtract(*(getattr(result, name)[k, :, -1].astype(float) for k in (one, other))))


def noticed(name: str, network: str, order: str, layer: int) -> Callable[[Any], np.ndarray]:
    """By how much Gram matrices (style) or maps (content) moved, [seed]."""
    return lambda result: getattr(result, name)[NETWORKS.index(network), ORDERS.index(order), :, layer]


def forgotten(result: Any) -> np.ndarray:
    """The most by which the Gram matrix of any layer moved when places were shuffled."""
    return result.style[:, ORDERS.index("places")].max((0, 2))


def drifted(result: Any) -> np.ndarray:
    """The largest change of any weight of any network."""
    return np.nanmax(result.changed, (0, 2))


DECIDES = unseen(Params(small=24), 20)


def claim(id: str, of: str, measure: Measure, smallest: float, direction: str = "above") -> Claim:
    return Claim(id, measure, DECIDES, smallest, direction, of=of)


LAST = -1
CLAIMS = (
    claim("places", "shuffled", finished(forgotten), SAME, "below"),
    claim("content", "shuffled", finished(noticed("content", "trained", "places", LAST)), 0.5),
    claim("colours", "shuffled", finished(noticed("style", "trained", "pixels", 0)), SAME, "below"),
    claim("pixels", "shuffled", finished(noticed("style", "trained", "pixels", LAST)), 0.3),
    claim("uncentred", "shuffled", finished(lambda r: r.uncentred), 0.05),
    claim("untrained", "texture", finished(drifted), 1e-9, "below"),
    claim("filters", "texture", TEXTURES.more(at_end("repeats"), "one", "trained"), 0.05, "within"),
    claim("filters_colours", "texture", TEXTURES.more(at_end("repeats"), "colours", "one"), 0.02),
    claim("sizes", "texture", TEXTURES.more(at_end("repeats"), "one", "sizes"), 0.01),
    claim("seen", "texture", TEXTURES.more(at_end("seen"), "one", "trained"), 0.1),
    claim("lbfgs", "texture", TEXTURES.more(log_loss, "trained", "trained_lbfgs"), 0.1),
    claim("lbfgs_filters", "texture", TEXTURES.more(log_loss, "sizes", "sizes_lbfgs"), 0.1),
    claim("deeper", "depth", REBUILT.more(psnr(0), "trained", "trained", over=psnr(LAST)), 3),
    claim("deeper_random", "depth", REBUILT.more(psnr(0), "random", "random", over=psnr(LAST)), 3),
    claim("trained_forgets", "depth", REBUILT.more(psnr(2), "random", "trained"), 0.5),
    claim("shallow", "depth", between("styled", 0, 3), 0.02),
    claim("deep", "depth", between("alike", 1, 4), 0.1),
)


def asked(params: Params) -> bool:
    """Whether a run ought to meet the style."""
    heavy = params.weight >= 10 and params.steps >= 40
    return heavy and params.optimizer == "adam" and params.network == "trained" and params.rate >= 0.02


def missed(result: Result) -> np.ndarray | None:
    """Style distance in the end."""
    return result.style_distance[-1:] if len(result.style_distance) else None


def whose(result: Result) -> tuple[str, dict[str, Any]] | None:
    """Whose mean colour the picture has in the end."""
    if not 0 < result.step == result.total or not result.picture.size:
        return None
    now, content, style = (each.mean((0, 1)) for each in (result.picture[-1], result.content, result.style))
    far = [float(np.linalg.norm(now - other)) for other in (content, style)]
    if round(far[0]) == round(far[1]):
        return None
    return "content" if far[0] < far[1] else "style", {"content": f"{far[0]:.0f}", "style": f"{far[1]:.0f}"}


def same_gram(result: Any) -> tuple[str, dict[str, Any]] | None:
    """What becomes of the Gram matrix of colours when all pixels are shuffled."""
    if not 0 < result.step == result.total or not result.colours.size:
        return None
    gap = float(np.abs(result.colours[0] - result.colours[1]).max())
    deeper = result.style[int(not result.trained), ORDERS.index("pixels"), :, -1]
    if not deeper.size or not np.isfinite([gap, *deeper]).all():
        return None
    said = {"gap": "0" if gap < 1e-12 else f"{gap:.0e}", "deeper": f"{deeper.mean():.2f}"}
    return "same" if gap < SAME else "other", said


PREDICTIONS = (
    Prediction("whose", ("content", "style"), whose),
    Prediction("same", ("same", "other"), same_gram, "shuffled"),
)
MISTAKES = tuple(
    Mistake(id, "output", preset(Params(), PRESETS, id), finished(missed, asked), STRANGE, "transfer")
    for id in ("undivided", "bytes")
)
