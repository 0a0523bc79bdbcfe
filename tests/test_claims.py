"""Verdicts: how they are decided, kept and written out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from core.concept.catalog import CONCEPTS
from core.concept.parts import Claim, load
from core.concept.text import words
from core.concepts.optimizer_race.params import Params
from core.conclusions import claims, kept
from core.conclusions.stats import interval, near_border, verdict, wrong_by_chance

CLAIM = Claim(
    "c", lambda result: result, Params(seeds=3, data_seed=50_000, weight_seed=60_000), 0.1, runs=3, unit="nats"
)


def test_each_deciding_run_has_the_seeds_after_those_of_the_last() -> None:
    runs = claims.deciding(CLAIM)
    assert [(p.data_seed, p.weight_seed) for p in runs] == [(50_000, 60_000), (50_003, 60_003), (50_006, 60_006)]
    assert {dataclasses.replace(p, data_seed=0, weight_seed=0) for p in runs} == {Params(seeds=3)}
    assert claims.deciding(dataclasses.replace(CLAIM, runs=1)) == [CLAIM.params]


def test_runs_are_decided_together() -> None:
    effects = np.random.default_rng(0).normal(0.3, 0.05, 9)
    found = claims.decide(CLAIM, np.split(effects, 3))
    assert found["verdict"] == "holds" and found["n"] == 9
    assert found["mean"] == pytest.approx(effects.mean()) and found["low"] < found["mean"] < found["high"]
    assert (found["smallest"], found["direction"], found["unit"]) == (0.1, "above", "nats")
    assert claims.decide(CLAIM, np.split(-effects, 3))["verdict"] == "fails"
    shared = dataclasses.replace(CLAIM, share=True, smallest=0.9)
    assert claims.decide(shared, [np.ones(20)])["verdict"] == "undecided"  # 20 of 20 may be 0.83
    assert claims.decide(shared, [np.ones(40)])["verdict"] == "holds"
    with pytest.raises(ValueError, match="cannot speak"):
        claims.decide(CLAIM, [effects, None])


def test_an_extension_has_seeds_that_the_first_sample_did_not() -> None:
    first, fresh = claims.deciding(CLAIM), claims.deciding(CLAIM, extension=True)
    used = [set(range(p.data_seed, p.data_seed + p.seeds)) for p in (*first, *fresh)]
    assert len(fresh) == 4 * len(first) and len(set.union(*used)) == sum(map(len, used))


def test_near_the_border_of_a_claim_that_extends_fresh_seeds_alone_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Effects of the first sample are given; those of fresh seeds are far on the other side."""
    border = dataclasses.replace(CLAIM, params=Params(seeds=5, data_seed=50_000), runs=1, extends=True)
    spread = np.array([-0.02, -0.01, 0.0, 0.01, 0.02])  # half of the interval is 0.0196

    def decided(first: float, extends: bool, direction: str = "above") -> dict:
        def effects(params: Params) -> np.ndarray:
            return (first if params.data_seed == 50_000 else -1.0) + spread

        claim = dataclasses.replace(border, measure=effects, extends=extends, direction=direction)
        monkeypatch.setattr("core.runs.manager.Manager", AtOnce)
        return claims.measure([("optimizer_race", claim)])["optimizer_race"]["c"]

    assert decided(0.13, extends=True) == decided(0.11, extends=True)  # holds, and undecided: both near
    assert (decided(0.13, extends=True)["verdict"], decided(0.13, extends=True)["n"]) == ("fails", 20)
    assert (decided(0.13, extends=False)["verdict"], decided(0.13, extends=False)["n"]) == ("holds", 5)
    assert (decided(0.15, extends=True)["verdict"], decided(0.15, extends=True)["n"]) == ("holds", 5)
    assert decided(-0.13, extends=True, direction="within")["n"] == 20


def test_chance_alone_gets_no_more_verdicts_wrong_than_is_said() -> None:
    """Simulated: an effect exactly on the border, where every verdict but undecided is wrong."""
    rng, tries = np.random.default_rng(0), 4000
    claim = dataclasses.replace(CLAIM, direction="below", extends=True)
    wrong = 0
    for _ in range(tries):
        first, fresh = rng.normal(0.1, 1.0, 20), rng.normal(0.1, 1.0, 80)
        found = interval(fresh if near_border(claim, interval(first)) else first)
        wrong += verdict(claim, found) == "holds"
    assert wrong / tries < wrong_by_chance(1) + 3 * (0.025 * 0.975 / tries) ** 0.5


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(kept, "FILE", tmp_path / "data" / "claims.json")
    monkeypatch.setattr(claims, "PAGE", tmp_path / "docs" / "claims.md")
    words.cache_clear()  # texts hold numbers of the stored verdicts
    yield tmp_path
    words.cache_clear()


def test_what_is_missing_or_damaged_is_not_measured_yet(files: Path) -> None:
    assert kept.stored("optimizer_race") == {}
    (files / "data").mkdir()
    kept.FILE.write_text("{", "utf-8")
    assert kept.stored("optimizer_race") == {}
    assert "not measured yet" in claims.page(kept.every())


@pytest.mark.parametrize("changed", ["source", "settings", "smallest", "direction", "unit"])
def test_a_verdict_stands_until_its_code_its_settings_or_its_rule_change(files: Path, changed: str) -> None:
    claim = load("perceptron").claims[0]
    about = {"source": claims.source_digest("perceptron"), "settings": claims.digest(claims.canonical(claim.params))}
    about |= {"smallest": claim.smallest, "direction": claim.direction, "unit": claim.unit}
    (files / "data").mkdir()
    for found, expected in ((about, True), (about | {changed: "other"}, False), ({}, False)):
        kept.FILE.write_text(json.dumps({"perceptron": {claim.id: found}}), "utf-8")
        assert claims.stands("perceptron", claim) == expected


def test_one_concept_is_measured_again_and_the_others_stay(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Claim]] = []

    def measured(wanted: Iterable[tuple[str, Claim]], mean: float = 0.5) -> dict:
        asked[:] = wanted
        found: dict[str, dict] = {stem: {} for stem, _ in asked}
        for stem, claim in asked:
            found[stem][claim.id] = {"verdict": "holds", "mean": mean, "low": 0.4, "high": 0.6, "n": 20}
            found[stem][claim.id] |= {"smallest": claim.smallest, "direction": claim.direction, "unit": claim.unit}
            found[stem][claim.id] |= {
                "date": "2030-01-02",
                "source": claims.source_digest(load(stem).of(claim).name),
                "seconds": 1.0,
            }
            found[stem][claim.id] |= {"settings": claims.digest(claims.canonical(claim.params))}
        return found

    monkeypatch.setattr(claims, "measure", measured)
    assert claims.main([]) == 0
    assert len(asked) == sum(len(load(entry.stem).measured) for entry in CONCEPTS)
    assert claims.main([]) == 0 and not asked  # all of them stand
    before = kept.stored("perceptron")
    monkeypatch.setattr(claims, "measure", lambda wanted: measured(wanted, mean=-0.5))
    assert claims.main(["optimizer_race", "--all"]) == 0 and {stem for stem, _ in asked} == {"optimizer_race"}
    assert kept.stored("perceptron") == before and before
    assert {found["mean"] for found in kept.stored("optimizer_race").values()} == {-0.5}
    page = claims.PAGE.read_text("utf-8")
    for entry in CONCEPTS:
        text = words(entry.stem, "en")
        assert f"## {text.title}" in page
        for claim in load(entry.stem).claims:
            assert text.say(f"claims.{claim.id}").replace("|", "\\|") in page
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert "**holds**" in page and "2030-01-02" in page
    assert claims.main(["no_such_concept"]) == 2


class AtOnce:
    """A manager that answers at once, with the Params for a Result."""

    asked: ClassVar[list] = []

    def __init__(self, cpu_slots: int | None) -> None:
        self.asked.clear()

    def start(self) -> AtOnce:
        return self

    def close(self) -> None:
        self.asked.append("closed")

    def ask(self, stem: str, params: Params, device: str, anew: bool) -> SimpleNamespace:
        assert (device, anew) == ("cpu", True)
        self.asked.append(params)
        return SimpleNamespace(stem=stem, status="complete", live=False, result=params, seconds=2.0)


def test_measuring_asks_for_every_deciding_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims on the same settings share a run, all on the CPU, all anew."""

    def claim(id: str, params: Params, runs: int = 1) -> Claim:
        return Claim(id, lambda result: np.linspace(0.9, 1.1, result.seeds), params, 0.5, runs=runs)

    one, other = Params(seeds=5, data_seed=50_000), Params(seeds=5, data_seed=50_000, epochs=1)
    made = (claim("a", one), claim("b", one), claim("c", other, runs=2))
    monkeypatch.setattr("core.runs.manager.Manager", AtOnce)
    found = claims.measure([("optimizer_race", each) for each in made])["optimizer_race"]
    assert len(AtOnce.asked) == 4 and AtOnce.asked[-1] == "closed"
    assert [(found[id]["n"], found[id]["seconds"]) for id in "abc"] == [(5, 2.0), (5, 2.0), (10, 4.0)]
    assert all(found[id]["verdict"] == "holds" and len(found[id]["source"]) == 40 for id in "abc")
    json.dumps(found)


def test_the_stored_verdicts_are_of_claims_there_are() -> None:
    for stem, verdicts in kept.every().items():
        known = {claim.id: claim for claim in load(stem).measured}
        assert set(verdicts) <= set(known)
        for id, found in verdicts.items():
            assert found["smallest"] == known[id].smallest and found["direction"] == known[id].direction
            assert found["n"] >= (2 if id.startswith("mistakes.") else 10)
