"""Places: what takes a moment waits for no training, nobody's run gives way, all processors serve who is there."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.concept.parts import Cost, experiment, train_module
from core.concept.result import same
from core.concepts.gan import params as gan
from core.concepts.optimizer_race.params import TINY
from core.runs import carry, cut, engines, limits, places
from core.runs.engines import Engine
from core.runs.forecast import Forecast
from core.runs.manager import Manager
from core.runs.places import BACK, MOMENTS, TRAINING
from core.runs.queue import FairQueue
from core.runs.run import COMPLETE, FAILED, RUNNING, STOPPED, WAITING, Run
from core.runs.store import Store
from tests.test_runs import LONG, RACE, done, fresh, until

ROOT = Path(__file__).resolve().parents[1]
GAN = gan.Params(seeds=4, steps=1500)  # may be cut


@pytest.fixture(scope="module", params=["local", pytest.param("ray", marks=pytest.mark.ray)])
def manager(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """With two places."""
    manager = Manager(Store(tmp_path_factory.mktemp("store")), cpu_slots=2)
    nodes = None
    if request.param == "ray":
        pytest.importorskip("ray", reason="Ray is optional; `make test-ray` installs it")
        from tests.ray_cluster import Nodes

        nodes = Nodes(2)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RAY_ADDRESS", nodes.address)
            manager.start()
    else:
        manager.start()
    try:
        assert manager.ready.wait(120) and not manager.places.trouble
        until(lambda: sum(slot.kind == TRAINING for slot in manager.places.slots) == 2)
        yield manager
    finally:
        manager.close()
        if nodes:
            nodes.close()


@pytest.fixture(autouse=True)
def soon(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Who has not looked for two seconds is away; and a test leaves no run behind."""
    monkeypatch.setattr(limits, "AWAY", 2.0)
    yield
    if "manager" in request.fixturenames:
        manager = request.getfixturevalue("manager")
        left = [run for run in manager.memory if run.live]
        for run in left:
            manager.stop(run)
        assert [done(run, 20) for run in left] == [STOPPED] * len(left)


class Looking:
    """Somebody who looks at these runs until the end of the block, when they are stopped."""

    def __init__(self, manager: Manager, *runs: Run):
        self.manager, self.runs, self.end = manager, list(runs), threading.Event()

    def __enter__(self) -> Looking:
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def _look(self) -> None:
        while not self.end.wait(0.05):
            for run in self.runs:
                self.manager.look(run, "reader")

    def __exit__(self, *_: object) -> None:
        self.end.set()
        for run in self.runs:
            self.manager.stop(run)
            done(run, 20)


def under_way(manager: Manager, count: int = 2) -> list[Run]:
    """So many long runs that train."""
    runs = [manager.ask(RACE, fresh(LONG), "reader", person=f"person {i}") for i in range(count)]
    until(lambda: all(run.updates for run in runs))
    return runs


def alike(run: Run) -> bool:
    """Whether a run has the bits of training in one piece here."""
    *_, expected = train_module(run.name).train(run.params)
    return bool(run.result) and same(run.result, expected)


# A moment never waits


def test_a_moment_waits_for_no_training(manager: Manager) -> None:
    with Looking(manager, *under_way(manager)) as looking:
        for _ in range(3):
            asked = manager.ask(RACE, fresh(), "me")
            assert asked.moment and done(asked) == COMPLETE
        assert all(run.status == RUNNING for run in looking.runs)


def test_moments_are_carried_wherever_there_is_room(tmp_path: Path) -> None:
    queue, moments = FairQueue(), places.Slot("cpu", MOMENTS)
    training = places.Slot("cpu", sooner=[moments])
    cold = Run("", RACE, TINY, "cpu", 0.0)
    assert not training.suits(cold)  # before it has a worker
    for slot in (moments, training):
        slot.adopt(object())  # type: ignore[arg-type]
    assert training.suits(cold) and not moments.suits(cold)
    first, second, long = (Run(str(i), RACE, TINY, "cpu", 0.0, moment=i < 2) for i in range(3))
    for run in (long, first, second):
        run.watchers["me"] = time.monotonic()
        queue.put(run)
    assert not moments.suits(long) and not training.suits(first)  # while the place for moments is free
    assert queue.get(moments) is first and training.suits(second)
    assert queue.get(training) is long and queue.get(training) is second


def test_what_outgrows_a_moment_moves_over(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    if manager.places.cluster:
        pytest.skip("a node has processes for moments of its own, and ends none for taking long")
    monkeypatch.setattr(limits, "MOMENT", 1000.0)  # all are taken for moments
    monkeypatch.setattr(limits, "OUTGROWN", 0.3)
    long = manager.ask(RACE, fresh(LONG), "reader")
    with Looking(manager, long):
        until(lambda: not long.moment and long.status == RUNNING)
        place = next(slot for slot in manager.places.slots if slot.run is long)
        assert place.kind in (TRAINING, BACK)
        process = psutil.Process(place.current.process.pid)  # type: ignore[union-attr]
        assert process.nice() >= places.worker.NICE
        before = long.updates
        until(lambda: long.updates > before)  # the same process goes on
        short = manager.ask(RACE, fresh(), "me")
        assert done(short) == COMPLETE and long.live


# Nobody's run gives way


def test_a_run_that_nobody_looks_at_makes_room_and_goes_on_where_it_was(manager: Manager) -> None:
    left, other = under_way(manager)
    with Looking(manager, other):
        until(lambda: left.yields)
        time.sleep(0.5)
        assert left.status == RUNNING  # nobody waits
        asked = manager.ask(RACE, fresh(LONG), "reader", person="late")
        with Looking(manager, asked):
            until(lambda: asked.status == RUNNING)
            assert left.status == WAITING and other.status == RUNNING
            seen = left.result.step if left.result else 0
            if manager.places.cluster is None:
                assert left.carrier.process.is_alive() and left in [*manager.places.queues["cpu"].paused()]
                process = psutil.Process(left.carrier.process.pid)
                until(lambda: process.status() == psutil.STATUS_STOPPED)
                assert {"place": "paused", "run": RACE}.items() <= manager.status()["places"][-1].items()
                manager.look(left, "back")  # its reader comes back, while all places are taken by others
                with Looking(manager, left):
                    until(lambda: left.status == RUNNING and left.result and left.result.step > seen)
                    assert asked.status == other.status == RUNNING
    if manager.places.cluster:
        until(lambda: left.status == RUNNING and left.result.step > seen)
    manager.stop(left)
    assert done(left, 20) == STOPPED


def test_a_run_that_was_set_aside_ends_with_the_same_bits(manager: Manager) -> None:
    short = LONG.replace(epochs=60)
    left = manager.ask(RACE, fresh(short), "reader")
    with Looking(manager, *under_way(manager, 1)):
        until(lambda: left.updates and left.yields)
        asked = manager.ask(RACE, fresh(LONG), "reader")
        with Looking(manager, asked):
            until(lambda: asked.status == RUNNING)
            assert left.status == WAITING
    assert done(left, 120) == COMPLETE and alike(left)


def test_room_is_made_once_and_for_who_looks() -> None:
    queue, now = FairQueue(), time.monotonic()
    away, moment, here, other = (Run(str(i), RACE, TINY, "cpu", 0.0) for i in range(4))
    away.watchers["gone"], moment.moment = now - 60, True
    for run in (moment, here, other):
        run.watchers["me"] = now
    queue.put(away)
    queue.put(moment)
    assert not queue.room_wanted()  # nobody looks at one, and the other has a place of its own
    queue.put(here)
    assert queue.room_wanted() and not queue.room_wanted()
    queue.put(other)
    assert queue.room_wanted() and not queue.room_wanted()
    assert [run.key for run in queue.order()] == ["1", "2", "3", "0"]  # who is away comes last
    away.started = 1.0
    assert queue.order()[-1] is away  # had it begun or not


def test_only_two_are_paused_and_a_further_one_begins_again(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAUSED", 0)
    left = manager.ask(RACE, fresh(LONG.replace(epochs=60)), "reader")
    with Looking(manager, *under_way(manager, 1)):
        until(lambda: left.updates and left.yields)
        asked = manager.ask(RACE, fresh(LONG), "reader")
        with Looking(manager, asked):
            until(lambda: asked.status == RUNNING)
            assert left.status == WAITING and left.carrier is None and left.result
    assert done(left, 120) == COMPLETE and alike(left)


@pytest.mark.parametrize("why", ["grace", "memory"])
def test_what_is_set_aside_ends_after_its_grace_or_when_memory_is_short(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if manager.places.cluster:
        pytest.skip("nothing stands still on a cluster")
    left, other = under_way(manager)
    with Looking(manager, other):
        until(lambda: left.yields)
        asked = manager.ask(RACE, fresh(LONG), "reader", person="late")
        with Looking(manager, asked):
            until(lambda: left.carrier is not None and asked.status == RUNNING)
            process = left.carrier.process
            if why == "grace":
                monkeypatch.setattr(limits, "GRACE", 0.6)
            else:
                monkeypatch.setattr("core.runs.manager.memory_is_short", lambda: True)
            assert done(left, 20) == STOPPED and left.error == "unwatched" and left.result
            until(lambda: not process.is_alive())


SERVER = """
import sys, time
from pathlib import Path
from core.concepts.optimizer_race.params import TINY
from core.runs import limits
from core.runs.manager import Manager
from core.runs.store import Store

LONG = TINY.replace(data="digits", epochs=300, batch=4)
limits.AWAY = 0.3

if __name__ == "__main__":
    manager = Manager(Store(Path(sys.argv[1])), cpu_slots=1).start()
    manager.ready.wait()
    left = manager.ask("optimizer_race", LONG, "gone")
    while not left.updates:
        time.sleep(0.01)
    other = manager.ask("optimizer_race", LONG.replace(data_seed=1), "here")
    while left.carrier is None:
        manager.look(other, "here")
        time.sleep(0.01)
    print(left.carrier.process.pid, flush=True)
    time.sleep(60)
"""


def test_a_process_that_stands_still_ends_with_its_server(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER, "utf-8")
    command = [sys.executable, str(tmp_path / "server.py"), str(tmp_path / "store")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        still = psutil.Process(int(server.stdout.readline()))
        until(lambda: still.status() == psutil.STATUS_STOPPED, 5)
        server.kill()
        server.wait(5)
    psutil.wait_procs([still], timeout=5)
    assert not still.is_running() or still.status() == psutil.STATUS_ZOMBIE


# All processors for one reader


def whole_run(manager: Manager, params: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that is cut, with somebody looking; it is where places are free, which those of the last test may not be
    yet."""
    until(lambda: manager.places.idle("cpu") == 2)
    monkeypatch.setattr(limits, "WORTH", 0.0)
    monkeypatch.setattr(limits, "MOMENT", 0.0)
    return manager.ask("gan", params.replace(data_seed=fresh().data_seed), "reader", device="cpu")


def test_a_run_is_cut_for_free_places_and_put_together(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    run = whole_run(manager, GAN, monkeypatch)
    until(lambda: len(run.parts) == 2)
    shown = [place for place in manager.status()["places"] if place["parts"]]
    assert shown and {place["run"] for place in shown} == {"gan"} and {place["parts"] for place in shown} == {2}
    seen = []
    until(lambda: seen.append(run.result) or not run.live, 240)
    partial = [result for result in seen if result is not None and not result.complete]
    assert run.status == COMPLETE and alike(run) and run.meta["state"]
    assert partial and all(len(r.tick) == r.d_real.shape[2] and r.d_real.shape[1] == 4 for r in partial)
    until(lambda: manager.store.complete(run.key))
    assert manager.store.usage()["runs"] >= 1 and not run.parts


def test_others_come_before_a_further_part(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    run = whole_run(manager, GAN.replace(steps=4000), monkeypatch)
    with Looking(manager, run):
        until(lambda: len(run.parts) == 2 and all(part.updates for part in run.parts))
        asked = manager.ask(RACE, fresh(LONG), "reader", person="other")
        with Looking(manager, asked):
            until(lambda: asked.status == RUNNING)
            assert [part.status for part in run.parts] == [RUNNING, WAITING] and run.status == RUNNING
        until(lambda: [part.status for part in run.parts] == [RUNNING, RUNNING])
    assert run.status == STOPPED and run.result is not None


def test_a_part_that_dies_is_repeated_with_the_same_bits(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    if manager.places.cluster:
        pytest.skip("what is lost there is repeated anyway")
    run = whole_run(manager, GAN, monkeypatch)
    with Looking(manager):
        until(lambda: len(run.parts) == 2 and all(part.updates for part in run.parts))
        second = run.parts[1]
        place = next(slot for slot in manager.places.slots if slot.run is second)
        place.current.process.kill()  # type: ignore[union-attr]
        assert done(run, 240) == COMPLETE and alike(run) and second.losses == 1


def test_a_part_that_fails_takes_the_others_along(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    run = whole_run(manager, GAN.replace(steps=4000), monkeypatch)
    until(lambda: len(run.parts) == 2 and all(part.updates for part in run.parts))
    monkeypatch.setattr(limits, "RUN_SECONDS", 0.01)
    assert done(run, 30) == FAILED and run.error == "too_long" and len(run.reference) == 8
    until(lambda: not any(slot.run for slot in manager.places.slots))


def test_a_part_is_the_experiment_with_later_seeds() -> None:
    params = gan.Params(seeds=6, data_seed=10, weight_seed=20)
    found = cut.cut("gan", params, 2)
    assert [(p.params.seeds, p.params.data_seed, p.params.weight_seed, p.skip) for p in found] == [
        (3, 10, 20, 0),
        (3, 13, 23, 0),
    ]
    three = cut.cut("gan", params.replace(seeds=3), 4)  # no part of one seed: it takes the one before along
    assert [(p.params.seeds, p.params.data_seed, p.skip) for p in three] == [(2, 10, 0), (2, 11, 1)]
    assert cut.cut("gan", params.replace(seeds=2), 2) == [] and cut.cut("gan", params, 1) == []
    assert cut.cut("gan", params.replace(data_seed=99_999), 2) == []  # there are no later seeds
    assert cut.cut("optimizers", experiment("optimizers").Params(), 2) == []  # what is tuned over all stays whole


def test_a_partial_result_is_as_far_as_all_parts_are() -> None:
    class At:
        def __init__(self, step: int):
            self.step = step

    one, other = [At(0), At(10), At(20)], [At(0), At(12)]
    found = cut.latest([one, other])  # type: ignore[list-item]
    assert found == [one[1], other[1]] and cut.latest([one, []]) is None  # type: ignore[list-item]
    many = carry.Whole(Run("", RACE, TINY, "cpu", 0.0), [cut.Part(TINY), cut.Part(TINY)])
    for step in range(1000):
        many.add(0, At(step))
    assert len(many.results[0]) <= carry.EARLIER and many.results[0][-1].step == 999


# Threads


@pytest.mark.parametrize("helpers", [0, 1, 3])
def test_threads_change_no_bit(helpers: int) -> None:
    pytest.importorskip("numba")
    from core.runs.threads import Crew

    crew, found = Crew(lambda: helpers), []
    kernel = crew.fused(engines.trainer("fused"), experiment("activations").apart)
    assert experiment("activations").apart
    tiny = experiment("activations").tiny
    for result in train_module("activations").train(tiny, population=kernel):
        crew.catch_up()
        found.append(result)
    *_, expected = train_module("activations").train(tiny, population=engines.trainer("fused"))
    assert same(found[-1], expected)
    many = TINY.replace(seeds=20)  # members for more than one register
    *_, shared = train_module(RACE).train(many, population=crew.fused(engines.trainer("fused"), False))
    *_, alone = train_module(RACE).train(many, population=engines.trainer("fused"))
    assert same(shared, alone)


def test_a_crew_does_each_job_once() -> None:
    from core.runs.threads import Crew

    for helpers in (0, 1, 5):
        done_by: list[tuple[int, int]] = []

        def work(job: int, done_by: list[tuple[int, int]] = done_by) -> None:
            time.sleep(0.01)
            done_by.append((job, threading.get_ident()))

        Crew(lambda helpers=helpers: helpers).map(work, range(12))
        assert sorted(job for job, _ in done_by) == list(range(12))
        assert len({thread for _, thread in done_by}) <= 1 + helpers
    with pytest.raises(ZeroDivisionError):
        Crew(lambda: 2).map(lambda job: 1 // job, [1, 0, 1])


# What is told beforehand


def test_what_is_told_follows_what_runs_took(tmp_path: Path) -> None:
    forecast = Forecast(tmp_path / "forecast.json")
    forecast.open("machine")
    assert forecast.factor("gan", "cpu") == 1.0
    forecast.learn("gan", "cpu", 10.0, 30.0)
    assert forecast.factor("gan", "cpu") == pytest.approx(3.0, rel=0.05)
    for _ in range(6):
        forecast.learn("gan", "cpu", 10.0, 12.0)
    assert forecast.factor("gan", "cpu") == pytest.approx(1.2, rel=0.05)
    forecast.learn("perceptron", "cpu", 0.02, 0.4)  # a start, more than a cost
    assert forecast.factor("perceptron", "cpu") < 1.5
    again, other = Forecast(tmp_path / "forecast.json"), Forecast(tmp_path / "forecast.json")
    again.open("machine")
    other.open("another machine")
    assert again.factor("gan", "cpu") == forecast.factor("gan", "cpu") and other.factor("gan", "cpu") == 1.0
    (tmp_path / "forecast.json").write_text('{"stamp": "machine", "factors": {"gan cpu": "quick"}}')
    again.open("machine")
    manager = Manager(Store(tmp_path / "store"), cpu_slots=1)
    manager.places.engines = [Engine("cpu", 1e-3, 1e12)]
    before = manager.seconds("gan", gan.Params())
    manager.forecast.learn("gan", "cpu", 10.0, 20.0)
    assert manager.seconds("gan", gan.Params()) == pytest.approx(2 * before, rel=0.05)
    assert manager.engine_for("gan", gan.Params()).seconds(Cost(1, 0)) == 1e-3  # the choice of engines stays put


def test_health_says_which_places_carry_what(manager: Manager) -> None:
    with Looking(manager, *under_way(manager)) as looking:
        until(lambda: all(not run.unseen for run in looking.runs))
        status = manager.status()
        carried = [place for place in status["places"] if place["run"]]
        assert [place["run"] for place in carried] == [RACE, RACE] and all(place["seen"] for place in carried)
        assert {place["place"] for place in carried} == {TRAINING}
        assert {place["place"] for place in status["places"]} >= {"training", "moments", "questions"}
        assert str(looking.runs[0].params.data_seed) not in str(status["places"])


def test_the_median_of_a_moment_is_short(manager: Manager) -> None:
    """A smoke test of the benchmark of `tests/bench`, which holds the budget."""
    taken = []
    with Looking(manager, *under_way(manager)):
        for _ in range(5):
            begin = time.monotonic()
            assert done(manager.ask(RACE, fresh(), "me")) == COMPLETE
            taken.append(time.monotonic() - begin)
    assert statistics.median(taken) < 20
