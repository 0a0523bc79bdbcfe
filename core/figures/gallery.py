"""What all figures of a concept share: words, names of rows, who diverged, what is known only at the end.

A page's figures.py declares it once and takes from it what its functions need:

    HERE = Gallery("dropout", named, head="words.net", diverged=lambda r: ~np.isfinite(r.loss[:, :, -1]).all(-1))
    text, names = HERE.text, HERE.names
    FIGURES = HERE.figures(kinds.curves(HERE, ...), HERE.later(Figure(...)), ...)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.concept.params import BaseParams, applicable
from core.concept.parts import Figure, with_note
from core.concept.text import Text, words
from core.conclusions.stats import ends
from core.figures import plot


@dataclass(frozen=True)
class Gallery:
    """stem: of the concept, whose texts are read.
    named: a Result and its text → a name per row (contender, network, method); equal ones get a number here.
    head: key of the word for a row, the head of its column in tables.
    diverged: Result → bool [row, …], whose training diverged. Every summary then ends with `summaries.diverged`, which
        may say {names} of rows and {count} of networks.
    known: whether what is measured when training is over is in the Result; figures that need it are made by `later`.
    remark: what else every summary must say of a Result.
    of: the further experiment whose Results these are; "" for the concept's own. One Gallery for each.
    """

    stem: str
    named: Callable[[Any, Text], list[str]] = lambda result, text: []
    head: str = "words.contender"
    diverged: Callable[[Any], np.ndarray] | None = None
    known: Callable[[Any], bool] = lambda result: result.complete
    remark: Callable[[Any, Text], str] = lambda result, text: ""
    of: str = ""

    def text(self, language: str) -> Text:
        return words(self.stem, language)

    def names(self, result: Any, language: str) -> list[str]:
        found = self.named(result, self.text(language))
        return [f"{name} #{i + 1}" if found.count(name) > 1 else name for i, name in enumerate(found)]

    def note(self, result: Any, language: str) -> str:
        """The remark, and whose training diverged; empty where there is neither."""
        text, lost = self.text(language), self.diverged(result) if self.diverged else np.zeros(0, bool)
        said = [self.remark(result, text)]
        if lost.any():
            gone = [name for name, row in zip(self.names(result, language), lost) if row.any()]
            said.append(text.say("summaries.diverged", names=text.listed(gone), count=int(lost.sum())))
        return " ".join(filter(None, said))

    def figures(self, *figures: Figure) -> tuple[Figure, ...]:
        return with_note((replace(figure, of=figure.of or self.of) for figure in figures), self.note)

    def table(self, result: Any, language: str, columns: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """A row per row of the page: its name, then `columns`, [row] each. Where they are [row, …], a row for every
        place of these, as which others of them are repeated. Heads are as in `frame`."""
        names, found = self.names(result, language), dict(columns or {})
        shape = np.broadcast_shapes(*(np.shape(values) for values in found.values()))
        if len(shape) > 1:
            names = [name for name in names for _ in range(prod(shape[1:]))]
            found = {head: np.broadcast_to(values, shape).ravel() for head, values in found.items()}
        return self.frame(language, {self.head: names, **found})

    def frame(self, language: str, columns: Mapping[str, Any]) -> pd.DataFrame:
        """A table of these columns; a head that is a key of the texts is said."""
        labels = self.text(language).labels
        return pd.DataFrame({labels.get(head, head): values for head, values in columns.items()})

    def each(
        self,
        result: Any,
        language: str,
        key: str,
        values: Callable[[int], dict[str, Any] | None],
        none: str = "",
        whole: str = "",
        order: Iterable[int] | None = None,
    ) -> str:
        """What the sentence `key` (or "key" of the values) says of every row i, with its name and `values(i)`, as one
        list; nothing of rows for which that is None, and the sentence `none` where all are. whole: the sentence that
        has the list as its {listed}. order: of the rows."""
        text, names = self.text(language), self.names(result, language)
        pairs = ((names[i], values(i)) for i in (range(len(names)) if order is None else order))
        said = [text.say(found.pop("key", key), name=name, **found) for name, found in pairs if found is not None]
        if not said and none:
            return text.say(none)
        return text.say(whole, listed=text.listed(said, ";")) if whole else text.sentences(said)

    def ends(self, result: Any, language: str, values: np.ndarray, shown: Callable[[float], str]) -> tuple[str, str]:
        """The names of who has the most of `values` [row] and of who has the least, as `stats.ends` tells them."""
        text, names = self.text(language), self.names(result, language)
        most, least = (text.listed(names[i] for i in who) for who in ends(values, shown))
        return most, least

    def most_and_least(
        self, result: Any, language: str, key: str, values: np.ndarray, shown: Callable[[float], str], **more: Any
    ) -> str:
        """The sentence `key` of who has the most and the least of `values` [row]: {best} {most}, {worst} {least}; where
        all read the same, that of <key>_tie."""
        best, worst = self.ends(result, language, values, shown)
        numbers = {"most": shown(values.max()), "least": shown(values.min())}
        return self.text(language).say(key if worst else f"{key}_tie", best=best, worst=worst, **numbers, **more)

    def saying(self, key: str, **values: Callable[[Any], Iterable[Any]]) -> Callable[[Any, str], str]:
        """A summary: the sentence `key` of every row, with its name and these `values`, of all rows each. A row one of
        whose numbers is none is passed over."""

        def summary(result: Any, language: str) -> str:
            columns = {name: list(of(result)) for name, of in values.items()}

            def row(i: int) -> dict[str, Any] | None:
                found = {name: column[i] for name, column in columns.items()}
                return found if all(isinstance(v, str) or np.isfinite(v) for v in found.values()) else None

            return self.each(result, language, key, row)

        return summary

    def later(self, figure: Figure, known: Callable[[Any], bool] | None = None) -> Figure:
        """A figure of what is measured when training is over; until then an empty one that says `words.later`, a table
        of the rows alone, and `summaries.later`."""
        ready = known or self.known

        def draw(result: Any, language: str) -> go.Figure:
            if ready(result):
                return figure.draw(result, language)
            return plot.waiting(plot.figure(), self.text(language).say("words.later"))

        def table(result: Any, language: str) -> pd.DataFrame:
            return figure.table(result, language) if ready(result) else self.table(result, language)

        def summary(result: Any, language: str) -> str:
            return figure.summary(result, language) if ready(result) else self.text(language).say("summaries.later")

        return replace(figure, draw=draw, table=table, summary=summary)


def telling(rows: Sequence[BaseParams], kind: str = "rule", unseen: Iterable[str] = ()) -> list[list[str]]:
    """For every row, which of its settings tell it from others of the same kind; `unseen` are never named."""
    found = []
    for row in rows:
        twins = [twin for twin in rows if getattr(twin, kind) == getattr(row, kind)]
        own = (name for name in applicable(row) if name != kind and name not in unseen)
        found.append([name for name in own if len({getattr(twin, name) for twin in twins}) > 1])
    return found


def plain(row: Any, name: str, text: Text) -> str:
    return f"{getattr(row, name):g}"


def by_rule(
    rows: Sequence[Any],
    text: Text,
    shown: Callable[[Any, str, Text], str] = plain,
    word: str = "rules",
    unseen: Iterable[str] = (),
) -> list[str]:
    """A name per row: its rule, `<word>.<rule>`, and in brackets the settings that tell it from others of that rule."""
    names = []
    for row, own in zip(rows, telling(rows, unseen=unseen)):
        told = ", ".join(f"{text.say(f'symbols.{name}')} {shown(row, name, text)}" for name in own)
        names.append(text.say(f"{word}.{row.rule}") + (f" ({told})" if told else ""))
    return names


def percents(seeds: np.ndarray) -> list[str]:
    """Of shares [row, seed] the mean of every row."""
    return [percent(share) for share in seeds.mean(1)]


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if np.isfinite(share) else "–"
