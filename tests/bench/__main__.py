"""Times what must be fast, against its budgets (`make bench`), prints tables and writes docs/benchmarks.md.

What is compared takes turns, round after round, so that other work on the machine meets all variants alike: ratios
are taken within a round, and every figure is the median of the rounds with the lowest and the highest beside it.
`make bench args="--theme peers"` runs one theme, `--quick` does less of each in a minute or two; both write nothing.

Workers import this file again as their main module, so torch and streamlit are imported in functions.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import psutil

from core import console
from tests.bench import peers, race, runs, web
from tests.bench.report import REPORT, ROOT, Section, machine, printed

THEMES = {"race": race.themes, "peers": peers.themes, "runs": runs.themes, "web": web.themes}


def measured(themes: list[str], rounds: int, quick: bool) -> Iterator[Section]:
    for theme in themes:
        yield from THEMES[theme](rounds, quick)


def main() -> None:
    console.tolerant()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less of each, in a minute or two; writes nothing")
    parser.add_argument("--theme", choices=THEMES, action="append", help="this theme only; writes nothing")
    options = parser.parse_args()
    rounds = 2 if options.quick else 5
    begin, load = time.perf_counter(), psutil.getloadavg()[0]
    introduction = "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench`; do not edit.",
            "",
            f"Measured on: {machine()}.",
            "",
            f"Variants took turns in {rounds} rounds; a figure is the median of its rounds, a ratio the median of the "
            f"ratios within each round. At the start the machine's load was {load:.1f}: other work stretches the "
            "times, less so the ratios. Nothing is claimed beyond this machine and these settings.",
        ]
    )
    print(introduction)
    sections = []
    for section in measured(options.theme or list(THEMES), rounds, options.quick):
        sections.append(section)
        print(printed(section), flush=True)
    print(f"\nTook {time.perf_counter() - begin:.0f} s.")
    if not (options.quick or options.theme):
        REPORT.write_text(introduction + "\n" + "\n".join(map(printed, sections)) + "\n", "utf-8")
        print(f"Written to {REPORT.relative_to(ROOT)}.")
    failures = [failure for section in sections for failure in section.failures]
    missed = [row.what for section in sections for row in section.rows if not row.met]
    for text in (*failures, *(f"budget not met: {what}" for what in missed)):
        print(text)
    sys.exit(1 if failures or missed else 0)


if __name__ == "__main__":
    main()
