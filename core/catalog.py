"""The catalogue: every page of the lab, by chapter, in reading order. One line a concept."""

from __future__ import annotations

from dataclasses import dataclass

CHAPTERS = ("start", "first_steps", "training", "generalisation", "sequences", "generating")
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Entry:
    """A page: its stem names the page file, the address, the experiment and the texts."""

    stem: str
    chapter: str
    icon: str  # a Material symbol
    place: bool = False  # a page without an experiment


CATALOG = (
    Entry("home", "start", "home", place=True),
    Entry("status", "start", "monitor_heart", place=True),
    Entry("present", "start", "present_to_all", place=True),
    Entry("perceptron", "first_steps", "linear_scale"),
    Entry("activations", "training", "show_chart"),
    Entry("optimizers", "training", "terrain"),
    Entry("optimizer_race", "training", "trophy"),
    Entry("dropout", "generalisation", "blur_on"),
    Entry("mixup", "generalisation", "join_inner"),
    Entry("text_generation", "sequences", "edit_note"),
    Entry("gan", "generating", "swords"),
)

TALKS = ("which_optimizer", "deep_nets")

CONCEPTS = tuple(entry for entry in CATALOG if not entry.place)


def by_chapter() -> dict[str, list[Entry]]:
    return {chapter: [e for e in CATALOG if e.chapter == chapter] for chapter in CHAPTERS}
