"""What the editors of rows and of tables make of what a browser sends, honest or not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.concept.params import Refused, Rows, fields
from core.concepts.optimizer_race.params import FAIR, Params
from core.ml.rules import Contender
from core.ui.heard import heard
from core.ui.rows import CHANGES, changed_rows
from core.ui.table import CHANGES as OF_TABLES
from core.ui.table import changed_table
from tests.fields import KERNEL
from tests.fields import Params as Fields

KIND = fields(Params)["contenders"]
assert isinstance(KIND, Rows)


def test_a_new_rule_starts_at_its_own_rate_and_other_fields_are_kept() -> None:
    rows = changed_rows(KIND, FAIR, {"row": 1, "field": "momentum", "value": "0.5"})
    assert rows[1] == FAIR[1].replace(momentum=0.5) and rows[:1] + rows[2:] == FAIR[:1] + FAIR[2:]
    assert changed_rows(KIND, FAIR, {"row": 0, "field": "rule", "value": "radam"})[0] == Contender(rule="radam")


def test_rows_are_added_with_a_rule_not_yet_there_and_taken_away() -> None:
    assert changed_rows(KIND, FAIR[:2], {"add": True}) == (*FAIR[:2], FAIR[2])
    assert changed_rows(KIND, FAIR, {"remove": 0}) == FAIR[1:]


@pytest.mark.parametrize(
    "change",
    [
        {"row": 0, "field": "lr", "value": "-1"},
        {"row": 0, "field": "lr", "value": "much"},
        {"row": 0, "field": "rule", "value": "magic"},
    ],
)
def test_a_bad_value_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        changed_rows(KIND, FAIR, change)


def test_the_last_row_stays() -> None:
    with pytest.raises(Refused):
        changed_rows(KIND, FAIR[:1], {"remove": 0})


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.integers()))


@given(st.dictionaries(st.sampled_from(["row", "field", "value", "add", "remove", "x"]), VALUES))
def test_whatever_is_sent_is_silence_or_gives_rows_or_a_refusal(change: dict[str, Any]) -> None:
    sent = heard(SimpleNamespace(change=change), "change", *CHANGES)
    if sent is None:
        return
    try:
        rows = changed_rows(KIND, FAIR, sent)
    except Refused:
        return
    assert KIND.check(rows) == rows


def test_cells_of_a_table_change_and_rows_come_and_go() -> None:
    kernel, pairs = fields(Fields)["kernel"], fields(Fields)["pairs"]
    changed = changed_table(kernel, KERNEL, {"row": 1, "column": 0, "value": "2,5"})
    assert changed == (KERNEL[0], (2.5, 0.0, 2.0), KERNEL[2])
    two = (("a", "b"), ("c", "d"))
    assert changed_table(pairs, two, {"row": 0, "column": 1, "value": "~!"}) == (("a", "~!"), ("c", "d"))
    assert changed_table(pairs, two, {"add": True}) == (*two, ("", ""))
    assert changed_table(pairs, two, {"remove": 0}) == two[1:]
    for row, column in ((2, 0), (-1, 0), (0, 2), (0, -1)):
        assert changed_table(pairs, two, {"row": row, "column": column, "value": "x"}) == two
    for value, kind, change in (
        (KERNEL, kernel, {"row": 2, "column": 1, "value": "x"}),
        (KERNEL, kernel, {"add": True}),
        (two[:1], pairs, {"remove": 0}),
        (two, pairs, {"row": 0, "column": 0, "value": "x" * 31}),
    ):
        with pytest.raises(Refused):
            changed_table(kind, value, change)  # type: ignore[arg-type]


@given(st.dictionaries(st.sampled_from(["row", "column", "value", "add", "remove", "x"]), VALUES))
def test_whatever_is_sent_to_a_table_is_silence_or_gives_one_or_a_refusal(change: dict[str, Any]) -> None:
    sent = heard(SimpleNamespace(change=change), "change", *OF_TABLES)
    for name in ("kernel", "pairs", "notes"):
        kind = fields(Fields)[name]
        if sent is None:
            return
        try:
            table = changed_table(kind, getattr(Fields(), name), sent)  # type: ignore[arg-type]
        except Refused:
            continue
        assert kind.check(table) == table
