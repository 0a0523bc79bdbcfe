"""What a run was, to be taken away: where it comes from, its settings as JSON and back, its networks as safetensors.

Own data are named by their hash and never held: who reads a file brings their own.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import numpy as np
import safetensors.numpy as safetensors

from core.concept.params import LINK_VERSION, BaseParams, Problem, Refused, canonical, take, write
from core.concept.parts import experiment, load
from core.concept.text import Text
from core.runs.key import source_digest, versions

if TYPE_CHECKING:
    from core.runs.run import Run

LAB = "deep-learning concept lab"
LONGEST = 1_000_000  # bytes of a file of settings that are read


def link(name: str, params: BaseParams) -> str:
    """The page with these settings, to be put behind the address of any lab; of a further experiment with a figure."""
    here = experiment(name)
    figure = {"figure": load(here.stem).first(params, here.part).id} if here.part else {}
    return f"{here.stem}?{urlencode({'v': LINK_VERSION} | figure | write(params), quote_via=quote)}"


def provenance(run: Run) -> dict[str, Any]:
    """How the numbers on the screen came about, as plain JSON: the same for every file."""
    assert run.result is not None
    seeds = {name: value for name, value in canonical(run.params).items() if "seed" in name}
    return {
        "lab": LAB,
        "concept": run.name,
        "link": link(run.name, run.params),
        "source": source_digest(run.name),
        "status": run.status,
        "steps": run.result.step,
        "of_steps": run.result.total,
        **seeds,
        "device": run.meta.get("device", run.device),
        "engine": run.meta.get("engine", ""),
        "seconds": round(run.seconds, 3),
        "versions": run.meta.get("versions", versions()),
        "date": datetime.fromtimestamp(run.meta.get("saved", time.time()), UTC).isoformat(timespec="seconds"),
    }


def origin(run: Run, text: Text) -> str:
    """Where a Result comes from: trained now, stored, or come with the project and perhaps older than the code."""
    meta, versions = run.meta, run.meta["versions"]
    if meta.get("shipped"):
        day = datetime.fromtimestamp(meta["saved"], UTC).date().isoformat()
        same = meta["source"] == source_digest(run.name)
        return text.say("run.shipped" if same else "run.shipped_old", date=day, code=meta["source"][:7], **versions)
    return text.say(
        "run.provenance",
        how=text.say("run.stored" if run.stored else "run.trained_now"),
        device=meta["device"].upper(),
        engine=text.labels.get(f"engines.{meta['engine'].replace(' ', '_')}", meta["engine"]),
        steps=run.result.step if run.result else 0,
        time=text.duration(meta["seconds"]),
        torch=versions["torch"],
    )


def settings(name: str, params: BaseParams, run: Run | None = None) -> str:
    """Settings as a file for people and for `python -m core.cli <concept> --settings FILE`; of a run, if there is one,
    how it came about."""
    content = {
        "lab": LAB,
        "schema": LINK_VERSION,
        "concept": name,
        "settings": canonical(params),
        "link": link(name, params),
        "versions": versions(),
        "run": provenance(run) if run is not None and run.result is not None else None,
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_settings(stem: str, content: bytes) -> tuple[BaseParams, list[Problem]]:
    """The Params that a file of `settings` holds; what does not stand takes its default and is named in the problems.
    Raises Refused where the file as a whole is not one of this concept."""
    try:
        found = json.loads(content[:LONGEST].decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        row = getattr(error, "lineno", None) or 1 + content[: getattr(error, "start", 0)].count(b"\n")
        raise Refused("not_json", row=row) from None
    if not isinstance(found, dict) or not isinstance(found.get("settings"), dict):
        raise Refused("not_settings")
    if str(found.get("concept")).partition(".")[0] != stem:
        raise Refused("other_concept", value=str(found.get("concept"))[:60], concept=stem)
    params, problems = take(load(stem).Params, found["settings"])
    if found.get("schema") != LINK_VERSION:
        problems.append(Problem("schema", "version", {"value": str(found.get("schema"))[:20]}))
    return params, problems


def weights(run: Run, state: dict[str, np.ndarray]) -> bytes:
    """The networks of a complete run as safetensors, by the names of torch.nn, with its provenance as metadata."""
    named = experiment(run.name).weights
    assert named is not None
    tensors = {name: np.ascontiguousarray(values) for name, values in named(run.result, state).items()}
    told = {name: v if isinstance(v, str) else json.dumps(v) for name, v in provenance(run).items()}
    axes = " ".join((named.__doc__ or "").split())
    return safetensors.save(tensors, {"format": "pt", "tensors": axes} | told)
