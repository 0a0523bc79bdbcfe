"""What the figures of the race share: names, splits, axes."""

from __future__ import annotations

import numpy as np

from core.concept.params import applicable, fields
from core.concept.text import Text, words
from core.concepts.optimizer_race.params import Result
from core.ml.rules import Contender

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
BLOWN = 10  # times its value before training: a loss that ends above this has diverged


def text(language: str) -> Text:
    return words("optimizer_race", language)


def names(result: Result, language: str) -> list[str]:
    """A short name per contender: its rule, and what tells it from others of the same rule."""
    contenders = result.params.contenders
    say = text(language).say
    found = []
    for contender in contenders:
        twins = [c for c in contenders if c.rule == contender.rule and c != contender]
        differing = [
            n
            for n in applicable(contender)
            if n != "rule" and any(getattr(c, n) != getattr(contender, n) for c in twins)
        ]
        settings = ", ".join(f"{say(f'symbols.{n}')} {getattr(contender, n):g}" for n in differing)
        found.append(f"{say(f'rules.{contender.rule}')}" + (f" ({settings})" if settings else ""))
    return [f"{name} #{i + 1}" if found.count(name) > 1 else name for i, name in enumerate(found)]


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
