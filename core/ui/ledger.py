"""A table of what all concepts have of a kind, claims or mistakes: a filter in the link, counts that choose, words to
find, and rows with a measured effect, its interval and a small picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, ClassVar, cast
from urllib.parse import urljoin

import pandas as pd
import streamlit as st

from core.concept.catalog import CHAPTERS, CONCEPTS, Entry
from core.concept.params import BaseParams, Choice, fields
from core.concept.parts import Claim, load
from core.concept.text import Text, words
from core.conclusions.compare import conditions
from core.runs.key import source_digest
from core.ui import link
from core.ui.controls import problems
from core.ui.shown import hand_over_to_entry
from core.ui.told import told

HERE = Path(__file__).parent
PLACES = tuple(dict.fromkeys(name for entry in CONCEPTS for name in (entry.chapter, entry.stem)))
VERDICTS = ("holds", "fails", "undecided", "unmeasured")
SIGNS = {"holds": "✓", "fails": "✗", "undecided": "?", "unmeasured": "…"}
WIDTH, HEIGHT, MARGIN = 180, 26, 8  # of a picture, in its own units
ROOM = 1.08  # a row's scale goes so much further than its largest number

_component: Any = None


@dataclass(frozen=True)
class Row:
    """A claim with its words and its stored verdict, {} where it was never measured.

    key: of its words in the texts of the concept. params, figure: the settings and the figure at which its page opens.
    """

    entry: Entry
    claim: Claim
    text: Text
    found: dict[str, Any]
    key: str
    params: BaseParams
    figure: str

    @property
    def verdict(self) -> str:
        return self.found["verdict"] if self.found else "unmeasured"

    @property
    def older(self) -> bool:
        """Whether the code of the experiment has changed since the verdict."""
        return bool(self.found) and self.found["source"] != source_digest(load(self.entry.stem).of(self.claim).name)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What a filter may ask for that lets it through."""
        return (self.verdict, "older") if self.older else (self.verdict,)

    @property
    def group(self) -> str:
        """The heading under which it stands with others, where that is not its concept."""
        return ""

    @property
    def wording(self) -> str:
        return self.text.say(self.key)

    @property
    def about(self) -> str:
        """What is said of it below its wording."""
        return self.text.hint(self.key)

    @property
    def how(self) -> str:
        """What its measure is, where `about` does not say it."""
        return ""

    @property
    def at(self) -> str:
        """The settings on which the verdict depends."""
        return conditions(self.claim.params, self.text, load(self.entry.stem).of(self.claim).without)

    @property
    def address(self) -> str:
        """The page of the concept, at the settings that show it."""
        return link.address(self.entry.stem, self.params, figure=self.figure)

    def fits(self, about: str, find: str, kind: str = "all") -> bool:
        """Whether it is of this chapter or concept and of this kind, and has these words."""
        said = f"{self.text.title} {self.group} {self.wording} {self.about}".casefold()
        has = all(word in said for word in find.casefold().split())
        return has and about in ("all", self.entry.chapter, self.entry.stem) and kind in ("all", *self.kinds)


class Ledger:
    """The place of all claims, or of all mistakes, in one session: the filter, what it lets through, how it is shown.

    place: the name of the page; `all_<place>` of the texts has its words. Filter: which rows are shown: `about`, `find`
    and the field `kind`. said: the section of the texts that names verdicts.
    """

    place: ClassVar[str]
    Filter: ClassVar[type[BaseParams]]
    kind: ClassVar[str]
    said: ClassVar[str] = "verdicts"

    def __init__(self) -> None:
        hand_over_to_entry()
        self.text = words("", link.language())
        self.wanted = cast(Any, link.load(self.place, self.Filter, {}))
        self.every = list(self.rows(self.text.language))
        self.near = [row for row in self.every if row.fits(self.wanted.about, self.wanted.find)]
        self.shown = [row for row in self.near if {"all", *row.kinds} & {getattr(self.wanted, self.kind)}]
        link.save(self.wanted)

    @staticmethod
    def rows(language: str) -> Iterable[Row]:
        """All there are, in the order in which they stand."""
        raise NotImplementedError

    def named(self, kind: str) -> str:
        """A kind of rows in words, as the filter offers it."""
        raise NotImplementedError

    def say(self, key: str, **values: Any) -> str:
        return self.text.say(key, **values)

    def own(self, key: str, **values: Any) -> str:
        """Words that only this place has."""
        return self.text.say(f"all_{self.place}.{key}", **values)

    def header(self) -> None:
        """Title, what this place is, and what of the link could not be used."""
        st.title(self.say(f"chapters.{self.place}"), anchor=False)
        st.markdown(self.own("lead"))
        problems(self.place, self.text, self.Filter)

    def filters(self) -> None:
        """Counts by kind, which choose it; chapter or concept; words."""
        say, language = self.say, self.text.language
        counts = Counter(kind for row in self.near for kind in row.kinds) | Counter({"all": len(self.near)})
        now, every = getattr(self.wanted, self.kind), cast(Choice, fields(self.Filter)[self.kind]).options
        st.pills(
            say(f"params.{self.kind}"),
            [kind for kind in every if counts[kind] or kind in ("all", now)],
            default=now,
            format_func=lambda kind: f"{self.named(kind)} {counts[kind]}",
            **self._field(self.kind, "all"),
        )
        titles = {"all": say("ledger.all")} | {entry.stem: words(entry.stem, language).title for entry in CONCEPTS}
        titles |= {c: say("ledger.chapter", chapter=say(f"chapters.{c}")) for c in CHAPTERS}
        where, what = st.columns(2)
        places = ["all", *PLACES]
        where.selectbox(
            say("params.about"),
            places,
            index=places.index(self.wanted.about),
            format_func=titles.__getitem__,
            **self._field("about", "all"),
        )
        how: dict[str, Any] = {"placeholder": self.own("find_hint"), "max_chars": 60} | self._field("find", "")
        what.text_input(say("params.find"), self.wanted.find, **how)

    def table(self) -> None:
        """The rows that are left, with their number, a download, and how to read them."""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(self.own("count", count=len(self.shown), total=len(self.every)))
            if self.wanted != self.Filter():
                st.button(
                    self.own("reset"),
                    icon=":material/restart_alt:",
                    key=f"{self.place}-reset",
                    type="tertiary",
                    on_click=lambda: link.change(self.place, self.Filter(), outside=True),
                )
            base = urljoin(st.context.url or "", ".")
            st.download_button(
                self.own("download"),
                lambda: frame(self.shown, self, base).to_csv(index=False).encode("utf-8-sig"),
                f"{self.place}.csv",
                "text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
        if self.shown:
            st.caption(self.own("read"))
            table(table_html(self.shown, self), f"{self.place}-table")
        else:
            st.info(self.own("none"))

    def _field(self, name: str, nothing: str) -> dict[str, Any]:
        """What the widget of a field of the filter needs besides its label; `nothing` is meant where none is chosen."""

        def heard(given: str | None) -> bool:
            return link.attempt(self.place, {name: given or nothing})

        key = f"{self.place}-{name}-{self.text.language}"
        return told(key, getattr(self.wanted, name), heard, lambda given: given or nothing)


def frame(shown: Iterable[Row], place: Ledger, base: str) -> pd.DataFrame:
    """The table as numbers, for a file; `base` is the address that links begin with."""
    say = place.say
    lines = []
    for row in shown:
        found, claim = row.found, row.claim
        about = [row.group, row.text.title, row.wording, row.about, row.how, say(f"{place.said}.{row.verdict}"), row.at]
        numbers = [found.get(name) for name in ("mean", "low", "high")]
        rule = [row.text.unit(claim.unit), claim.smallest, claim.direction, found.get("n"), found.get("date")]
        lines.append([*about, *numbers, *rule, say(f"compare.{'yes' if row.older else 'no'}"), base + row.address])
    head = "group concept what about how verdict at mean low high unit smallest direction seeds date changed link"
    data = pd.DataFrame(lines, columns=[say(f"ledger.{name}") for name in head.split()])
    return data.loc[:, (data != "").any()]


def table(html: str, key: str) -> None:
    """The rows as a table of ordinary links."""
    global _component
    if _component is None:
        script, css = ((HERE / f"ledger.{kind}").read_text("utf-8") for kind in ("js", "css"))
        empty = '<div class="lab-claims"></div>'
        _component = st.components.v2.component("lab_claims", html=empty, css=css, js=script, isolate_styles=False)

    _component(key=key, data={"html": html})


def table_html(shown: Iterable[Row], place: Ledger) -> str:
    """The table, with a heading before the rows of each group. What texts say is escaped."""
    names = ("verdict", "what", "effect", "matters", "seeds")
    head = "".join(f'<th scope="col">{escape(place.own(name))}</th>' for name in names)
    body, last = [], ""
    for row in shown:
        if (row.group or row.text.title) != last:
            last = row.group or row.text.title
            body.append(f'<tr class="lab-of"><th colspan="5" scope="rowgroup">{escape(last)}</th></tr>')
        body.append(_line(row, place))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _line(row: Row, place: Ledger) -> str:
    say, found, claim = place.say, row.found, row.claim
    sign = f'<span class="lab-sign" aria-hidden="true">{SIGNS[row.verdict]}</span>'
    verdict = f"{sign} {escape(say(f'{place.said}.{row.verdict}'))}"
    title = f"{row.text.title}: " if row.group else ""
    wording = (
        f'<a href="{escape(row.address)}">{escape(row.wording)}</a><p>{escape(title + row.about)}</p>'
        f"<details><summary>{escape(say('ledger.at'))}</summary>{escape(row.at)}</details>"
    )
    effect = matters = seeds = ""
    if found:
        mean, low, high = (number(found[part], claim.share) for part in ("mean", "low", "high"))
        smallest = f"{100 * claim.smallest:g} %" if claim.share else f"{claim.smallest:g}"
        unit = say("ledger.share") if claim.share else row.text.unit(claim.unit)
        effect = f"<b>{mean}</b> [{low}, {high}] {escape(unit)}"
        matters = picture(found, claim.share) + escape(say(f"ledger.{claim.direction}", smallest=smallest))
        fresh = f" {say('ledger.fresh')}" if found.get("extension") else ""
        seeds = f"{found['n']}{escape(fresh)}<br><small>{found['date']}</small>"
    if row.how:
        effect += f"<p>{escape(row.how)}</p>"
    if row.older:
        seeds += f' <em title="{escape(say("ledger.older_hint"))}">{escape(say("ledger.older"))}</em>'
    cells = {"effect": effect, "matters": matters, "seeds": seeds}
    rest = "".join(
        f'<td class="lab-{kind}" data-label="{escape(place.own(kind))}">{content}</td>'
        for kind, content in cells.items()
    )
    return (
        f'<tr><td class="lab-verdict lab-{row.verdict}">{verdict}</td><td class="lab-wording">{wording}</td>{rest}</tr>'
    )


def picture(found: dict[str, Any], share: bool) -> str:
    """The interval of one claim on a scale of its own with zero in the middle, of a share from 0 to 1; shaded where the
    claim would hold."""
    mean, low, high, smallest = (float(found[part]) for part in ("mean", "low", "high", "smallest"))
    reach = ROOM * max(abs(low), abs(high), abs(mean), smallest)
    zero, scale = (MARGIN, WIDTH - 2 * MARGIN) if share else (WIDTH / 2, (WIDTH / 2 - MARGIN) / reach)

    def x(value: float) -> float:
        return round(zero + scale * value, 1)

    left, right = {
        "above": (x(smallest), WIDTH - MARGIN),
        "below": (MARGIN, x(smallest)),
        "within": (x(-smallest), x(smallest)),
    }[found["direction"]]
    edges = [smallest, -smallest] if found["direction"] == "within" else [smallest]
    half = HEIGHT / 2
    parts = [
        f'<rect class="lab-side" x="{left}" y="2" width="{round(right - left, 1)}" height="{HEIGHT - 4}"/>',
        f'<line class="lab-zero" x1="{zero}" x2="{zero}" y1="0" y2="{HEIGHT}"/>',
        *(f'<line class="lab-edge" x1="{x(e)}" x2="{x(e)}" y1="0" y2="{HEIGHT}"/>' for e in edges),
        f'<line class="lab-bar" x1="{x(low)}" x2="{x(high)}" y1="{half}" y2="{half}"/>',
        f'<circle cx="{x(mean)}" cy="{half}" r="3.6"/>',
    ]
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'


def number(value: float, share: bool = False) -> str:
    """A signed number with three digits and a true minus sign, or a share in percent; what is under 5e-7 is 0."""
    if share:
        return f"{100 * value:.3g} %"
    return f"{value:+.3g}".replace("-", "−") if abs(value) >= 5e-7 else "0"
