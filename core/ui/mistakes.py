"""The place of all mistakes: what one sees, what is wrong, the number that gives it away, the way to the experiment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.concept.catalog import CONCEPTS
from core.concept.params import BaseParams, choice, text
from core.concept.parts import SIGNS, load
from core.concept.text import words
from core.conclusions import kept
from core.ui.ledger import PLACES, Ledger, Row


@dataclass(frozen=True)
class Filter(BaseParams):
    """Which mistakes are shown."""

    sign: str = choice("all", ("all", *SIGNS))
    about: str = choice("all", ("all", *PLACES))
    find: str = text("", 60)


@dataclass(frozen=True)
class Made(Row):
    """A mistake; its claim is that it shows."""

    id: str
    sign: str

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.sign,)

    @property
    def group(self) -> str:
        return self.text.say(f"signs.{self.sign}")

    @property
    def how(self) -> str:
        return self.text.say(f"given_away.{self.id}")


class Mistakes(Ledger):
    """All mistakes, by what one sees who has made them."""

    place, Filter, kind, said = "mistakes", Filter, "sign", "symptoms"

    @staticmethod
    def rows(language: str) -> Iterator[Row]:
        found: dict[str, list[Row]] = {sign: [] for sign in SIGNS}
        for entry in CONCEPTS:
            concept, text, stored = load(entry.stem), words(entry.stem, language), kept.stored(entry.stem)
            for mistake, claim in zip(concept.mistakes, concept.symptoms):
                of_claim = entry, claim, text, stored.get(claim.id, {}), claim.id
                found[mistake.sign].append(Made(*of_claim, mistake.params, mistake.figure, mistake.id, mistake.sign))
        for rows in found.values():
            yield from rows

    def named(self, kind: str) -> str:
        return self.own("all") if kind == "all" else self.say(f"signs.{kind}")
