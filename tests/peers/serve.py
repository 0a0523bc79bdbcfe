"""A contender as a process of its own, which trains when asked: `python -m tests.peers.serve population`.

A line in: {"work": …, "seeds": …, "epochs": …}. A line out: CPU seconds of the training (all threads, data and weights
in memory) and losses [member][epoch]. What is compiled stays for the next line.

A contender is a module with `prepare(work, seeds, epochs)`, which gives a function that trains and returns the losses,
and with RULES where it has not all of them. One that trains in yet another process has `cpu_seconds()` to say what that process has used so far.
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
        key = asked["work"], asked["seeds"], asked["epochs"]
        work = ALL[key[0]]
        trained = tuple(c for c in work.contenders if c.rule in getattr(contender, "RULES", (c.rule,)))
        run = ready.get(key) or contender.prepare(replace(work, contenders=trained), *key[1:])
        ready[key] = run
        begin = cpu_seconds()
        losses = run()
        seconds = cpu_seconds() - begin
        answer = {"seconds": seconds, "rules": [c.rule for c in trained], "losses": np.asarray(losses, float).tolist()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
