"""Signatures: exact numbers against torch, what is read of a pasted text, and how often they err."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch.nn import functional

from core.concept.catalog import LANGUAGES
from core.concept.text import words
from core.conclusions import signatures
from core.conclusions.signatures import Curve, Unreadable, floor, guess, read, seen

ROOT = Path(__file__).resolve().parents[1]
FALLS = np.geomspace(2.3, 0.05, 40)


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_exact_numbers_are_those_of_torch(classes: int) -> None:
    target = torch.tensor([0])
    even, sure = torch.zeros(1, classes), functional.one_hot(target, classes).float()
    assert guess(classes) == pytest.approx(float(functional.cross_entropy(even, target)), abs=1e-5)
    assert floor(classes) == pytest.approx(float(functional.cross_entropy(sure, target)), abs=1e-5)
    anything = torch.randn(2000, classes, generator=torch.Generator().manual_seed(0)).mul(9).softmax(1)
    assert float(functional.cross_entropy(anything, torch.zeros(2000, dtype=torch.long), reduction="none").min()) >= (
        floor(classes) - 1e-6
    )


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (Curve(FALLS), {"falling"}),
        (Curve(np.r_[FALLS, np.full(40, 0.05)]), set()),
        (Curve(np.where(np.arange(40) > 30, np.nan, FALLS)), {"lost"}),
        (Curve(FALLS, np.full(40, np.inf)), {"lost"}),
        (Curve(FALLS[::-1]), {"explodes"}),
        (Curve(FALLS - 1, classes=10), {"negative"}),
        (Curve(FALLS - 1), set()),  # no cross-entropy may be anything
        (Curve(np.full(40, np.log(10)) + 0.01, classes=10), {"guesses"}),
        (Curve(np.full(40, np.log(10)), classes=3), set()),
        (Curve(np.r_[FALLS[:9], np.full(40, floor(10) + 0.01)], classes=10), {"floored"}),
        (Curve(np.r_[0.3, np.full(40, 0.5)], margin=0.5), {"collapsed"}),
        (Curve(np.r_[FALLS, np.full(40, 0.04)], np.r_[FALLS, np.linspace(0.1, 1, 40)]), {"overfits"}),
        (Curve(np.full(40, 1.0), np.full(40, 0.5)), {"better_outside"}),
    ],
)
def test_a_curve_shows_what_it_was_made_to_show(curve: Curve, expected: set[str]) -> None:
    assert expected <= set(seen(curve)) <= expected | {"falling"}
    assert set(seen(curve, signatures.MISTAKES)) == expected & set(signatures.MISTAKES)


ROWS = [(k, 2.0 - 0.1 * k, 2.1 - 0.1 * k) for k in range(10)]


@pytest.mark.parametrize("mark", [",", ";", "\t", " ", ", "])
@pytest.mark.parametrize(
    "head", ["", "epoch loss val_loss", "Step train/loss test/loss", "epoch loss val_loss accuracy"]
)
def test_a_pasted_curve_is_read_with_and_without_names(mark: str, head: str) -> None:
    rows = [[*row, 0.5][: len(head.split()) or 3] for row in ROWS]
    text = "\n".join(mark.join(map(str, row)) for row in ([head.split()] if head else []) + rows)
    curve = read(f"\n{text}\n\n", classes=10)
    assert curve.training.tolist() == [row[1] for row in ROWS] and curve.classes == 10
    assert curve.validation is not None and curve.validation.tolist() == [row[2] for row in ROWS]


def test_one_column_is_a_training_curve_and_numbers_may_be_none() -> None:
    curve = read("\n".join(["0.9", "0.8", "1e-1", "nan", "inf", "-Infinity", "3", "4", "5"]))
    assert curve.validation is None and len(curve.training) == 9 and seen(curve) == ["lost"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1\n2\n3", "count"),
        ("", "count"),
        ("\n".join(["1,2"] * 9 + ["1"]), "line"),
        ("\n".join(["1,2"] * 9 + ["1,<script>"]), "line"),
        ("epoch\n" + "\n".join(map(str, range(20))), "column"),
        ("val_loss\n" + "\n".join(map(str, range(20))), "column"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_no_curve_is_refused_with_a_sentence(text: str, code: str, language: str) -> None:
    with pytest.raises(Unreadable) as problem:
        read(text)
    assert problem.value.code == code
    assert words("", language).say(f"signatures.{code}", **problem.value.details)


def test_they_err_as_seldom_as_is_said() -> None:
    """On curves of runs that were not used to set them: false alarms in at most one of twenty."""
    found = signatures.stored()
    curves = found["clean"] + sum(one["of"] for one in found["hits"].values())
    assert curves >= 200 and found["alarms"] <= 0.05 * found["clean"] and found["clean"] >= 100
    assert all(0 <= one["hits"] <= one["of"] for one in found["hits"].values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reader_s_curve_is_told_what_it_shows(language: str) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["lang"] = language
    app.run()
    app.switch_page("pages/mistakes.py").run()
    say = words("", language).say
    area = app.text_area(key="own-curve")
    for text, expected in (
        ("\n".join(["2.303"] * 20), say("signatures.guesses", classes=10, guess="2.303")),
        ("1\n2", say("signatures.count", count=2, fewest=signatures.FEWEST, most=signatures.MOST)),
        ("\n".join(["nan"] * 20), say("signatures.lost")),
    ):
        app = area.set_value(text).run()
        assert not app.exception
        said = [one.value for one in (*app.markdown, *app.warning)]
        assert any(expected in one for one in said), said
        area = app.text_area(key="own-curve")
