"""The place of all mistakes: what one sees, what is wrong, the number that gives it away, the way to the experiment;
and what a curve of the reader gives away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.concept.catalog import CONCEPTS
from core.concept.params import BaseParams, choice, text
from core.concept.parts import SIGNS, load
from core.concept.text import Text, words
from core.conclusions import kept, signatures
from core.conclusions.signatures import floor, guess
from core.figures import plot, style
from core.ui import link
from core.ui.chart import chart
from core.ui.ledger import PLACES, Ledger, Row

PLACE = "mistakes"
EXAMPLE = "0, 2.31, 2.30\n1, 2.24, 2.26\n…"


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

    place, Filter, kind, said = PLACE, Filter, "sign", "symptoms"

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

    def curve(self) -> None:
        """A curve of the reader's, and which signatures fit. It stays in this session and is stored nowhere."""
        say = self.say
        with st.expander(self.own("curve"), icon=":material/query_stats:"):
            st.markdown(self.own("curve_lead"))
            pasted, numbers = st.columns([0.7, 0.3])
            text = pasted.text_area(self.own("paste"), key="own-curve", height=150, placeholder=EXAMPLE)
            classes = numbers.number_input(self.own("classes"), 0, 1_000_000, 10, key="own-curve-classes")
            margin = numbers.number_input(self.own("margin"), 0.0, 1000.0, 0.0, key="own-curve-margin")
            if text.strip():
                try:
                    curve = signatures.read(text, classes, margin)
                except signatures.Unreadable as problem:
                    st.warning(say(f"signatures.{problem.code}", **problem.details))
                else:
                    self._told(curve)
            if counts := signatures.stored():
                st.caption(self._errs(counts))

    def _told(self, curve: signatures.Curve) -> None:
        seen = signatures.seen(curve)
        values = {"classes": curve.classes, "margin": f"{curve.margin:g}"}
        if curve.classes > 1:
            values |= {"guess": f"{guess(curve.classes):.3f}", "floor": f"{floor(curve.classes):.3f}"}
        said = [self.say(f"signatures.{name}", **values) for name in seen]
        said += [] if set(seen) & set(signatures.MISTAKES) else [self.say("signatures.none")]
        about = {"file": "curve", "title": self.own("curve"), "origin": ""}
        picture = drawn(curve, self.text).to_json()
        chart(picture, self.text, key="own-curve-chart", summary=" ".join(said), named=about)
        for name, sentence in zip([*seen, ""], said):
            sign = signatures.SIGNS.get(name, "")
            there = f" [{self.say(f'signs.{sign}')}]({link.address(PLACE, Filter(sign=sign))})" if sign else ""
            st.markdown(f"- {sentence}{there}")

    def _errs(self, counts: dict[str, Any]) -> str:
        """How often signatures err, on runs of the lab that were not used to set them."""
        hits = self.text.listed(
            self.say("signatures.hit", name="/".join(self.say(f"signatures.{n}_name") for n in key.split()), **found)
            for key, found in counts["hits"].items()
        )
        return self.say("signatures.errs", alarms=counts["alarms"], clean=counts["clean"], hits=hits)


def drawn(curve: signatures.Curve, text: Text) -> go.Figure:
    """The curve, with the exact numbers that it is held against."""
    fig = plot.figure(300)
    fig.update_xaxes(title=text.say("signatures.time")).update_yaxes(title=text.say("signatures.loss"))
    for i, (name, values) in enumerate((("training", curve.training), ("validation", curve.validation))):
        if values is not None:
            fig.add_scatter(x=np.arange(len(values)), y=values, name=text.say(f"signatures.{name}"), **plot.curve(i))
    exact = {"guesses": guess(curve.classes), "floored": floor(curve.classes)} if curve.classes > 1 else {}
    exact |= {"collapsed": curve.margin} if curve.margin else {}
    for name, value in exact.items():
        fig.add_hline(value, line=plot.line(style.AXIS, 1, "dot"), annotation_text=text.say(f"signatures.{name}_name"))
    return fig
