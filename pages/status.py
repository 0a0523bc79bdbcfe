from typing import Any

import streamlit as st

from core.concept.messages import because
from core.concept.params import BaseParams
from core.concept.text import words
from core.runs.manager import shared
from core.ui import link
from core.ui.controls import problems
from core.ui.shown import hand_over_to_entry

hand_over_to_entry()
text = words("", link.language())
say = text.say
link.load("status", BaseParams, {})
link.save(BaseParams())
st.title(say("chapters.status"), anchor=False)
st.markdown(say("status.lead"))
problems("status", text, BaseParams)


def carried(place: dict[str, Any]) -> str:
    """The page whose run a place carries, and which part of it."""
    if not place["run"]:
        return ""
    title = words(place["run"].partition(".")[0], link.language()).title
    return say("status.part", title=title, part=place["part"], parts=place["parts"]) if place["parts"] else title


def looked_at(place: dict[str, Any]) -> str:
    return say("status.yes" if place["seen"] else "status.no") if place["run"] else ""


@st.fragment(run_every=2.0)
def now() -> None:
    status = shared().status()
    cluster = status["cluster"]
    if status["trouble"]:
        st.error(say("status.trouble"), icon=":material/error:")
    elif cluster and not cluster["reachable"]:
        st.warning(say("status.unreachable"), icon=":material/cloud_off:")
    elif not status["ready"]:
        st.info(say("run.warming"))
    columns = st.columns(4)
    columns[0].metric(say("status.busy"), f"{status['busy']} / {status['workers']}")
    columns[1].metric(say("status.queued"), status["queued"])
    columns[2].metric(say("status.looking"), status["looking"])
    columns[3].metric(say("status.store"), f"{status['store']['bytes'] / 2**20:.1f} MB")
    places = status["places"]
    if places:
        st.table(
            {
                say("status.place"): [say(f"status.{place['place']}") for place in places],
                say("frame.device"): [place["device"].upper() for place in places],
                say("status.carries"): [carried(place) for place in places],
                say("status.seen"): [looked_at(place) for place in places],
            }
        )
    ended = {say(f"status.{how}"): status["ended"].get(how, 0) for how in ("complete", "stopped", "failed")}
    st.table({say("status.ended"): list(ended), say("status.runs"): list(ended.values())})
    engines = status["engines"]
    st.table(
        {
            say("frame.device"): [engine["device"].upper() for engine in engines],
            say("status.step"): [f"{1e6 * engine['step_seconds']:.0f}" for engine in engines],
            say("status.rate"): [f"{engine['flops'] / 1e9:.0f}" for engine in engines],
        }
    )
    if cluster and cluster["nodes"]:
        nodes = cluster["nodes"]
        st.table(
            {
                say("status.node"): [node["id"] for node in nodes],
                "CPU": [str(node["cpus"]) for node in nodes],
                "GPU": [str(node["gpus"]) for node in nodes],
                say("status.kind"): [node["kind"] for node in nodes],
                say("status.memory"): [f"{node['memory'] / 1e9:.0f}" for node in nodes],
                say("status.state"): [say(f"status.{node['state']}") for node in nodes],
            }
        )
    if status["store"]["trouble"]:
        st.warning(say("run.unstored", reason=because(status["store"]["trouble"], text)))


now()
