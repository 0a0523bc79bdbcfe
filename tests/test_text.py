"""The words: nothing is missing in either language, and the two say it with the same pieces."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
import streamlit

from core.concept.catalog import CATALOG, CHAPTERS, CONCEPTS, LANGUAGES
from core.concept.messages import because, explain
from core.concept.params import BaseParams, Choice, Problem, Rows, String, Table, fields
from core.concept.parts import load
from core.concept.text import CONCEPTS as FOLDER
from core.concept.text import HERE, Text, parse, words
from core.runs import disk
from core.ui.streamlit_words import NO_SENTENCES, PLACES

FILES = [HERE / "text", *(FOLDER / entry.stem / "text" for entry in CONCEPTS)]
NAMES = [file.parent.name for file in FILES]
STEMS = [entry.stem for entry in CONCEPTS]
CJK = re.compile(r"[\u4e00-\u9fff]")


def parsed(name: str, language: str) -> Text:
    file = FILES[NAMES.index(name)].with_suffix(f".{language}.md")
    return parse(file.read_text("utf-8"), language)


def holes(label: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in Formatter().parse(label) if name is not None)


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_keys_sections_and_holes(name: str) -> None:
    en, zh = (parsed(name, language) for language in ("en", "zh"))
    assert en.labels.keys() == zh.labels.keys()
    assert en.hints.keys() == zh.hints.keys()
    assert en.sections.keys() == zh.sections.keys()
    for key in en.labels:
        assert holes(en.labels[key]) == holes(zh.labels[key]), key
        assert holes(en.hints.get(key, "")) == holes(zh.hints.get(key, "")), key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_empty_or_said_twice(name: str, language: str) -> None:
    text = parsed(name, language)
    assert text.title and text.lead
    for said in (text.labels, text.hints, text.sections):
        assert all(value.strip() for value in said.values())
    source = FILES[NAMES.index(name)].with_suffix(f".{language}.md").read_text("utf-8")
    headings = re.findall(r"^## (.*)$", source, re.M)
    assert len(headings) == len(set(headings))
    for body in re.split(r"^## .*$", source, flags=re.M):
        keys = re.findall(r"^- ([\w.]+): ", body, re.M)
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", NAMES)
def test_chinese_is_chinese_and_english_is_not(name: str) -> None:
    en, zh = (parsed(name, language) for language in ("en", "zh"))
    for text in (zh.title, zh.lead, *zh.hints.values(), *zh.sections.values()):
        assert CJK.search(text), text
    for text in (en.title, en.lead, *en.hints.values(), *en.sections.values(), *en.labels.values()):
        assert not CJK.search(text), text
    same = {key for key in en.labels if en.labels[key] == zh.labels[key]}
    assert not {key for key in same if re.search(r"[a-z]{3} [a-z]{3}", en.labels[key])}, "left in English"


def needed(stem: str) -> tuple[set[str], set[str]]:
    """The labels a concept's page shows, and those that need a hint."""
    concept = load(stem)
    hinted, plain = set(), set()

    def of(cls: type[BaseParams]) -> None:
        for name, kind in fields(cls).items():
            hinted.add(f"params.{name}")
            if isinstance(kind, Table) and isinstance(kind.cell, String):
                plain.update(f"params.{name}.{column}" for column in kind.columns)
            if isinstance(kind, Choice):
                plain.update(f"options.{name}.{option}" for option in kind.options)
            if isinstance(kind, Rows):
                of(kind.row)

    of(concept.Params)
    for section in ("presets", "figures", "claims", "mistakes"):
        hinted |= {f"{section}.{item.id}" for item in getattr(concept, section)}
    plain.update(f"given_away.{mistake.id}" for mistake in concept.mistakes)
    worded = [claim.unit for claim in concept.claims if re.fullmatch("[a-z/]{2,}", claim.unit)]
    plain.update(f"units.{unit.replace('/', '_per_')}" for unit in worded)
    for asked in concept.predictions:
        hinted.add(f"predict.{asked.id}")
        plain.update(f"predict.{asked.id}.{answer}" for answer in (*asked.options, "found"))
    return hinted, plain


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stem", STEMS)
def test_everything_declared_has_its_words(stem: str, language: str) -> None:
    text = words(stem, language)
    hinted, plain = needed(stem)
    assert not (hinted | plain) - text.labels.keys()
    assert not hinted - text.hints.keys()
    assert "lesson" in text.sections


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stem", STEMS)
def test_no_words_are_left_over(stem: str, language: str) -> None:
    """Words of a field, option, preset, figure, claim or mistake that is gone."""
    hinted, plain = needed(stem)
    sections = ("params", "options", "presets", "figures", "claims", "predict", "mistakes", "given_away")
    own = {key for key in parsed(stem, language).labels if key.split(".")[0] in sections}
    questions = set()
    for name, kind in (pair for asked in load(stem).questions.values() for pair in fields(asked).items()):
        options = kind.options if isinstance(kind, Choice) else ()
        questions |= {f"params.{name}", *(f"options.{name}.{option}" for option in options)}
    assert own <= hinted | plain | questions


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_engine_has_a_name(language: str) -> None:
    """What an engine is called in code is said nowhere, but for names that are the same in every language."""
    engines = {each.engine for entry in CONCEPTS for each in load(entry.stem).experiments} - {"torch", "torchvision"}
    for engine in engines:
        assert f"engines.{engine.replace(' ', '_')}" in words("", language).labels


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chapter_and_place_has_a_name(language: str) -> None:
    text = words("", language)
    for name in (*CHAPTERS, *(entry.stem for entry in CATALOG if entry.place)):
        assert text.say(f"chapters.{name}")


def test_a_missing_word_is_an_error() -> None:
    with pytest.raises(KeyError):
        words("", "en").say("frame.no_such_word")


def test_what_is_no_number_is_said_as_a_dash() -> None:
    text = parse("# T\nL.\n\n## a\n- b: {x} of {name}\n", "en")
    assert text.say("a.b", x="nan", name="banana infantry") == "– of banana infantry"
    assert text.say("a.b", x=f"{-np.inf:.2f}", name="Inf") == "– of Inf"


def test_how_a_file_is_read() -> None:
    params, lesson = "## params\n- lr: Rate {x} | A hint.\n- n: N\n", "## lesson\n- a list\n- in prose\n"
    text = parse(f"# A title\nA lead.\n\n{params}\n{lesson}", "en")
    assert (text.title, text.lead) == ("A title", "A lead.")
    assert text.labels == {"params.lr": "Rate {x}", "params.n": "N"}
    assert text.hints == {"params.lr": "A hint."}
    assert text.say("params.lr", x=3) == "Rate 3"
    assert text.prose("lesson") == "- a list\n- in prose"


def forbidden() -> list[str]:
    """The forms that the glossary says are not used."""
    glossary = (HERE.parents[1] / "docs" / "glossary.md").read_text("utf-8")
    _, table = glossary.split("## Forms that are not used")
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")]
    return [row[1].strip() for row in rows if row[1].strip() != "not"]


def test_forms_that_the_glossary_forbids_are_not_used() -> None:
    chinese = {path: path.read_text("utf-8") for path in HERE.parent.glob("**/*.zh.md")}
    assert len(chinese) > len(CONCEPTS) and len(forbidden()) > 20
    plain = [form for form in forbidden() if "（" not in form]
    assert not [(form, path.name) for path, said in chinese.items() for form in plain if form in said]
    assert not [path for path, said in chinese.items() if re.search(r"高斯(?!分布)", said)]  # the noun


COMPOSED = {"apply", "at_most", "no_page_named", "no_such_page", "one_option", "options", "out_of_range_error"}


def test_the_words_that_streamlit_says_are_those_of_the_version_installed() -> None:
    """And each has its place. Those that it makes of pieces, as the names of icons, a browser test looks for."""
    root = Path(streamlit.__file__).parent
    theirs = "".join(path.read_text("utf-8") for path in root.glob("static/static/js/*.js"))
    theirs += re.sub(r'"\n\s+"', "", (root / "elements" / "exception.py").read_text("utf-8"))
    ours = {key.partition(".")[2]: said for key, said in parsed(HERE.name, "en").labels.items() if "streamlit." in key}
    assert ours.keys() == PLACES.keys()
    assert "AxiosError" in theirs and "Request failed with status code " in theirs  # pieces of NO_SENTENCES
    left = {*COMPOSED, *NO_SENTENCES}
    whole = {key: said for key, said in ours.items() if key not in left and not said.endswith(" icon")}
    assert not {key for key, said in whole.items() for part in re.split(r"\{\w+\}", said) if part not in theirs}


def test_what_the_system_says_is_said_in_the_language_of_the_reader() -> None:
    for error in (OSError(28, "No space left on device"), PermissionError(13, "denied"), ValueError("null byte")):
        problem = Problem("own", "not_kept", {"reason": disk.why(error)})
        said = explain(problem, words("perceptron", "zh"), load("perceptron").Params, instead=False)
        assert not re.search(r"[A-Za-z]", said.replace("(own)", "")), said
    assert "ELOOP" in because(disk.why(OSError(40, "Too many levels of symbolic links")), words("", "zh"))
