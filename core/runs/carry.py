"""How runs are carried out: the threads of the places listen to their workers, and hear when a run shall stop.

Stop is a flag first and a kill 150 ms later: the last Result is already here, and a spare worker is warm. A run that
yields (core/runs/run.py) is set aside when somebody waits for its place: its process stands still and waits with it.
What has outgrown a moment moves over in the same way. A long run that others leave places free for is cut into parts
that train there (core/runs/cut.py).
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter
from typing import Any

import psutil

from core.concept.params import uploaded
from core.concept.parts import experiment
from core.concept.result import arrays
from core.runs import cut, engines, limits
from core.runs.cluster import Line, Lost
from core.runs.forecast import Forecast
from core.runs.key import edited, run_key, setting_key, source_digest, versions
from core.runs.places import BACK, MOMENTS, TRAINING, Places, Slot
from core.runs.process import Worker
from core.runs.queue import FairQueue
from core.runs.run import COMPLETE, FAILED, RUNNING, STOPPED, WAITING, Run
from core.runs.store import LARGEST_RESULT, State, Store
from core.runs.uploads import Uploads

log = logging.getLogger("lab.runs")
EARLIER = 12  # Results of a part that are kept until all parts have come as far


class Whole:
    """A run that is cut: what its parts have given so far."""

    def __init__(self, run: Run, parts: list[cut.Part]):
        self.run, self.parts = run, parts
        self.lock = threading.Lock()
        self.results: list[list[Any]] = [[] for _ in parts]
        self.states: list[State | None] = [None] * len(parts)
        self.kept = time.monotonic()

    def add(self, number: int, result: Any) -> None:
        """A Result of a part; of many that the others have not come up to, every other one goes."""
        mine = self.results[number]
        mine.append(result)
        if len(mine) > EARLIER:
            del mine[1:-1:2]

    def so_far(self) -> Any:
        """The Result of the whole, as far as all parts are; None where one has none."""
        found = cut.latest(self.results)
        if found is None:
            return None
        for mine, used in zip(self.results, found):  # what came before will not be needed again
            del mine[: next(i for i, result in enumerate(mine) if result is used)]
        return cut.joined(self.run.name, self.run.params, self.parts, found)


class Carrier:
    """Carries out what waits. ended: runs by how they ended, since the start."""

    def __init__(self, store: Store, uploads: Uploads, asked: int):
        self.store, self.uploads = store, uploads
        self.places = Places(store.root, asked, self.serve)
        self.forecast = Forecast(store.root / "forecast.json")
        self.ended: Counter[str] = Counter()
        self.closed = False
        self._wholes: dict[str, Whole] = {}

    def put(self, run: Run) -> None:
        """Let a run wait for a place."""
        self.places.ready.wait()
        if waits := self.places.queue(run):
            waits.put(run)
        else:
            self.fail(run, "no_worker", self.places.trouble)

    def stop(self, run: Run, why: str = "") -> None:
        """End a run and keep what it has; returns at once. `why` is said to its reader, unless they asked for it."""
        if not run.wish_to_stop.is_set():
            run.error = why
        run.wish_to_stop.set()
        for part in run.parts:
            if part.status == WAITING:
                self._withdraw(part)
        if run.status == WAITING:
            self._withdraw(run)

    def _withdraw(self, run: Run) -> None:
        """End a run that waits."""
        waits = self.places.queue(run)
        run.seconds = run.aside - run.started if run.aside else 0.0
        self._end(run, STOPPED)
        if waits:
            waits.remove(run)
        run.let_go()

    def serve(self, slot: Slot, waiting: FairQueue) -> None:
        """The life of a place's thread."""
        while not self.closed:
            run = waiting.get(slot)
            try:
                if run.status == WAITING:
                    self._take(run, slot, waiting)
            finally:
                slot.run = None
                if slot.kind == BACK:
                    slot.drop()

    def _take(self, run: Run, slot: Slot, waiting: FairQueue) -> None:
        """Carry out a run, or part of one, until it has ended or waits again."""
        if run.whole is None and not self.store.hold(run.key):
            run.let_go()
            threading.Thread(target=self._follow, args=(run,), daemon=True, name="follow").start()
            return
        again = False
        try:
            if run.whole is None and self._found(run):
                return
            if parts := self._parts(run, slot):
                self._cut(run, parts)
                run = slot.run = run.parts[0]
                for other in run.whole.parts[1:] if run.whole else []:
                    waiting.put(other)
            again = self._carry_out(run, slot, waiting)
        except Lost as loss:
            log.warning("run %s of %s was lost: %s", run.key, run.name, loss)
            slot.drop()
            again = True
        except Exception as error:  # the slot goes on, whatever happened to a run
            if self.closed:
                return
            slot.drop()
            run.losses += run.whole is not None
            again = run.whole is not None and run.losses == 1  # the other parts would be in vain
            if not again:
                self.fail(run, "died", repr(error))
        finally:
            if run.whole is None:
                self.store.release(run.key)
        if again and not self.closed:
            slot.run = None
            self._again(run)

    def _again(self, run: Run) -> None:
        """Let a run wait again: with what it has, or to begin again. What was shown of it stays in sight."""
        run.status = WAITING
        if run.wish_to_stop.is_set():
            run.let_go()
            self._end(run, STOPPED)
        else:
            self.put(run)

    # What other servers on this store do

    def _follow(self, run: Run) -> None:
        """Another server on this store has this very run: show what it keeps of it; then take its result, or its
        place if it left none."""
        try:
            self._watch(run)
        except Exception as error:
            self.fail(run, "died", repr(error))

    def _watch(self, run: Run) -> None:
        run.status, run.started, run.aside = RUNNING, time.monotonic(), 0.0
        while not self.store.hold(run.key):
            if run.wish_to_stop.wait(limits.LOOK) or self.closed:
                self._end(run, STOPPED)
                return
            if time.monotonic() - run.started > limits.RUN_SECONDS:  # it may be stuck; it would have ended by now
                self.fail(run, "too_long", "")
                return
            stored = self.store.load(run.key)
            if stored and stored.result.step > (run.result.step if run.result else -1):
                run.result, run.updates = stored.result, run.updates + 1
        self.store.release(run.key)
        run.status = WAITING
        self.put(run)

    def _found(self, run: Run) -> bool:
        """Whether another server has meanwhile completed a run that was to be carried out here."""
        stored = None if run.anew or "ask" in run.job else self.store.complete(run.key)
        if stored is None:
            return False
        run.let_go()
        run.result, run.meta, run.stored, run.seconds = stored.result, stored.meta, True, stored.meta["seconds"]
        self._end(run, COMPLETE)
        return True

    # One run in one place

    def _carry_out(self, run: Run, slot: Slot, waiting: FairQueue) -> bool:
        """Have a worker carry out a run, or go on with it; whether it waits again."""
        brought, run.carrier = run.carrier, None
        if brought is not None and brought.alive():
            here: Worker | Line = slot.take(brought)
            brought.go_on()
            run.started += time.monotonic() - run.aside
            run.status, run.aside = RUNNING, 0.0
            return self._listen(run, slot, here, waiting)
        here = slot.worker()
        if run.status != WAITING:  # stopped while it waited for the worker
            return False
        run.status, run.started, run.aside = RUNNING, time.monotonic(), 0.0
        own = {name: self.uploads.content(name) for name in uploaded(run.params).values()}
        if None in own.values():
            self.fail(run, "no_file", "")
            return False
        if edited(run.name):
            self.fail(run, "edited", "")
            return False
        job = run.job | {"own": own, "bytes": limits.RUN_BYTES}
        here.helped(self.places.helpers(slot))
        if not here.takes(job):  # it died while it was idle: not this run's fault
            slot.drop()
            here = slot.worker()
            if not here.takes(job):
                raise here.lost()
        return self._listen(run, slot, here, waiting)

    def _listen(self, run: Run, slot: Slot, here: Worker | Line, waiting: FairQueue) -> bool:
        """Hear a worker until its run has ended, or is set aside: then it waits again."""
        deadline, kept, looked = None, time.monotonic(), time.monotonic()
        seen = run.result.step if run.result else -1  # by those who carried it before
        while True:
            if run.wish_to_stop.is_set() and deadline is None:
                here.interrupt()
                deadline = time.monotonic() + limits.KILL_AFTER
            if deadline and time.monotonic() > deadline:
                slot.drop()
                self._finish(run, STOPPED, None)
                return False
            if deadline is None:
                now = time.monotonic()
                if now - looked > limits.LOOK:
                    looked = now
                    if excess := self.excess(run, here, now):
                        slot.drop()
                        self.fail(run, excess, "")
                        return False
                    here.helped(self.places.helpers(slot))
                    if slot.kind == MOMENTS and isinstance(here, Worker) and here.worked() > limits.OUTGROWN:
                        run.moment = False
                        here.last_in_line()
                        self._put_by(run, slot, here)
                        return True
                if run.yields and waiting.room_wanted():
                    self._set_aside(run, slot, here, waiting)
                    return True
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
                raise Lost(*content) if run.losses <= limits.LOSSES else RuntimeError(*content)
            elif kind == "refused":
                self.fail(run, *content)
                return False
            elif kind == "failed":
                run.detail = content[0]
                self.fail(run, "raised", content[1])
                return False
            elif kind == "done":
                status, result, state = content
                if result is not None and sum(a.nbytes for a in arrays(result).values()) > LARGEST_RESULT:
                    run.result = None
                    self.fail(run, "too_large", "")
                    return False
                run.result = run.result if result is None else result
                self._finish(run, status, state)
                return False
            elif content[0].step > seen:
                run.result = content[0]
                run.updates += 1
                if run.whole:
                    self._further(run)
                elif time.monotonic() - kept > limits.CHECKPOINT:
                    kept = time.monotonic()
                    self._store(run, RUNNING, None)

    def _set_aside(self, run: Run, slot: Slot, here: Worker | Line, waiting: FairQueue) -> None:
        """Make room for who waits: the run stands still, or where that cannot be begins again later."""
        if isinstance(here, Worker) and len(waiting.paused()) < limits.PAUSED and not memory_is_short():
            self._put_by(run, slot, here)
            return
        run.aside = time.monotonic()
        slot.drop()

    def _put_by(self, run: Run, slot: Slot, here: Worker) -> None:
        """Let the process of a run stand still and wait with it; the place gets the spare."""
        here.pause()
        run.carrier, run.aside, slot.current = here, time.monotonic(), None

    @staticmethod
    def excess(run: Run, carrier: Worker | Line, now: float) -> str:
        """The failure code of a limit that a running run is over, or an empty string."""
        if carrier.taken() > limits.RUN_BYTES:
            return "too_much_memory"
        return "too_long" if now - run.started > limits.RUN_SECONDS else ""

    # Parts

    def _parts(self, run: Run, slot: Slot) -> list[cut.Part]:
        """How a run is cut now: into as many parts as there are places for, if that pays."""
        begun = run.started or run.carrier or run.whole or run.moment
        if slot.kind != TRAINING or begun or "ask" in run.job or run.predicted < limits.WORTH:
            return []
        return self.places.parts(run.name, run.params, run.device, self.places.idle(run.device) + 1)

    def _cut(self, run: Run, parts: list[cut.Part]) -> None:
        for part in parts:
            key = run_key(run.name, part.params, run.device)
            made = Run(key, run.name, part.params, run.device, run.predicted, whole=run)
            made.job = run.job | {"key": key, "params": part.params}
            made.watchers, made.people, made.wish_to_stop = run.watchers, run.people, run.wish_to_stop
            run.parts.append(made)
        self._wholes[run.key] = Whole(run, parts)
        run.status, run.started = RUNNING, time.monotonic()

    def _further(self, part: Run) -> None:
        """A part has a new Result: show the whole as far as all parts are."""
        run = part.whole
        assert run
        whole = self._wholes[run.key]
        with whole.lock:
            whole.add(run.parts.index(part), part.result)
            found = whole.so_far()
            if found is None or (run.result and found.step <= run.result.step):
                return
            run.result, run.updates = found, run.updates + 1
            if time.monotonic() - whole.kept > limits.CHECKPOINT:
                whole.kept = time.monotonic()
                self._store(run, RUNNING, None)

    def _part_ended(self, part: Run, state: State | None) -> None:
        """End the whole with its last part; one that fails takes the others along."""
        run = part.whole
        assert run
        whole = self._wholes.get(run.key)
        if whole is None:
            return
        with whole.lock:
            number = run.parts.index(part)
            whole.states[number] = state
            if part.result is not None:
                whole.add(number, part.result)
            last = not any(each.live for each in run.parts)
            if last:
                del self._wholes[run.key]
        if part.status == FAILED and not last:
            self.stop(run, run.error)
        if last:
            self._put_together(run, whole)

    def _put_together(self, run: Run, whole: Whole) -> None:
        try:
            failed = next((part for part in run.parts if part.status == FAILED), None)
            if failed:
                run.detail, run.result = failed.detail, whole.so_far() or run.result
                self.fail(run, failed.error, "in a part")
                return
            run.result = whole.so_far() or run.result
            complete = all(part.status == COMPLETE for part in run.parts)
            state = cut.state_of_all(run.name, run.params, whole.parts, whole.states) if complete else None
            if run.result is not None and sum(a.nbytes for a in arrays(run.result).values()) > LARGEST_RESULT:
                run.result = None
                self.fail(run, "too_large", "")
                return
            self._finish(run, COMPLETE if complete else STOPPED, state)
        except Exception as error:
            self.fail(run, "died", repr(error))
        finally:
            run.parts.clear()
            self.store.release(run.key)

    # Ends

    def _end(self, run: Run, status: str, state: State | None = None) -> None:
        run.status, run.job = status, {}
        run.updates += 1
        if run.whole:
            run.done.set()
            self._part_ended(run, state)
            return
        self.ended[status] += 1
        run.done.set()

    def _finish(self, run: Run, status: str, state: State | None) -> None:
        run.seconds = time.monotonic() - run.started
        if status == COMPLETE and not run.parts and "ask" not in run.job:
            raw = self.places.predicted(run.name, run.params, run.device)
            self.forecast.learn(run.name, run.device, raw, run.seconds)
        if run.whole:
            self._end(run, status, state)
            return
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

    def fail(self, run: Run, error: str, traceback: str) -> None:
        """End a run with a message: the reader gets a code's wording and a reference, the log gets the rest."""
        run.reference = uuid.uuid4().hex[:8]
        log.error("run %s of %s failed, reference %s: %s %s", run.key, run.name, run.reference, error, traceback)
        run.seconds = time.monotonic() - run.started if run.started else 0.0
        run.error = error
        self._end(run, FAILED)


def memory_is_short() -> bool:
    """Whether this machine has little memory left: what is set aside then ends, or begins again."""
    return psutil.virtual_memory().available < limits.SHORT_BYTES
