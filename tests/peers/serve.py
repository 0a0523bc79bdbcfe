"""A contender as a process of its own, which trains when asked: `python -m tests.peers.serve population`.

A line in: {"work": …, "seeds": …, "epochs": …}. A line out: CPU seconds of the training (all threads; data and weights
are in memory before), the number of members, and per rule the losses of the first few seeds at the epoch of comparison.
What is compiled stays for the next line.

A contender is a module with `prepare(work, seeds, epochs)`, which gives a function that trains and returns the losses
[contender · seeds + seed, epoch], and with RULES where it has not all of them. One that trains in yet another process
has `cpu_seconds()` to say what that process has used so far.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import numpy as np

from tests.peers.works import ALL


def main() -> None:
    contender = import_module(f"tests.peers.{sys.argv[1]}")
    cpu_seconds = getattr(contender, "cpu_seconds", time.process_time)
    ready: dict[tuple, Callable[[], np.ndarray]] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name, seeds, epochs = key = asked["work"], asked["seeds"], asked["epochs"]
        work = ALL[name]
        trained = tuple(c for c in work.contenders if c.rule in getattr(contender, "RULES", (c.rule,)))
        if key not in ready:
            ready[key] = contender.prepare(replace(work, contenders=trained), seeds, epochs)
        begin = cpu_seconds()
        losses = np.asarray(ready[key](), float)
        taken = cpu_seconds() - begin
        checked = losses.reshape(len(trained), seeds, -1)[:, : work.few, work.check].tolist()
        answer = {"seconds": taken, "members": len(losses), "losses": dict(zip((c.rule for c in trained), checked))}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
