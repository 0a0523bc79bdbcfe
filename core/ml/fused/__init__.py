"""A population of multilayer perceptrons trained by one compiled loop on the CPU (docs/fused-kernel.md).

    simd.py         a register as a value: arithmetic, loads and stores, the blocked product
    formulas.py     activations and losses
    rules.py        optimizer rules
    kernel.py       training steps, measuring, outputs
    population.py   Fused: the same face as core.ml.population.Stacked

This file imports neither torch nor numba: the web process asks it for the name of the kernel.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@cache
def digest() -> str:
    """SHA-256 of the kernel's sources and of the versions of its compiler; empty where there is no compiler."""
    found = hashlib.sha256()
    try:
        for package in ("numba", "llvmlite"):
            found.update(f"{package} {version(package)}\n".encode())
    except PackageNotFoundError:
        return ""
    here = Path(__file__).parent
    for path in (*sorted(here.glob("*.py")), here.parent / "random.py"):
        found.update(f"{path.name}\n".encode() + path.read_bytes())
    return found.hexdigest()[:40]
