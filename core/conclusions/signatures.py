"""Signatures: what a curve of losses gives away by itself, whoever trained it, and how often that errs.

A mistake may lead to an exact number: who says the same of everything has a loss of ln C, a softmax before a loss that
applies one stops at ln(e + C − 1) − 1, embeddings that fall together have a ranking loss of its margin.

`python -m core.conclusions.signatures` trains runs with and without mistakes, on seeds nobody had looked at while the
borders below were chosen, and writes how often each signature is seen, and how often where it should not, into
data/signatures.json.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import e, log
from pathlib import Path
from typing import Any

import numpy as np

from core.concept.params import BaseParams
from core.concept.parts import UNSEEN, load

FILE = Path(__file__).resolve().parents[2] / "data" / "signatures.json"
NEAR = 0.02  # of an exact number, as a share of it
FLAT = 0.01  # by so much, as a share, a curve that stands still may change within its last quarter
GROWN = 2.0  # times its start: a loss that explodes
RISEN = 0.1  # above its lowest, as a share: validation data are no longer learned
FEWEST, MOST = 8, 100_000  # losses of a curve that is read


@dataclass(frozen=True)
class Curve:
    """Losses by time [n], on training data and, where there are any, on validation data.

    classes: how many a cross-entropy tells apart, margin: of a ranking loss; 0 where the loss is none.
    """

    training: np.ndarray
    validation: np.ndarray | None = None
    classes: int = 0
    margin: float = 0.0


def guess(classes: int) -> float:
    """The cross-entropy of who gives every class the same chance."""
    return log(classes)


def floor(classes: int) -> float:
    """The least cross-entropy of probabilities that are taken for outputs: of one class 1, of the others 0."""
    return log(e + classes - 1) - 1


def last_half(values: np.ndarray) -> np.ndarray:
    return values[len(values) // 2 :]


def last_quarter(values: np.ndarray) -> np.ndarray:
    return values[3 * len(values) // 4 :]


def near(values: np.ndarray, exact: float) -> bool:
    return bool((np.abs(values / exact - 1) < NEAR).all())


def change(values: np.ndarray) -> float:
    """Of the last quarter, its second half against its first, as a share."""
    before, after = np.array_split(last_quarter(values), 2)
    return float(after.mean() / before.mean() - 1)


def sound(curve: Curve) -> bool:
    """Whether all are numbers."""
    every = [part for part in (curve.training, curve.validation) if part is not None]
    return all(np.isfinite(part).all() for part in every)


def lost(curve: Curve) -> bool:
    return not sound(curve)


def negative(curve: Curve) -> bool:
    return curve.classes > 1 and bool((curve.training < 0).any())


def explodes(curve: Curve) -> bool:
    return bool(last_quarter(curve.training).mean() > GROWN * abs(curve.training[0]))


def guesses(curve: Curve) -> bool:
    return curve.classes > 1 and near(last_half(curve.training), guess(curve.classes))


def floored(curve: Curve) -> bool:
    still = abs(change(curve.training)) < FLAT
    return curve.classes > 1 and still and near(last_quarter(curve.training), floor(curve.classes))


def collapsed(curve: Curve) -> bool:
    return curve.margin > 0 and near(last_half(curve.training), curve.margin)


def overfits(curve: Curve) -> bool:
    if curve.validation is None:
        return False
    lowest = int(curve.validation.argmin())
    rises = last_quarter(curve.validation).mean() > (1 + RISEN) * curve.validation[lowest]
    return bool(rises and last_quarter(curve.training).mean() < curve.training[lowest])


def better_outside(curve: Curve) -> bool:
    if curve.validation is None:
        return False
    return bool(last_quarter(curve.validation).mean() < (1 - RISEN) * last_quarter(curve.training).mean())


def falling(curve: Curve) -> bool:
    return change(curve.training) < -FLAT


# What gives a mistake away, and what a curve looks like whether or not there is one
MISTAKES: dict[str, Callable[[Curve], bool]] = {
    "lost": lost,
    "negative": negative,
    "explodes": explodes,
    "guesses": guesses,
    "floored": floored,
    "collapsed": collapsed,
}
LOOKS: dict[str, Callable[[Curve], bool]] = {
    "overfits": overfits,
    "better_outside": better_outside,
    "falling": falling,
}
SIGNS = {  # what the place of mistakes calls it
    "lost": "diverges",
    "negative": "diverges",
    "explodes": "diverges",
    "guesses": "chance",
    "floored": "floor",
    "collapsed": "floor",
    "overfits": "",
    "better_outside": "flattering",
    "falling": "slow",
}


def seen(curve: Curve, among: dict[str, Callable[[Curve], bool]] | None = None) -> list[str]:
    """The signatures that fit. Of losses that are not all numbers only that is said."""
    if lost(curve):
        return ["lost"] if among in (None, MISTAKES) else []
    return [name for name, fits in (MISTAKES | LOOKS if among is None else among).items() if fits(curve)]


# Reading


class Unreadable(ValueError):
    """A text that is no curve; `code` says why, `details` names what."""

    def __init__(self, code: str, **details: Any):
        super().__init__(code)
        self.code, self.details = code, details


TIME, OUTSIDE = ("step", "epoch", "iter", "time"), ("val", "test", "dev", "eval")


def read(text: str, classes: int = 0, margin: float = 0.0) -> Curve:
    """A curve from pasted numbers: a line per moment, columns apart by commas, semicolons or blanks, with or without
    names above. A column whose name says time, or that counts up evenly, is left out; the next is of training data, one
    whose name says validation or test (or, without names, the second) of those. Raises Unreadable."""
    lines = [line for line in text.splitlines() if line.strip()]
    cells = [
        [cell.strip(" \"'") for cell in re.split(r"[,;\t]|\s+", line.strip()) if cell.strip(" \"'")] for line in lines
    ]
    names = cells.pop(0) if cells and not any(map(_number, cells[0])) else []
    if not FEWEST <= len(cells) <= MOST:
        raise Unreadable("count", count=len(cells), fewest=FEWEST, most=MOST)
    for i, row in enumerate(cells, 2 if names else 1):
        if len(row) != len(cells[0]) or not all(map(_number, row)):
            raise Unreadable("line", line=i, columns=len(cells[0]))
    table = np.array([[float(cell) for cell in row] for row in cells]).T
    columns = list(range(len(table)))
    said = [names[k].casefold() if len(names) == len(table) else "" for k in columns]
    losses = [k for k in columns if not any(word in said[k] for word in TIME) and "acc" not in said[k]]
    if not any(said) and len(losses) > 1 and _counts(table[0]):
        losses = losses[1:]
    outside = [k for k in losses if any(word in said[k] for word in OUTSIDE)]
    inside = [k for k in losses if k not in outside]
    if not inside:
        raise Unreadable("column")
    if not any(said) and len(inside) > 1:
        outside = inside[1:]
    return Curve(table[inside[0]], table[outside[0]] if outside else None, classes, margin)


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _counts(values: np.ndarray) -> bool:
    """Whether a column counts up evenly, as steps do and losses do not."""
    steps = np.diff(values)
    return bool(np.isfinite(values).all() and steps[0] > 0 and np.allclose(steps, steps[0]))


# How often they err


Labelled = Iterator[tuple[Curve, tuple[str, ...]]]  # curves, each with the signatures of which one should be seen


@dataclass(frozen=True)
class Held:
    """A run, and its curves."""

    name: str
    params: Any
    curves: Callable[[Any], Labelled]


def race(wanted: tuple[str, ...]) -> Callable[[Any], Labelled]:
    """All contenders and seeds of an optimizer race."""

    def curves(result: Any) -> Labelled:
        for row in result.loss.astype(float).reshape(-1, *result.loss.shape[2:]):
            yield Curve(row[:, 0], row[:, 1], 10), wanted

    return curves


def classifier(result: Any) -> Labelled:
    """Cross-entropy as it should be, and behind a second softmax, at rates at which both learn."""
    from core.concepts.loss_functions.classifier.params import NAMES, RATES

    for (name, wanted), rate in product((("cross_entropy", ()), ("twice", ("floored",))), (0.1, 0.3, 1.0)):
        for row in result.loss[NAMES.index(name), RATES.index(rate)].astype(float):
            yield Curve(row, None, 10), wanted


def killed(result: Any) -> Labelled:
    """ReLU networks with hidden layers whose biases start far below zero."""
    for row in result.loss[0, 1:].astype(float).reshape(-1, *result.loss.shape[3:]):
        yield Curve(row[:, 0], row[:, 1], 2), ("guesses",)


def bench(result: Any) -> Labelled:
    """Backpropagation, right and with slopes forgotten or gradients never zeroed."""
    from core.concepts.backpropagation.bench.params import VERSIONS

    for version, wanted in (("right", ()), ("slope", ("lost", "explodes")), ("zeroing", ("lost", "explodes"))):
        for row in result.loss[VERSIONS.index(version)]:
            yield Curve(row, None, 10), wanted


def ranked(wanted: tuple[str, ...]) -> Callable[[Any], Labelled]:
    def curves(result: Any) -> Labelled:
        for row in result.loss.astype(float):
            yield Curve(row, None, 0, result.params.margin), wanted

    return curves


def runs(first: int) -> tuple[Held, ...]:
    """What is trained to count hits and false alarms, on seeds from `first` on."""
    from core.ml.rules import Contender

    def at(stem: str, **changes: Any) -> BaseParams:
        return load(stem).Params().replace(seeds=10, data_seed=first, weight_seed=first, **changes)

    wild = tuple(Contender(rule=rule, lr=100.0) for rule in ("sgd", "momentum"))
    buried = next(mistake.params for mistake in load("activations").mistakes if mistake.id == "kills_bias")
    return (
        Held("optimizer_race", at("optimizer_race"), race(())),
        Held("optimizer_race", at("optimizer_race", contenders=wild), race(("lost", "explodes"))),
        Held("loss_functions.classifier", at("loss_functions", epochs=40), classifier),
        Held("activations", buried.replace(seeds=10, data_seed=first, weight_seed=first), killed),
        Held("backpropagation.bench", at("backpropagation"), bench),
        Held("one_shot", at("one_shot"), ranked(())),
        Held("one_shot", at("one_shot", loss="hard"), ranked(("collapsed",))),
    )


def counted(first: int = UNSEEN) -> dict[str, Any]:
    """Train all runs on seeds from `first` on, and count: of every signature hits among the curves that should show it,
    and the false alarms among those in which nothing should be seen."""
    from core.cli import finished
    from core.runs.manager import Manager

    manager = Manager(cpu_slots=os.cpu_count()).start()
    held = runs(first)
    asked = [manager.ask(one.name, one.params, device="cpu", anew=True) for one in held]
    for run in finished(manager, asked):
        if run.result is None or not run.result.complete:
            raise RuntimeError(f"{run.name}: {run.status}. {run.error}")
    curves = [pair for one, run in zip(held, asked) for pair in one.curves(run.result)]
    manager.close()
    found = [(set(seen(curve, MISTAKES)), set(wanted)) for curve, wanted in curves]
    clean = [got for got, wanted in found if not wanted]
    hits = {}
    for names in dict.fromkeys(tuple(sorted(wanted)) for _, wanted in found if wanted):
        those = [got for got, wanted in found if wanted == set(names)]
        hits[" ".join(names)] = {"hits": sum(bool(got & set(names)) for got in those), "of": len(those)}
    alarms = {name: sum(name in got for got in clean) for name in MISTAKES}
    return {"hits": hits, "alarms": sum(map(bool, clean)), "clean": len(clean), "each": alarms}


def stored() -> dict[str, Any]:
    """What was counted; {} where nothing was."""
    try:
        return json.loads(FILE.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def main() -> int:
    found = counted()
    FILE.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
