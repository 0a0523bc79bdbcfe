"""Runs as the web process sees them: ask for one, look at it, stop it. Imports no torch.

This is the one door to what was computed. Whatever gives a run, or something of it, is told who asks, and raises
NotHere where the run is on a file that is not here for them; who is not named reads what is shared, and no more.
Equal questions share one run. Who trains it, where and when: core/runs/places.py and core/runs/carry.py.
"""

from __future__ import annotations

import atexit
import dataclasses
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from core.concept.params import BaseParams, uploaded
from core.concept.parts import experiment
from core.ml import fused
from core.runs import engines, limits
from core.runs.carry import Carrier, memory_is_short
from core.runs.engines import Engine
from core.runs.history import History
from core.runs.key import ask_key, digest, run_key, setting_key, versions
from core.runs.memory import Memory
from core.runs.places import BACK
from core.runs.run import COMPLETE, FAILED, STOPPED, WAITING, Run
from core.runs.store import State, Store, Stored, shipped
from core.runs.uploads import ANYONE, NotHere, Uploads

log = logging.getLogger("lab.runs")


class Manager:
    """All runs of this server. `start` warms the workers in the background; `ask` never blocks on a run."""

    def __init__(self, store: Store | None = None, cpu_slots: int | None = None):
        self.store = store or Store()
        self.uploads = Uploads(self.store.root / "uploads", forget=self._forget)
        self.history = History(self.store.root / "history", self.uploads.readable)
        self.carrier = Carrier(self.store, self.uploads, cpu_slots or int(os.environ.get("LAB_WORKERS", 0)))
        self.places, self.forecast = self.carrier.places, self.carrier.forecast
        self.ready, self.settled = self.places.ready, self.places.settled
        self.memory = Memory()
        self._shipped: dict[str, Run | None] = {}
        self._closed = False

    def start(self) -> Manager:
        self.forecast.open(digest([versions(), fused.digest(), os.cpu_count(), self.places.address]))
        self.places.start()
        threading.Thread(target=self._repeat, args=(self._tidy, 1.0), daemon=True, name="tidy").start()
        threading.Thread(target=self._repeat, args=(self._sweep, limits.SWEEP), daemon=True, name="sweep").start()
        threading.Thread(target=self._repeat, args=(self._prune, 1.0), daemon=True, name="prune").start()
        atexit.register(self.close)
        return self

    # Asking

    def engine_for(self, name: str, params: BaseParams, device: str = "auto") -> Engine:
        """The engine a run would take: the cheapest by measured cost, or the one asked for."""
        known = self.places.engines or [Engine("cpu", 1e-4, 2e10)]  # until the first worker has measured
        asked = experiment(name)
        able = [e for e in known if e.device.split(":")[0] in asked.devices]
        return engines.choose(asked.cost(params), [e for e in able if e.device.startswith(device)] or able)

    def seconds(self, name: str, params: BaseParams, device: str = "auto") -> float:
        """How long a run is expected to take, as readers are told: by what such runs took on this machine, cut into as
        many parts as there are places for now."""
        params, engine = experiment(name).settings(params), self.engine_for(name, params, device)
        cost = experiment(name).cost(params)
        seconds = engine.seconds(cost) * self.forecast.factor(name, engine.device)
        if seconds < limits.WORTH:
            return seconds
        parts = self.places.parts(name, params, engine.device, self.places.idle(engine.device))
        whole = engine.seconds(cost)
        return seconds * max((engine.seconds(experiment(name).cost(p.params)) for p in parts), default=whole) / whole

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
        with self.memory.lock:
            run = self.memory.get(key)
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
        if seconds > limits.RUN_SECONDS:
            return "too_long", seconds, limits.RUN_SECONDS
        if cost.bytes > limits.RUN_BYTES:
            return "too_much_memory", cost.bytes, limits.RUN_BYTES
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
        cost, seconds = experiment(name).cost(params), self.seconds(name, params, device)
        chunk = max(1, int(cost.steps * limits.KILL_AFTER / 3 / engine.seconds(cost)))
        known = None if anew else self.find(name, params, device, person=person)
        device = known.device if known else engine.device  # perhaps a run on another engine
        key = known.key if known else key
        job = {"key": key, "name": name, "params": params, "device": device, "chunk": chunk}
        refused = self.refusal(name, params, device)
        if refused and not known:
            run = Run(key, name, params, engine.device, 0.0, FAILED, error=refused[0])
            run.done.set()
            return run
        return self._submit(key, job, seconds, watcher, anew, person)

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
        run, new = None if "ask" in job or anew else self._find(key, job["name"], job["params"]), False
        with self.memory.lock:
            current = self.memory.get(key)
            if run is None and current and current.open and (current.live or not anew):
                run = current
            if run is None or not run.open:  # nobody has it, or who had it has just left
                run = Run(key, job["name"], job["params"], job["device"], predicted, anew=anew, job=job)
                run.moment = predicted < limits.MOMENT and engines.host(run.device) == "cpu"
                new = True
                self.memory.put(run)
            run.watchers[watcher] = time.monotonic()
            if run.live:
                run.people.add(person or watcher)
        if new and self.ready.is_set():
            self.carrier.put(run)
        elif new:
            threading.Thread(target=self.carrier.put, args=(run,), daemon=True).start()
        return run

    def _keep(self, run: Run) -> Run:
        with self.memory.lock:
            kept = self.memory.get(run.key)
            if kept and kept.open:
                return kept
            self.memory.put(run)
            return run

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
        with self.memory.lock:
            run.watchers.pop(watcher, None)
            if run.live and not run.watchers:
                self.stop(run)

    def quit(self, run: Run, watcher: str, person: str = ANYONE) -> Run:
        """A session presses Stop. Its run as it stands now; the run itself ends unless someone else looks at it."""
        self.allow(run.name, run.params, person)
        with self.memory.lock:
            others = set(run.watchers) - {watcher}
        if not others:
            self.stop(run)
            return run
        self.leave(run, watcher)
        return dataclasses.replace(run, status=STOPPED, watchers={}, drawn={}, seconds=run.elapsed)

    def stop(self, run: Run, why: str = "") -> None:
        """End a run and keep what it has; returns at once. `why` is said to its reader, unless they asked for it."""
        self.carrier.stop(run, why)

    def delete(self, upload: str, person: str) -> None:
        """Give up a person's upload, and with its last holder everything that was computed from it."""
        self.uploads.delete(upload, person)

    def _forget(self, uploads: list[str]) -> None:
        """Remove everything that was computed from these uploads."""
        with self.memory.lock:
            for run in [run for run in self.memory if set(uploads) & set(uploaded(run.params).values())]:
                self.stop(run, "no_file")
                self.memory.remove(run)
        self.store.forget(uploads)

    def position(self, run: Run) -> int:
        """How many runs wait before this one, itself included; 0 once it runs."""
        waits = self.places.queue(run)
        order = waits.order() if waits else []
        return order.index(run) + 1 if run in order else 0

    def looking(self) -> int:
        """How many sessions look at a run that is under way."""
        recent = time.monotonic() - 5
        return sum(seen > recent for run in self.memory for seen in list(run.watchers.values()))

    def pause(self) -> float:
        """Seconds a page should wait between looks at its run: longer when many pages look."""
        return min(2.0, limits.LOOK * max(1.0, self.looking() / 12))

    @property
    def unreachable(self) -> bool:
        """Whether runs wait because the cluster they should go to cannot be used just now."""
        return bool(self.places.cluster and self.places.cluster.trouble)

    def status(self) -> dict[str, Any]:
        """Places, queues, store and engines, for the health endpoint."""
        places, slots = self.places, [slot for slot in self.places.slots if slot.kind != BACK or slot.run]
        return {
            "ready": self.ready.is_set() and not places.trouble,
            "trouble": places.trouble,
            "engines": [{"device": e.device, "step_seconds": e.overhead, "flops": e.rate} for e in places.engines],
            "workers": len(slots),
            "busy": sum(slot.run is not None for slot in slots),
            "places": places.status(),
            "queued": sum(r.status == WAITING for r in self.memory),
            "looking": self.looking(),
            "ended": dict(self.carrier.ended),
            "cluster": places.cluster.status() if places.cluster else None,
            "store": self.store.usage() | {"trouble": self.store.trouble},
            "uploads": self.uploads.usage(),
        }

    def close(self) -> None:
        """End all workers."""
        self._closed = self.carrier.closed = True
        self.places.close()

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
        """Stop what nobody has looked at for a while, or sooner where memory is short and it only waits; let go what
        need not be remembered."""
        now = time.monotonic()
        with self.memory.lock:
            for run in self.memory:
                gone = [watcher for watcher, seen in list(run.watchers.items()) if now - seen > limits.GRACE]
                if run.live and len(gone) == len(run.watchers):
                    self.stop(run, "unwatched")
                elif not run.live:
                    for watcher in gone:
                        run.watchers.pop(watcher, None)
            aside = [run for run in self.memory if run.carrier is not None and run.unseen]
            if aside and memory_is_short():
                self.stop(min(aside, key=lambda run: run.aside), "unwatched")
            self.memory.let_go()

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
