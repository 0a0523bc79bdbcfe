"""Runs in workers: shared, stopped, killed, found again; and no worker outlives its server.

What a page may rely on holds on the workers of this machine and on a Ray cluster alike.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from core.concept.params import write
from core.concept.parts import Cost, experiment, train_module
from core.concept.result import same
from core.concepts.optimizer_race.params import TINY, Params
from core.ml.rules import Contender
from core.runs import engines, key, limits, places, worker
from core.runs.carry import Carrier
from core.runs.engines import Engine
from core.runs.key import run_key
from core.runs.manager import Manager
from core.runs.process import Worker
from core.runs.queue import FairQueue
from core.runs.run import COMPLETE, FAILED, RUNNING, STOPPED, WAITING, Run
from core.runs.store import Store

ROOT = Path(__file__).resolve().parents[1]
RACE = "optimizer_race"
LONG = TINY.replace(data="digits", epochs=300, batch=4)  # many short steps
# One step takes more than a second, in which no Result is handed out and no flag is looked at.
HEAVY = Params(contenders=(Contender(rule="sgd"),), seeds=20, width=256, depth=6, batch=1024, epochs=50)

_seed = iter(range(1000, 100_000))


def fresh(params: Params = TINY) -> Params:
    """The same amount of work under a key of its own."""
    return params.replace(data_seed=next(_seed))


@pytest.fixture(scope="module", params=["local", pytest.param("ray", marks=pytest.mark.ray)])
def manager(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    manager = Manager(Store(tmp_path_factory.mktemp("store")), cpu_slots=1)
    nodes = None
    if request.param == "ray":
        pytest.importorskip("ray", reason="Ray is optional; `make test-ray` installs it")
        from tests.ray_cluster import Nodes

        nodes = Nodes()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RAY_ADDRESS", nodes.address)
            manager.start()
    else:
        manager.start()
    try:
        assert manager.ready.wait(120) and not manager.places.trouble
        manager.pid = lambda: nodes.workers()[0].pid if nodes else manager.places.slots[0].current.process.pid  # type: ignore
        yield manager
    finally:
        manager.close()
        if nodes:
            nodes.close()


@pytest.fixture(autouse=True)
def training(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a moment trains in the one place too: of the place it has otherwise is `tests/test_carry.py`."""
    monkeypatch.setattr(limits, "MOMENT", 0.0)


def done(run: Run, seconds: float = 60) -> str:
    assert run.done.wait(seconds), run.status
    return run.status


def until(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def pid(manager: Any) -> int:
    """The process that trains."""
    return manager.pid()


def test_a_run_gives_the_numbers_of_training_here(manager: Manager) -> None:
    run = manager.ask(RACE, TINY)
    assert done(run) == COMPLETE and not run.stored and run.result
    *_, expected = train_module(RACE).train(TINY)
    assert same(run.result, expected)
    assert run.fraction == 1 and run.seconds > 0 and run.meta["status"] == COMPLETE


def test_a_hundred_askers_share_one_run(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[Run] = []
    carry_out = manager.carrier._carry_out
    monkeypatch.setattr(manager.carrier, "_carry_out", lambda run, *at: computed.append(run) or carry_out(run, *at))
    params, found, gate = fresh(), [], threading.Barrier(100)

    def ask(i: int) -> None:
        gate.wait()
        found.append(manager.ask(RACE, params, f"session {i}"))

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 100 and len({id(run) for run in found}) == 1
    assert done(found[0]) == COMPLETE and len(found[0].watchers) == 100
    assert manager.ask(RACE, params) is found[0]
    assert computed == [found[0]]


def test_a_stored_run_is_found_without_a_worker(manager: Manager) -> None:
    params = fresh()
    run = manager.ask(RACE, params)
    assert done(run) == COMPLETE
    until(lambda: manager.store.complete(run.key))
    other = Manager(Store(manager.store.root))  # never started: it has no worker
    found = other.find(RACE, params)
    assert found and found.stored and found.status == COMPLETE and found.result and run.result
    assert same(found.result, run.result)
    assert other.ask(RACE, params) is found and not other.places.slots
    latest = other.latest(RACE, params)
    assert latest and latest.result and same(latest.result, run.result)
    assert other.find(RACE, fresh()) is None


def test_trained_anew_is_another_run_with_the_same_bits(manager: Manager) -> None:
    params = fresh()
    first = manager.ask(RACE, params)
    assert done(first) == COMPLETE
    again = manager.ask(RACE, params, anew=True)
    assert again is not first and done(again) == COMPLETE and not again.stored
    assert first.result and again.result and same(first.result, again.result)


# Stopping


def test_stop_is_heard_and_keeps_what_the_run_has(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KILL_AFTER", 30.0)
    run = manager.ask(RACE, fresh(LONG))
    until(lambda: run.updates >= 2)
    before = pid(manager)
    manager.stop(run)
    assert done(run, 20) == STOPPED
    assert run.result and 0 < run.result.step < run.result.total and 0 < run.fraction < 1
    assert not run.result.complete and np.isfinite(run.result.loss[..., -1, :]).all()
    assert done(manager.ask(RACE, fresh())) == COMPLETE
    assert pid(manager) == before  # it heard the flag and lives on
    assert manager.find(RACE, run.params) is None  # what was stopped is not a hit


def test_stop_in_the_middle_of_a_long_step_kills_the_worker(manager: Manager) -> None:
    run = manager.ask(RACE, fresh(HEAVY))
    until(lambda: run.status == RUNNING and run.updates, 120)
    time.sleep(0.3)
    before, updates = pid(manager), run.updates
    begin = time.monotonic()
    manager.stop(run)
    assert done(run, 10) == STOPPED
    took = time.monotonic() - begin
    assert run.updates == updates + 1
    assert run.result is not None and run.result.step < run.result.total
    assert done(manager.ask(RACE, fresh())) == COMPLETE
    if manager.places.cluster is None:  # there, a step is interrupted between two operations, and the process lives on
        assert took > limits.KILL_AFTER and pid(manager) != before
        until(lambda: not psutil.pid_exists(before) or psutil.Process(before).status() == psutil.STATUS_ZOMBIE)


def test_a_run_that_waits_is_stopped_without_having_begun(manager: Manager) -> None:
    first, second = manager.ask(RACE, fresh(LONG)), manager.ask(RACE, fresh(LONG))
    until(lambda: first.status == RUNNING and manager.position(second) == 1)
    assert second.status == WAITING
    manager.stop(second)
    assert done(second, 10) == STOPPED and second.result is None and manager.position(second) == 0
    manager.stop(first)
    assert done(first, 10) == STOPPED
    assert done(manager.ask(RACE, fresh())) == COMPLETE and second.started == 0


def test_a_run_that_is_stopped_while_it_waits_for_a_worker_stays_stopped(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = manager.places.slots[0]
    warm, entered, leave = slot.worker, threading.Event(), threading.Event()
    monkeypatch.setattr(slot, "worker", lambda: (entered.set(), leave.wait(10), warm())[-1])
    run = manager.ask(RACE, fresh(LONG))
    assert entered.wait(10)
    manager.stop(run)
    assert done(run, 5) == STOPPED
    leave.set()
    assert done(manager.ask(RACE, fresh())) == COMPLETE
    assert run.status == STOPPED and run.started == 0


def test_a_run_goes_on_while_anyone_looks_at_it(manager: Manager) -> None:
    params = fresh(LONG)
    run = manager.ask(RACE, params, "one")
    assert manager.ask(RACE, params, "other") is run
    until(lambda: run.updates)
    manager.leave(run, "one")
    time.sleep(0.1)
    assert run.live
    manager.leave(run, "other")
    assert done(run, 10) == STOPPED


def test_who_comes_while_the_last_one_leaves_gets_an_answer(manager: Manager) -> None:
    params = fresh(LONG)
    run = manager.ask(RACE, params, "one")
    until(lambda: run.updates)
    assert manager.find(RACE, params, watcher="other") is run
    manager.leave(run, "one")
    assert run.open
    manager.leave(run, "other")
    assert run.live and not run.open  # it is about to be stopped
    again = manager.ask(RACE, params, "late")
    assert again is not run and again.open
    assert done(run, 10) == STOPPED
    until(lambda: again.updates)
    manager.leave(again, "late")
    assert done(again, 10) == STOPPED


def test_a_run_that_nobody_looks_at_ends(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GRACE", 0.5)
    run = manager.ask(RACE, fresh(LONG), "gone")
    assert done(run, 20) == STOPPED
    assert run.error == "unwatched"  # its reader is told, when they come back


def test_a_reader_s_own_stop_needs_no_reason(manager: Manager) -> None:
    run = manager.ask(RACE, fresh(LONG), "reader")
    until(lambda: run.updates)
    manager.quit(run, "reader")
    assert done(run, 20) == STOPPED and run.error == ""


# Failing


def test_a_worker_that_is_killed_fails_its_run_and_no_other(manager: Manager) -> None:
    run = manager.ask(RACE, fresh(LONG))
    until(lambda: run.updates)
    os.kill(pid(manager), signal.SIGKILL)
    if manager.places.cluster is None:
        assert done(run, 20) == FAILED
        assert run.error == "died" and len(run.reference) == 8
    else:  # a lost node looks the same: begun again
        before = run.result
        until(lambda: run.losses and run.result is not before)
        assert run.result and before and run.result.step > before.step
        manager.stop(run)
        assert done(run, 20) == STOPPED
    again = manager.ask(RACE, fresh())
    assert done(again) == COMPLETE and not again.error
    os.kill(pid(manager), signal.SIGKILL)  # now while it is idle
    assert done(manager.ask(RACE, fresh())) == COMPLETE


def test_an_experiment_that_raises_fails_with_its_message(manager: Manager) -> None:
    broken = fresh()
    object.__setattr__(broken, "data", "torus")  # what no Params can hold, nor a link bring
    run = manager.ask(RACE, broken)
    assert done(run) == FAILED
    assert run.error == "raised" and "torus" in run.detail and len(run.reference) == 8
    before = pid(manager)
    assert done(manager.ask(RACE, fresh())) == COMPLETE
    assert pid(manager) == before


def test_code_that_was_changed_since_its_workers_imported_it_is_not_run(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(key, "STARTED", 0.0)  # all files are younger
        run = manager.ask(RACE, fresh())
        assert done(run) == FAILED and run.error == "edited"
    assert done(manager.ask(RACE, fresh())) == COMPLETE


def test_a_run_over_its_limits_ends(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(limits, "RUN_SECONDS", 1e-6)
        refused = manager.ask(RACE, fresh(LONG))
        assert (refused.status, refused.error) == (FAILED, "too_long") and not refused.started
    run = manager.ask(RACE, fresh(LONG))
    until(lambda: run.status == RUNNING)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "RUN_SECONDS", 0.01)
        assert done(run, 20) == FAILED and run.error == "too_long"
    assert done(manager.ask(RACE, fresh())) == COMPLETE


# The queue


def test_a_question_does_not_wait_for_a_training(manager: Manager) -> None:
    trained = manager.ask("perceptron", experiment("perceptron").tiny, "me")
    assert done(trained) == COMPLETE
    long = manager.ask(RACE, fresh(LONG), "me", device="cpu")
    until(lambda: long.status == RUNNING)
    asked = manager.question(trained, "classify", experiment("perceptron").ask("classify").question(), "me")
    assert done(asked) == COMPLETE and long.live
    manager.stop(long)
    done(long)


def test_an_answer_may_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `answer` yields is said as it comes, and ends where it is to stop."""
    grown = [SimpleNamespace(step=i, total=3, complete=i == 3) for i in range(1, 4)]
    monkeypatch.setattr(
        "core.concept.parts.train_module", lambda name: SimpleNamespace(answer=lambda *job: iter(grown))
    )
    job = dict.fromkeys(("params", "result", "state", "question")) | {"name": RACE, "ask": "dream", "own": {}}
    first, *_, last = worker.messages(job, lambda: False)
    assert first == ("partial", grown[0]) and last == ("done", "complete", grown[2], None)
    assert [*worker.messages(job, lambda: True)] == [("done", "stopped", grown[0], None)]


def test_people_take_turns() -> None:
    def run(person: str) -> Run:
        return Run("", RACE, TINY, "cpu", 0.0, people={person})

    queue, one, other = FairQueue(), [run("one") for _ in range(30)], run("other")
    for waiting in (*one, other):
        queue.put(waiting)
    expected = [one[0], other, *one[1:]]  # thirty tabs of one person, then one of another
    assert [id(r) for r in queue.order()] == [id(r) for r in expected]
    assert [id(queue.get()) for _ in range(31)] == [id(r) for r in expected]


# The server


SERVER = """
import json, sys, time
from pathlib import Path
from core.concepts.optimizer_race.params import Params
from core.ml.rules import Contender
from core.concept.params import write
from core.runs.manager import Manager
from core.runs.store import Store

HEAVY = {"seeds": 20, "width": 256, "depth": 6, "batch": 1024, "epochs": 5}  # seconds pass between two Results

if __name__ == "__main__":
    manager = Manager(Store(Path(sys.argv[1])), cpu_slots=1).start()
    manager.ready.wait()
    run = manager.ask("optimizer_race", Params(contenders=(Contender("sgd"), Contender("sgd", 0.1)), **HEAVY))
    while not run.updates:
        time.sleep(0.01)
    worker = manager.places.slots[0].current.process.pid
    print(json.dumps({"torch": "torch" in sys.modules, "worker": worker}), flush=True)
    time.sleep(60)
"""


def test_workers_die_with_a_server_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER, "utf-8")
    command = [sys.executable, str(tmp_path / "server.py"), str(tmp_path / "store")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        said = json.loads(server.stdout.readline())
        assert said["torch"] is False  # the process that serves pages never imports it
        family = psutil.Process(server.pid).children(recursive=True)
        workers = [process for process in family if process.ppid() != server.pid]
        assert said["worker"] in {process.pid for process in workers}
        server.kill()
        server.wait(5)

    def runs_on(process: psutil.Process) -> bool:
        try:
            return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    try:
        until(lambda: not any(map(runs_on, workers)), 2)
        until(lambda: not any(map(runs_on, family)), 30)
    finally:
        for process in filter(runs_on, family):
            process.kill()


STARTING = """
import os, sys, time
from multiprocessing import forkserver
from pathlib import Path
import psutil
from core.concepts.optimizer_race.params import Params
from core.runs.manager import Manager
from core.runs.store import Store

def starter():
    return forkserver._forkserver._forkserver_pid

def slow(folder):
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, os.environ["PYTHONPATH"]])

if __name__ == "__main__":
    store, folder, begins = sys.argv[1:]
    first = None
    if begins == "at first":
        slow(folder)
    manager = Manager(Store(Path(store)), cpu_slots=1).start()
    if begins == "again":
        manager.ready.wait()
        slow(folder)
        first = starter()
        for process in psutil.Process().children(recursive=True):
            if "forkserver" in " ".join(process.cmdline()):
                process.kill()
        manager.ask("optimizer_race", Params())
    while starter() in (None, first):
        time.sleep(0.001)
    time.sleep(1)
    print(starter(), flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
@pytest.mark.parametrize("begins", ["at first", "again"])
def test_nothing_outlives_a_server_that_is_killed_while_it_starts_workers(tmp_path: Path, begins: str) -> None:
    """What starts them, at first or since it was killed, ends before it has imported torch, however long that takes."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "torch.py").write_text("import time; time.sleep(20)")  # in its place
    (tmp_path / "server.py").write_text(STARTING, "utf-8")
    command = [sys.executable, str(tmp_path / "server.py"), str(tmp_path / "store"), str(tmp_path / "slow"), begins]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        starter = psutil.Process(int(server.stdout.readline()))
        family = psutil.Process(server.pid).children(recursive=True)
        assert starter in family
        server.kill()
        server.wait(5)
    try:
        _, left = psutil.wait_procs(family, timeout=3)
        assert not left
    finally:
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()


def test_finished_runs_are_not_kept_in_memory_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 5)
    manager = Manager(Store(tmp_path))  # without workers: every run fails at once
    manager.places.trouble = "none in this test"
    manager.ready.set()
    for seed in range(40):
        assert done(manager.ask(RACE, TINY.replace(data_seed=seed))) == FAILED
    assert len(list(manager.memory)) <= 6


def idle(tmp_path: Path) -> Manager:
    """A manager that was never started: without workers and threads."""
    return Manager(Store(tmp_path / "store"), cpu_slots=1)


def over(key: str, size: int) -> Run:
    """A run that is complete, with networks of so many bytes."""
    run = Run(key, RACE, TINY, "cpu", 0.0, COMPLETE, meta={"state": {"weights": np.zeros(size, np.uint8)}})
    run.watchers = {"gone": -1e9, "here": time.monotonic()}
    return run


def test_what_finished_runs_hold_is_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED_BYTES", 10_000)
    manager = idle(tmp_path)
    made = [over(f"{i:040x}", 3_000) for i in range(6)]
    live = Run("f" * 40, RACE, TINY, "cpu", 0.0, RUNNING, meta={"state": {"weights": np.zeros(99_000, np.uint8)}})
    for run in (live, *made):
        manager.memory.put(run)
    assert list(manager.memory) == [live, *made[3:]]
    assert ["state" in run.meta for run in made] == [False] * 3 + [True] * 3  # a page may still show the others
    made[5].drawn[("figure", "en")] = (1, "x" * 2_000)  # figures come later, and count too
    manager._tidy()
    assert list(manager.memory) == [live, *made[4:]]
    manager.memory.put(large := over("a" * 40, 50_000))
    assert list(manager.memory) == [live, large] and "state" in large.meta  # the latest stays


def test_nothing_is_kept_for_those_who_have_gone(tmp_path: Path) -> None:
    manager, run = idle(tmp_path), over("a" * 40, 1)
    manager.memory.put(run)
    manager._tidy()
    assert list(run.watchers) == ["here"]


def test_health_looks_through_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = idle(tmp_path)

    def walked(*_: object, **__: object) -> None:
        raise AssertionError("looked through a folder")

    for owner, name in ((Path, "glob"), (Path, "iterdir"), (os, "scandir"), (os, "listdir"), (os, "stat")):
        monkeypatch.setattr(owner, name, walked)
    status = manager.status()
    assert status["store"] == {"runs": 0, "bytes": 0, "trouble": ""} and status["uploads"]["files"] == 0


def test_what_is_looked_after_goes_on_after_an_exception(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    manager, times = idle(tmp_path), []

    def fails() -> None:
        times.append(1)
        manager._closed = len(times) == 3
        raise RuntimeError("bad luck")

    manager._repeat(fails, 0.0)
    assert len(times) == 3 and caplog.text.count("RuntimeError: bad luck") == 3


class Fake:
    """A worker that takes nothing, and starts or does not. `memory` is what it holds."""

    memory, starts = 0.0, True

    def __init__(self, device: str, nice: int):
        self.killed = False

    def wait(self) -> None:
        if not self.starts:
            raise RuntimeError("no memory to fork")

    def alive(self) -> bool:
        return not self.killed

    def kept(self) -> float:
        return self.memory

    def kill(self) -> None:
        self.killed = True


def test_a_spare_that_could_not_be_started_fails_no_later_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "Worker", Fake)
    slot = places.Slot("cpu")
    with monkeypatch.context() as patch:
        patch.setattr(Fake, "starts", False)
        slot.hatch()
        until(lambda: not slot._spares.empty())
    assert slot.worker().alive()  # a new one was hatched
    slot.drop()
    monkeypatch.setattr(Fake, "starts", False)
    slot._spares.get(timeout=10)
    slot.hatch()
    with pytest.raises(RuntimeError, match="no worker could be started"):  # not tried for ever
        slot.worker()


def test_a_worker_that_keeps_much_gives_way_to_its_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "Worker", Fake)
    slot = places.Slot("cpu")
    slot.hatch()
    first = slot.worker()
    first.memory = limits.KEPT_BYTES  # type: ignore[union-attr]
    assert slot.worker() is first
    first.memory += 1  # type: ignore[union-attr]
    assert slot.worker() is not first and not first.alive()


def test_what_a_worker_had_before_a_run_is_not_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RUN_BYTES", 3e9)
    held = iter([400e6, 2400e6, 1600e6, 1600e6, 4500e6, 4700e6])
    here = object.__new__(Worker)
    here._fresh = here._before = 0.0
    monkeypatch.setattr(Worker, "_time", lambda self: 0.0)
    monkeypatch.setattr(Worker, "_memory", lambda self: next(held))
    assert here.kept() == 0
    here._begin()
    run = Run("a" * 40, RACE, TINY, "cpu", 0.0, RUNNING, started=time.monotonic())
    assert Carrier.excess(run, here, time.monotonic()) == ""  # 2.0 GB
    assert here.kept() == 1200e6
    here._begin()
    assert Carrier.excess(run, here, time.monotonic()) == ""  # 2.9 GB, in a worker of 4.5
    assert Carrier.excess(run, here, time.monotonic()) == "too_much_memory"  # 3.1 GB


# The fused kernel


def test_the_kernel_is_built_beside_the_first_runs_and_then_chosen_by_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_FUSED", "1")
    manager = Manager(Store(tmp_path), cpu_slots=1).start()
    try:
        assert manager.ready.wait(120)
        assert manager.engine_for(RACE, TINY).device == "cpu" or len(manager.places.engines) > 1
        assert done(manager.ask(RACE, fresh(), device="cpu"), 120) == COMPLETE  # while it is being compiled
        until(lambda: any(engine.device == "fused" for engine in manager.places.engines), 300)
        stacked, fused = (manager.ask(RACE, TINY, device=device) for device in ("cpu", "fused"))
        assert done(stacked) == done(fused) == COMPLETE and stacked.key != fused.key
        assert stacked.result and fused.result
        assert np.abs(stacked.result.loss - fused.result.loss).max() < 1e-4
        *_, expected = train_module(RACE).train(TINY, population=engines.trainer("fused"))
        assert same(fused.result, expected)
        assert (fused.meta["device"], fused.meta["engine"]) == ("cpu", "fused kernel")
        assert manager.ask(RACE, TINY) is fused  # by cost
    finally:
        manager.close()


def test_spare_lanes_are_paid_for() -> None:
    engine = Engine("fused", 1e-6, 1e9, lanes=16)
    assert engine.seconds(Cost(10, 1e6, members=1)) == pytest.approx(10 * (1e-6 + 16e-3))
    assert engine.seconds(Cost(10, 1e6, members=32)) == pytest.approx(10 * (1e-6 + 1e-3))
    assert engine.seconds(Cost(10, 1e6, members=33)) == pytest.approx(10 * (1e-6 + 48 / 33 * 1e-3))


OTHER_SERVER = """
import sys, time
from pathlib import Path
from core.concept.parts import train_module
from core.concepts.optimizer_race.params import Params
from core.concept.params import read
from core.runs.key import setting_key
from core.runs.store import Store

root, key, settings, ends = sys.argv[1:]
store = Store(Path(root))
assert store.hold(key)
params, _ = read(Params, dict(pair.split("=", 1) for pair in settings.split("&")))
results = list(train_module("optimizer_race").train(params))
about = {"concept": "optimizer_race", "device": "cpu", "engine": "another", "seconds": 1.0, "versions": {}}
store.save(key, results[len(results) // 2], about | {"status": "running"})
print("running", flush=True)
sys.stdin.readline()
if ends == "complete":
    store.save(key, results[-1], about | {"status": "complete"})
"""


@pytest.mark.parametrize("ends", ["complete", "dies"])
def test_servers_on_one_store_share_a_run(manager: Manager, ends: str) -> None:
    params = fresh()
    key = run_key(RACE, params, manager.engine_for(RACE, params).device)
    settings = "&".join(f"{name}={value}" for name, value in write(params).items())
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER_SERVER, str(manager.store.root), key, settings, ends],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin and other.stdout and other.stdout.readline() == "running\n"
    run = manager.ask(RACE, params, "me")
    until(lambda: run.result is not None)
    assert run.live and run.result and 0 < run.result.step < run.result.total
    behind = manager.ask(RACE, fresh(), "me")
    assert done(behind) == COMPLETE  # the worker is free for others meanwhile
    assert run.live
    other.communicate("\n", timeout=60)
    assert done(run) == COMPLETE
    assert run.stored == (ends == "complete")
    assert run.meta["engine"] == ("another" if ends == "complete" else "stacked torch")
    *_, clean = train_module(RACE).train(params)
    assert same(run.result, clean)


@pytest.mark.parametrize("limit", [False, True])
def test_who_follows_the_run_of_another_server_can_stop_and_does_not_wait_for_ever(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, limit: bool
) -> None:
    params = fresh()
    key = run_key(RACE, params, manager.engine_for(RACE, params).device)
    hold = "import sys; from pathlib import Path; from core.runs.store import Store; "
    hold += "print(Store(Path(sys.argv[1])).hold(sys.argv[2]), flush=True); sys.stdin.readline()"
    other = subprocess.Popen(
        [sys.executable, "-c", hold, str(manager.store.root), key],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout and other.stdout.readline() == "True\n"
    run = manager.ask(RACE, params, "me")
    until(lambda: run.status == RUNNING)
    if limit:
        monkeypatch.setattr(limits, "RUN_SECONDS", 0.01)
        assert done(run) == FAILED and run.error == "too_long"
    else:
        manager.quit(run, "me")
        assert done(run) == STOPPED
    other.communicate("\n", timeout=60)


class Late:
    """A process that stands still: whether it is alive is up to the test."""

    exitcode, pid = None, os.getpid()

    def __init__(self, living: bool):
        self.living = living

    def is_alive(self) -> bool:
        return self.living

    def join(self, seconds: float) -> None:
        pass


@pytest.mark.parametrize("living", [True, False])
def test_a_worker_that_lives_has_time_to_take_a_job(living: bool) -> None:
    late = object.__new__(Worker)
    late.pipe, theirs = multiprocessing.Pipe()
    late.stop, late.process = SimpleNamespace(value=1), Late(living)
    late._fresh = late._before = late._worked = 0.0
    answer = threading.Timer(1.5, theirs.send, [("taken",)])
    answer.start()
    assert late.takes({}) == living
    answer.join()
    assert "does not answer" in str(late.lost())
