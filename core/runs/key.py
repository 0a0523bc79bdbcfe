"""The name of a run: equal keys mean equal numbers. Computed without torch."""

from __future__ import annotations

import hashlib
import json
import time
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.concept.params import BaseParams, canonical
from core.concept.parts import experiment
from core.ml import fused
from core.takeaway.source import ROOT, closure, normalised

PACKAGES = ("torch", "numpy")
STARTED = time.time()  # of this process, as files count time


def digest(value: Any) -> str:
    """SHA-256 of plain JSON values, as 40 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


@cache
def versions() -> dict[str, str]:
    """Versions of the packages whose change may change the numbers."""
    return {name: version(name) for name in PACKAGES}


@cache
def reached(name: str) -> tuple[str, tuple[Path, ...]]:
    """What the source that an experiment reaches comes to, and the files of the project that it stands in. Both at
    once: what was parsed for the first is let go of (core/server.py)."""
    files = tuple(ROOT / (module.replace(".", "/") + ".py") for module in {piece.module for piece in closure(name)[0]})
    return digest(normalised(name)), files


def source_digest(name: str) -> str:
    """What the source that an experiment reaches comes to."""
    return reached(name)[0]


def edited(name: str) -> bool:
    """Whether one of them was changed since this process began: its workers may have imported what was there before,
    and their numbers would stand under the name of what is there now."""
    return any(path.stat().st_mtime > STARTED for path in reached(name)[1])


@cache
def file_digest(package: str, path: str) -> str:
    """SHA-256 of a data file inside an installed package, found without importing the package."""
    spec = find_spec(package)
    assert spec and spec.submodule_search_locations
    return hashlib.sha256((Path(spec.submodule_search_locations[0]) / path).read_bytes()).hexdigest()


def setting_key(name: str, params: BaseParams) -> str:
    """The name of a setting, whatever the version of the code: under it the latest result is found."""
    return digest([name, canonical(experiment(name).settings(params))])


def run_key(name: str, params: BaseParams, device: str) -> str:
    """The name of a run at these Params on a class of device ("cpu", "cuda", "mps") or in the kernel ("fused")."""
    asked = experiment(name)
    params = asked.settings(params)
    kernel = [fused.digest()] if device == "fused" else []
    files = {f"{package}/{path}": file_digest(package, path) for package, path in asked.data_files(params)}
    return digest(
        [
            name,
            canonical(params),
            source_digest(name),
            asked.engine,
            device.split(":")[0],
            versions(),
            files,
            *kernel,
        ]
    )


def ask_key(run: str, ask: str, question: BaseParams) -> str:
    """The name of an ask: the run it asks, and the question."""
    return digest([run, ask, canonical(question)])
