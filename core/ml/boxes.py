"""Boxes [..., 4] of left, top, right, bottom: how much two share, which of many are kept, how good all of them are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

DEFINITIONS = ("points11", "area", "points101")  # of average precision


def area(box: np.ndarray) -> np.ndarray:
    return (box[..., 2] - box[..., 0]).clip(0) * (box[..., 3] - box[..., 1]).clip(0)


def shared(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Area of the intersections of boxes [..., n, 4] with boxes [..., m, 4]: [..., n, m]."""
    a, b = one[..., :, None, :], other[..., None, :, :]
    high, low = np.minimum(a[..., 2:], b[..., 2:]), np.maximum(a[..., :2], b[..., :2])
    return (high - low).clip(0).prod(-1)


def iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union (Jaccard, 1901) of every pair: [..., n, m]; two boxes without area share nothing."""
    common = shared(one, other)
    union = area(one)[..., :, None] + area(other)[..., None, :] - common
    return common / np.where(union > 0, union, 1)


def nms(box: np.ndarray, score: np.ndarray, threshold: float, label: np.ndarray | None = None) -> np.ndarray:
    """Non-maximum suppression: places of the boxes [n, 4] that stay, the highest score first. A box goes if one that
    stays covers it with a higher IoU than the threshold, and where labels are given, is of the same class."""
    order = np.argsort(-score, kind="stable")
    over = iou(box, box) > threshold
    if label is not None:
        over &= label[:, None] == label
    gone, stays = np.zeros(len(box), bool), []
    for k in order:
        if not gone[k]:
            stays.append(k)
            gone |= over[k]
    return np.array(stays, np.int64)


def matched(
    found: np.ndarray, label: np.ndarray, box: np.ndarray, level: float = 0.5, again: bool = False
) -> np.ndarray:
    """Which of what was found in one scene, [n, 6] of box, class, score, are hits: the strongest first, each looks at
    the true box of its class it shares most with, and hits it if IoU reaches the level and nobody has before
    (Everingham et al., 2010). label [k], box [k, 4].

    again: a box may be hit more than once. That is wrong: every duplicate counts as found.
    """
    share = iou(found[:, :4], box) * (found[:, 4:5] == label)
    hit, taken = np.zeros(len(found), bool), np.zeros(len(label), bool)
    near = share.max(1, initial=0) >= level
    for k in np.argsort(-found[:, 5], kind="stable"):
        if near[k]:
            best = share[k].argmax()
            hit[k] = again or not taken[best]
            taken[best] = True
    return hit


def precision_recall(score: np.ndarray, hit: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall when so many of the strongest of n boxes are believed, [n] each, of `count` true ones."""
    right = hit[np.argsort(-score, kind="stable")].cumsum()
    return right / np.arange(1, len(hit) + 1), right / max(count, 1)


def average_precision(score: np.ndarray, hit: np.ndarray, count: int, definition: str = "area") -> float:
    """Precision, at any recall the best there or beyond, over recall: the mean at 11 recalls (VOC until 2009), the area
    under it (VOC from 2010), or the mean at 101 recalls (COCO, 2014)."""
    precision, recall = precision_recall(score, hit, count)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    if definition == "area":
        return float(np.sum(np.diff(np.r_[0, recall]) * best))
    return float(at_recalls(best, recall, 11 if definition == "points11" else 101).mean())


def at_recalls(best: np.ndarray, recall: np.ndarray, n: int) -> np.ndarray:
    """The falling precision at n recalls from 0 to 1, 0 where none is so high."""
    place = np.searchsorted(recall, np.linspace(0, 1, n) - 1e-9)
    return np.r_[best, 0.0][place]


Found = list[np.ndarray]  # of every scene, what was found there: [n, 6] of box, class, score


def judged(
    found: Found, label: np.ndarray, box: np.ndarray, classes: int, level: float = 0.5, again: bool = False
) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Of every class its scores and hits in all scenes, and how many there are. label [scene, k], box [scene, k, 4]."""
    hits = np.concatenate([matched(*each, level, again) for each in zip(found, label, box)])
    every = np.concatenate(found)
    mine = [every[:, 4] == c for c in range(classes)]
    return [(every[m, 5], hits[m], int((label == c).sum())) for c, m in enumerate(mine)]


def mean_ap(rows: list[tuple[np.ndarray, np.ndarray, int]], definition: str = "area") -> float:
    """Mean over the classes that there are; where none is there is nothing to find, and that is done."""
    each = [average_precision(*row, definition) for row in rows if row[2]]
    return float(np.mean(each)) if each else 1.0


def kept(found: Found, threshold: float, across: bool = False) -> Found:
    """What suppression leaves of every scene, of every class by itself, or `across` classes (wrong: an object goes
    because another of a different class lies over it)."""
    return [each[nms(each[:, :4], each[:, 5], threshold, None if across else each[:, 4])] for each in found]


def by_rule(x: np.ndarray, ink: float, classify: Callable[[np.ndarray], int]) -> Found:
    """Boxes without a network: wherever pixels darker than `ink` hang together. The larger, the more certain."""
    from scipy.ndimage import find_objects, gaussian_filter, label

    found = []
    for scene in x:
        pieces = find_objects(label(gaussian_filter(scene, 0.5) > ink, np.ones((3, 3)))[0])
        rows = [(a.start, b.start, a.stop, b.stop, classify(scene[b, a]), scene[b, a].size) for b, a in pieces]
        found.append(np.array([row for row in rows if row[5] > 12], float).reshape(-1, 6))
    return found
