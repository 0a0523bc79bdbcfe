"""Places in another order: what Gram matrices notice of it, and what maps do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from core.concepts.style_transfer.data import pair
from core.concepts.style_transfer.networks import eye, gram, levels, off, tensor
from core.concepts.style_transfer.params import LAYERS, Params
from core.concepts.style_transfer.shuffled.params import AXES, NETWORKS, SHOWN, Result
from core.ml.pretrained import installed
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Iterator[Result]:
    """Results, each fuller than the last, every `chunk` seeds."""
    side = params.small
    first = tensor(pair(params.data_seed, side)[0])
    both = torch.cat([first, moved(first, params.weight_seed)])
    sizes = AXES | {"row": side, "column": side, "seed": params.seeds}
    maps = eye("random", params.weight_seed).look(first, 1)[0][:, :SHOWN]
    known = {"pictures": levels(both), "colours": gram(both.double()).numpy(), "matrices": matrices(maps)}
    record = Recording(Result, params, params.seeds, sizes, trained=installed(), **known)
    for moment in schedule(params.seeds, chunk):
        for i in moment.steps:
            seed, whole = params.weight_seed + i, tensor(pair(params.data_seed + i, side)[0])
            for k, network in enumerate(NETWORKS):
                if network != "trained" or installed():
                    style, content = noticed(network, whole, seed)
                    record.arrays["style"][k, :, i], record.arrays["content"][k, :, i] = style, content
            _, cosines, correlations = related(eye("random", seed).look(whole, 1)[0])
            record.arrays["uncentred"][i] = np.abs(cosines - correlations).mean()
        yield record.result(moment.step)


def moved(maps: Tensor, seed: int) -> Tensor:
    """Maps with their places in another order, the same for all."""
    order = torch.as_tensor(stream("order", seed, maps[0, 0].numel()).permutation(maps[0, 0].numel()))
    return maps.flatten(2)[..., order].reshape(maps.shape)


def noticed(network: str, picture: Tensor, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How far Gram matrices are from what they were, and maps: [order, layer] each."""
    look = eye(network, seed).look
    with torch.no_grad():
        before = [picture, *look(picture, LAYERS)]
        pixels = moved(picture, seed)
        ways = [moved(maps, seed) for maps in before], [pixels, *look(pixels, LAYERS)]
    pairs = [[(a.double(), b.double()) for a, b in zip(after, before)] for after in ways]
    style = [[float(off(gram(a), gram(b))) for a, b in row] for row in pairs]
    return np.array(style), np.array([[float(off(a, b)) for a, b in row] for row in pairs])


def related(maps: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariances of maps; what their Gram matrix is when scaled to a diagonal of ones, cosines; correlations."""
    maps = maps.double()
    whole, centred = gram(maps)[0].numpy(), gram(maps - maps.mean((2, 3), keepdim=True))[0].numpy()
    scaled = [z / np.sqrt(np.outer(np.diag(z), np.diag(z))).clip(1e-12) for z in (whole, centred)]
    return centred, scaled[0], scaled[1]


def matrices(maps: Tensor) -> np.ndarray:
    """Gram matrix, covariance, correlation: [kind, map, map]."""
    covariance, _, correlation = related(maps)
    return np.stack([gram(maps.double())[0].numpy(), covariance, correlation])
