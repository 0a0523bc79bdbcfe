"""Params: bounds, the link there and back, and that nothing a stranger writes into a link does harm."""

from __future__ import annotations

import json
import math
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.concept.catalog import CONCEPTS, LANGUAGES
from core.concept.messages import explain
from core.concept.params import (
    LEVELS,
    BaseParams,
    Choice,
    Drawing,
    Field,
    Flag,
    Integer,
    Invalid,
    Number,
    Problem,
    Refused,
    Rows,
    String,
    Table,
    Upload,
    applicable,
    canonical,
    fields,
    read,
    write,
)
from core.concept.parts import load
from core.concept.text import Text, words
from core.ml.rules import Contender
from core.takeaway.export import _literal
from tests import fields as every

CLASSES = {entry.stem: load(entry.stem).Params for entry in CONCEPTS} | {every.STEM: every.Params}
STEMS = [*CLASSES]
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

Race = load("optimizer_race").Params


def values(kind: Field) -> st.SearchStrategy:
    """Everything a field allows."""
    if isinstance(kind, Number):
        return st.floats(kind.low, kind.high)
    if isinstance(kind, Integer):
        return st.integers(kind.low, kind.high)
    if isinstance(kind, Choice):
        return st.sampled_from(kind.options)
    if isinstance(kind, Flag):
        return st.booleans()
    if isinstance(kind, String):
        return st.text(st.characters(codec="utf-8") if kind.alphabet is None else kind.alphabet, max_size=kind.longest)
    if isinstance(kind, Upload):
        sizes = st.tuples(*(st.integers(low, high) for low, high in kind.bounds))
        return st.just("") | sizes.map(lambda s: f"sha256:{sum(s):064x}:{'x'.join(map(str, s))}")
    if isinstance(kind, Drawing):
        levels = st.sampled_from(LEVELS[: kind.levels])
        size = kind.height * kind.width
        drawn = st.lists(st.tuples(levels, st.integers(1, size)), min_size=1).map(
            lambda runs: "".join(level * n for level, n in runs)
        )
        return drawn.map(lambda pixels: kind.check(pixels[:size].ljust(size, "0")))
    if isinstance(kind, Table):
        row = st.tuples(*[values(kind.cell)] * len(kind.columns))
        return st.lists(row, min_size=kind.low, max_size=kind.high).map(tuple)
    assert isinstance(kind, Rows)
    return st.lists(params(kind.row), min_size=kind.low, max_size=min(kind.high, kind.low + 3)).map(tuple)


def params(cls: type[BaseParams]) -> st.SearchStrategy[BaseParams]:
    return st.builds(cls, **{name: values(kind) for name, kind in fields(cls).items()})


def text_of(stem: str, language: str) -> Text:
    return every.said(language) if stem == every.STEM else words(stem, language)


def kinds() -> list[tuple[str, Field]]:
    """Every field of every concept, those of rows included."""
    found = []
    for cls in CLASSES.values():
        for name, kind in fields(cls).items():
            found.append((f"{cls.__module__.split('.')[-2]}.{name}", kind))
            if isinstance(kind, Rows):
                found += [(f"{found[-1][0]}.{n}", k) for n, k in fields(kind.row).items()]
    return found


NUMERIC = [(name, kind) for name, kind in kinds() if isinstance(kind, (Number, Integer))]


# Bounds


@pytest.mark.parametrize(("name", "kind"), kinds(), ids=[name for name, _ in kinds()])
def test_defaults_stand(name: str, kind: Field) -> None:
    assert kind.check(kind.default) == kind.default
    assert kind.read(kind.write(kind.default)) == kind.default


@pytest.mark.parametrize(("name", "kind"), NUMERIC, ids=[name for name, _ in NUMERIC])
def test_bounds_belong_and_the_next_number_does_not(name: str, kind: Number | Integer) -> None:
    assert kind.low < kind.high
    assert (kind.check(kind.low), kind.check(kind.high)) == (kind.low, kind.high)
    whole = isinstance(kind, Integer)
    for outside in (
        kind.low - 1 if whole else math.nextafter(kind.low, -math.inf),
        kind.high + 1 if whole else math.nextafter(kind.high, math.inf),
    ):
        with pytest.raises(Refused, match="out_of_range"):
            kind.check(outside)
    for wrong in (math.nan, math.inf, -math.inf, True, "1", None, [1]):
        with pytest.raises(Refused):
            kind.check(wrong)
    for wrong in ("nan", "inf", "-Infinity", "1e999", "", "one", "0x10", "1,2,3"):
        with pytest.raises(Refused):
            kind.read(wrong)


def test_a_value_out_of_bounds_cannot_be_made() -> None:
    with pytest.raises(Invalid) as caught:
        Race(epochs=0, noise=math.nan, data="cats")
    assert {p.field: p.code for p in caught.value.problems} == {
        "epochs": "out_of_range",
        "noise": "out_of_range",
        "data": "unknown_option",
    }
    with pytest.raises(Invalid):
        Race().replace(width=257)
    assert Race(epochs=3.0).epochs == 3 and isinstance(Race(epochs=3.0).epochs, int)
    with pytest.raises(Invalid):
        Race(epochs=2.5)


@pytest.mark.parametrize(
    ("text", "whole", "real"),
    [
        ("1_000", 1000, 1000.0),  # a number is what Python reads as one:
        ("１", 1, 1.0),  # digits of other scripts too (an input method types full-width ones),
        ("٣", 3, 3.0),
        (" 1 ", 1, 1.0),  # and blanks around it
        ("+7", 7, 7.0),
        ("007", 7, 7.0),
        ("1e2", None, 100.0),  # whole numbers are written with digits only
        ("3.0", None, 3.0),
        ("1 000", None, None),
        ("0,5", None, 0.5),  # a comma is a decimal point,
        (",5", None, 0.5),
        ("1,5e3", None, 1500.0),
        ("0,125", None, 0.125),
        ("1,000", None, None),  # where it does not stand between thousands to another reader
        ("12,500", None, None),
        ("1,2,3", None, None),
        ("1,5.2", None, None),
        ("２，５", None, 2.5),
        ("−0", 0, 0.0),  # as the figures write it
        ("½", None, None),
        ("9" * 61, None, None),
    ],
)
def test_ways_to_write_a_number(text: str, whole: int | None, real: float | None) -> None:
    for kind, meant in ((Integer(1, None, 0, 10_000), whole), (Number(1.0, None, 0.0, 10_000.0), real)):
        if meant is None:
            with pytest.raises(Refused):
                kind.read(text)
        else:
            assert kind.read(text) == meant


def test_minus_zero_is_zero() -> None:
    """Else two equal Params would have two run keys."""
    assert write(Race(data="xor", noise=-0.0))["noise"] == "0"
    assert json.dumps(canonical(Race(data="xor", noise=-0.0))) == json.dumps(canonical(Race(data="xor", noise=0.0)))


# What applies, and the canonical form


def test_fields_that_do_not_apply_are_left_out() -> None:
    assert "points" not in applicable(Race(data="digits")) and "points" in applicable(Race(data="moons"))
    assert "width" not in applicable(Race(depth=0)) and "width" in applicable(Race(depth=1))
    assert set(applicable(Contender(rule="sgd"))) == {"rule", "lr", "l2"}
    assert set(applicable(Contender(rule="adamw"))) == {
        *("rule", "lr", "beta1", "beta2", "correction", "eps", "weight_decay")
    }
    assert canonical(Contender(rule="sgd", lr=0.5, beta1=0.1)) == {"rule": "sgd", "lr": 0.5, "l2": 0.0}
    one, other = Race(contenders=(Contender(rule="sgd", rho=0.5),)), Race(contenders=(Contender(rule="sgd"),))
    assert one != other and canonical(one) == canonical(other)


@pytest.mark.parametrize("stem", STEMS)
@SLOW
@given(data=st.data())
def test_the_canonical_form_changes_with_what_applies_and_with_nothing_else(stem: str, data: st.DataObject) -> None:
    before = data.draw(params(CLASSES[stem]))
    name = data.draw(st.sampled_from(list(fields(CLASSES[stem]))))
    kind = fields(CLASSES[stem])[name]
    after = before.replace(**{name: data.draw(values(kind))})
    mine, theirs = getattr(before, name), getattr(after, name)
    same = [*map(canonical, mine)] == [*map(canonical, theirs)] if isinstance(kind, Rows) else mine == theirs
    if same or name not in applicable(before):
        assert canonical(before) == canonical(after)
    else:
        assert canonical(before) != canonical(after)
    assert json.loads(json.dumps(canonical(before), allow_nan=False)) == canonical(before)


def test_after_a_refused_change_the_message_says_what_stays() -> None:
    text, now = words("optimizer_race", "en"), Race(epochs=7, contenders=(Contender(rule="sgd", lr=0.5),))

    def said(problem: Problem) -> str:
        return explain(problem, text, Race, now)

    assert said(Problem("epochs", "not_whole", {"value": "x"})) == (
        "Epochs (epochs): “x” is not a whole number. It stays at 7."
    )
    rate = Problem("lr", "not_a_number", {"value": "x"})
    assert said(Problem("contenders", "bad_row", {"row": 1, "problem": rate})) == (
        "Contenders (contenders), row 1, Learning rate η (lr): “x” is not a number. It stays at 0.5."
    )
    assert said(Problem("contenders", "row_count", {"count": 13, "low": 1, "high": 12})).endswith(
        "Nothing was changed."
    )


# Drawings and tables


def test_a_drawing_is_short_in_a_link() -> None:
    kind = Drawing("", None, 28, 28, 17)
    ring = "".join("g" if 80 < (i - 14) ** 2 + (k - 14) ** 2 < 110 else "0" for i in range(28) for k in range(28))
    assert kind.read(kind.write(ring)) == ring and len(kind.write(ring)) < 200
    assert kind.write("0" * 783 + "1") == "0BED1" and kind.read("0BEE") == kind.read("") == ""
    for wrong in ("0BEF", "0BE", "z", "0ZZZZZZZZZZZZZZZZ", "A", "0-", "g" * 785, "hBEE"):
        with pytest.raises(Refused, match="no_drawing"):
            kind.read(wrong)
    for wrong in ("0", "g" * 783, None, 7, ["g"] * 784, "G" * 784):
        with pytest.raises(Refused, match="no_drawing"):
            kind.check(wrong)


def test_a_table_is_readable_in_a_link_and_keeps_every_text() -> None:
    known = write(every.Params())
    assert known["kernel"] == "-1~0~1~~-2~0~2~~-1~0~1" and known["places"] == "0~0.5~~0.5~-0.5"
    assert (known["digit"], known["pairs"]) == ("", "cat~猫~~dog~狗")
    odd = (("", "~~"), ("!", "!1"), ("~!~", "a~"), ("", ""))
    assert write(every.Params(pairs=odd))["pairs"] == "!~!1!1~~!0~!01~~!1!0!1~a!1~~!~!"
    assert read(every.Params, {"notes": ""})[0].notes == ()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"kernel": "1~2~3"}, "Kernel (kernel): 1 rows, but it takes 3 to 3. Used instead: the default."),
        ({"kernel": "1~2~~3"}, "Kernel (kernel): 2 rows, but it takes 3 to 3. Used instead: the default."),
        (
            {"kernel": "1~2~3~~4~5~6~~7~8"},
            "Kernel (kernel): row 3 has 2 cells, but every row has 3. Used instead: the default.",
        ),
        (
            {"kernel": "1~2~3~~4~5~x~~7~8~9"},
            "Kernel (kernel), row 2, column 3: “x” is not a number. Used instead: the default.",
        ),
        (
            {"places": "0~2"},
            "Points (places), row 1, column 2: 2 is outside -1 … 1. Used instead: the default.",
        ),
        ({"digit": "0AB1"}, "Digit (digit): this is no drawing of 6 × 8 grey levels. Used instead: the default."),
        ({"pairs": "a~" + "b" * 31}, "Pairs (pairs), row 1, column 2: 31 characters, 30 are allowed."),
    ],
)
def test_what_of_a_table_or_a_drawing_does_not_stand_is_said(link: dict[str, str], sentence: str) -> None:
    _, problems = read(every.Params, link)
    assert explain(problems[0], every.said("en"), every.Params).startswith(sentence)
    assert "{" not in explain(problems[0], every.said("zh"), every.Params)


def test_a_script_has_drawings_and_tables_as_they_are() -> None:
    value = every.Params(digit="g" * 48, wave=((0.5,) * 12,))
    for name in fields(every.Params):
        assert eval(_literal(getattr(value, name))) == getattr(value, name)


# The link


@pytest.mark.parametrize("stem", STEMS)
@SLOW
@given(data=st.data())
def test_a_link_leads_back_to_what_it_was_made_from(stem: str, data: st.DataObject) -> None:
    made = data.draw(params(CLASSES[stem]))
    address = urlencode(write(made))
    found, problems = read(CLASSES[stem], dict(parse_qsl(address, keep_blank_values=True)))
    assert not problems
    assert canonical(found) == canonical(made)
    assert write(found) == write(made)


def test_a_link_is_readable() -> None:
    link = write(Race(contenders=(Contender(rule="adam", lr=1e-5), Contender(rule="sgd", lr=2.0)), epochs=7))
    assert link["contenders"] == "adam~lr-1e-05~beta1-0.9~beta2-0.999~correction-1~eps-1e-08~l2-0~~sgd~lr-2~l2-0"
    assert (link["epochs"], link["data"]) == ("7", "digits")
    assert "points" not in link


@pytest.mark.parametrize("stem", STEMS)
@SLOW
@given(data=st.data())
def test_junk_never_raises_and_every_bad_field_is_named(stem: str, data: st.DataObject) -> None:
    cls = CLASSES[stem]
    names = st.sampled_from(list(fields(cls))) | st.text(max_size=20)
    texts = st.text() | st.sampled_from(["nan", "1e99", "-1", "~", "~~", "adam~~", "~lr-", "{x}", "%s", "x" * 5000])
    link = data.draw(st.dictionaries(names, texts, max_size=6))
    found, problems = read(cls, link)
    bad = {problem.field for problem in problems}
    for name, text in link.items():
        kind = fields(cls).get(name)
        if kind is None:
            assert name in bad
            continue
        try:
            meant = kind.read(text)
        except Refused:
            assert name in bad and getattr(found, name) == kind.default
        else:
            assert getattr(found, name) == meant
    assert len(problems) <= len(link)
    for name in set(fields(cls)) - set(link):
        assert getattr(found, name) == fields(cls)[name].default
    for language in LANGUAGES:
        for problem in problems:
            said = explain(problem, text_of(stem, language), cls)
            assert said and len(said) < 1000


def test_a_number_out_of_range_is_named_as_a_link_writes_it() -> None:
    for value, named in ((-3.0, "-3"), (1e9, "1000000000"), (0.05, "0.05")):
        with pytest.raises(Refused) as refused:
            Number(1.0, low=1.0, high=2.0).check(value)
        assert refused.value.details["value"] == named


def test_absurd_links() -> None:
    def codes(**link: str) -> list[tuple[str, str]]:
        found, problems = read(Race, link)
        assert all(getattr(found, p.field, None) == getattr(Race(), p.field, None) for p in problems)
        return [(p.field, p.code) for p in problems]

    assert codes(contenders="sgd~lr-1e99") == [("contenders", "bad_row")]
    assert codes(contenders="sgd~~lamb") == [("contenders", "bad_row")]
    assert codes(contenders="") == [("contenders", "row_count")]
    assert codes(contenders="~~".join(["sgd"] * 13)) == [("contenders", "row_count")]
    assert codes(contenders="sgd~lr") == [("contenders", "bad_row")]
    assert codes(epochs="x" * 5000) == [("epochs", "not_whole")]
    assert codes(nonsense="1") == [("nonsense", "unknown_field")]
    assert codes(epochs="3", noise="nan", width="1e1") == [("noise", "out_of_range"), ("width", "not_whole")]


def test_messages_name_the_field_the_value_and_what_was_taken() -> None:
    text = words("optimizer_race", "en")

    def said(**link: str) -> str:
        _, problems = read(Race, link)
        return " ".join(explain(problem, text, Race) for problem in problems)

    assert said(epochs="500") == "Epochs (epochs): 500 is outside 1 … 300. Used instead: 30."
    assert said(noize="1") == "noize: there is no such setting. It was ignored."
    assert said(contenders="adam~~sgd~lr-1e99") == (
        "Contenders (contenders), row 2, Learning rate η (lr): 1e+99 is outside 1e-07 … 100. Used instead: the default."
    )
    assert said(noise="1,000") == (
        "Noise (noise): “1,000” can be read as 1000 and as 1.000. Write one of these. Used instead: 0.05."
    )
    long = said(contenders="sgd~" + "x" * 5000)
    assert "x" * 20 in long and len(long) < 300
    assert said(data="<b>{0}</b>").startswith("Data (data): “<b>{0}</b>” is not one of: digits, spiral")
