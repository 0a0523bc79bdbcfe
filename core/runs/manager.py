"""Runs as the web process sees them: ask for one, look at it, stop it. Imports no torch.

This is the one door to what was computed. Whatever gives a run, or something of it, is told who asks, and raises
NotHere where the run is on a file that is not here for them; who is not named reads what is shared, and no more.

One thread per worker slot takes runs from its device's queue and listens to its worker. Stop is a flag first and a
kill 150 ms later: the last Result is already here, and a spare worker is warm. Equal questions share one run.
Where RAY_ADDRESS names a cluster, the slots are places on it (core/runs/cluster.py), and all else is the same.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import logging
import multiprocessing
import os
import queue
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from core.concept.params import BaseParams, uploaded
from core.concept.parts import experiment
from core.concept.result import arrays
from core.ml import fused
from core.runs import broker, cluster, engines, worker
from core.runs.cluster import Cluster, Line, Lost
from core.runs.engines import Engine
from core.runs.history import History
from core.runs.key import ask_key, digest, run_key, setting_key, source_digest, versions
from core.runs.queue import FairQueue
from core.runs.run import COMPLETE, FAILED, RUNNING, STOPPED, WAITING, Run
from core.runs.store import LARGEST_RESULT, State, Store, Stored, shipped
from core.runs.uploads import ANYONE, NotHere, Uploads

log = logging.getLogger("lab.runs")

BUILD = 300.0  # seconds in which the fused kernel must have been compiled
KILL_AFTER = 0.15  # seconds between the stop flag and the kill
GRACE = float(os.environ.get("LAB_GRACE", 150))  # seconds a run goes on with nobody looking; hidden tabs look every 60
CHECKPOINT = 2.0  # seconds between partial Results kept in the store
REMEMBERED = 64  # finished runs kept in memory; all are in the store
REMEMBERED_BYTES = 128 * 2**20  # what they may hold together: results, figures, and weights above all
LOOK = 0.35  # seconds between looks at a worker's memory, and between a page's looks at a run
SWEEP = 600.0  # seconds between looks through all that is on disk: what is past its end, what other servers did
RUN_SECONDS = float(os.environ.get("LAB_RUN_SECONDS", 900))  # wall time a run may take
RUN_BYTES = float(os.environ.get("LAB_RUN_BYTES", 3 * 2**30))  # memory a run may take
KEPT_BYTES = RUN_BYTES / 4  # memory of earlier runs that a worker may keep; the next run begins in a fresh one
TRIES = 3  # workers in a row that must fail to start before a run fails with them
LOSSES = 3  # times a cluster may lose a run's process or node before the run fails
ASKS = "asks"  # the queue of questions to trained networks, which take a moment and wait for no training


def context_for(device: str) -> Any:
    """How processes for this device start: from one that has imported what they need, where that is possible."""
    forks = device == "cpu" and sys.platform == "linux"  # CUDA and macOS frameworks do not survive a fork
    context: Any = multiprocessing.get_context("forkserver" if forks else "spawn")
    if forks:
        os.environ[worker.SERVER] = str(os.getpid())
        kernel = ["core.ml.fused.population"] if engines.wanted() else []
        context.set_forkserver_preload(
            ["core.runs.leave", "torch", "torch._dynamo", "sklearn.datasets", "core.runs.worker", *kernel]
        )
    return context


class Worker:
    """A worker process and the pipe to it."""

    def __init__(self, device: str, measure: bool = False):
        context = context_for(device)
        self.device, self.stop = device, context.RawValue("b", 0)  # no lock: a killed worker would keep it
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=worker.serve, args=(theirs, self.stop, device, measure), daemon=True)
        self.process.start()
        theirs.close()
        self.devices: list[str] = []
        self.engine: Engine | None = None
        self._fresh = self._before = 0.0  # bytes it held before its first run, and before the run at hand

    def wait(self, seconds: float = 120.0) -> None:
        """Until the worker is warm; raises RuntimeError when it does not come up."""
        try:
            if not self.pipe.poll(seconds):
                raise RuntimeError("a worker did not start in time")
            _, self.devices, self.engine = self.pipe.recv()
        except (EOFError, OSError):
            raise RuntimeError("a worker ended while it started") from None

    def takes(self, job: dict[str, Any]) -> bool:
        """Hand over a job; whether the worker was there to take it."""
        self.stop.value = 0
        self._begin()
        try:
            self.pipe.send(job)
            return self.pipe.poll(60.0) and self.pipe.recv() == ("taken",)
        except (EOFError, OSError):
            return False

    def interrupt(self) -> None:
        """Ask it to end the run at hand."""
        self.stop.value = 1

    def alive(self) -> bool:
        return self.process.is_alive()

    def _begin(self) -> None:
        self._before = self._memory()
        self._fresh = self._fresh or self._before

    def taken(self) -> float:
        """Bytes that the run at hand takes, whatever the worker held before it."""
        return self._memory() - self._before

    def kept(self) -> float:
        """Bytes that it keeps of earlier runs."""
        return self._memory() - self._fresh if self._fresh else 0.0

    def _memory(self) -> float:
        try:
            return psutil.Process(self.process.pid).memory_info().rss
        except psutil.Error:
            return 0.0

    def lost(self) -> RuntimeError:
        """What to raise when the worker has gone away, with the way it ended."""
        self.process.join(1.0)
        return RuntimeError(f"the worker ended with exit code {self.process.exitcode}")

    def kill(self) -> None:
        self.process.kill()
        threading.Thread(target=self.process.join, daemon=True).start()  # its memory takes a while to be given back
        with contextlib.suppress(OSError):  # closed by another thread while the server ends
            self.pipe.close()


class Slot:
    """A place for one running experiment on one device, with a spare worker behind it."""

    def __init__(self, device: str):
        self.device = device
        self._spares: queue.Queue[Worker | None] = queue.Queue()
        self.current: Worker | Line | None = None
        self.run: Run | None = None

    def hatch(self) -> None:
        """Warm a further worker in the background."""

        def warm() -> None:
            spare = None
            try:
                spare = Worker(self.device)
                spare.wait()
                self._spares.put(spare)
            except Exception as error:
                log.error("no worker on %s: %s", self.device, error)
                if spare:
                    spare.kill()
                self._spares.put(None)

        threading.Thread(target=warm, daemon=True, name="hatch").start()

    def adopt(self, warm: Worker) -> None:
        self._spares.put(warm)

    def worker(self) -> Worker | Line:
        """The warm worker of this slot; a spare takes over when it is gone, or keeps much of its earlier runs. That a
        spare could not be started, perhaps long ago, is no run's fault: others are tried first. Raises RuntimeError."""
        if self.current and self.current.kept() > KEPT_BYTES:
            self.drop()
        failures = 0
        while self.current is None or not self.current.alive():
            self.current = self._spares.get(timeout=180)
            self.hatch()
            failures += self.current is None
            if failures == TRIES:
                raise RuntimeError("no worker could be started")
        return self.current

    def drop(self) -> None:
        """Kill the worker; the next run gets the spare."""
        if self.current:
            self.current.kill()
            self.current = None

    def close(self) -> None:
        self.drop()
        while not self._spares.empty():
            if spare := self._spares.get_nowait():
                spare.kill()


class Place(Slot):
    """A slot on a cluster. A run that finds the cluster unreachable waits in it."""

    def __init__(self, device: str, share: dict[str, float], cluster: Cluster):
        super().__init__(device)
        self.share, self.cluster = share, cluster

    def worker(self) -> Worker | Line:
        if self.current is None:
            self.current = self.cluster.line(self.share)
        return self.current


class Manager:
    """All runs of this server. `start` warms the workers in the background; `ask` never blocks on a run."""

    def __init__(self, store: Store | None = None, cpu_slots: int | None = None):
        self.store = store or Store()
        self.uploads = Uploads(self.store.root / "uploads", forget=self._forget)
        self.history = History(self.store.root / "history", self.uploads.readable)
        self.asked_slots = cpu_slots or int(os.environ.get("LAB_WORKERS", 0))
        self.cpu_slots = self.asked_slots or max(1, (os.cpu_count() or 2) - 1)
        self.cluster: Cluster | None = None
        self.ended: Counter[str] = Counter()  # runs by how they ended, since the start
        self.engines: list[Engine] = []
        self.ready = threading.Event()
        self.settled = threading.Event()  # all engines are known, the fused kernel too
        self.trouble = ""
        self.slots: list[Slot] = []
        self._queues: dict[str, FairQueue] = {}
        self._runs: dict[str, Run] = {}
        self._shipped: dict[str, Run | None] = {}
        self._lock = threading.Lock()
        self._closed = False

    def start(self) -> Manager:
        address = cluster.wanted()
        begin = (lambda: self._join(address)) if address else self._warm
        threading.Thread(target=begin, daemon=True, name="warm").start()
        threading.Thread(target=self._repeat, args=(self._tidy, 1.0), daemon=True, name="tidy").start()
        threading.Thread(target=self._repeat, args=(self._sweep, SWEEP), daemon=True, name="sweep").start()
        threading.Thread(target=self._repeat, args=(self._prune, 1.0), daemon=True, name="prune").start()
        atexit.register(self.close)
        return self

    def _warm(self) -> None:
        """Start the first worker, learn the devices and their costs from it, then start the others."""
        try:
            first = Worker("cpu", measure=True)
            first.wait()
            path = self.store.root / "engines.json"
            stamp = digest([versions(), fused.digest(), first.devices, os.cpu_count()])
            known = engines.remembered(path, stamp)
            kernel = next((engine for engine in known if engine.device == engines.FUSED), None)
            found = {"cpu": first.engine}
            for device in first.devices:
                slots = [Slot(device) for _ in range(self.cpu_slots if device == "cpu" else 1)]
                if device == "cpu":
                    slots[0].adopt(first)
                else:
                    other = Worker(device)
                    other.wait()
                    found[device] = other.engine
                    slots[0].adopt(other)
                for slot in slots[1:]:
                    slot.hatch()
                self._open(device, slots)
            self._open(ASKS, [Slot("cpu")])
            usual = [engine for engine in known if engine is not kernel]
            self.engines = usual or [engine for engine in found.values() if engine]
            if not known:
                engines.remember(path, stamp, self.engines)
            self.ready.set()
            for slot in self.slots:  # a spare behind each: also for the first Stop
                slot.hatch()
        except Exception as error:
            log.exception("workers could not be started")
            self.trouble = str(error)
            self.ready.set()
            self.settled.set()
            return
        if engines.wanted():
            self._build(path, stamp, kernel)
        self.settled.set()

    def _join(self, address: str) -> None:
        """Let runs go to the cluster at this address, with as many slots as it has places."""
        if not cluster.installed():
            log.error(cluster.MISSING)
            self.trouble = cluster.MISSING
            self.ready.set()
            return
        path, stamp = self.store.root / "cluster.json", digest([versions(), fused.digest(), address])
        known = {engine.device: engine for engine in engines.remembered(path, stamp)}

        def hear(kind: str, content: Any) -> None:
            if kind == "nodes":
                self._grow(content)
            elif content.device not in {engine.device for engine in self.engines}:
                if content.device == engines.FUSED:
                    self._queues[engines.FUSED] = self._queues["cpu"]
                self.engines = [*self.engines, known.get(content.device, content)]
                engines.remember(path, stamp, self.engines)
                self.ready.set()

        self.cluster = Cluster(address, hear).start()

    def _grow(self, nodes: list[dict[str, Any]]) -> None:
        """A slot for every place of the cluster. What it loses it may have again: until then runs wait in Ray."""
        assert self.cluster
        cpus, gpus = (sum(node[kind] for node in nodes) for kind in ("cpus", "gpus"))
        places = {"cpu": self.asked_slots or cpus, "cuda": gpus, ASKS: len(nodes)}
        for name, wanted in places.items():
            share = broker.SHARES.get(name, broker.MOMENT)
            missing = wanted - sum(isinstance(slot, Place) and slot.device == name for slot in self.slots)
            if missing > 0:
                self._open(name, [Place(name, share, self.cluster) for _ in range(missing)])

    def _open(self, name: str, slots: list[Slot] | list[Place]) -> None:
        """Let these slots serve the queue of this name."""
        self._queues.setdefault(name, FairQueue())
        for slot in slots:
            threading.Thread(target=self._serve, args=(slot, self._queues[name]), daemon=True, name=name).start()
        self.slots += slots

    def _build(self, path: Path, stamp: str, known: Engine | None) -> None:
        """Have the fused kernel compiled, which takes a while once per machine; runs go to torch until it is there.
        known: its cost as measured earlier, so that the choice stays put."""
        context = context_for("cpu")
        ours, theirs = context.Pipe()
        process = context.Process(target=worker.build, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        try:
            built = ours.recv() if ours.poll(BUILD) else "it took too long"
        except EOFError:
            built = "the compiler's process ended"
        process.kill()
        if not isinstance(built, Engine):
            log.warning("no fused kernel: %s", built)
            return
        self._queues[engines.FUSED] = self._queues["cpu"]
        self.engines = [*self.engines, known or built]
        if not known:
            engines.remember(path, stamp, self.engines)

    # Asking

    def engine_for(self, name: str, params: BaseParams, device: str = "auto") -> Engine:
        """The engine a run would take: the cheapest by measured cost, or the one asked for."""
        known = self.engines or [Engine("cpu", 1e-4, 2e10)]  # until the first worker has measured
        asked = experiment(name)
        able = [e for e in known if e.device.split(":")[0] in asked.devices]
        return engines.choose(asked.cost(params), [e for e in able if e.device.startswith(device)] or able)

    def allow(self, name: str, params: BaseParams, person: str) -> None:
        """Raise NotHere where these settings use files that are not here for this person."""
        if missing := self.uploads.missing(experiment(name).settings(params), person):
            raise NotHere(experiment(name).stem, missing)

    def find(
        self, name: str, params: BaseParams, device: str = "auto", watcher: str = "", person: str = ANYONE
    ) -> Run | None:
        """The run of these Params if it is live or complete, here or in the store; nothing is started. A watcher counts
        as looking at it from now on, so that the run does not end when the last of the others leaves."""
        params = experiment(name).settings(params)
        self.allow(name, params, person)
        found = (self._find(key, name, params, watcher) for key in self.keys(name, params, device))
        return next(filter(None, found), None)

    def keys(self, name: str, params: BaseParams, device: str = "auto") -> list[str]:
        """The key of the run on the engine it would take; then those on other engines, which serve too where none is
        asked for: what was computed beforehand is found whatever engines there are today."""
        others = experiment(name).devices if device == "auto" else ()
        engine = self.engine_for(name, params, device).device
        return [run_key(name, params, one) for one in dict.fromkeys((engine, *others))]

    def _find(self, key: str, name: str, params: BaseParams, watcher: str = "") -> Run | None:
        with self._lock:
            run = self._runs.get(key)
            if run and run.open:
                if watcher:
                    run.watchers[watcher] = time.monotonic()
                return run
        stored = self.store.complete(key)
        if not stored:
            return None
        run = Run(key, name, params, stored.meta["device"], 0.0, COMPLETE, stored.result, stored.meta, stored=True)
        run.seconds = stored.meta["seconds"]
        run.done.set()
        return self._keep(run)

    def has(self, name: str, params: BaseParams) -> bool:
        """Whether a page with these Params has its result at once; reads no array."""
        return self.store.status(run_key(name, params, self.engine_for(name, params).device)) == COMPLETE

    def refusal(self, name: str, params: BaseParams, device: str = "auto") -> tuple[str, float, float] | None:
        """Why this run would not be taken on, from its predicted cost alone: a failure code, what it asks, what is
        allowed (seconds or bytes); None where it is welcome."""
        cost = experiment(name).cost(params)
        seconds = self.engine_for(name, params, device).seconds(cost)
        if seconds > RUN_SECONDS:
            return "too_long", seconds, RUN_SECONDS
        if cost.bytes > RUN_BYTES:
            return "too_much_memory", cost.bytes, RUN_BYTES
        return None

    def ask(
        self,
        name: str,
        params: BaseParams,
        watcher: str = "",
        device: str = "auto",
        anew: bool = False,
        person: str = ANYONE,
    ) -> Run:
        """The run of this experiment at these Params: under way, stored, or new in the queue; `anew` trains again."""
        params = experiment(name).settings(params)
        self.allow(name, params, person)
        engine = self.engine_for(name, params, device)
        key = run_key(name, params, engine.device)
        cost = experiment(name).cost(params)
        chunk = max(1, int(cost.steps * KILL_AFTER / 3 / engine.seconds(cost)))
        known = None if anew else self.find(name, params, device, person=person)
        device = known.device if known else engine.device  # perhaps a run on another engine
        key = known.key if known else key
        job = {"key": key, "name": name, "params": params, "device": device, "chunk": chunk}
        refused = self.refusal(name, params, device)
        if refused and not known:
            run = Run(key, name, params, engine.device, 0.0, FAILED, error=refused[0])
            run.done.set()
            return run
        return self._submit(key, job, engine.seconds(cost), watcher, anew, person)

    def question(self, run: Run, ask: str, question: BaseParams, watcher: str = "", person: str = ANYONE) -> Run:
        """Ask a finished run: its answer is a run of its own, and shared like any other."""
        key = ask_key(run.key, ask, question)
        state = self.state(run, person)
        job = {"ask": ask, "name": run.name, "params": run.params, "question": question} | {
            "result": run.result,
            "state": state,
            "device": "cpu",
            "key": run_key(run.name, run.params, "cpu"),  # what stands for the code of the answer
        }
        return self._submit(key, job, 0.1, watcher, False, person)

    def state(self, run: Run, person: str = ANYONE) -> State | None:
        """What a complete run left of its networks, or None."""
        self.allow(run.name, run.params, person)
        return run.meta.get("state") or self.store.state(run.key)

    def has_state(self, run: Run) -> bool:
        """Whether it left anything; nothing is read for that."""
        return bool(run.meta.get("state")) or self.store.has_state(run.key)

    def file(self, name: str, person: str = ANYONE) -> bytes | None:
        """A cleaned file that readers brought; None where it is not here for this person."""
        return self.uploads.content(name) if self.uploads.readable(name, person) else None

    def _submit(
        self, key: str, job: dict[str, Any], predicted: float, watcher: str, anew: bool = False, person: str = ""
    ) -> Run:
        run = None if "ask" in job or anew else self._find(key, job["name"], job["params"])
        with self._lock:
            current = self._runs.get(key)
            if run is None and current and current.open and (current.live or not anew):
                run = current
            if run is None or not run.open:  # nobody has it, or who had it has just left
                run = Run(key, job["name"], job["params"], job["device"], predicted, anew=anew, job=job)
                self._remember(run)
                if self.ready.is_set():
                    self._enqueue(run)
                else:
                    threading.Thread(target=self._enqueue, args=(run,), daemon=True).start()
            run.watchers[watcher] = time.monotonic()
            if run.live:
                run.people.add(person or watcher)
            return run

    def _enqueue(self, run: Run) -> None:
        self.ready.wait()
        if waits := self._queue(run):
            waits.put(run)
        else:
            self._fail(run, "no_worker", self.trouble)

    def _queue(self, run: Run) -> FairQueue | None:
        """Where a run waits."""
        return self._queues.get(ASKS if "ask" in run.job else run.device)

    def _keep(self, run: Run) -> Run:
        with self._lock:
            kept = self._runs.get(run.key)
            if kept and kept.open:
                return kept
            self._remember(run)
            return run

    def _remember(self, run: Run) -> None:
        """Keep a run in memory. The lock must be held."""
        self._runs.pop(run.key, None)
        self._runs[run.key] = run
        self._let_go()

    def _let_go(self) -> None:
        """Of the runs that are over, remember only the latest, and only so many bytes. Pages that show one of the
        others keep it, without its networks: they are in the store. The lock must be held."""
        held = 0
        for number, run in enumerate([run for run in reversed(self._runs.values()) if not run.live]):
            held += run.bytes
            if number and (number >= REMEMBERED or held > REMEMBERED_BYTES):
                del self._runs[run.key]
                run.meta.pop("state", None)

    # Looking and stopping

    def partial(self, name: str, params: BaseParams, device: str = "auto", person: str = ANYONE) -> Run | None:
        """What is left of this very run from before the server ended, or was stopped; shown until it is run again."""
        self.allow(name, params, person)
        key = run_key(name, params, self.engine_for(name, params, device).device)
        return self._shown(self.store.load(key), name, params)

    def latest(self, name: str, params: BaseParams, person: str = ANYONE) -> Run | None:
        """The last complete run of a setting from any version of the code, to be shown as stored."""
        self.allow(name, params, person)
        return self._shown(self.store.latest(setting_key(name, params)), name, params)

    def shipped(self, name: str) -> Run | None:
        """The result of the default that came with the project, to be shown as such; always the same object, so that
        it is drawn once."""
        if name not in self._shipped:
            stored = shipped(name)
            self._shipped[name] = self._shown(stored, name, stored.result.params) if stored else None
        return self._shipped[name]

    @staticmethod
    def _shown(stored: Stored | None, name: str, params: BaseParams) -> Run | None:
        """A stored Result as a run to look at."""
        if not stored:
            return None
        run = Run("", name, params, stored.meta["device"], 0.0, COMPLETE, stored.result, stored.meta, stored=True)
        run.seconds = stored.meta["seconds"]
        return run

    def again(self, run: Run, person: str = ANYONE) -> Run:
        """A run for who has it already: what it is on may have been deleted, or shared no more, since."""
        self.allow(run.name, run.params, person)
        return run

    def look(self, run: Run, watcher: str) -> None:
        """Note that a session still looks at a run."""
        run.watchers[watcher] = time.monotonic()

    def leave(self, run: Run, watcher: str) -> None:
        """A session turned to another question: its run ends unless someone else looks at it."""
        with self._lock:
            run.watchers.pop(watcher, None)
            if run.live and not run.watchers:
                self.stop(run)

    def quit(self, run: Run, watcher: str, person: str = ANYONE) -> Run:
        """A session presses Stop. Its run as it stands now; the run itself ends unless someone else looks at it."""
        self.allow(run.name, run.params, person)
        with self._lock:
            others = set(run.watchers) - {watcher}
        if not others:
            self.stop(run)
            return run
        self.leave(run, watcher)
        return dataclasses.replace(run, status=STOPPED, watchers={}, drawn={}, seconds=run.elapsed)

    def stop(self, run: Run, why: str = "") -> None:
        """End a run and keep what it has; returns at once. `why` is said to its reader, unless they asked for it."""
        if not run.wish_to_stop.is_set():
            run.error = why
        run.wish_to_stop.set()
        if run.status == WAITING:
            run.status = STOPPED
            run.done.set()
            if waits := self._queue(run):
                waits.remove(run)

    def delete(self, upload: str, person: str) -> None:
        """Give up a person's upload, and with its last holder everything that was computed from it."""
        self.uploads.delete(upload, person)

    def _forget(self, uploads: list[str]) -> None:
        """Remove everything that was computed from these uploads."""
        with self._lock:
            gone = {k: r for k, r in self._runs.items() if set(uploads) & set(uploaded(r.params).values())}
            for key, run in gone.items():
                self.stop(run, "no_file")
                del self._runs[key]
        self.store.forget(uploads)

    def position(self, run: Run) -> int:
        """How many runs wait before this one, itself included; 0 once it runs."""
        waits = self._queue(run)
        order = waits.order() if waits else []
        return order.index(run) + 1 if run in order else 0

    def looking(self) -> int:
        """How many sessions look at a run that is under way."""
        recent = time.monotonic() - 5
        return sum(seen > recent for run in list(self._runs.values()) for seen in list(run.watchers.values()))

    def pause(self) -> float:
        """Seconds a page should wait between looks at its run: longer when many pages look."""
        return min(2.0, LOOK * max(1.0, self.looking() / 12))

    @property
    def unreachable(self) -> bool:
        """Whether runs wait because the cluster they should go to cannot be used just now."""
        return bool(self.cluster and self.cluster.trouble)

    def status(self) -> dict[str, Any]:
        """Workers, queues, store and engines, for the health endpoint."""
        return {
            "ready": self.ready.is_set() and not self.trouble,
            "trouble": self.trouble,
            "engines": [{"device": e.device, "step_seconds": e.overhead, "flops": e.rate} for e in self.engines],
            "workers": len(self.slots),
            "busy": sum(slot.run is not None for slot in self.slots),
            "queued": sum(r.status == WAITING for r in list(self._runs.values())),
            "looking": self.looking(),
            "ended": dict(self.ended),
            "cluster": self.cluster.status() if self.cluster else None,
            "store": self.store.usage() | {"trouble": self.store.trouble},
            "uploads": self.uploads.usage(),
        }

    def close(self) -> None:
        """End all workers."""
        self._closed = True
        if self.cluster:
            self.cluster.close()
        for slot in self.slots:
            slot.close()

    # The slots' threads

    def _serve(self, slot: Slot, waiting: FairQueue) -> None:
        while not self._closed:
            run = waiting.get()
            if run.status != WAITING:
                continue
            if not self.store.hold(run.key):
                threading.Thread(target=self._follow, args=(run,), daemon=True, name="follow").start()
                continue
            slot.run, again = run, False
            try:
                if not self._found(run):
                    self._carry_out(run, slot)
            except Lost as loss:
                log.warning("run %s of %s was lost: %s", run.key, run.name, loss)
                slot.drop()
                again = True
            except Exception as error:  # the slot goes on, whatever happened to a run
                if self._closed:
                    return
                self._fail(run, "died", repr(error))
                slot.drop()
            finally:
                slot.run = None
                self.store.release(run.key)
            if again and not self._closed:
                self._again(run)

    def _again(self, run: Run) -> None:
        """Let a run that was lost begin again. What it has stays in sight."""
        run.status = WAITING
        if run.wish_to_stop.is_set():
            self._end(run, STOPPED)
        else:
            self._enqueue(run)

    def _follow(self, run: Run) -> None:
        """Another server on this store has this very run: show what it keeps of it; then take its result, or its
        place if it left none."""
        try:
            self._watch(run)
        except Exception as error:
            self._fail(run, "died", repr(error))

    def _watch(self, run: Run) -> None:
        run.status, run.started = RUNNING, time.monotonic()
        while not self.store.hold(run.key):
            if run.wish_to_stop.wait(LOOK) or self._closed:
                self._end(run, STOPPED)
                return
            if time.monotonic() - run.started > RUN_SECONDS:  # the other may be stuck; it would have ended by now
                self._fail(run, "too_long", "")
                return
            stored = self.store.load(run.key)
            if stored and stored.result.step > (run.result.step if run.result else -1):
                run.result, run.updates = stored.result, run.updates + 1
        self.store.release(run.key)
        run.status = WAITING
        self._enqueue(run)

    def _found(self, run: Run) -> bool:
        """Whether another server has meanwhile completed a run that was to be carried out here."""
        stored = None if run.anew or "ask" in run.job else self.store.complete(run.key)
        if stored is None:
            return False
        run.result, run.meta, run.stored, run.seconds = stored.result, stored.meta, True, stored.meta["seconds"]
        self._end(run, COMPLETE)
        return True

    def _end(self, run: Run, status: str) -> None:
        run.status, run.job = status, {}
        self.ended[status] += 1
        run.updates += 1
        run.done.set()

    def _carry_out(self, run: Run, slot: Slot) -> None:
        here = slot.worker()
        if run.status != WAITING:  # stopped while it waited for the worker
            return
        run.status, run.started = RUNNING, time.monotonic()
        own = {name: self.uploads.content(name) for name in uploaded(run.params).values()}
        if None in own.values():
            self._fail(run, "no_file", "")
            return
        job = run.job | {"own": own, "bytes": RUN_BYTES}
        if not here.takes(job):  # it died while it was idle: not this run's fault
            slot.drop()
            here = slot.worker()
            if not here.takes(job):
                raise here.lost()
        deadline, kept, looked = None, time.monotonic(), time.monotonic()
        seen = run.result.step if run.result else -1  # by those who carried it before
        while True:
            if run.wish_to_stop.is_set() and deadline is None:
                here.interrupt()
                deadline = time.monotonic() + KILL_AFTER
            if deadline and time.monotonic() > deadline:
                slot.drop()
                self._finish(run, STOPPED, None)
                return
            if (now := time.monotonic()) - looked > LOOK and deadline is None:
                looked = now
                if excess := self._excess(run, here, now):
                    slot.drop()
                    self._fail(run, excess, "")
                    return
            if not here.pipe.poll(0.02):
                if not here.alive():
                    raise here.lost()
                continue
            try:
                kind, *content = here.pipe.recv()
            except (EOFError, OSError):
                raise here.lost() from None
            if kind == "started":
                run.started = time.monotonic()
            elif kind == "lost":
                run.losses += 1
                raise Lost(*content) if run.losses <= LOSSES else RuntimeError(*content)
            elif kind == "refused":
                self._fail(run, *content)
                return
            elif kind == "failed":
                run.detail = content[0]
                self._fail(run, "raised", content[1])
                return
            elif kind == "done":
                status, result, state = content
                if result is not None and sum(a.nbytes for a in arrays(result).values()) > LARGEST_RESULT:
                    run.result = None
                    self._fail(run, "too_large", "")
                    return
                run.result = run.result if result is None else result
                self._finish(run, status, state)
                return
            elif content[0].step > seen:
                run.result = content[0]
                run.updates += 1
                if time.monotonic() - kept > CHECKPOINT:
                    kept = time.monotonic()
                    self._store(run, RUNNING, None)

    def _finish(self, run: Run, status: str, state: State | None) -> None:
        run.seconds = time.monotonic() - run.started
        run.meta = self._provenance(run, status) | ({"state": state} if state else {})
        self._end(run, status)
        log.info("run %s of %s on %s: %s after %.2f s", run.key, run.name, run.device, status, run.seconds)
        self._store(run, status, state)

    def _store(self, run: Run, status: str, state: State | None) -> None:
        if not all(map(self.uploads.wanted, uploaded(run.params).values())):  # deleted meanwhile
            return
        if isinstance(run.result, experiment(run.name).Result):  # answers to asks are not stored
            about, setting = self._provenance(run, status), setting_key(run.name, run.params)
            self.store.save(run.key, run.result, about, state, setting)

    def _provenance(self, run: Run, status: str) -> dict[str, Any]:
        return {
            "status": status,
            "concept": run.name,
            "device": engines.host(run.device),
            "engine": "fused kernel" if run.device == engines.FUSED else experiment(run.name).engine,
            "seconds": time.monotonic() - run.started,
            "versions": versions(),
            "saved": time.time(),
            "source": source_digest(run.name),
        }

    @staticmethod
    def _excess(run: Run, carrier: Worker | Line, now: float) -> str:
        """The failure code of a limit that a running run is over, or an empty string."""
        if carrier.taken() > RUN_BYTES:
            return "too_much_memory"
        return "too_long" if now - run.started > RUN_SECONDS else ""

    def _fail(self, run: Run, error: str, traceback: str) -> None:
        """End a run with a message: the reader gets a code's wording and a reference, the log gets the rest."""
        run.reference = uuid.uuid4().hex[:8]
        log.error("run %s of %s failed, reference %s: %s %s", run.key, run.name, run.reference, error, traceback)
        run.seconds = time.monotonic() - run.started if run.started else 0.0
        run.error = error
        self._end(run, FAILED)

    # What is looked after meanwhile

    def _repeat(self, task: Callable[[], None], pause: float) -> None:
        """Do this now and every so many seconds, whatever happens to it."""
        while not self._closed:
            try:
                task()
            except Exception:
                log.exception("what is looked after in the background failed, and is tried again")
            time.sleep(pause)

    def _tidy(self) -> None:
        """Stop what nobody has looked at for a while, and let go what need not be remembered."""
        now = time.monotonic()
        with self._lock:
            for run in list(self._runs.values()):
                gone = [watcher for watcher, seen in list(run.watchers.items()) if now - seen > GRACE]
                if run.live and len(gone) == len(run.watchers):
                    self.stop(run, "unwatched")
                elif not run.live:
                    for watcher in gone:
                        run.watchers.pop(watcher, None)
            self._let_go()

    def _sweep(self) -> None:
        """Look through what is on disk: give up what is past its end, and count what there is."""
        self.store.count()
        self.uploads.sweep()
        self.history.sweep()

    def _prune(self) -> None:
        if self.store.over:
            self.store.prune()


_shared: Manager | None = None
_shared_lock = threading.Lock()


def shared() -> Manager:
    """The one manager of this server, started at the first call."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Manager().start()
        return _shared
