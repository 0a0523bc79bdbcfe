"""Two networks learn digits; then it is asked what they look at, and whether pictures of that mean anything."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from math import prod

import numpy as np
import torch
from torch import Tensor

from core.concepts.inside_a_cnn.looking import (
    Dreams,
    attacks,
    best_patches,
    flat,
    into_square,
    looked,
    noise,
    noticed,
    scores,
    told_apart,
)
from core.concepts.inside_a_cnn.params import (
    AXES,
    CLASSES,
    COMPARED,
    INK,
    LAYERS,
    MAPPED,
    NETS,
    PICTURE,
    PROBED,
    STRENGTHS,
    TAPS,
    UNITS,
    Ascent,
    Drawing,
    Dream,
    Dreamt,
    Params,
    Result,
    Seen,
    Unit,
    own_size,
    ticks,
)
from core.ml.architecture import parameters
from core.ml.layered import layered_forward, layered_weights, untangled
from core.ml.mnist import SIDE, mnist_splits
from core.ml.own import image
from core.ml.photographs import photograph
from core.ml.pretrained import features, installed
from core.ml.random import stream
from core.ml.recording import Recording, schedule
from core.ml.signal_nets import Race

JUDGE, FRESH = 100_000, 200_000  # added to the seeds of weights: those of the second networks, and random ones
# What units answer to, as much as pixels cost: a score is a sum over all of the picture, the others are means.
GAIN = {"first": 200.0, "second": 100.0, "third": 50.0, "scores": 1.0}
RISE = 0.02  # of a pixel and step of a dream, on average
JITTER = 8  # pixels by which a photograph is moved before a step (Mordvintsev et al., 2015)


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the networks [seeds, D]."""
    count, drawn = params.seeds, [params.data_seed + i for i in range(params.seeds)]
    begun = [params.weight_seed + i for i in range(count)]
    splits = [mnist_splits((params.examples, params.examples, params.tested), seed) for seed in drawn]
    x, y = (np.stack([split[k][j] for k in range(len(NETS)) for split in splits]) for j in range(2))
    digits, truth = (torch.as_tensor(np.stack([split[-1][j] for split in splits])) for j in range(2))
    digits, order = digits[:, :, None], np.stack([batches(params, seed) for seed in drawn], 1)
    if params.shuffled:
        y = np.stack([stream("shuffled", drawn[m % count], m // count).permutation(row) for m, row in enumerate(y)])
    race = Race(LAYERS, PICTURE, [*begun, *(seed + JUDGE for seed in begun)], x, y, params.steps)
    net, judge = race.weights.split(count)
    picture, start = pictured(params, *splits[0][-1]), np.stack([noise(seed) for seed in drawn])
    dreams = Dreams(start, np.repeat(STRENGTHS, CLASSES).tolist(), params.ascent)
    asked = torch.as_tensor(np.stack([picture, start[0]]))[None, :, None]
    moments, climbed = ticks(params.steps), params.steps + ticks(params.ascent)
    sizes = {"net": len(NETS), "seed": count, "class": CLASSES, "strength": len(STRENGTHS), "row": SIDE, "column": SIDE}
    sizes |= AXES | {"example": min(COMPARED, params.tested)}
    known = {"tick": moments, "moment": climbed, "picture": picture, "noise": start[0]}
    record = Recording(Result, params, int(climbed[-1]), sizes, **known)

    for moment in schedule(int(climbed[-1]), chunk, tick=moments, moment=climbed):
        for step in moment.steps:
            if step < params.steps:
                race.step(np.concatenate([order[step]] * len(NETS)))
            else:
                rise(dreams, net)
        if "tick" in moment.due:
            right = [correct(rows, digits, truth) for rows in (net, judge)]
            said = np.stack([probabilities(rows[:1], asked)[0] for rows in (net, judge)])
            record.append("tick", accuracy=right, said=said[:, 0], noise_said=said[:, 1])
        if "moment" in moment.due:
            record.append("moment", **recognised(params, dreams, net, judge))
        if moment.last:
            every = levels(dreams.pictures[0, :, 0]).reshape(1, -1, CLASSES, SIDE, SIDE)
            record.set(dreams=every, **looked(net, random_rows(begun, FRESH), picture))
            unseen = (race.x[count:, :PROBED], torch.as_tensor(np.stack([split[1][1] for split in splits]))[:, :PROBED])
            record.set(**understood(net, judge, begun, drawn, (digits, truth), unseen))
        yield record.result(moment.step)
    return {"net": net.numpy(), "judge": judge.numpy()}


def batches(params: Params, seed: int) -> np.ndarray:
    """Which digits come at every step: [steps, batch]."""
    return stream("batches", seed).integers(params.examples, size=(params.steps, params.batch))


def pictured(params: Params, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The reader's own picture, or the first test digit of the class."""
    return into_square(image(params.own)) if params.own else x[(y == params.digit).argmax()]


def random_rows(seeds: list[int], further: int = 0) -> Tensor:
    """Networks that have learnt nothing."""
    return torch.as_tensor(np.stack([layered_weights(LAYERS, PICTURE, seed + further, "he") for seed in seeds]))


@torch.no_grad()
def probabilities(rows: Tensor, x: Tensor) -> np.ndarray:
    """[members, n, class]."""
    return scores(rows, x).softmax(1).mT.numpy()


@torch.no_grad()
def correct(rows: Tensor, x: Tensor, y: Tensor) -> np.ndarray:
    """Share of right answers of every member at pictures of its own, member after member: few maps are held at once."""
    each = zip(rows.split(1), x.split(1), y)
    return np.array([float((scores(row, own)[0].argmax(0) == truth).double().mean()) for row, own, truth in each])


# Dreams


def rise(dreams: Dreams, net: Tensor) -> None:
    """One step of all: picture n shall be of class n modulo their number."""
    leaf = dreams.leaf()
    said = scores(net, leaf).unflatten(2, (-1, CLASSES))
    dreams.climb(said.diagonal(dim1=1, dim2=3).sum(), leaf)


def recognised(params: Params, dreams: Dreams, net: Tensor, judge: Tensor) -> dict[str, np.ndarray]:
    """How sure both networks are of the class that was meant, mean over classes; and of the first seed the dreams of
    the class that is chosen, and what is said of them."""
    x = dreams.pictures
    said = np.stack([probabilities(rows, x) for rows in (net, judge)])  # [net, seed, n, class]
    by_class = said.reshape(*said.shape[:2], len(STRENGTHS), CLASSES, CLASSES)
    sure = np.einsum("nskcc->nks", by_class) / CLASSES
    return {
        "believed": sure,
        "dream_said": by_class[:, 0, :, params.digit],
        "dream": levels(x[0, params.digit :: CLASSES, 0]),
    }


def levels(x: Tensor) -> np.ndarray:
    return (255 * x).round().to(torch.uint8).numpy()


def understood(
    net: Tensor,
    judge: Tensor,
    begun: list[int],
    drawn: list[int],
    test: tuple[Tensor, Tensor],
    unseen: tuple[Tensor, Tensor],
) -> dict[str, np.ndarray]:
    """What is measured on test digits when all is over."""
    x, y = test
    fresh, few = random_rows(begun, FRESH), (x[:, :COMPARED], y[:, :COMPARED])
    probes = [told_apart(rows, unseen, (x[:, :PROBED], y[:, :PROBED]), drawn) for rows in (net, random_rows(begun))]
    alike = noticed(net, fresh, x)
    found = {name: np.stack([probe[name] for probe in probes])[..., None] for name in probes[0]}
    found |= {name: values[..., None] for name, values in alike.items()}
    shown = {"patches": best_patches(net, x[:1, :PROBED]), "plane": flat(net, x[:1, :COMPARED])}
    shown["label"] = y[0, :COMPARED].numpy()
    attacked = attacks(net, judge, *few, drawn)[:, :, None]
    return found | {name: values[None] for name, values in shown.items()} | {"attacked": attacked}


# Questions to the trained networks


def answer(
    params: Params, result: Result, state: dict[str, np.ndarray], question: Drawing | Unit | Dream
) -> Seen | Ascent | Iterator[Dreamt]:
    """What the first seed's networks make of a drawing, or a layer of a photograph; or what a unit answers to most."""
    net, judge = (torch.as_tensor(state[name][:1]) for name in NETS)
    if isinstance(question, Drawing):
        ink = [INK.index(pixel) / (len(INK) - 1) for pixel in question.pixels.ljust(SIDE**2, INK[0])]
        picture = np.array(ink, np.float32).reshape(SIDE, SIDE)
        x = torch.as_tensor(picture)[None, None, None]
        said = np.stack([probabilities(rows, x)[0, 0] for rows in (net, judge)])
        found = looked(net, random_rows([params.weight_seed], FRESH), picture)
        return Seen(question, 1, 1, picture=picture, said=said, **found)
    return climbed_to(params, net, judge, question) if isinstance(question, Unit) else dreamt(params, net, question)


def climbed_to(params: Params, net: Tensor, judge: Tensor, question: Unit) -> Ascent:
    """From noise to what a unit, at all its places, answers to most."""
    dreams = Dreams(noise(params.data_seed)[None], [question.prior], params.ascent)
    start = dreams.pictures.clone()
    unit = (question.unit - 1) % (CLASSES if question.layer == "scores" else UNITS)

    def response(x: Tensor) -> Tensor:
        """Mean over its places; before the ReLU, so that a silent unit can be woken."""
        taps: dict[str, Tensor] = {}
        said = scores(net, x, taps)
        if question.layer == "scores":
            return said[0, unit, 0]
        before = f"{int(TAPS[MAPPED.index(question.layer)]) - 1}"
        return untangled(taps[before], 1)[0, 0, unit].mean()

    for _ in range(params.ascent):
        leaf = dreams.leaf()
        dreams.climb(GAIN[question.layer] * response(leaf), leaf)
    with torch.no_grad():
        both = [start, dreams.pictures]
        answered = [float(response(x)) for x in both]
        said = np.stack([probabilities(rows, both[1])[0, 0] for rows in (net, judge)])
    pictures = np.stack([x[0, 0, 0].numpy() for x in both])
    return Ascent(question, 1, 1, pictures=pictures, answered=np.array(answered, np.float32), said=said)


def dreamt(params: Params, net: Tensor, question: Dream) -> Iterator[Dreamt]:
    """What a layer answers to a photograph is made stronger, step by step (Deep Dream; Mordvintsev et al., 2015): a
    Result for every step."""
    high, wide = own_size(params)
    colours = image(params.own) if params.own else photograph(question.photograph, high, wide)
    trained = installed()
    grey = torch.as_tensor(colours.mean(2))[None]
    x = torch.as_tensor(np.broadcast_to(colours, (high, wide, 3)).transpose(2, 0, 1).copy()) if trained else grey
    shown = lambda z: np.broadcast_to(levels(z.permute(1, 2, 0)), (high, wide, 3))  # noqa: E731
    before, rng = shown(x), stream("jitter", params.data_seed)
    for step in range(1, question.strength + 1):
        move = tuple(int(n) for n in rng.integers(-JITTER, JITTER + 1, 2))
        leaf = x.roll(move, (1, 2)).requires_grad_()
        seen = features(leaf[None], question.depth)[-1] if trained else stage(net, leaf, question.depth)
        slope = torch.autograd.grad(seen.square().mean(), leaf)[0].roll((-move[0], -move[1]), (1, 2))
        x = (x + RISE * slope / slope.abs().mean().clamp(min=1e-12)).clamp(0, 1)
        yield Dreamt(question, step, question.strength, trained, np.stack([before, shown(x)]))


def stage(net: Tensor, x: Tensor, depth: int) -> Tensor:
    """What the page's own network makes of a picture [1, height, width] of any size, behind one of its three layers."""
    layers = LAYERS[: 1 + int(TAPS[min(depth, len(TAPS)) - 1])]
    size = sum(prod(shape) for shape in parameters(layers, PICTURE).values())
    return layered_forward(layers, tuple(x.shape), net[:, :size], x[None, None])
