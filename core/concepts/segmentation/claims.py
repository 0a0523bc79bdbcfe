"""What is said of segmentation, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.segmentation.losses.params import LOSSES
from core.concepts.segmentation.params import BASELINES, CLASSES, MEASURES, NETS, PRESETS, RARE, Params
from core.concepts.segmentation.upsampling.params import UPS
from core.conclusions.measures import Contenders, Fits, Measure, final, finished, more_or_less, preset, unseen

SKIPS, WAYS, LOST = (Contenders(names) for names in (lambda p: NETS, lambda p: UPS, lambda p: LOSSES))
Number = Callable[[Any], np.ndarray]  # of a Result, per seed


def plainly(params: Params) -> bool:
    return params.replace(seeds=1, data_seed=0, weight_seed=0, tested=Params().tested) == Params(seeds=1)


def deep(depth: int) -> Fits:
    return lambda params: plainly(params.replace(depth=Params().depth)) and params.depth == depth


def score(name: str) -> Number:
    return final("score", MEASURES.index(name))


def rule(name: str, measure: str) -> Number:
    return lambda r: r.base[BASELINES.index(name), :, MEASURES.index(measure)].astype(float)


def of_net(name: str, measure: str) -> Number:
    return lambda r: score(measure)(r)[NETS.index(name)].astype(float)


def less(one: Number, other: Number) -> Number:
    return lambda r: one(r) - other(r)


def skips(measure: str, fits: Fits = plainly) -> Measure:
    return SKIPS.more(score(measure), "with", "without", fits)


def rare(name: str) -> Number:
    return final(name, CLASSES.index(RARE))


def board(result: Any) -> np.ndarray:
    return result.board[:, :, -1]


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", of: str = "", **changes: Any) -> Claim:
    return Claim(id, measure, unseen(Params(), 20, **changes), smallest, direction, of=of)


FLATTERS = less(of_net("with", "absent"), of_net("with", "iou"))
NEAR = (slice(None), slice(None), -1, 0)
CLAIMS = (
    claim("flatters", finished(rule("paper", "accuracy"), plainly), 0.7),
    claim("unmasked", finished(rule("paper", "iou"), plainly), 0.25, "below"),
    claim("close", finished(less(of_net("without", "accuracy"), rule("paper", "accuracy")), plainly), 0.15, "below"),
    claim("grey", finished(less(of_net("with", "iou"), rule("grey", "iou")), plainly), 0.15),
    claim("skips", skips("boundary"), 0.05),
    claim("iou", skips("iou"), 0.03),
    claim("border", SKIPS.more(lambda r: r.wrong[NEAR], "without", "with", plainly), 0.05),
    claim("shallow", skips("boundary", deep(1)), 0.1, "below", depth=1),
    claim("absent", finished(FLATTERS, plainly), 0.03),
    claim("learnt", WAYS.more(score("boundary"), "learnt", "bilinear", plainly), 0.02, of="upsampling"),
    claim("boards", WAYS.more(board, "learnt", "bilinear", plainly), 0.02, of="upsampling"),
    claim("unpooled", WAYS.more(score("boundary"), "unpooling", "nearest", plainly), 0.02, of="upsampling"),
    claim("rare", LOST.more(rare("recall"), "weighted", "plain", plainly), 0.1, of="losses"),
    claim("dice", LOST.more(score("iou"), "dice", "plain", plainly), 0.03, of="losses"),
    claim("alike", LOST.more(score("iou"), "dice", "jaccard", plainly), 0.03, "within", of="losses"),
)  # fmt: skip

PREDICTIONS = (
    more_or_less("skips", {name: SKIPS.alone(score("iou"), name) for name in ("with", "without")}, "{:.2f}".format),
    more_or_less("learnt", {name: WAYS.alone(score("boundary"), name) for name in ("learnt", "bilinear")},
                 "{:.2f}".format, "upsampling"),
)  # fmt: skip
MISTAKES = (
    Mistake(
        "apart",
        "output",
        preset(Params(), PRESETS, "apart"),
        finished(lambda r: 1 - of_net("with", "boundary")(r)),
        0.65,
        "scene",
    ),
    Mistake("absent", "flattering", Params(), finished(FLATTERS), 0.03, "measures"),
)
