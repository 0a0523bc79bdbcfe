"""The places in which runs are carried out, on this machine or on a cluster, and the queues before them.

A training place carries one run at a time, whatever it is. What is predicted to take a moment has a place beside them,
and so have questions to trained networks: neither waits for a training. Runs that were set aside while nobody looked
come back into places of their own where all others are taken. Imports no torch.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.concept.params import BaseParams
from core.concept.parts import experiment
from core.ml import fused
from core.runs import broker, cluster, cut, engines, limits, worker
from core.runs.cluster import Cluster, Line
from core.runs.engines import Engine
from core.runs.key import digest, versions
from core.runs.process import Worker, context_for
from core.runs.queue import FairQueue
from core.runs.run import Run

log = logging.getLogger("lab.runs")

TRAINING, MOMENTS, QUESTIONS, BACK = "training", "moments", "questions", "back"  # what a place is for


class Slot:
    """A place for one run on one device, with a spare worker behind it.

    kind: what it is for. sooner: other places, which are to take what takes a moment while they are free.
    """

    def __init__(self, device: str, kind: str = TRAINING, sooner: list[Slot] | None = None):
        self.device, self.kind, self.sooner = device, kind, sooner or []
        self.nice = worker.NICE if kind == TRAINING else 0
        self._spares: queue.Queue[Worker | None] = queue.Queue()
        self._coming = 0  # spares that are being warmed
        self.current: Worker | Line | None = None
        self.run: Run | None = None

    @property
    def warm(self) -> bool:
        """Whether a run could begin here at once."""
        return self.current is not None or not self._spares.empty()

    def suits(self, run: Run) -> bool:
        """Whether a run that waits may have this place now."""
        if self.kind == BACK or run.carrier is not None:
            return run.carrier is not None and self.kind in (BACK, TRAINING) and not (self.kind == BACK and run.yields)
        if self.kind == MOMENTS:
            return run.moment and self.warm
        return self.warm and not (run.moment and any(slot.warm and slot.run is None for slot in self.sooner))

    def hatch(self) -> threading.Thread:
        """Warm a further worker in the background."""
        self._coming += 1

        def warm() -> None:
            spare = None
            try:
                spare = Worker(self.device, self.nice)
                spare.wait()
                self._spares.put(spare)
            except Exception as error:
                log.error("no worker on %s: %s", self.device, error)
                if spare:
                    spare.kill()
                self._spares.put(None)
            self._coming -= 1

        hatching = threading.Thread(target=warm, daemon=True, name="hatch")
        hatching.start()
        return hatching

    def adopt(self, warm: Worker) -> None:
        self._spares.put(warm)

    def worker(self) -> Worker | Line:
        """The warm worker of this slot; a spare takes over when it is gone, or keeps much of its earlier runs. That a
        spare could not be started, perhaps long ago, is no run's fault: others are tried first. Raises RuntimeError."""
        if self.current and self.current.kept() > limits.KEPT_BYTES:
            self.drop()
        failures = 0
        while self.current is None or not self.current.alive():
            self.current = self._spares.get(timeout=180)
            if self._spares.empty() and not self._coming:
                self.hatch()
            failures += self.current is None
            if failures == limits.TRIES:
                raise RuntimeError("no worker could be started")
        return self.current

    def take(self, carrier: Worker) -> Worker:
        """Go on with the worker that a run has brought along; this place's own becomes the spare if there is none."""
        if isinstance(self.current, Worker) and self._spares.empty():
            self._spares.put(self.current)
            self.current = None
        self.drop()
        self.current = carrier
        return carrier

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

    def __init__(self, device: str, kind: str, share: Any, cluster: Cluster, sooner: list[Slot] | None = None):
        super().__init__(device, kind, sooner)
        self.share, self.cluster = share, cluster

    @property
    def warm(self) -> bool:
        return True

    def worker(self) -> Worker | Line:
        if self.current is None:
            self.current = self.cluster.line(self.share)
        return self.current


class Places:
    """All places of this server. `start` warms the workers in the background.

    serve: the life of a place's thread. root: where measured costs are kept. asked: training places on the CPU, 0 for
    one per processor.
    """

    def __init__(self, root: Path, asked: int, serve: Callable[[Slot, FairQueue], None]):
        self.root, self.asked, self._serve = root, asked, serve
        self.address = cluster.wanted()
        self.cpus = asked or os.cpu_count() or 1
        self.cluster: Cluster | None = None
        self.engines: list[Engine] = []
        self.ready = threading.Event()
        self.settled = threading.Event()  # all engines are known, the fused kernel too
        self.trouble = ""
        self.slots: list[Slot] = []
        self.queues: dict[str, FairQueue] = {}

    def start(self) -> None:
        address = self.address = cluster.wanted()
        begin = (lambda: self._join(address)) if address else self._warm
        threading.Thread(target=begin, daemon=True, name="warm").start()

    def queue(self, run: Run) -> FairQueue | None:
        """Where a run waits."""
        return self.queues.get(QUESTIONS if "ask" in run.job else run.device)

    def idle(self, device: str) -> int:
        """How many training places of an engine are free, and wanted by nobody who goes before further parts."""
        waits = self.queues.get(device)
        if waits is None or waits.crowded():
            return 0
        device = engines.host(device)
        return sum(slot.run is None for slot in self.slots if slot.kind == TRAINING and slot.device == device)

    def engine(self, device: str) -> Engine | None:
        return next((engine for engine in self.engines if engine.device == device), None)

    def predicted(self, name: str, params: BaseParams, device: str) -> float:
        """Seconds of a run by the engine's cost alone; 0 where there is no such engine."""
        engine = self.engine(device)
        return engine.seconds(experiment(name).cost(params)) if engine else 0.0

    def parts(self, name: str, params: BaseParams, device: str, places: int) -> list[cut.Part]:
        """How a run is cut for so many places, if the longest part is predicted to be enough shorter than the whole."""
        found = cut.cut(name, params, places)
        longest = max((self.predicted(name, part.params, device) for part in found), default=0.0)
        return found if longest < limits.PAYS * self.predicted(name, params, device) else []

    def helpers(self, slot: Slot) -> int:
        """How many further threads what is in this place may use: its share of the processors of free places."""
        if slot.kind != TRAINING or slot.device != "cpu":
            return 0
        busy = sum(other.run is not None for other in self.slots if other.kind == TRAINING)
        return self.idle(slot.device) // max(busy, 1)

    def status(self) -> list[dict[str, Any]]:
        """What every place carries now, then what waits with what it has; for the health endpoint, which anyone may
        read: names of experiments, nothing of their settings."""
        shown = [(slot.kind, slot.device, run) for slot in self.slots if (run := slot.run) or slot.kind != BACK]
        aside = [("paused", run.device, run) for waits in set(self.queues.values()) for run in waits.paused()]
        return [{"place": kind, "device": device} | _carried(run) for kind, device, run in shown + aside]

    def close(self) -> None:
        """End all workers."""
        if self.cluster:
            self.cluster.close()
        for waits in self.queues.values():
            for run in waits.paused():
                run.let_go()
        for slot in self.slots:
            slot.close()

    def _warm(self) -> None:
        """Start the first worker, learn the devices and their costs from it, then start the others."""
        try:
            first = Worker("cpu", measure=True)
            first.wait()
            path = self.root / "engines.json"
            stamp = digest([versions(), fused.digest(), first.devices, os.cpu_count()])
            known = engines.remembered(path, stamp)
            kernel = next((engine for engine in known if engine.device == engines.FUSED), None)
            found = {"cpu": first.engine}
            for device in first.devices:
                if device == "cpu":
                    self._beside_the_training(first)
                    continue
                other = Worker(device)
                other.wait()
                found[device] = other.engine
                slot = Slot(device)
                slot.adopt(other)
                self._open(device, [slot])
            usual = [engine for engine in known if engine is not kernel]
            self.engines = usual or [engine for engine in found.values() if engine]
            if not known:
                engines.remember(path, stamp, self.engines)
            self.ready.set()
            threading.Thread(target=self._spare, daemon=True, name="spares").start()
        except Exception as error:
            log.exception("workers could not be started")
            self.trouble = str(error)
            self.ready.set()
            self.settled.set()
            return
        if engines.wanted():
            self._build(path, stamp, kernel)
        self.settled.set()

    def _spare(self) -> None:
        """Warm a spare behind each place, also for the first Stop: one after the other, for runs have begun by now."""
        for slot in self.slots:
            if slot.kind != BACK:
                slot.hatch().join()

    def _beside_the_training(self, first: Worker) -> None:
        """The places of the processor."""
        moments, questions = Slot("cpu", MOMENTS), Slot("cpu", QUESTIONS)
        training = [Slot("cpu", sooner=[moments]) for _ in range(self.cpus)]
        training[0].adopt(first)
        for slot in (moments, *training[1:], questions):
            slot.hatch()
        self._open("cpu", [*training, moments, *(Slot("cpu", BACK) for _ in range(limits.PAUSED))])
        self._open(QUESTIONS, [questions])

    def _join(self, address: str) -> None:
        """Let runs go to the cluster at this address, with as many slots as it has places."""
        if not cluster.installed():
            log.error(cluster.MISSING)
            self.trouble = cluster.MISSING
            self.ready.set()
            return
        path, stamp = self.root / "cluster.json", digest([versions(), fused.digest(), address])
        known = {engine.device: engine for engine in engines.remembered(path, stamp)}

        def hear(kind: str, content: Any) -> None:
            if kind == "nodes":
                self._grow(content)
            elif content.device not in {engine.device for engine in self.engines}:
                if content.device == engines.FUSED:
                    self.queues[engines.FUSED] = self.queues["cpu"]
                self.engines = [*self.engines, known.get(content.device, content)]
                engines.remember(path, stamp, self.engines)
                self.ready.set()

        self.cluster = Cluster(address, hear).start()

    def _grow(self, nodes: list[dict[str, Any]]) -> None:
        """A slot for every place of the cluster. What it loses it may have again: until then runs wait in Ray."""
        assert self.cluster
        cpus, gpus = (sum(node[kind] for node in nodes) for kind in ("cpus", "gpus"))
        moments = [slot for slot in self.slots if slot.kind == MOMENTS]
        wanted = ((QUESTIONS, "cpu", len(nodes)), (MOMENTS, "cpu", len(nodes)))
        for kind, device, count in (*wanted, (TRAINING, "cpu", self.asked or cpus), (TRAINING, "cuda", gpus)):
            there = sum(slot.kind == kind and slot.device == device for slot in self.slots)
            share = broker.SHARES[device] if kind == TRAINING else kind
            sooner = moments if (kind, device) == (TRAINING, "cpu") else []
            new = [Place(device, kind, share, self.cluster, sooner) for _ in range(count - there)]
            if kind == MOMENTS:
                moments += new
            if new:
                self._open(QUESTIONS if kind == QUESTIONS else device, new)

    def _open(self, name: str, slots: list[Slot] | list[Place]) -> None:
        """Let these slots serve the queue of this name."""
        waits = self.queues.setdefault(name, FairQueue())
        for slot in slots:
            threading.Thread(target=self._serve, args=(slot, waits), daemon=True, name=name).start()
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
            built = ours.recv() if ours.poll(limits.BUILD) else "it took too long"
        except EOFError:
            built = "the compiler's process ended"
        process.kill()
        if not isinstance(built, Engine):
            log.warning("no fused kernel: %s", built)
            return
        self.queues[engines.FUSED] = self.queues["cpu"]
        self.engines = [*self.engines, known or built]
        if not known:
            engines.remember(path, stamp, self.engines)


def _carried(run: Run | None) -> dict[str, Any]:
    """A run as the status names it."""
    if run is None:
        return {"run": "", "part": 0, "parts": 0, "seen": False}
    of = list(run.whole.parts) if run.whole else []
    part = of.index(run) + 1 if run in of else 0
    return {"run": run.name, "part": part, "parts": len(of), "seen": not run.unseen}
