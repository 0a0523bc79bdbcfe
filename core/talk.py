"""A talk: beats shown one after the other. It is data: `core/talks/<name>.py` has the beats, and beside it
`<name>.en.md` and `<name>.zh.md` the words, one line a beat and a question to the room where there is one."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from core.concept import parts
from core.concept.params import BaseParams
from core.concept.text import Text, parse

FOLDER = Path(__file__).parent / "talks"


Says = Callable[[Any], Mapping[str, str] | None]


@dataclass(frozen=True)
class Beat:
    """One figure of one concept at changed defaults, and one line that is true of what it shows.

    says: complete Result → the numbers of the line, or None where the line is not true of it (with other seeds, say).
    verdicts: claims of the concept that the line leans on, with their stored verdict.
    knobs: the fields that the speaker may want to turn here.
    still: the figure stays at its first moment, before training, until it is replayed.
    """

    id: str
    stem: str
    figure: str
    says: Says
    changes: Mapping[str, Any] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)
    knobs: tuple[str, ...] = ()
    still: bool = False

    @property
    def params(self) -> BaseParams:
        """The settings of the beat."""
        return parts.load(self.stem).Params().replace(**self.changes)

    @property
    def experiment(self) -> parts.Experiment:
        """What it is a result of."""
        concept = parts.load(self.stem)
        return concept.of(concept.figure(self.figure))


@cache
def load(name: str) -> tuple[Beat, ...]:
    """The beats of a talk."""
    return tuple(importlib.import_module(f"core.talks.{name}").BEATS)


@cache
def words(name: str, language: str) -> Text:
    """The words of a talk: its title, what it is about, and the lines and questions of its `beats`."""
    return parse((FOLDER / f"{name}.{language}.md").read_text("utf-8"), language)
