"""The table of all claims: verdict, wording, effect with its interval, a small picture, and the way to the setting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pandas as pd
import streamlit as st

from core.concept.catalog import CHAPTERS, CONCEPTS, Entry
from core.concept.params import BaseParams, choice, text
from core.concept.parts import Claim, load
from core.concept.text import Text, words
from core.conclusions import claims, kept
from core.conclusions.compare import conditions
from core.conclusions.stats import wrong_by_chance
from core.runs.key import source_digest
from core.ui import link
from core.ui.controls import problems
from core.ui.notes import BADGES
from core.ui.shown import hand_over_to_entry
from core.ui.told import told

HERE = Path(__file__).parent
PLACE = "claims"
PLACES = tuple(dict.fromkeys(name for entry in CONCEPTS for name in (entry.chapter, entry.stem)))
VERDICTS = ("holds", "fails", "undecided", "unmeasured")
SIGNS = {"holds": "✓", "fails": "✗", "undecided": "?", "unmeasured": "…"}
WIDTH, HEIGHT, MARGIN = 180, 26, 8  # of a picture, in its own units
ROOM = 1.08  # a row's scale goes so much further than its largest number

_component: Any = None


@dataclass(frozen=True)
class Filter(BaseParams):
    """Which claims are shown."""

    verdict: str = choice("all", ("all", *VERDICTS, "older"))
    about: str = choice("all", ("all", *PLACES))
    find: str = text("", 60)


@dataclass(frozen=True)
class Row:
    """A claim with its words and its stored verdict, {} where it was never measured."""

    entry: Entry
    claim: Claim
    text: Text
    found: dict[str, Any]

    @property
    def verdict(self) -> str:
        return self.found["verdict"] if self.found else "unmeasured"

    @property
    def older(self) -> bool:
        """Whether the code of the experiment has changed since the verdict."""
        return bool(self.found) and self.found["source"] != source_digest(load(self.entry.stem).of(self.claim).name)

    @property
    def wording(self) -> str:
        return self.text.say(f"claims.{self.claim.id}")

    @property
    def how(self) -> str:
        return self.text.hint(f"claims.{self.claim.id}")

    @property
    def at(self) -> str:
        """The settings on which the verdict depends."""
        return conditions(self.claim.params, self.text, load(self.entry.stem).of(self.claim).without)

    @property
    def address(self) -> str:
        """The page of the concept at the setting that decides the claim."""
        figure = load(self.entry.stem).first(self.claim.params, self.claim.of).id
        return link.address(self.entry.stem, self.claim.params, figure=figure)

    def fits(self, wanted: Filter, verdicts: bool = True) -> bool:
        """Whether a filter lets it through, with or without its verdict."""
        about = wanted.about in ("all", self.entry.chapter, self.entry.stem)
        said = f"{self.text.title} {self.wording} {self.how}".casefold()
        has = all(word in said for word in wanted.find.casefold().split())
        kind = not verdicts or wanted.verdict in ("all", self.verdict) or (wanted.verdict == "older" and self.older)
        return about and has and kind


class Ledger:
    """The place of all claims in one session: the filter, what it lets through, and how it is shown."""

    def __init__(self) -> None:
        hand_over_to_entry()
        self.text = words("", link.language())
        self.say = self.text.say
        wanted = link.load(PLACE, Filter, {})
        assert isinstance(wanted, Filter)
        self.wanted = wanted
        self.every = rows(self.text.language)
        self.near = [row for row in self.every if row.fits(wanted, verdicts=False)]
        self.shown = [row for row in self.near if row.fits(wanted)]
        link.save(wanted)

    def header(self) -> None:
        """Title, what this place is, what chance alone gets wrong, and what of the link could not be used."""
        st.title(self.say("chapters.claims"), anchor=False)
        st.markdown(self.say("all_claims.lead"))
        decided = claims.sure(row.found for row in self.every)
        numbers = {"share": f"{wrong_by_chance(100):g}", "wrong": f"{wrong_by_chance(decided):.0f}"}
        st.caption(self.say("all_claims.chance", decided=decided, **numbers))
        problems(PLACE, self.text, Filter)

    def filters(self) -> None:
        """Counts by verdict, which choose it; chapter or concept; words."""
        say, language = self.say, self.text.language
        counts = Counter(row.verdict for row in self.near)
        counts |= Counter({"all": len(self.near), "older": sum(row.older for row in self.near)})

        def counted(verdict: str) -> str:
            icon = f":material/{BADGES[verdict][1]}: " if verdict in BADGES else ""
            name = say(f"verdicts.{verdict}") if verdict in VERDICTS else say(f"all_claims.{verdict}")
            return f"{icon}{name} {counts[verdict]}"

        offered = ["all", *(v for v in (*VERDICTS, "older") if counts[v] or v == self.wanted.verdict)]
        wanted = self.wanted
        how = self._field("verdict", "all")
        st.pills(say("params.verdict"), offered, default=wanted.verdict, format_func=counted, **how)
        titles = {"all": say("all_claims.all")} | {entry.stem: words(entry.stem, language).title for entry in CONCEPTS}
        titles |= {c: say("all_claims.chapter", chapter=say(f"chapters.{c}")) for c in CHAPTERS}
        where, what = st.columns(2)
        label, hint = say("params.find"), say("all_claims.find_hint")
        places, how = ["all", *PLACES], self._field("about", "all")
        at = places.index(wanted.about)
        where.selectbox(say("params.about"), places, index=at, format_func=titles.__getitem__, **how)
        what.text_input(label, wanted.find, placeholder=hint, max_chars=60, **self._field("find", ""))

    def table(self) -> None:
        """The claims that are left, with their number, a download, and how to read them."""
        say = self.say
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(say("all_claims.count", count=len(self.shown), total=len(self.every)))
            if self.wanted != Filter():
                st.button(
                    say("all_claims.reset"),
                    icon=":material/restart_alt:",
                    key="claims-reset",
                    type="tertiary",
                    on_click=lambda: link.change(PLACE, Filter(), outside=True),
                )
            base = urljoin(st.context.url or "", ".")
            st.download_button(
                say("all_claims.download"),
                lambda: frame(self.shown, self.text, base).to_csv(index=False).encode("utf-8-sig"),
                "claims.csv",
                "text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
        if self.shown:
            st.caption(say("all_claims.read"))
            table(self.shown, self.text, "claims-table")
        else:
            st.info(say("all_claims.none"))

    def _field(self, name: str, nothing: str) -> dict[str, Any]:
        """What the widget of a field of the filter needs besides its label; `nothing` is meant where none is chosen."""

        def heard(given: str | None) -> bool:
            return link.attempt(PLACE, {name: given or nothing})

        key = f"{PLACE}-{name}-{self.text.language}"
        return told(key, getattr(self.wanted, name), heard, lambda given: given or nothing)


def rows(language: str) -> list[Row]:
    """Every claim of every concept, in the order of the catalogue."""
    found = []
    for entry in CONCEPTS:
        stored = kept.stored(entry.stem)
        text = words(entry.stem, language)
        found += [Row(entry, claim, text, stored.get(claim.id, {})) for claim in load(entry.stem).claims]
    return found


def frame(shown: Iterable[Row], text: Text, base: str) -> pd.DataFrame:
    """The table as numbers, for a file; `base` is the address that links begin with."""
    say = text.say
    lines = []
    for row in shown:
        found = row.found
        about = [say(f"verdicts.{row.verdict}"), row.text.title, row.wording, row.how, row.at]
        numbers = [found.get(name) for name in ("mean", "low", "high")]
        rule = [text.unit(row.claim.unit), row.claim.smallest, row.claim.direction, found.get("n"), found.get("date")]
        lines.append([*about, *numbers, *rule, say(f"compare.{'yes' if row.older else 'no'}"), base + row.address])
    head = "verdict concept claim how at mean low high unit smallest direction seeds date changed link"
    return pd.DataFrame(lines, columns=[say(f"all_claims.{name}") for name in head.split()])


def table(shown: list[Row], text: Text, key: str) -> None:
    """The claims as a table of ordinary links."""
    global _component
    if _component is None:
        script, css = ((HERE / f"verdicts.{kind}").read_text("utf-8") for kind in ("js", "css"))
        html = '<div class="lab-claims"></div>'
        _component = st.components.v2.component("lab_claims", html=html, css=css, js=script, isolate_styles=False)

    _component(key=key, data={"html": table_html(shown, text)})


def table_html(shown: list[Row], text: Text) -> str:
    """The table, with a heading before the claims of each concept. What texts say is escaped."""
    head = "".join(
        f'<th scope="col">{escape(text.say(f"all_claims.{name}"))}</th>'
        for name in ("verdict", "claim", "effect", "matters", "seeds")
    )
    body, last = [], ""
    for row in shown:
        if row.entry.stem != last:
            last = row.entry.stem
            body.append(f'<tr class="lab-of"><th colspan="5" scope="rowgroup">{escape(row.text.title)}</th></tr>')
        body.append(_line(row, text))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _line(row: Row, text: Text) -> str:
    say, found, claim = text.say, row.found, row.claim
    sign = f'<span class="lab-sign" aria-hidden="true">{SIGNS[row.verdict]}</span>'
    verdict = f"{sign} {escape(say(f'verdicts.{row.verdict}'))}"
    wording = (
        f'<a href="{escape(row.address)}">{escape(row.wording)}</a><p>{escape(row.how)}</p>'
        f"<details><summary>{escape(say('all_claims.at'))}</summary>{escape(row.at)}</details>"
    )
    effect = matters = seeds = ""
    if found:
        mean, low, high = (number(found[part], claim.share) for part in ("mean", "low", "high"))
        smallest = f"{100 * claim.smallest:g} %" if claim.share else f"{claim.smallest:g}"
        effect = (
            f"<b>{mean}</b> [{low}, {high}] {escape(say('all_claims.share') if claim.share else text.unit(claim.unit))}"
        )
        matters = picture(found, claim.share) + escape(say(f"all_claims.{claim.direction}", smallest=smallest))
        fresh = f" {say('all_claims.fresh')}" if found.get("extension") else ""
        seeds = f"{found['n']}{escape(fresh)}<br><small>{found['date']}</small>"
    if row.older:
        seeds += f' <em title="{escape(say("all_claims.older_hint"))}">{escape(say("all_claims.older"))}</em>'
    cells = {"effect": effect, "matters": matters, "seeds": seeds}
    rest = "".join(
        f'<td class="lab-{kind}" data-label="{escape(say(f"all_claims.{kind}"))}">{content}</td>'
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
