from collections import Counter
from urllib.parse import urljoin

import streamlit as st

from core.catalog import CHAPTERS, CONCEPTS
from core.text import words
from core.ui import link
from core.ui.controls import problems, told
from core.ui.page import BADGES, hand_over_to_entry
from core.ui.verdicts import VERDICTS, Filter, frame, rows, table

hand_over_to_entry()
text = words("", link.language())
say = text.say
wanted = link.load("claims", Filter, {})
assert isinstance(wanted, Filter)
every = rows(text.language)
near = [row for row in every if row.fits(wanted, verdicts=False)]
shown = [row for row in near if row.fits(wanted)]


def field(name: str, nothing: str = "all") -> dict:
    """What a widget of the filter needs besides its label."""
    key = told("claims", name, text.language, getattr(wanted, name))

    def changed() -> None:
        link.change("claims", link.present("claims").replace(**{name: st.session_state[key] or nothing}))

    return {"key": key, "on_change": changed}


st.title(say("chapters.claims"), anchor=False)
st.markdown(say("all_claims.lead"))
problems("claims", text, Filter)

counts = Counter(row.verdict for row in near) | Counter({"all": len(near), "older": sum(row.older for row in near)})
icons = {verdict: icon for verdict, (_, icon) in BADGES.items()}


def counted(verdict: str) -> str:
    icon = f":material/{icons[verdict]}: " if verdict in icons else ""
    name = say(f"verdicts.{verdict}") if verdict in VERDICTS else say(f"all_claims.{verdict}")
    return f"{icon}{name} {counts[verdict]}"


offered = ["all", *(verdict for verdict in (*VERDICTS, "older") if counts[verdict] or verdict == wanted.verdict)]
st.pills(say("params.verdict"), offered, format_func=counted, **field("verdict"))
where, what = st.columns(2)
titles = {"all": say("all_claims.all")}
titles |= {chapter: say("all_claims.chapter", chapter=say(f"chapters.{chapter}")) for chapter in CHAPTERS}
titles |= {entry.stem: words(entry.stem, text.language).title for entry in CONCEPTS}
places = ["all"]
for chapter in CHAPTERS:
    mine = [entry.stem for entry in CONCEPTS if entry.chapter == chapter]
    places += [chapter, *mine] if mine else []
where.selectbox(say("params.about"), places, format_func=titles.__getitem__, **field("about"))
what.text_input(say("params.find"), placeholder=say("all_claims.find_hint"), max_chars=60, **field("find", ""))

with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown(say("all_claims.count", count=len(shown), total=len(every)))
    if wanted != Filter():
        reset = {"key": "claims-reset", "on_click": lambda: link.change("claims", Filter(), outside=True)}
        st.button(say("all_claims.reset"), icon=":material/restart_alt:", type="tertiary", **reset)
    base = urljoin(st.context.url or "", ".")
    st.download_button(
        say("all_claims.download"),
        lambda: frame(shown, text, base).to_csv(index=False).encode("utf-8-sig"),
        "claims.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
st.caption(say("all_claims.read"))
if shown:
    table(shown, text, "claims-table")
else:
    st.info(say("all_claims.none"))
link.save("claims", wanted)
