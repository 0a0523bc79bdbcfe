"""Runs beside each other: what a link to a comparison says, where settings differ, the numbers in one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from core.concept.catalog import CONCEPTS
from core.concept.params import (
    BaseParams,
    Choice,
    Drawing,
    Field,
    Flag,
    Number,
    Problem,
    Rows,
    String,
    Table,
    Upload,
    applicable,
    canonical,
    choice,
    fields,
    read,
    shape,
    text,
    write,
)
from core.concept.parts import load

if TYPE_CHECKING:
    import pandas as pd

    from core.concept.text import Text

LETTERS = ("a", "b", "c", "d")  # of the runs, in a link; readers see capitals
LONGEST_RUN = 4_500  # characters that a link may spend on one run
SPELLED_OUT = 12  # rows (contenders) compared one by one; of longer lists only the number
LONGEST_VALUE = 60
ABSENT = "—"
SEEDS = ("seeds", "data_seed", "weight_seed")


@dataclass(frozen=True)
class Comparison(BaseParams):
    """What the place for comparisons shows: runs of one concept, each as the texts of its own link."""

    concept: str = choice("optimizer_race", tuple(entry.stem for entry in CONCEPTS))
    picture: str = text("", 40)  # id of a figure; "" for the first
    view: str = choice("over", ("over", "beside"))
    a: str = text("", LONGEST_RUN, applies=lambda p: bool(p.a))
    b: str = text("", LONGEST_RUN, applies=lambda p: bool(p.b))
    c: str = text("", LONGEST_RUN, applies=lambda p: bool(p.c))
    d: str = text("", LONGEST_RUN, applies=lambda p: bool(p.d))


@dataclass(frozen=True)
class Asked:
    """One run of a comparison: its settings, and what of its part of the link could not be used.

    device: what trained it, "" where any will do.
    """

    letter: str
    params: BaseParams
    device: str
    problems: tuple[Problem, ...] = ()


def run_text(params: BaseParams, device: str = "") -> str:
    """The settings of a run as one text of a link; `asked` reads it."""
    return urlencode(write(params) | ({"device": device} if device else {}), safe="~:")


def asked(stem: str, letter: str, text: str) -> Asked:
    """The run that a text of a link means. Never raises: what does not stand is named, and the default taken."""
    concept = load(stem)
    given = dict(parse_qsl(text, keep_blank_values=True))
    device = given.pop("device", "")
    params, problems = read(concept.Params, given)
    if device and device not in concept.devices:
        problems.append(
            Problem("device", "unknown_option", {"value": device[:20], "options": ", ".join(concept.devices)})
        )
        device = ""
    return Asked(letter.upper(), params, device, tuple(problems))


def chosen(comparison: Comparison) -> list[str]:
    """The texts of the runs of a comparison, in order."""
    return [found for letter in LETTERS if (found := getattr(comparison, letter))]


def choose(comparison: Comparison, texts: Sequence[str], **changes: Any) -> Comparison:
    """The comparison of other runs, those of `texts`; raises Invalid where one is too long."""
    padded = [*texts[: len(LETTERS)], *[""] * len(LETTERS)]
    return comparison.replace(**dict(zip(LETTERS, padded)), **changes)


# Settings


def differences(runs: Sequence[BaseParams], text: Text) -> list[tuple[str, list[str]]]:
    """Field by field, in the reader's words, the values of settings in which these runs differ; a field that does not
    apply to a run is ABSENT there. Rows (contenders) that differ in the same way are said together."""
    found: list[tuple[str, list[str]]] = []
    plain = [canonical(run) for run in runs]
    for name, kind in fields(type(runs[0])).items():
        if all(each.get(name) == plain[0].get(name) for each in plain):
            continue
        values = [getattr(run, name) if name in each else None for run, each in zip(runs, plain)]
        label = text.say(f"params.{name}")
        if isinstance(kind, Rows):
            found += _rows(label, kind, values, text)
        else:
            found.append((label, [worded(name, kind, value, text) for value in values]))
    return found


def worded(name: str, kind: Field, value: Any, text: Text) -> str:
    """The value of a field in the reader's words."""
    if value is None:
        return ABSENT
    if isinstance(kind, Choice):
        return text.say(f"options.{name}.{value}")
    if isinstance(kind, Flag):
        return text.say("compare.yes" if value else "compare.no")
    if isinstance(kind, Upload):
        return " × ".join(map(str, shape(value))) if value else ABSENT
    said = f"{value:g}" if isinstance(kind, Number) else kind.write(value)
    return said if len(said) <= LONGEST_VALUE else said[:LONGEST_VALUE] + "…"


def conditions(params: BaseParams, text: Text, without: tuple[str, ...] = ()) -> str:
    """What these settings are, in one line: every applicable field but rows, tables, drawings, uploads, typed
    texts, seeds, and those that the experiment is `without`."""
    told = {
        name: kind
        for name, kind in applicable(params).items()
        if not isinstance(kind, Rows | Upload | Drawing | Table | String) and name not in (*SEEDS, *without)
    }
    return " · ".join(
        f"{text.say(f'params.{name}')} {worded(name, kind, getattr(params, name), text)}" for name, kind in told.items()
    )


def _rows(label: str, kind: Rows, lists: list[Any], text: Text) -> list[tuple[str, list[str]]]:
    """Rows are the same where their first field is; several of one name are told apart by their order."""
    head, head_kind = next(iter(fields(kind.row).items()))
    tables: list[dict[tuple[Any, int], BaseParams]] = []
    for rows in lists:
        ordinal: dict[Any, Iterable[int]] = {}
        named = ((getattr(row, head), row) for row in rows or ())
        tables.append({(first, next(iter(ordinal.setdefault(first, count())))): row for first, row in named})
    keys = list(dict.fromkeys(key for table in tables for key in table))
    if len(keys) > SPELLED_OUT:
        return [(label, [ABSENT if rows is None else str(len(rows)) for rows in lists])]
    found: dict[tuple[str, ...], list[str]] = {}  # (label, value in every run) → the rows of which it is true
    for first, place in keys:
        mine = [table.get((first, place)) for table in tables]
        name = worded(head, head_kind, first, text) + (f" {place + 1}" if place else "")
        if None in mine and len(set(mine)) > 1:
            found.setdefault((label, *(_row(kind, row, text) for row in mine)), []).append(name)
            continue
        for field, its in list(fields(kind.row).items())[1:]:
            values = [getattr(row, field) if row and field in applicable(row) else None for row in mine]
            if len(set(values)) > 1:
                words = (worded(field, its, value, text) for value in values)
                found.setdefault((text.say(f"params.{field}"), *words), []).append(name)
    if not found:  # the same ones in another order
        names = [[worded(head, head_kind, getattr(row, head), text) for row in rows or ()] for rows in lists]
        return [(label, [", ".join(each) or ABSENT for each in names])]
    every = text.say("compare.every")
    return [
        (f"{label} ({every if len(names) == len(keys) > 1 else ', '.join(names)})", values)
        for (label, *values), names in found.items()
    ]


def _row(kind: Rows, row: BaseParams | None, text: Text) -> str:
    """A row that not every run has: what of it is not as usual."""
    if row is None:
        return ABSENT
    head, *rest = applicable(row).items()
    first = getattr(row, head[0])
    usual = kind.fresh(first, None) if kind.fresh else kind.row(**{head[0]: first})
    other = [
        f"{text.say(f'params.{name}')} {worded(name, its, getattr(row, name), text)}"
        for name, its in rest
        if getattr(row, name) != getattr(usual, name)
    ]
    return ", ".join(other) or text.say("compare.there")


def from_default(params: BaseParams, text: Text, most: int = 4) -> str:
    """What these settings change of the defaults, in one line of at most so many parts."""
    parts = [
        f"{label} {text.say('compare.left_out') if mine == ABSENT else mine}"
        for label, (_, mine) in differences([type(params)(), params], text)
    ]
    more = [text.say("compare.further", count=len(parts) - most)] if len(parts) > most else []
    return "; ".join([*parts[:most], *more]) or text.say("compare.default")


# Numbers


def joined(tables: dict[str, pd.DataFrame], run: str) -> pd.DataFrame:
    """The tables of one figure for several runs (by letter) as one: beside each other where their first columns agree,
    else below each other, with a first column called `run`."""
    import pandas as pd

    (_, first), *rest = tables.items()
    key = first.columns[0]
    same = all(list(table[key]) == list(first[key]) for _, table in rest if key in table)
    if same and first[key].is_unique and all(table.columns[0] == key for _, table in rest):
        beside = [table.drop(columns=key).add_prefix(f"{letter} · ") for letter, table in tables.items()]
        return pd.concat([first[[key]], *beside], axis=1)
    labelled = []
    for letter, table in tables.items():
        table = table.copy()
        table.insert(0, run, letter, allow_duplicates=True)
        labelled.append(table)
    return pd.concat(labelled, ignore_index=True)
