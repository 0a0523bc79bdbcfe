"""What figures say in a sentence: clean in both languages, and never silent about a training that diverged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from core.concept.catalog import CONCEPTS, LANGUAGES
from core.concept.params import BaseParams
from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult, arrays, axes
from core.concept.text import closed_up, words
from core.concepts.optimizer_race import tuning

STEMS = [entry.stem for entry in CONCEPTS]
NAMES = [each.name for stem in STEMS for each in load(stem).experiments]
BESIDE_HAN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef] +[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]|\d +%")

MAY_DIVERGE = [name for name in NAMES if experiment(name).diverges]


@cache
def trained(stem: str, **changes: Any) -> BaseResult:
    *_, result = train_module(stem).train(experiment(stem).tiny.replace(**changes))
    return result


def diverged(name: str) -> BaseResult:
    """TINY, the first member of which ended in NaN."""
    result, field = trained(name), experiment(name).diverges
    values, kinds = np.array(getattr(result, field)), axes(type(result))[field]
    time = next(i for i, axis in enumerate(kinds) if axis.endswith("+"))
    np.moveaxis(values, time, 0)[-1, 0] = np.nan
    return replace(result, **{field: values})


def said(stem: str, result: BaseResult, language: str) -> dict[str, str]:
    concept = load(stem)
    figures = [f for f in concept.figures if type(result) is concept.of(f).Result and f.shown(result.params)]
    return {figure.id: figure.summary(result, language) for figure in figures}


@pytest.mark.parametrize("name", NAMES)
def test_sentences_are_clean_in_both_languages(name: str) -> None:
    for language in LANGUAGES:
        for figure, sentence in said(experiment(name).stem, trained(name), language).items():
            assert sentence and sentence[-1] in ".。" and "  " not in sentence, (figure, sentence)
            assert not re.search(r"\b(nan|inf|None|True|False)\b", sentence), (figure, sentence)
            if language == "zh":
                assert not BESIDE_HAN.search(sentence), (figure, sentence)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MAY_DIVERGE)
def test_a_training_that_diverged_is_said_by_every_figure(name: str, language: str) -> None:
    word, stem = {"en": "iverged", "zh": "发散"}[language], experiment(name).stem
    before, after = said(stem, trained(name), language), said(stem, diverged(name), language)
    assert after
    for figure, sentence in after.items():
        assert word not in before[figure], (figure, before[figure])
        assert word in sentence and "nan" not in sentence, (figure, sentence)


RATE_100: dict[str, Callable[[BaseParams], dict[str, Any]]] = {
    "activations": lambda tiny: {"rule": "sgd", "lr": 100.0, "epochs": 20},
    "optimizers": lambda tiny: {"rates": "given", "steps": 200, "contenders": first_at_100(tiny)},
    "optimizer_race": lambda tiny: {"contenders": first_at_100(tiny)},
}


def first_at_100(tiny: Any) -> tuple:
    return (tiny.contenders[0].replace(lr=100.0), *tiny.contenders[1:])


@pytest.mark.parametrize("stem", RATE_100)
def test_a_rate_of_100_diverges_and_is_said(stem: str) -> None:
    result = trained(stem, **RATE_100[stem](experiment(stem).tiny))
    for figure, sentence in said(stem, result, "en").items():
        assert "Diverged" in sentence, figure


def test_few_contenders_are_not_counted_as_if_they_were_many() -> None:
    """Nobody says “of 1 pairs 1 are told apart”, or names one contender as the first and the last."""
    sgd, adam = experiment("optimizer_race").tiny.contenders  # type: ignore[attr-defined]
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


@pytest.mark.parametrize("stem", STEMS)
def test_what_is_said_of_every_row_fits_into_a_list(stem: str) -> None:
    """Such sentences become one, with a semicolon between them and one stop: inside they have neither."""
    for language in LANGUAGES:
        for key, said in words(stem, language).labels.items():
            if key.startswith("summaries.") and said.startswith("{name}"):
                inside = re.sub(r"\{[^}]*\}", "", said).rstrip(".。")
                assert not re.search(r"[;；。]|\. ", inside), (key, said)


# Results nobody trained: what a sentence says is held against the numbers, counted anew


def with_values(name: str, language: str, **fields: Any) -> dict[str, str]:
    return said(experiment(name).stem, replace(trained(name), **fields), language)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of arithmetic that no training leads to
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_number_is_never_read_out(name: str, value: float) -> None:
    """Every field of a Result in turn, whole and at its last moment only."""
    result, stem = trained(name), experiment(name).stem
    for field, values in arrays(result).items():
        if not np.issubdtype(values.dtype, np.floating):
            continue
        last = values.copy()
        axis = next((i for i, axis in enumerate(axes(type(result))[field]) if axis.endswith("+")), None)
        if axis is not None and last.shape[axis]:
            np.moveaxis(last, axis, 0)[-1] = value
        for changed in (np.full_like(values, value), last):
            for language in LANGUAGES:
                for figure, sentence in said(stem, replace(result, **{field: changed}), language).items():
                    assert not re.search(r"\b(nan|inf)\b", sentence), (field, figure, sentence)


CONTENDERS = {"activations": "contender", "optimizers": "contender", "optimizer_race": "contender", "mixup": "method"}


def names_of(stem: str, result: BaseResult, language: str) -> list[str]:
    module = {"optimizer_race": "optimizer_race.common"}.get(stem, f"{stem}.figures")
    return import_module(f"core.concepts.{module}").names(result, language)


def alike(stem: str, result: BaseResult) -> BaseResult:
    """All contenders did what the first one did."""
    where, changed = axes(type(result)), {}
    for name, values in arrays(result).items():
        if CONTENDERS[stem] in where[name] and name != "rate":
            axis = where[name].index(CONTENDERS[stem])
            changed[name] = np.repeat(values.take([0], axis), values.shape[axis], axis)
    return replace(result, **changed)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stem", CONTENDERS)
def test_nobody_is_named_the_first_of_equals(stem: str, language: str) -> None:
    result = alike(stem, trained(stem))
    labels = sorted(names_of(stem, result, language), key=len, reverse=True)
    aside = {"mixup": {"maps", "curves", "attack", "shares"}, "activations": {"functions"}}.get(stem, set())
    for figure, sentence in said(stem, result, language).items():
        if figure in {"update", *aside}:  # these speak of one or of each
            continue
        counts, rest = {}, sentence
        for label in labels:
            counts[label], rest = rest.count(label), rest.replace(label, "")
        assert len(set(counts.values())) == 1, (figure, sentence)


def test_the_orders_beaten_are_those_beaten() -> None:
    """Orders 3 to 8 beat the network, 1, 2 and 9 do not: “up to the 9-gram” would be false."""
    result = trained("text_generation")
    bits = result.bits[:, -1, 2].mean()
    for beaten in ({1, 2, 9}, {1}, {9}, {2, 4, 5, 6, 9}, set(range(1, 10)), set()):
        off = np.array([0.5 if order in beaten else -0.01 for order in range(1, result.ngram.shape[1] + 1)])
        ngram = np.broadcast_to((bits + off)[None, :, None], result.ngram.shape)
        for language in LANGUAGES:
            sentence = with_values("text_generation", language, ngram=ngram)["counting"]
            if not beaten or len(beaten) == 9:
                word = {"en": ("no order", "every order"), "zh": ("没有胜过任何一阶", "胜过所有阶数")}[language]
                assert word[bool(beaten)] in sentence
                continue
            listed = re.search(r"of order ([^;]*);|胜过 ([^ ]*) 阶", sentence)
            assert listed, sentence
            found: set[int] = set()
            for part in re.split("[,、] ?", listed[1] or listed[2]):
                low, _, high = part.partition("–")
                found |= set(range(int(low), int(high or low) + 1))
            assert found == beaten, sentence


def test_a_network_as_good_as_counting_is_not_called_better() -> None:
    result = trained("text_generation")
    level = np.broadcast_to(result.bits[:, -1:, 2, None], result.ngram.shape)
    assert "as many as" in with_values("text_generation", "en", ngram=level)["ladder"]
    assert "no order" in with_values("text_generation", "en", ngram=level)["counting"]
    apart = result.ngram.copy()
    apart[0, 1, 0], apart[1, 3, 0] = 0.1, 0.1  # the seeds choose different orders
    assert "2-gram, 4-gram" in with_values("text_generation", "en", ngram=apart)["ladder"]


def test_before_training_it_is_only_about_a_blind_guess() -> None:
    first, *_ = train_module("text_generation").train(experiment("text_generation").tiny)
    assert abs(first.bits[:, 0, 2].mean() - np.log2(len(first.vocabulary))) > 0.001
    unknown = replace(first, ngram=np.full_like(first.ngram, np.nan))
    assert "about" in said("text_generation", unknown, "en")["ladder"]
    assert "差不多" in said("text_generation", unknown, "zh")["ladder"]


def test_units_that_learned_nothing_are_not_said_to_have_learned() -> None:
    result = trained("text_generation")
    worse = np.stack([np.full(result.followed.shape[2], 0.5), np.full(result.followed.shape[2], 0.2)])
    followed = np.broadcast_to(worse, result.followed.shape)
    assert "nothing" in with_values("text_generation", "en", followed=followed)["units"]


def test_a_rate_at_which_nearly_all_arrive_is_not_all() -> None:
    reached = np.zeros((2, 200))
    reached[0, 0] = np.nan
    sentence = with_values("optimizers", "en", reached_by=reached)["starts"]
    assert "SGD 199" in sentence and "Adam 200" in sentence and "%" not in sentence


def test_correction_that_comes_back_is_seen() -> None:
    result = trained("optimizers.averages")
    averaged = np.zeros_like(result.averaged)
    for late, wanted in (([0, 1, 5], "from value 7 on"), ([], "from value 1 on"), ([-1], "still changes it")):
        averaged[...] = 0
        averaged[0, :, late] = 0.5
        assert wanted in with_values("optimizers.averages", "en", averaged=averaged)["averages"]


def network(share: tuple[int, int]) -> str:
    result = trained("optimizers", surface="network", seeds=10)
    right = np.zeros_like(result.right)
    for c, solved in enumerate(share):
        right[c, :, :solved] = 4
    return said("optimizers", replace(result, right=right), "en")["network"]


def test_networks_that_solve_xor_are_counted() -> None:
    assert "two hidden units 3 to 7 solve XOR, with 8 units 3 to 7." in network((3, 7))
    assert "two hidden units 10 solve XOR, with 8 units 10." in network((10, 10))


@pytest.mark.parametrize(
    ("sgd", "momentum", "option"),
    [
        (100, 50, "half"),
        (100, 51, "near"),
        (50, 100, "double"),
        (100, 199, "near"),
        (np.nan, 100, "half"),  # more than 300
        (np.nan, 200, None),  # 301, or 500: nobody knows
        (200, np.nan, None),
        (100, np.nan, "double"),
        (np.nan, np.nan, None),
    ],
)
def test_who_does_not_arrive_leaves_a_prediction_open(sgd: float, momentum: float, option: str | None) -> None:
    tiny: Any = experiment("optimizers").tiny
    contenders = (tiny.contenders[0], tiny.contenders[0].replace(rule="momentum"))
    params = tiny.replace(contenders=contenders, steps=300)
    result = replace(trained("optimizers"), params=params, reached=np.array([sgd, momentum]))
    found = load("optimizers").predictions[0].answer(result)
    assert (found and found[0]) == option
    assert not found or not re.search("nan|inf|∞", str(found[1]))


def test_exactly_at_a_threshold_is_decided_by_the_numbers_not_by_their_rounding() -> None:
    result = trained("activations", seeds=2)
    accuracy = np.full(result.accuracy.shape, 0.5, np.float32)
    accuracy[0, :, 0], accuracy[0, :, 1] = 0.93, 0.97  # 0.95 in the mean, and above it in single precision
    assert accuracy[0, 0, :, -1, 2].astype(float).mean() > 0.95
    assert "nobody" in said("activations", replace(result, accuracy=accuracy), "en")["depth"]

    race = trained("optimizer_race")
    accuracy = np.full(race.accuracy.shape, 0.95, np.float32)  # which is below 0.95
    sentence = said("optimizer_race", replace(race, accuracy=accuracy), "en")["target"]
    assert "0.950" in sentence and "SGD, Adam" in sentence


def test_rates_of_equal_accuracy_are_chosen_by_their_loss() -> None:
    race = trained("optimizer_race", sweep=1, seeds=2)
    accuracy, loss = np.full_like(race.sweep_accuracy, 0.5), np.ones_like(race.sweep_loss)
    accuracy[:, 0, :], accuracy[:, 2, 0], accuracy[:, 2, 1] = 0.95, 0.93, 0.97  # 0.95 all, by counting
    loss[:, 0] = 0.5
    assert tuning.chosen(replace(race, sweep_accuracy=accuracy, sweep_loss=loss)).tolist() == [0, 0]
    loss[:, 0], loss[:, 2] = 1.0, 0.5
    assert tuning.chosen(replace(race, sweep_accuracy=accuracy, sweep_loss=loss)).tolist() == [2, 2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_diverged_has_no_lowest_loss(language: str) -> None:
    race = trained("optimizer_race")
    lost = said("optimizer_race", replace(race, loss=np.full_like(race.loss, np.nan)), language)["loss"]
    assert not re.search("lowest|最低", lost)
    one = race.loss.copy()
    one[0] = np.nan
    sentence = said("optimizer_race", replace(race, loss=one), language)["loss"]
    assert re.search("lowest|最低", sentence) and sentence.index("Adam") < sentence.index("SGD")
    mixup = trained("mixup")
    lost = said("mixup", replace(mixup, loss=np.full_like(mixup.loss, np.nan)), language)["curves"]
    assert not re.search("epoch 0|第 0 轮", lost)


def test_a_target_that_one_of_many_reached_was_reached() -> None:
    sgd, adam = experiment("optimizer_race").tiny.contenders  # type: ignore[attr-defined]
    race = trained("optimizer_race", contenders=(sgd, adam, *(sgd.replace(lr=0.1 + k / 100) for k in range(1, 5))))
    accuracy = np.full_like(race.accuracy, 0.3)
    accuracy[1, :, -1] = 0.7
    assert "Adam" in said("optimizer_race", replace(race, accuracy=accuracy), "en")["target"]


def test_a_share_of_wrong_labels_needs_wrong_labels() -> None:
    dropout = trained("dropout", wrong=0.3)
    none = replace(dropout, memorised=np.full_like(dropout.memorised, np.nan))
    assert "no label was wrong" in said("dropout", none, "en")["memorised"]
