"""Intersection over union, by the corners of two boxes."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.object_detection.overlap.params import SHIFTS, Result
from core.concepts.object_detection.params import SIZE, Params
from core.ml.boxes import area, iou, shared
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 65) -> Generator[Result, None, None]:
    """Results, each with more shifts of the second box."""
    one, other = (corners(np.array(points)) for points in (params.one, params.other))
    common = shared(one[None], other[None])[0, 0]
    parts = np.array([common, area(one) + area(other) - common], np.float32)
    sizes = {"shift": len(SHIFTS)}
    record = Recording(Result, params, len(SHIFTS), sizes, box=np.stack([one, other]).astype(np.float32), area=parts)
    for moment in schedule(len(SHIFTS), chunk):
        for step in moment.steps:
            moved = other + np.array([SHIFTS[step], 0, SHIFTS[step], 0])
            record.append("shift", iou=iou(one[None], moved[None])[0, 0], enclosed=generalised(one, moved))
        yield record.result(moment.step)


def corners(points: np.ndarray) -> np.ndarray:
    """The box between two points of a plane whose y counts upward."""
    x, y = np.sort(points[:, 0]), np.sort(SIZE - points[:, 1])
    return np.array([x[0], y[0], x[1], y[1]])


def generalised(one: np.ndarray, other: np.ndarray) -> float:
    """IoU less the share of the box around both that neither fills: it falls on where boxes lie apart."""
    around = area(np.r_[np.minimum(one[:2], other[:2]), np.maximum(one[2:], other[2:])])
    union = area(one) + area(other) - shared(one[None], other[None])[0, 0]
    return float(iou(one[None], other[None])[0, 0] - (around - union) / around) if around > 0 else 0.0
