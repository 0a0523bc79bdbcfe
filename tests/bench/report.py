"""Figures, their tables, and what is said of the machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from math import floor, log10
from pathlib import Path
from statistics import median
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "docs" / "benchmarks.md"
STEM = "optimizer_race"


@dataclass
class Row:
    """One figure: its values, one per round, and the budget its median is held against ("≥ 8", "≤ 250")."""

    what: str
    unit: str
    values: list[float]
    budget: str = ""

    @property
    def met(self) -> bool:
        if not self.budget:
            return True
        sign, bound = self.budget.split()
        return median(self.values) >= float(bound) if sign == "≥" else median(self.values) <= float(bound)

    def cells(self) -> list[str]:
        spread = f"{digits(min(self.values))} … {digits(max(self.values))}" if len(self.values) > 1 else ""
        budget = self.budget and f"{self.budget}: {'met' if self.met else 'NOT MET'}"
        return [self.what, digits(median(self.values)), self.unit, spread, budget]


@dataclass
class Section:
    """One question: how it was measured, the rows, and what else is to be said."""

    title: str
    method: str
    rows: list[Row] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def digits(value: float) -> str:
    """A number with three digits that count."""
    places = max(0, 2 - floor(log10(abs(value)))) if value else 0
    return f"{value:.{places}f}"


def seconds(act: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def until(true: Callable[[], Any], patience: float = 120.0, pause: float = 0.001) -> None:
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("nothing came of it")
        time.sleep(pause)


def in_ms(values: list[float]) -> list[float]:
    return [1e3 * value for value in values]


HEAD = ["What", "Median", "Unit", "Lowest … highest", "Budget"]


def table(section: Section) -> list[str]:
    """The rows as a Markdown table that is also readable as it stands."""
    cells = [HEAD, *(row.cells() for row in section.rows)]
    if not any(row.budget for row in section.rows):
        cells = [row[:-1] for row in cells]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def printed(section: Section) -> str:
    parts = ["", f"## {section.title}", "", section.method]
    if section.rows:
        parts += ["", *table(section)]
    for remark in (*section.remarks, *(f"FAILED: {failure}." for failure in section.failures)):
        parts += ["", remark]
    return "\n".join(parts)


def installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def machine() -> str:
    """What the figures were taken on, without saying which machine it is."""
    model = platform.processor() or platform.machine()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    memory = round(psutil.virtual_memory().total / 2**30)
    names = ("torch", "streamlit", "numpy", "scikit-learn", "jax")
    packages = [f"{name} {version(name)}" for name in names if installed(name)]
    if node := shutil.which("node"):
        packages.append(f"Node {subprocess.run([node, '--version'], capture_output=True, text=True).stdout.strip()}")
    return (
        f"{model} ({platform.machine()}), {os.cpu_count()} cores, {memory} GB, {platform.system()}; "
        f"Python {platform.python_version()}, {', '.join(packages)}; {date.today().isoformat()}"
    )
