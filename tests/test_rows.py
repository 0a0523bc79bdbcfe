"""What the editor of rows makes of what a browser sends, honest or not."""

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
