"""Asking for runs and stopping them, the defaults of all pages: the manager and its workers, without a browser."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core import readers
from core.concept.catalog import CONCEPTS
from core.concept.params import BaseParams, Integer, Number, fields
from core.concept.parts import Ask, experiment
from core.concepts.optimizer_race.params import FAIR, TINY, Params
from core.runs import limits
from core.runs.engines import FUSED
from core.runs.manager import Manager
from core.runs.run import COMPLETE, STOPPED, WAITING, Run
from core.runs.store import Store
from core.runs.uploads import Uploads
from tests.bench.report import STEM, Row, Section, in_ms, until

BUDGETS = {"gan": 20, "text_generation": 60}  # seconds for the default of a page, where they are not 10


def themes(rounds: int, quick: bool) -> Iterator[Section]:
    yield the_runs(rounds, quick)
    yield the_defaults(min(rounds, 3))
    yield the_whole_machine(rounds, quick)
    yield own_data(rounds)


ROWS, COLUMNS = 100_000, 8  # of a reader's table


def large_table() -> bytes:
    """A CSV of ROWS rows: COLUMNS normal numbers of six digits and one of three labels."""
    values = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    rows = (",".join(f"{v:.6g}" for v in row) + f",kind {i % 3}" for i, row in enumerate(values))
    return "\n".join([",".join([*map("x{}".format, range(COLUMNS)), "kind"]), *rows]).encode()


def own_data(rounds: int) -> Section:
    """What the web process does with a large file before its preview, and when it is used."""
    content, kind = large_table(), fields(Params)["own"]
    found = Section(
        "A reader's own data",
        f"A CSV of {ROWS:,} rows, {COLUMNS} number columns and a label ({len(content) / 2**20:.1f} MB): read, every "
        "cell checked, written as the cleaned file and kept. Processor time of one process.",
    )
    taken = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for turn in range(rounds):
            begin = time.process_time()
            sheet = readers.sheet(content)
            name, cleaned = readers.table(sheet, *readers.guess(sheet, kind), kind)
            Uploads(Path(folder) / str(turn)).put("bench", name, cleaned, "table.csv")
            taken.append(time.process_time() - begin)
    found.rows.append(Row("read, checked and kept", "s", taken, "≤ 2"))
    return found


def the_runs(rounds: int, quick: bool) -> Section:
    heavy = Params(
        contenders=(*FAIR, *FAIR[:4]), width=256, depth=6, batch=1024, seeds=4 if quick else 5, epochs=3
    )  # every step of it is one native call after another, seconds in all
    found = Section(
        "Asking for a run, asking again, and stopping it",
        "A manager with one warm CPU worker and a store of its own, without a browser. Every round asks for a default "
        "race with new seeds, then asks the same of a new manager on the same store; stops another default race in its "
        f"middle; and stops a race of {len(heavy.contenders)} × {heavy.seeds} networks of {heavy.depth} layers of "
        f"{heavy.width} units at batch {heavy.batch} in the middle of a training step, where the worker listens to "
        "nothing but a kill. Free is the worker that takes the tiny run asked for at once.",
    )
    first, complete, again, tiny = [], [], [], []
    stops: dict[str, list[tuple[float, float, float]]] = {"default race": [], "long native call": []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        begin = time.perf_counter()
        manager = Manager(Store(Path(folder)), cpu_slots=1).start()
        manager.ready.wait()
        warm = time.perf_counter() - begin
        try:
            run_through(manager, TINY)  # unmeasured: the worker imports the experiment
            for turn in range(rounds):
                params = Params(weight_seed=10_000 + turn)
                partial, whole, run = run_through(manager, params)
                first.append(partial)
                complete.append(whole)
                until(lambda key=run.key: manager.store.complete(key))  # it is written just after
                once_more, taken = asked_of_another(folder, params)
                again.append(taken)
                if not (once_more.stored and once_more.status == COMPLETE):
                    found.failures.append("a stored run was trained again")
                tiny.append(run_through(manager, TINY.replace(weight_seed=10_000 + turn))[1])

                for name, params in zip(stops, (Params(weight_seed=20_000 + turn), heavy.replace(weight_seed=turn))):
                    run, *taken = stop_midway(manager, params, native=name != "default race")
                    stops[name].append((taken[0], taken[1], taken[2]))
                    if run.status != STOPPED:
                        found.failures.append(f"the {name} was {run.status} before it could be stopped")
        finally:
            manager.close()
    found.rows += [
        Row("manager started → first worker warm (once)", "s", [warm]),
        Row("asked → first partial Result", "ms", in_ms(first), "≤ 500"),
        Row("asked → complete", "s", complete),
        Row("asked again of a new manager → complete, from the store", "ms", in_ms(again), "≤ 100"),
        Row("a tiny run, asked → complete", "ms", in_ms(tiny)),
    ]
    for name, taken in stops.items():
        done, free, after = zip(*taken)
        found.rows += [
            Row(f"Stop in a {name} → stopped", "ms", in_ms(done)),
            Row(f"Stop in a {name} → free: a worker has the tiny run behind it", "ms", in_ms(free), "≤ 300"),
            Row(f"Stop in a {name} → the tiny run complete", "ms", in_ms(after)),
        ]
    return found


def the_defaults(rounds: int) -> Section:
    found = Section(
        "The default of every page, and the questions to it",
        f"Each asked of a manager with one warm CPU worker, the fused kernel compiled before, trained anew {rounds} "
        "times: from asking to the first Result that a page can draw, and to the last. Then each question to the "
        "trained networks at its default, another one every time where it has a field to change.",
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        manager = Manager(Store(Path(folder)), cpu_slots=1).start()
        try:
            until(lambda: any(e.device == FUSED for e in manager.places.engines), pause=0.1)
            for entry in CONCEPTS:
                concept = experiment(entry.stem)
                run_through(manager, concept.tiny, entry.stem)  # unmeasured: the worker imports the experiment
                first, whole, runs = zip(*[run_through(manager, concept.Params(), entry.stem) for _ in range(rounds)])
                most = BUDGETS.get(entry.stem, 10)
                found.rows += [
                    Row(f"{entry.stem}: first Result", "ms", in_ms(first), "≤ 1000"),
                    Row(f"{entry.stem}: complete", "s", list(whole), f"≤ {most}"),
                ]
                for kind in concept.asks:
                    taken = [answered(manager, runs[-1], kind.id, question) for question in asked(kind, rounds + 1)]
                    found.rows.append(Row(f"{entry.stem}: answer to “{kind.id}”", "ms", in_ms(taken[1:]), "≤ 500"))
        finally:
            manager.close()
    return found


# Defaults of pages and by how much two places shall be faster than one.
ALONE = {"mixup": 0.62, "activations": 0.65, "gan": 0.70, "text_generation": 0.72}
LONG = TINY.replace(data="digits", epochs=300, batch=4)  # more than a minute
TOLD = {False: 3.0, True: 1.5}  # by how much what is told may be off: at a first visit, afterwards


class Looking:
    """Somebody looks at these runs, until the end of the block; then they are stopped."""

    def __init__(self, manager: Manager, runs: list[Run]):
        self.manager, self.runs, self.end = manager, runs, threading.Event()

    def __enter__(self) -> None:
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self.end.wait(0.5):
            for run in self.runs:
                self.manager.look(run, "bench")

    def __exit__(self, *_: object) -> None:
        self.end.set()
        for run in self.runs:
            self.manager.stop(run)
            run.done.wait(10)


def the_whole_machine(rounds: int, quick: bool) -> Section:
    """What one reader waits for, whoever else is there, and what two places are to a reader who is alone."""
    found = Section(
        "The whole machine for whoever is there",
        "Two managers, with one and with two training places. While every place of the second trains a race of more "
        "than a minute, which somebody looks at or nobody any more, tiny runs are asked for, and a further race. Then "
        "the default of a page by each manager in turn, alone: the ratio of two places to one; and what was told "
        "beforehand against what it took, the larger over the smaller, at the first visit and afterwards.",
    )
    seeds = iter(range(30_000, 90_000))
    names = list(ALONE)[: 2 if quick else None]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        one, two = (Manager(Store(Path(folder) / str(n)), cpu_slots=n).start() for n in (1, 2))
        try:
            for manager in (one, two):
                until(lambda manager=manager: any(e.device == FUSED for e in manager.places.engines), pause=0.1)
            for looked in (True, False):
                taken = moments(two, looked, 2 * rounds if quick else 20, seeds)
                found.rows.append(
                    Row(
                        f"a tiny run while all places train, {'' if looked else 'not '}looked at",
                        "ms",
                        in_ms(taken),
                        "≤ 500",
                    )
                )
            found.rows.append(
                Row(
                    "a run while nobody looks at the others: it begins",
                    "ms",
                    in_ms(begins(two, rounds, seeds)),
                    "≤ 500",
                )
            )
            for name in names:
                ratios, off = [], {False: [], True: []}
                for turn in range(2 if quick else rounds):
                    params = experiment(name).Params(data_seed=next(seeds))
                    told, times = two.seconds(name, params), []
                    for manager in (one, two):
                        times.append(run_through(manager, params, name)[1])
                    ratios.append(times[1] / times[0])
                    off[turn > 0].append(max(told / times[1], times[1] / told))
                found.rows.append(Row(f"{name}: two places to one", "×", ratios, f"≤ {ALONE[name]}"))
                for later, most in TOLD.items():
                    when = "afterwards" if later else "at the first visit"
                    found.rows.append(Row(f"{name}: told against taken {when}", "×", off[later], f"≤ {most}"))
        finally:
            one.close()
            two.close()
    return found


def moments(manager: Manager, looked: bool, count: int, seeds: Iterator[int]) -> list[float]:
    """Seconds from asking for a tiny run to its end, while every place trains."""
    runs = [manager.ask(STEM, LONG.replace(data_seed=next(seeds)), "bench", "cpu", person=str(i)) for i in range(2)]
    until(lambda: all(run.updates for run in runs))
    taken = []
    with Looking(manager, runs) if looked else Looking(manager, []):
        time.sleep(0 if looked else 2 * limits.AWAY)
        for _ in range(count):
            taken.append(run_through(manager, TINY.replace(data_seed=next(seeds)))[1])
    for run in runs:
        manager.stop(run)
        run.done.wait(10)
    return taken


def begins(manager: Manager, rounds: int, seeds: Iterator[int]) -> list[float]:
    """Seconds from asking for a run to its beginning, while all others are left alone."""
    taken = []
    for _ in range(rounds):
        runs = [manager.ask(STEM, LONG.replace(data_seed=next(seeds)), "gone", "cpu", person=str(i)) for i in range(2)]
        until(lambda runs=runs: all(run.updates for run in runs))
        time.sleep(2 * limits.AWAY)
        begin = time.perf_counter()
        asked = manager.ask(STEM, LONG.replace(data_seed=next(seeds)), "bench", "cpu")
        until(lambda asked=asked: asked.status != WAITING)
        taken.append(time.perf_counter() - begin)
        for run in (asked, *runs):
            manager.stop(run)
            run.done.wait(10)
    return taken


def asked(kind: Ask, count: int) -> list[Any]:
    """So many questions of a kind, each with a number of its own in the first field that takes one."""
    for name, field in fields(kind.question).items():
        if isinstance(field, (Integer, Number)):
            value = lambda i, low=field.low, high=field.high: low + (high - low) * (i + 1) / (count + 1)  # noqa: E731
            return [kind.question().replace(**{name: type(field.default)(value(i))}) for i in range(count)]
    return [kind.question()] * count


def answered(manager: Manager, run: Run, ask: str, question: Any) -> float:
    """Seconds to the answer."""
    begin = time.perf_counter()
    answer = manager.question(run, ask, question, watcher="bench")
    until(answer.done.is_set)
    if answer.status != COMPLETE:
        raise RuntimeError(f"the question {ask} ended as {answer.status}: {answer.error} {answer.detail}")
    return time.perf_counter() - begin


def run_through(manager: Manager, params: BaseParams, stem: str = "") -> tuple[float, float, Run]:
    """Seconds to the first Result and to the last one, and the run; of the race, unless another concept is named."""
    begin = time.perf_counter()
    run = manager.ask(stem, params, watcher="bench", anew=True) if stem else ask(manager, params)
    until(lambda: run.result is not None or run.done.is_set())
    first = time.perf_counter() - begin
    while not run.done.wait(10):
        manager.look(run, "bench")
    if run.status != COMPLETE:
        raise RuntimeError(f"the run ended as {run.status}: {run.error} {run.detail}")
    return first, time.perf_counter() - begin, run


def asked_of_another(folder: str, params: Params) -> tuple[Run, float]:
    """The answer of a new manager on the same store, which has no worker, and the seconds it took."""
    begin = time.perf_counter()
    run = ask(Manager(Store(Path(folder)), cpu_slots=1), params)
    return run, time.perf_counter() - begin


def stop_midway(manager: Manager, params: Params, native: bool) -> tuple[Run, float, float, float]:
    """Stop a run in its middle, or within its first step: the run, the seconds to its end, those until a worker has the
    tiny run behind it, and those until that is complete."""
    until(lambda: manager.places.slots[0]._spares.qsize() > 0, pause=0.02)  # one Stop is measured, not two in a row
    run = ask(manager, params)
    until(lambda: run.done.is_set() or (run.result is not None if native else run.fraction > 0.4))
    if native:
        time.sleep(0.3)  # the first Result is of step 0: now it is within the first step
    begin = time.perf_counter()
    manager.stop(run)
    following = ask(manager, TINY.replace(weight_seed=params.weight_seed + 1, data_seed=1 + native))
    until(run.done.is_set)
    stopped = time.perf_counter() - begin
    until(lambda: following.status != WAITING)
    free = time.perf_counter() - begin
    until(following.done.is_set)
    after = time.perf_counter() - begin
    if following.status != COMPLETE:
        raise RuntimeError(f"after a Stop the next run ended as {following.status}: {following.error}")
    return run, stopped, free, after


def ask(manager: Manager, params: BaseParams) -> Run:
    return manager.ask(STEM, params, watcher="bench", device="cpu")
