"""A warm worker: a process with torch imported that runs one experiment after another for the web process.

It answers on a pipe with tuples whose first word says what they are:
    ("ready", devices, engine)        once, when warm
    ("taken",)                        a job has arrived
    ("partial", result)               a few times a second
    ("done", status, result, state)   complete or stopped
    ("failed", message, traceback)    the experiment raised
A run on a cluster says the same, and more (core/runs/tasks.py).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

SERVER = "WORKERS_OF"  # the environment variable that holds the server's process id
INTERVAL = 0.1  # seconds between partial Results
NICE = 15  # of what trains for long: pages, browsers and what takes a moment go first
WARMING = 5  # while a worker starts: somebody waits for it
THREADS = 1  # intra-op threads: populations are small, and more threads slow them down


def serve(pipe: Connection, stop: Any, helpers: Any, device: str, nice: int, measure: bool) -> None:
    """The life of a worker. `stop.value` asks it to end the run at hand; `helpers.value` is how many further threads
    that may use."""
    die_with_parent()
    _first_to_go()
    os.nice(min(nice, WARMING))
    import torch
    import torch._dynamo  # the first optimizer of a process imports it, which takes seconds

    from core.runs import engines

    torch.set_num_threads(THREADS)
    engine = engines.measure(device)  # also warms what a first step would wait for
    pipe.send(("ready", engines.devices() if measure else [device], engine))
    os.nice(nice - min(nice, WARMING))
    if device == "cpu" and engines.compiled():
        engines.measure(engines.FUSED)  # loads the kernel, before the first run that needs it
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send(("taken",))
        for message in messages(job, lambda: bool(stop.value), lambda: int(helpers.value)):
            pipe.send(message)


def build(pipe: Connection) -> None:
    """Compile the fused kernel, or load what was compiled before, and send its Engine, or why there is none."""
    die_with_parent()
    _first_to_go()
    os.nice(NICE)
    import torch

    from core.runs import engines

    torch.set_num_threads(THREADS)
    try:
        pipe.send(engines.build())
    except Exception:  # no Numba, an unknown processor: populations stay with torch
        pipe.send(traceback.format_exc())


def messages(
    job: dict[str, Any], stopped: Callable[[], bool], helpers: Callable[[], int] = lambda: 0
) -> Iterator[tuple[Any, ...]]:
    """Carry out a job: what is to be said about it, as it comes. Ends early when `stopped`; uses as many further
    threads as there are `helpers` at the time."""
    from core.ml.own import CONTENTS

    CONTENTS.clear()
    CONTENTS.update(job["own"])
    try:
        yield from _answer(job, stopped) if "ask" in job else _train(job, stopped, helpers)
    except Exception as error:
        yield "failed", f"{type(error).__name__}: {error}", traceback.format_exc()


def _train(job: dict[str, Any], stopped: Callable[[], bool], helpers: Callable[[], int]) -> Iterator[tuple[Any, ...]]:
    from core.concept.parts import experiment, train_module
    from core.runs.engines import FUSED, host, trainer
    from core.runs.threads import Crew

    device, crew = job["device"], Crew(helpers)
    how: dict[str, Any] = {}
    if device == FUSED:
        how = {"population": crew.fused(trainer(FUSED), experiment(job["name"]).apart), "chunk": job["chunk"]}
    run = train_module(job["name"]).train(job["params"], device=host(device), **how)
    yield from _followed(run, stopped, crew.catch_up)


def _followed(
    run: Iterator[Any], stopped: Callable[[], bool], after: Callable[[], None] = lambda: None
) -> Iterator[tuple[Any, ...]]:
    """The Results of a generator a few times a second, and in the end the last one and what it returns; `after` is
    called after each."""
    result, sent, pause = None, 0.0, 0.0
    while True:
        try:
            result = next(run)
            after()
        except StopIteration as end:
            yield "done", "complete", result, end.value
            return
        if stopped():
            yield "done", "stopped", result, None
            return
        begin = time.monotonic()
        if begin - sent >= max(INTERVAL, pause) and not result.complete:
            yield "partial", result
            sent = time.monotonic()
            pause = 10 * (sent - begin)  # a large Result is sent less often: a tenth of the time at most


def _answer(job: dict[str, Any], stopped: Callable[[], bool]) -> Iterator[tuple[Any, ...]]:
    from core.concept.parts import train_module

    found = train_module(job["name"]).answer(job["params"], job["result"], job["state"], job["question"])
    if isinstance(found, Iterator):
        yield from _followed(found, stopped)
    else:
        yield "done", "complete", found, None


def _first_to_go() -> None:
    """When the machine runs out of memory, Linux shall end a worker and not the server."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")


def die_with_parent() -> None:
    """End this process as soon as the web process is gone, even when that was killed."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()
