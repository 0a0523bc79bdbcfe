"""Numbers in texts: each is a setting of what it describes, a constant of the code, or a formula; what was measured
comes from data/claims.json."""

from __future__ import annotations

import importlib
import re
from math import isclose
from typing import Any

import pytest
from test_text import parsed

from core import readers, talk
from core.concept.catalog import CONCEPTS, LANGUAGES, TALKS
from core.concept.params import BaseParams, canonical
from core.concept.parts import load
from core.concept.text import measured, words
from core.concepts.gan import claims as gan_claims
from core.concepts.text_generation import corpora
from core.conclusions import kept
from core.conclusions.stats import CONFIDENCE
from core.runs.store import LARGEST_RESULT

STEMS = [entry.stem for entry in CONCEPTS]
NUMBER = re.compile(r"(?<![\w.,′])\d[\d,]*(?:\.\d+)?|[½¼⅓]")
YEAR = re.compile(r"\b(18|19|20)\d\d\b")
PARTS = {"½": 1 / 2, "¼": 1 / 4, "⅓": 1 / 3}
PLACE = re.compile(r"\{[^}]*\}|\$[^$]*\$")  # what is filled in, and formulas
FORMULAS = {0.0, 1.0, 2.0, 1 / 2, 1 / 4, 100 * CONFIDENCE}

# Constants of the code that the common texts repeat; those of a concept stand in its own tests.
COMMON = {8, 16, LARGEST_RESULT / 2**20, readers.LARGEST / 2**20, 5, 3, 100}  # UTF-8, UTF-16, LeNet-5, VGG-16, GPT-3


def constants(stem: str) -> set[float]:
    return importlib.import_module(f"tests.concepts.test_{stem}").CONSTANTS if stem else COMMON


def numbers(said: str) -> list[float]:
    plain = YEAR.sub("", PLACE.sub("", said))
    return [PARTS.get(found) or float(found.rstrip(",").replace(",", "")) for found in NUMBER.findall(plain)]


def settings(value: Any) -> set[float]:
    """All numbers of canonical Params, as they are, in percent, and how many rows there are."""
    if isinstance(value, bool):
        return set()
    if isinstance(value, (int, float)):
        return {float(value), 100.0 * value}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union({float(len(value))} if isinstance(value, list) else set(), *map(settings, inner))


def unexplained(said: str, allowed: set[float]) -> list[float]:
    return [n for n in numbers(said) if not any(isclose(n, known, rel_tol=1e-6) for known in allowed | FORMULAS)]


def described(stem: str) -> dict[str, tuple[BaseParams, set[float]]]:
    """Key of a text → the Params that it describes, and numbers beside them."""
    concept = load(stem)
    found: dict[str, tuple[BaseParams, set[float]]] = {
        f"presets.{p.id}": (concept.Params().replace(**p.changes), set()) for p in concept.presets
    }
    found |= {f"mistakes.{m.id}": (m.params, set()) for m in concept.mistakes}
    return found | {f"claims.{c.id}": (c.params, {c.smallest, 100 * c.smallest}) for c in concept.claims}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stem", ["", *STEMS])
def test_every_number_in_a_text_is_a_setting_a_constant_or_a_formula(stem: str, language: str) -> None:
    text, about = parsed(stem or "concept", language), described(stem) if stem else {}
    for key, label in text.labels.items():
        params, beside = about.get(key, (None, set()))
        known = constants(stem) | beside | (settings(canonical(params)) if params else set())
        if not key.startswith(("timeline.", "own.decimals.", "own.encodings.")):  # years, signs, names
            assert not unexplained(f"{label} {text.hints.get(key, '')}", known), key
    for name, section in {"lead": text.lead, **text.sections}.items():
        assert not unexplained(section, constants(stem)), name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TALKS)
def test_every_number_in_a_talk_is_a_setting_of_its_beat_or_comes_from_its_run(name: str, language: str) -> None:
    said, beats = talk.words(name, language), talk.load(name)
    assert not unexplained(f"{said.title} {said.lead}", {len(beats)})
    for beat in beats:
        key, known = f"beats.{beat.id}", settings(canonical(beat.params))
        assert not unexplained(f"{said.labels[key]} {said.hints.get(key, '')}", known), key


def test_a_number_that_is_nobodys_is_found() -> None:
    assert unexplained("5,462 names, and 12.5 of α = 8", {8.0}) == [5462, 12.5]
    assert unexplained("In 1998 a half ($x^3$, {claims.a.mean:.2f}) and ¼", set()) == []


def test_sizes_of_texts_are_about_what_is_said() -> None:
    """Some thousands of names; 1,000 characters of idioms; a held-out part of about 8,000 characters at most."""
    assert "thousands of names" in words("text_generation", "en").hint("presets.names")
    for corpus, wanted in (("names", 5), ("idioms", 1), ("prose", 1)):
        texts = corpora.built_in(corpus)
        groups = corpora.families(texts) if corpus == "prose" else [[i] for i in range(len(texts))]
        training, _, test = corpora.divided(texts, groups, 0)
        assert len(training) > 1000 * wanted / 2
        assert sum(map(len, test)) < 1.02 * corpora.MOST_HELD_OUT + corpora.LONGEST
    assert (
        len(set("".join(corpora.built_in("names")))) < len(set("".join(corpora.built_in("idioms")))) <= corpora.COMMON
    )


def test_the_modes_that_are_nearly_all_are_seven_of_eight() -> None:
    assert gan_claims.ENOUGH == 7 / 8


def test_what_was_measured_stands_where_its_text_names_it() -> None:
    mean = kept.stored("text_generation")["names_counting"]["mean"]
    for language in LANGUAGES:
        assert f"{mean:.2f}" in words("text_generation", language).hint("presets.names")
        for stem in STEMS:
            text = words(stem, language)
            for said in (*text.hints.values(), *text.sections.values()):
                assert "{claims." not in said
    share = kept.stored("perceptron")["bound_random"]["mean"]
    assert measured("{claims.bound_random.mean:.0%}", "perceptron", "en") == f"{100 * share:.0f} %"
    assert measured("{claims.bound_random.mean:.0%}", "perceptron", "zh") == f"{100 * share:.0f}%"
    assert measured("{claims.slower_random.mean:.2f}", "perceptron", "en").startswith("−0.")
    assert measured("{claims.nobody.mean:.2f}", "perceptron", "en") == "–"


@pytest.mark.parametrize("stem", STEMS)
def test_texts_name_claims_that_there_are(stem: str) -> None:
    known = {claim.id for claim in load(stem).claims}
    for language in LANGUAGES:
        text = parsed(stem, language)
        for said in (*text.hints.values(), *text.sections.values()):
            for id, part in re.findall(r"\{claims\.(\w+)\.(\w+)", said):
                assert id in known and part in {"mean", "low", "high", "smallest", "n"}
