"""What the figures of the race share: names, splits, axes."""

from __future__ import annotations

import numpy as np

from core.concept.params import applicable, fields
from core.concepts.optimizer_race.params import Result
from core.figures.gallery import Gallery, by_rule
from core.ml.rules import Contender

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
BLOWN = 10  # times its value before training: a loss that ends above this has diverged


def diverged_at(result: Result) -> np.ndarray:
    """Tick from which a member's training loss stays non-finite or above BLOWN times its start, the number of ticks
    where it does not: int [contender, seed]."""
    loss = result.loss[..., TRAIN].astype(float)
    with np.errstate(invalid="ignore"):
        fine = loss <= BLOWN * loss[:, :, :1]
    ticks = loss.shape[2]
    return np.where(fine.any(2), ticks - fine[:, :, ::-1].argmax(2), 0)


def diverged(result: Result) -> np.ndarray:
    """Whose training diverged: [contender, seed]."""
    return diverged_at(result) < len(result.epoch)


HERE = Gallery("optimizer_race", lambda r, text: by_rule(r.params.contenders, text), diverged=diverged)
text, names = HERE.text, HERE.names


def settings(contender: Contender, language: str) -> str:
    """All settings of a contender that differ from the customary ones, and its rate."""
    say, default = text(language).say, fields(Contender)
    shown = [
        n for n in applicable(contender) if n == "lr" or (n != "rule" and getattr(contender, n) != default[n].default)
    ]
    return ", ".join(f"{say(f'symbols.{n}')} = {getattr(contender, n):g}" for n in shown)


def named(contender: Contender, language: str) -> str:
    """A contender and how it was set, apart from any race."""
    return f"{text(language).say(f'rules.{contender.rule}')} ({settings(contender, language)})"


def reach(seeds: np.ndarray, pad: float) -> dict:
    """An axis that just holds these values."""
    low, high = float(seeds.min()), float(seeds.max())
    return {"range": [low - max(pad * (high - low), 0.002), high + max(pad * (high - low), 0.002)]}


def log_range(values: np.ndarray, most: float = 1e3) -> dict:
    """A logarithmic axis over the finite positive values, blown-up ones left beyond its end; linear within a decade."""
    finite = values[np.isfinite(values) & (values > 0) & (values < most)]
    if not finite.size:
        return {"type": "log", "range": [-3, 1], "tickformat": "~g", "dtick": 1}
    if finite.max() < 8 * finite.min():  # less than a decade: plain numbers read better
        return {"type": "linear"} | reach(finite, 0.06)
    low, high = np.log10(finite.min()), np.log10(finite.max())
    pad = 0.05 * (high - low)
    return {
        "type": "log",
        "range": [low - pad, high + pad],
        "tickformat": "~g",
        "dtick": 1 if high - low > 2.5 else "D2",
    }
