"""What figures say in a sentence: clean in both languages, and never silent about a training that diverged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from core.catalog import CONCEPTS, LANGUAGES
from core.concept import experiment, load
from core.params import BaseParams
from core.result import BaseResult
from core.text import closed_up, words

STEMS = [entry.stem for entry in CONCEPTS]
BESIDE_HAN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef] +[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]|\d +%")

# What is no number any more where a training has diverged. A perceptron corrects by whole examples and cannot.
GONE = {
    "activations": "loss",
    "optimizers": "height",
    "optimizer_race": "loss",
    "dropout": "loss",
    "mixup": "loss",
    "text_generation": "bits",
    "gan": "samples",
}
UNTOUCHED = {("optimizers", "averages")}  # of a signal, without any training


@cache
def trained(stem: str, **changes: Any) -> BaseResult:
    *_, result = experiment(stem).train(load(stem).tiny.replace(**changes))
    return result


def diverged(stem: str) -> BaseResult:
    """TINY, the first member of which ended in NaN."""
    result = trained(stem)
    values = np.array(getattr(result, GONE[stem]))
    time = {"samples": 2, "bits": 1, "height": 1}.get(GONE[stem], values.ndim - 2)
    np.moveaxis(values, time, 0)[-1, 0] = np.nan
    return replace(result, **{GONE[stem]: values})


def said(stem: str, result: BaseResult, language: str) -> dict[str, str]:
    figures = [f for f in load(stem).figures if f.shown(result.params)]
    return {figure.id: figure.summary(result, language) for figure in figures}


@pytest.mark.parametrize("stem", STEMS)
def test_sentences_are_clean_in_both_languages(stem: str) -> None:
    for language in LANGUAGES:
        for figure, sentence in said(stem, trained(stem), language).items():
            assert sentence and sentence[-1] in ".。" and "  " not in sentence, (figure, sentence)
            assert not re.search(r"\b(nan|inf|None|True|False)\b", sentence), (figure, sentence)
            if language == "zh":
                assert not BESIDE_HAN.search(sentence), (figure, sentence)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stem", [s for s in STEMS if s != "perceptron"])
def test_a_training_that_diverged_is_said_by_every_figure(stem: str, language: str) -> None:
    assert stem in GONE, "say here what of a Result is NaN when its training has diverged"
    word = {"en": "iverged", "zh": "发散"}[language]
    before, after = said(stem, trained(stem), language), said(stem, diverged(stem), language)
    for figure, sentence in after.items():
        assert word not in before[figure], (figure, before[figure])
        assert (word in sentence) is ((stem, figure) not in UNTOUCHED), (figure, sentence)
        assert "nan" not in sentence


RATE_100: dict[str, Callable[[BaseParams], dict[str, Any]]] = {
    "activations": lambda tiny: {"rule": "sgd", "lr": 100.0, "epochs": 20},
    "optimizers": lambda tiny: {"rates": "given", "steps": 200, "contenders": first_at_100(tiny)},
    "optimizer_race": lambda tiny: {"contenders": first_at_100(tiny)},
}


def first_at_100(tiny: Any) -> tuple:
    return (tiny.contenders[0].replace(lr=100.0), *tiny.contenders[1:])


@pytest.mark.parametrize("stem", RATE_100)
def test_a_rate_of_100_diverges_and_is_said(stem: str) -> None:
    result = trained(stem, **RATE_100[stem](load(stem).tiny))
    for figure, sentence in said(stem, result, "en").items():
        assert ("Diverged" in sentence) is ((stem, figure) not in UNTOUCHED), sentence


def test_few_contenders_are_not_counted_as_if_they_were_many() -> None:
    """Nobody says “of 1 pairs 1 are told apart”, or names one contender as the first and the last."""
    sgd, adam = load("optimizer_race").tiny.contenders  # type: ignore[attr-defined]
    alone = said("optimizer_race", trained("optimizer_race", contenders=(sgd,)), "en")
    pair = said("optimizer_race", trained("optimizer_race", contenders=(sgd, adam)), "en")
    assert all(sentence.count("SGD") <= 2 and "between" not in sentence.lower() for sentence in alone.values())
    assert "Between the two" in pair["tuned"] and "pairs" not in pair["tuned"]


def test_pieces_of_a_chinese_sentence_leave_no_spaces() -> None:
    assert closed_up("层时，阶跃 答对了 98 % 的点。 无（恒等） 为 SGD 的 3 倍。", "zh") == (
        "层时，阶跃答对了 98% 的点。无（恒等）为 SGD 的 3 倍。"
    )
    assert closed_up("a 98 % b", "en") == "a 98 % b"
    assert words("", "zh").listed(["一", "二"]) == "一、二" and words("", "en").listed("ab", ";") == "a; b"
