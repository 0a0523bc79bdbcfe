"""What and where in one pass: every cell of a map says whether there is an object, of which class, and its box."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import torch

from core.concept.params import LEVELS
from core.concepts.object_detection.networks import Detectors, boxes, losses, nearest_mean, small, targets
from core.concepts.object_detection.params import (
    BATCH,
    CLASSES,
    CONFIDENCES,
    FLOOR,
    HITS,
    MOST,
    OUTCOMES,
    PLACED,
    RAW,
    SHOWN,
    SIZE,
    SUPPRESS,
    THRESHOLDS,
    Detected,
    Params,
    Placed,
    Result,
    moments,
    network,
)
from core.ml.architecture import buffers, parameters
from core.ml.boxes import (
    DEFINITIONS,
    Found,
    at_recalls,
    by_rule,
    iou,
    judged,
    kept,
    mean_ap,
    nms,
    precision_recall,
)
from core.ml.layered import layered_forward
from core.ml.random import stream
from core.ml.recording import Recording, schedule
from core.ml.scenes import NOTHING, Scenes, placed, scenes
from core.takeaway.weights import cut

GREY = 0.35  # ink, for the rule without a network
RECALLS = 101


def train(params: Params, device: str = "cpu", chunk: int = 25) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [seeds, D] of the detectors."""
    seeds, steps, ticks = range(params.seeds), params.steps, moments(params.steps)
    learnt = [drawn(params, params.data_seed + s, "train", params.examples) for s in seeds]
    tested = [drawn(params, params.data_seed + s, "test", params.tested) for s in seeds]
    nets = Detectors(params.anchors, [params.weight_seed + s for s in seeds], params.lr, steps, device)
    x, *wanted = together(learnt, params.anchors, device)
    seen, *meant = together(tested, params.anchors, device)
    orders = [stream("detector batches", params.data_seed + s) for s in seeds]
    which = np.stack([rng.integers(params.examples, size=(steps, BATCH)) for rng in orders], 1)
    first = tested[0]
    sizes = {"part": 3, "seed": params.seeds, "class": len(CLASSES), "way": 3, "threshold": len(THRESHOLDS), "end": 1,
             "definition": len(DEFINITIONS), "level": len(HITS), "recall": RECALLS, "confidence": len(CONFIDENCES),
             "outcome": 6, "who": 2, "scene": SHOWN, "box": MOST, "raw": RAW, "six": 6, "eight": 8}  # fmt: skip
    record = Recording(
        Result, params, steps, sizes,
        tick=ticks,
        rule=np.array([ruled(a, b) for a, b in zip(learnt, tested)], np.float32),
        scene=first.x[:SHOWN],
        truth=np.concatenate([first.box, first.label[..., None]], -1)[:SHOWN].astype(np.float32),
    )  # fmt: skip
    member = torch.arange(params.seeds, device=device)[:, None]
    for moment in schedule(steps, chunk, tick=ticks):
        for step in moment.steps:
            batch = torch.as_tensor(which[step], device=device)
            nets.learn(x[member, batch], [part[member, batch] for part in wanted], params.masked)
        if moment.due:
            z = nets.outputs(seen)
            loss = losses(z, meant).numpy(force=True)
            said = [boxes(each) for each in z.flatten(2, 3).numpy(force=True)]
            left = [kept(found, SUPPRESS) for found, _ in said]
            ap = [mean_ap(scored(found, truth)) for found, truth in zip(left, tested)]
            record.append("tick", loss=loss, ap=np.array(ap), found=padded(left[0], MOST))
        if moment.last:
            record.append("end", **ended(said, left, tested))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"detector": nets.state()}


def drawn(params: Params, seed: int, part: str, n: int) -> Scenes:
    how: dict[str, Any] = {"count": (1, params.objects), "together": params.together, "noise": params.noise}
    return scenes(n, seed, part, SIZE, CLASSES, **how)


def together(sets: list[Scenes], anchors: int, device: str) -> list[torch.Tensor]:
    """Scenes of all seeds and what should be said of them, [seed, n, …] each."""
    rows = [(one.x, *targets(one, anchors)) for one in sets]
    return [torch.as_tensor(np.stack(parts), device=device) for parts in zip(*rows)]


def scored(found: Found, truth: Scenes, **how: Any) -> Any:
    return judged(found, truth.label, truth.box, len(CLASSES), **how)


def padded(found: Found, most: int) -> np.ndarray:
    """Rows of the scenes that are shown, the strongest first: [SHOWN, most, …], NaN where there are fewer."""
    rows = np.full((SHOWN, most, found[0].shape[1]), np.nan, np.float32)
    for row, each in zip(rows, found):
        row[: len(each)] = each[np.argsort(-each[:, 5], kind="stable")][:most] if row.shape[1] == 6 else each[:most]
    return rows


def ruled(learnt: Scenes, tested: Scenes) -> float:
    """AP of the boxes without a network."""
    means = nearest_mean(learnt)
    return mean_ap(scored(by_rule(tested.x, GREY, lambda crop: int((means @ small(crop)).argmax())), tested))


def ended(said: list[tuple[Found, list[np.ndarray]]], left: list[Found], tested: list[Scenes]) -> dict[str, Any]:
    """What is measured when training is over, of every seed."""
    rows = [measured(found, marks, stays, truth) for (found, marks), stays, truth in zip(said, left, tested)]
    whole = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    found, marks = said[0]
    return whole | {"raw": padded(found, RAW), "mark": padded(marks, RAW)}


def measured(found: Found, marks: list[np.ndarray], left: Found, truth: Scenes) -> dict[str, Any]:
    rows, by_class, curves = scored(left, truth), np.full(len(CLASSES), np.nan), []
    for c, (score, hit, count) in enumerate(rows):
        if count:
            by_class[c] = mean_ap([rows[c]])
            precision, recall = precision_recall(score, hit, count)
            curves.append(at_recalls(np.maximum.accumulate(precision[::-1])[::-1], recall, RECALLS))
    thinned = [[kept(found, t, across) for t in THRESHOLDS] for across in (False, True)]
    ways = [*thinned, thinned[0]]
    return {
        "by_class": by_class,
        "precision": np.mean(curves, 0),
        "suppressed": [[mean_ap(scored(each, truth, again=w == 2)) for each in way] for w, way in enumerate(ways)],
        "unsuppressed": mean_ap(scored(found, truth)),
        "defined": [[mean_ap(scored(left, truth, level=level), d) for level in HITS] for d in DEFINITIONS],
        "outcome": np.mean([outcomes(*each) for each in zip(left, truth.label, truth.box)], 0),
        **placing(found, marks, truth),
    }


def outcomes(found: np.ndarray, label: np.ndarray, box: np.ndarray) -> np.ndarray:
    """How many boxes of one scene are what, as OUTCOMES has it, of those believed at every confidence, and how many
    objects are missed then: [confidence, outcome]."""
    there, taken = label != NOTHING, np.zeros(len(label), bool)
    share = iou(found[:, :4], box) * there
    same = share * (label == found[:, 4:5])
    count = np.zeros((len(CONFIDENCES), len(OUTCOMES)))
    count[:, -1] = there.sum()
    for k in np.argsort(-found[:, 5], kind="stable"):
        best, believed = int(same[k].argmax()), found[k, 5] >= np.array(CONFIDENCES)
        if same[k, best] >= HITS[0]:
            what = "twice" if taken[best] else "hit"
            count[believed, -1] -= not taken[best]
            taken[best] = True
        elif share[k].max() >= HITS[0]:
            what = "class"
        else:
            what = "place" if same[k, best] >= PLACED else "nothing"
        count[believed, OUTCOMES.index(what)] += 1
    return count


def placing(found: Found, marks: list[np.ndarray], truth: Scenes) -> dict[str, Any]:
    """Of the strongest box on every object that is hit: IoU, and how far its landmarks are off, those of the head and
    those in the middle of the sides of the box that it gave."""
    share, head, middle = [], [], []
    for each, mark, label, box, meant in zip(found, marks, truth.label, truth.box, truth.landmark):
        score = iou(each[:, :4], box) * (each[:, 4:5] == label) if len(each) else np.zeros((0, len(label)))
        for k in np.flatnonzero((score >= HITS[0]).any(0)):
            j = np.flatnonzero(score[:, k] >= HITS[0])[0]  # the strongest comes first
            left, top, right, bottom = each[j, :4]
            x, y = (left + right) / 2, (top + bottom) / 2
            sides = np.array([(x, top), (right, y), (x, bottom), (left, y)])
            share.append(score[j, k])
            head.append(np.linalg.norm(mark[j].reshape(4, 2) - meant[k], axis=1).mean())
            middle.append(np.linalg.norm(sides - meant[k], axis=1).mean())
    some = bool(share)
    return {
        "off": np.mean(share) if some else np.nan,
        "landmark": [np.mean(head), np.mean(middle)] if some else [np.nan, np.nan],
    }


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Placed) -> Detected:
    """What the first seed finds in a scene that was put together by hand and drawn on."""
    assert state is not None
    start = CLASSES.index(question.first)
    objects = [
        (CLASSES[(start + k) % len(CLASSES)], int(SIZE - y), int(x), 12) for k, (x, y) in enumerate(question.places)
    ]
    scene = placed(objects, params.data_seed, "test", SIZE, CLASSES, params.noise).x[0]
    levels = [LEVELS.index(level) for level in question.pixels.ljust(SIZE**2, LEVELS[0])]
    scene = np.maximum(scene, np.reshape(levels, (SIZE, SIZE)).astype(np.float32) / 16)
    net, row = network(params.anchors), torch.as_tensor(state["detector"][:1])
    shape = (1, SIZE, SIZE)
    parts = cut(row.numpy(), parameters(net, shape) | buffers(net, shape))
    statistics = {name: torch.as_tensor(parts[name].copy()) for name in buffers(net, shape)}
    width = row.shape[1] - sum(each.shape[1] for each in statistics.values())
    x = torch.as_tensor(scene[None, None, None])
    with torch.no_grad():
        z = layered_forward(net, shape, row[:, :width], x, statistics, training=False)
    (found,), (marks,) = boxes(z.numpy(), max(question.confidence, FLOOR))
    stays = nms(found[:, :4], found[:, 5], question.threshold, None if question.across else found[:, 4])
    gone = np.setdiff1d(np.arange(len(found)), stays)
    numbers = [part.astype(np.float32) for part in (scene, found[stays], found[gone], marks[stays])]
    return Detected(question, 1, 1, *numbers)
