"""The words of the lab, in both languages, from Markdown files that a translator can read.

A text file has a title, one sentence, and sections:

    # Title
    One sentence.

    ## params
    - epochs: Epochs | How often each network sees the whole training set.

    ## lesson
    Prose, in Markdown with LaTeX.

A list item is `key: label | hint`. `say("params.epochs")` is the label, `hint(...)` the hint,
`prose("lesson")` a section as it stands. Labels may hold `{fields}`, filled by keyword.

What was measured is not typed: hints and sections of a concept may say `{claims.<id>.mean:.2f}`, which the stored
verdict of that claim fills (mean, low, high, smallest or n; `.0%` for a share).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from core.conclusions.kept import stored

HERE = Path(__file__).parent
CONCEPTS = HERE.parent / "concepts"
HAN = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
NO_SPACE = re.compile(rf"(?<={HAN}) +(?={HAN})|(?<=\d) +(?=%)")  # what is put in brings its neighbours' spaces
NO_NUMBER = re.compile(r"-?\b(nan|inf)\b")  # as Python writes them; a sentence says –
LIST_MARKS = {",": "、", ";": "；"}
MEASURED = re.compile(r"\{claims\.(\w+)\.(\w+):([^{}]+)\}")
ITEM = re.compile(r"- (?P<key>[\w.]+): (?P<label>.*?)(?: \| (?P<hint>.*))?")


def closed_up(said: str, language: str) -> str:
    """A sentence put together of pieces: in Chinese without the spaces that they brought along."""
    return NO_SPACE.sub("", said) if language == "zh" else said


@dataclass(frozen=True)
class Text:
    """The parsed words of one file in one language; missing words are an error, never an empty label."""

    language: str
    title: str
    lead: str
    labels: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)

    def say(self, key: str, **values: Any) -> str:
        if not values:
            return self.labels[key]
        read = {name: NO_NUMBER.sub("–", value) if isinstance(value, str) else value for name, value in values.items()}
        return closed_up(self.labels[key].format(**read), self.language)

    def listed(self, items: Iterable[str], mark: str = ",") -> str:
        """Several things in one sentence, with the marks of the language."""
        return (LIST_MARKS[mark] if self.language == "zh" else f"{mark} ").join(items)

    def sentences(self, said: Iterable[str]) -> str:
        """Sentences of one form as one that is a list."""
        stop = "。" if self.language == "zh" else "."
        found = self.listed((sentence.removesuffix(stop) for sentence in said), ";")
        return found + stop if found else ""

    def unit(self, unit: str) -> str:
        """The unit of a claim's measure; a symbol is the same in every language."""
        return self.labels.get(f"units.{unit.replace('/', '_per_')}", unit)

    def hint(self, key: str, **values: Any) -> str:
        text = self.hints.get(key, "")
        return text.format(**values) if values else text

    def prose(self, section: str) -> str:
        return self.sections[section]

    def duration(self, seconds: float) -> str:
        """A time span in the reader's words, with two digits."""
        for unit, size in (("hours", 3600), ("minutes", 60)):
            if seconds >= 1.5 * size:
                return self.say(f"run.{unit}", n=f"{seconds / size:.2g}")
        return self.say("run.seconds", n=f"{seconds:.2g}" if seconds < 10 else f"{seconds:.0f}")


def parse(source: str, language: str) -> Text:
    head, *parts = re.split(r"^## ", source, flags=re.M)
    title, _, lead = head.removeprefix("# ").partition("\n")
    text = Text(language, title.strip(), lead.strip())
    for part in parts:
        name, _, body = part.partition("\n")
        name, body = name.strip(), body.strip()
        items = [ITEM.fullmatch(line) for line in body.splitlines() if line.startswith("- ")]
        if items and all(items):
            for item in items:
                assert item is not None
                text.labels[f"{name}.{item['key']}"] = item["label"].strip()
                if item["hint"]:
                    text.hints[f"{name}.{item['key']}"] = item["hint"].strip()
        else:
            text.sections[name] = body
    return text


def measured(said: str, stem: str, language: str) -> str:
    """A text with the numbers of the concept's stored verdicts in their places; – where there is none."""
    if not MEASURED.search(said):
        return said
    verdicts = stored(stem)

    def number(place: re.Match[str]) -> str:
        value = verdicts.get(place[1], {}).get(place[2])
        shown = "–" if value is None else f"{value:{place[3]}}".replace("-", "−")
        return shown if language == "zh" else shown.replace("%", " %")

    return MEASURED.sub(number, said)


@cache
def words(stem: str, language: str) -> Text:
    """The words of a page: its own, on top of those all pages share (`core/concept/text.<language>.md`)."""
    common = parse((HERE / f"text.{language}.md").read_text("utf-8"), language)
    own = parse((CONCEPTS / stem / f"text.{language}.md").read_text("utf-8"), language) if stem else common
    hints, sections = (
        {key: measured(said, stem, language) for key, said in texts.items()} for texts in (own.hints, own.sections)
    )
    return Text(
        language,
        own.title,
        own.lead,
        common.labels | own.labels,
        common.hints | hints,
        common.sections | sections,
    )
