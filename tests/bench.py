"""Times what must be fast, against its budgets (`make bench`), prints tables and writes docs/benchmarks.md.

What is compared takes turns, round after round, so that other work on the machine meets all variants alike: ratios
are taken within a round, and every figure is the median of the rounds with the lowest and the highest beside it.
`python -m tests.bench --quick` does less of each, in a minute or two, and writes nothing.

Workers import this file again as their main module, so torch and streamlit are imported in functions.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from math import floor, log10
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from core.concepts.optimizer_race.params import FAIR, TINY, Params, sizes
from core.runs.manager import COMPLETE, STOPPED, Manager, Run
from core.runs.store import Store

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "benchmarks.md"
STEM = "optimizer_race"
TEST = 2  # the third split


@dataclass
class Row:
    """One figure: its values, one per round, and the budget its median is held against ("≥ 8", "≤ 250")."""

    what: str
    unit: str
    values: list[float]
    budget: str = ""

    @property
    def met(self) -> bool:
        if not self.budget:
            return True
        sign, bound = self.budget.split()
        return median(self.values) >= float(bound) if sign == "≥" else median(self.values) <= float(bound)

    def cells(self) -> list[str]:
        spread = f"{digits(min(self.values))} … {digits(max(self.values))}" if len(self.values) > 1 else ""
        budget = self.budget and f"{self.budget}: {'met' if self.met else 'NOT MET'}"
        return [self.what, digits(median(self.values)), self.unit, spread, budget]


@dataclass
class Section:
    """One question: how it was measured, the rows, and what else is to be said."""

    title: str
    method: str
    rows: list[Row] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def digits(value: float) -> str:
    """A number with three digits that count."""
    places = max(0, 2 - floor(log10(abs(value)))) if value else 0
    return f"{value:.{places}f}"


def seconds(act: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def until(true: Callable[[], Any], patience: float = 120.0, pause: float = 0.001) -> None:
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("nothing came of it")
        time.sleep(pause)


# 1. The population against a loop over models


def the_race(rounds: int, quick: bool) -> Section:
    import numpy as np
    import torch
    import torch._dynamo  # the first optimizer of a process imports it, which takes seconds

    from core.concepts.optimizer_race.train import train

    params = Params(epochs=10) if quick else Params()
    found = Section(
        "One population against a loop over models",
        f"The default race ({len(params.contenders)} contenders × {params.seeds} seeds, {params.epochs} epochs in "
        f"batches of {params.batch}, all three splits measured before training and after every epoch) as one stacked "
        "population through `train`, and as a plain loop over `nn.Sequential` models in eager PyTorch with "
        "`torch.optim`: the same splits, batches and initial weights, everything in memory, no DataLoader. Both in one "
        "process on one thread, as workers run: on a busy machine, several threads mostly wait for each other.",
    )

    def population() -> Any:
        *_, last = train(params)
        return last

    torch.set_num_threads(1)
    last = population()  # unmeasured: allocators, data and threads warm up
    race_as_loop(params.replace(epochs=1))
    together, alone = [], []
    for _ in range(rounds):
        together.append(seconds(population))
        begin = time.perf_counter()
        loss, accuracy = race_as_loop(params)
        alone.append(time.perf_counter() - begin)

    steps = len(params.contenders) * params.seeds * last.total
    found.rows += [
        Row("population", "s", together),
        Row("loop over models", "s", alone),
        Row("loop over models, per model and step, with its measuring", "µs", [1e6 * t / steps for t in alone]),
        Row("**loop / population**", "×", [b / a for a, b in zip(together, alone)], "≥ 8"),
    ]
    gap = np.abs(accuracy - last.accuracy)[:, :, -1, TEST]
    off = np.abs(loss - last.loss)[:, :, -1, TEST].max()
    found.remarks.append(
        f"It is the same race: over the {gap.size} models, final test accuracies differ by {gap.mean():.1g} on average "
        f"and final test losses by {off:.1g} at most (float32)."
    )
    if not (gap.mean() < 1e-3 and off < 1e-2):
        found.failures.append("the loop and the population did not run the same race")
    return found


def race_as_loop(params: Params) -> tuple[Any, Any]:
    """The race as one would first write it: a model, its optimizer and its training loop per contender and seed.
    Loss and accuracy [contender, seed, epoch, split]."""
    import numpy as np
    import torch
    from torch.nn import functional

    from core.concepts.optimizer_race.train import load
    from core.ml.data import batch_orders
    from core.ml.networks import initial_weights

    loss, accuracy = np.zeros((2, len(params.contenders), params.seeds, params.epochs + 1, 3))
    for seed in range(params.seeds):
        data = load(params, params.data_seed + seed)
        xs, ys = [torch.as_tensor(x) for x in data.x], [torch.as_tensor(y) for y in data.y]
        orders = torch.as_tensor(batch_orders(len(xs[0]), params.epochs, params.data_seed + seed).astype(np.int64))
        start = torch.as_tensor(initial_weights(sizes(params), params.weight_seed + seed))
        for c, contender in enumerate(params.contenders):
            model = network(params, start)
            optimizer = torch_optimizer(contender, model.parameters())
            for epoch in range(params.epochs + 1):
                model.eval()
                with torch.no_grad():
                    for split in range(3):
                        logits = model(xs[split])
                        loss[c, seed, epoch, split] = functional.cross_entropy(logits, ys[split]).item()
                        accuracy[c, seed, epoch, split] = (logits.argmax(1) == ys[split]).float().mean().item()
                if epoch == params.epochs:
                    break
                model.train()
                order = orders[epoch]
                for x, y in zip(xs[0][order].split(params.batch), ys[0][order].split(params.batch)):
                    optimizer.zero_grad(set_to_none=True)
                    functional.cross_entropy(model(x), y).backward()
                    optimizer.step()
    return loss, accuracy


def network(params: Params, start: Any) -> Any:
    """The multilayer perceptron of the race as torch writes it, with these weights."""
    import torch
    from torch import nn

    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(sizes(params), sizes(params)[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        at = 0
        for linear in model[::2]:
            inputs, outputs = linear.in_features, linear.out_features
            linear.weight.copy_(start[at : at + inputs * outputs].view(outputs, inputs))
            at += inputs * outputs
            linear.bias.copy_(start[at : at + outputs])
            at += outputs
    return model


def torch_optimizer(c: Any, weights: Any) -> Any:
    from torch import optim

    averages = {"lr": c.lr, "betas": (c.beta1, c.beta2), "eps": c.eps}
    match c.rule:
        case "sgd":
            return optim.SGD(weights, c.lr)
        case "momentum" | "nesterov":
            return optim.SGD(weights, c.lr, momentum=c.momentum, nesterov=c.rule == "nesterov")
        case "adagrad":
            return optim.Adagrad(weights, c.lr)
        case "adadelta":
            return optim.Adadelta(weights, c.lr, rho=c.rho)
        case "rmsprop":
            return optim.RMSprop(weights, c.lr, alpha=c.alpha, eps=c.eps)
        case "adam":
            return optim.Adam(weights, **averages)
        case "adamw":
            return optim.AdamW(weights, **averages, weight_decay=c.weight_decay)
    raise ValueError(f"no such rule here: {c.rule}")


# 2. The cost of a population


def the_cost(rounds: int, quick: bool) -> Section:
    import numpy as np
    import torch

    from core.concepts.optimizer_race.train import load
    from core.ml.networks import initial_weights
    from core.ml.population import Stacked

    params = Params()
    layers, seeds = sizes(params), (1, 5, 20, 80)
    found = Section(
        "What a member costs",
        f"One training step ({'-'.join(map(str, layers))}, batch {params.batch}; gradient and update, no measuring) of "
        "the stacked trainer, divided by the number of members: the eight contenders of the default race at 1, 5, 20 "
        "and 80 seeds, and each of them alone, averaged. One thread.",
    )
    torch.set_num_threads(1)
    data = [load(params, seed) for seed in range(seeds[-1])]
    x = np.stack([d.x[0][: params.batch] for d in data])
    y = np.stack([d.y[0][: params.batch] for d in data])
    start = np.stack([initial_weights(layers, seed) for seed in range(seeds[-1])])

    def microseconds(contenders: tuple, seeds: int) -> float:
        members = len(contenders) * seeds
        steps = max(20, (1 if quick else 4) * 2000 // (members + 20))
        weights, which = np.tile(start[:seeds], (len(contenders), 1)), np.tile(np.arange(seeds), len(contenders))
        orders = np.broadcast_to(np.arange(params.batch, dtype=np.int32), (seeds, steps, params.batch))
        settings = [c for c in contenders for _ in range(seeds)]
        given = (x[:seeds], y[:seeds], which, orders, params.batch)
        population = Stacked(layers, params.activation, "softmax", weights, settings, *given)
        population.advance(5)  # warms up
        begin = time.perf_counter()
        population.advance(steps - 5)
        return 1e6 * (time.perf_counter() - begin) / (steps - 5) / members

    costs: dict[int, list[float]] = {1: []} | {len(FAIR) * n: [] for n in seeds}
    for _ in range(rounds):
        costs[1].append(sum(microseconds((c,), 1) for c in FAIR) / len(FAIR))
        for n in seeds:
            costs[len(FAIR) * n].append(microseconds(FAIR, n))
    found.rows += [Row(f"{n} member{'s' if n > 1 else ''}", "µs", values) for n, values in costs.items()]
    ratios = [a / b for a, b in zip(costs[1], costs[40])]
    found.rows.append(Row("1 member / 40 members", "×", ratios))
    return found


# The fused kernel against the stacked trainer

SCENARIO = "8 optimizers × 8 seeds, 2-8-8-1 tanh, batch 10, 200 epochs, loss each epoch"


def the_kernel(rounds: int, quick: bool) -> Section:
    import numpy as np
    import torch

    from core.concepts.optimizer_race.train import train
    from core.ml.data import batch_orders, points
    from core.ml.fused.population import Fused
    from core.ml.networks import initial_weights
    from core.ml.population import Stacked

    found = Section(
        "The fused kernel against the stacked trainer",
        f"Both in one process on one thread, by its processor time. Playground: {SCENARIO} (250 points, binary "
        "cross-entropy), from numpy arrays to the histories. Digits: the default race through `train` (data, the "
        "trial of each contender's step, three splits measured each epoch). What is compiled was loaded before.",
    )
    torch.set_num_threads(1)
    epochs, seeds, sizes = (20 if quick else 200), 8, (2, 8, 8, 1)
    data = [points("xor", 250, 0.1, seed) for seed in range(seeds)]
    x, y = np.stack([x for x, _ in data]), np.stack([y[:, None] for _, y in data]).astype(np.float32)
    orders = np.stack([batch_orders(250, epochs, seed) for seed in range(seeds)])
    weights = np.tile(np.stack([initial_weights(sizes, seed) for seed in range(seeds)]), (len(FAIR), 1))
    which, settings = np.tile(np.arange(seeds), len(FAIR)), [c for c in FAIR for _ in range(seeds)]

    def playground(trainer: Any) -> Any:
        population = trainer(sizes, "tanh", "binary", weights, settings, x, y, which, orders, 10)
        history = []
        for _ in range(epochs):
            population.advance(25)
            history.append(population.measure([0, 250])[0])
        return np.stack(history)

    def race(trainer: Any) -> Any:
        *_, last = train(Params(epochs=5) if quick else Params(), population=trainer)
        return last.loss

    for name, run, bound in (("Playground", playground, 15), ("Digits", race, 4)):
        times: dict[Any, list[float]] = {Fused: [], Stacked: []}
        gap = np.abs(run(Fused)[:3] - run(Stacked)[:3]).max()  # also warms both
        if not gap < 1e-2:
            found.failures.append(f"{name}: the two did not run the same race ({gap:.1g} apart)")
        for _ in range(rounds):
            for trainer, taken in times.items():
                begin = time.process_time()
                run(trainer)
                taken.append(time.process_time() - begin)
        found.rows += [
            Row(f"{name}: kernel", "s", times[Fused]),
            Row(f"{name}: stacked", "s", times[Stacked]),
            Row(f"**{name}: stacked / kernel**", "×", [b / a for a, b in zip(*times.values())], f"≥ {bound}"),
        ]
    return found


# 3. Asking, asking again, and stopping


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
        "nothing but a kill. Free means that a tiny run asked for at once is complete.",
    )
    first, complete, again, tiny = [], [], [], []
    stops: dict[str, list[tuple[float, float]]] = {"default race": [], "long native call": []}
    with tempfile.TemporaryDirectory() as folder:
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
                    stops[name].append(tuple(taken))
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
    for name, pairs in stops.items():
        done, free = zip(*pairs)
        found.rows.append(Row(f"Stop in a {name} → stopped", "ms", in_ms(done)))
        found.rows.append(Row(f"Stop in a {name} → free: the tiny run behind it complete", "ms", in_ms(free), "≤ 1000"))
    return found


def run_through(manager: Manager, params: Params) -> tuple[float, float, Run]:
    """Seconds to the first Result and to the last one, and the run."""
    begin = time.perf_counter()
    run = ask(manager, params)
    until(lambda: run.result is not None or run.done.is_set())
    first = time.perf_counter() - begin
    until(run.done.is_set)
    if run.status != COMPLETE:
        raise RuntimeError(f"the run ended as {run.status}: {run.error} {run.detail}")
    return first, time.perf_counter() - begin, run


def asked_of_another(folder: str, params: Params) -> tuple[Run, float]:
    """The answer of a new manager on the same store, which has no worker, and the seconds it took."""
    begin = time.perf_counter()
    run = ask(Manager(Store(Path(folder)), cpu_slots=1), params)
    return run, time.perf_counter() - begin


def stop_midway(manager: Manager, params: Params, native: bool) -> tuple[Run, float, float]:
    """Stop a run in its middle, or within its first step: the run, the seconds to its end, and those until a tiny run
    behind it is complete."""
    until(lambda: manager.slots[0]._spares.qsize() > 0, pause=0.02)  # one Stop is measured, not two in a row
    run = ask(manager, params)
    until(lambda: run.done.is_set() or (run.result is not None if native else run.fraction > 0.4))
    if native:
        time.sleep(0.3)  # the first Result is of step 0: now it is within the first step
    begin = time.perf_counter()
    manager.stop(run)
    following = ask(manager, TINY.replace(weight_seed=params.weight_seed + 1, data_seed=1 + native))
    until(run.done.is_set)
    stopped = time.perf_counter() - begin
    until(following.done.is_set)
    free = time.perf_counter() - begin
    if following.status != COMPLETE:
        raise RuntimeError(f"after a Stop the next run ended as {following.status}: {following.error}")
    return run, stopped, free


def in_ms(values: list[float]) -> list[float]:
    return [1e3 * value for value in values]


def ask(manager: Manager, params: Params) -> Run:
    return manager.ask(STEM, params, watcher="bench", device="cpu")


# 4. The web process


@dataclass
class Server:
    """A running server, and the file its log goes to."""

    url: str
    child: subprocess.Popen
    log: Path
    answers: float = 0.0  # seconds from its start to its first answer
    ready: float = 0.0  # seconds from its start to a warm worker

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/health", timeout=10) as answer:
            return json.load(answer)

    def check(self) -> None:
        """Raises RuntimeError with the end of the log when the server is gone."""
        if self.child.poll() is not None:
            lines = self.log.read_text("utf-8", "replace").splitlines()[-15:]
            raise RuntimeError("\n".join([f"the server ended with {self.child.returncode}:", *lines]))

    def megabytes(self) -> float:
        self.check()
        return psutil.Process(self.child.pid).memory_info().rss / 2**20

    def has_torch(self) -> bool | None:
        """Whether torch is in the web process; None where the system does not say."""
        try:
            return any("libtorch" in mapped.path for mapped in psutil.Process(self.child.pid).memory_maps())
        except (psutil.Error, AttributeError):
            return None


@contextmanager
def server() -> Iterator[Server]:
    """A server of its own on a free port, with an empty store, once its workers are warm."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        store, log = Path(folder) / "store", Path(folder) / "log"
        begin = time.perf_counter()
        with log.open("w") as said:
            child = subprocess.Popen(
                [sys.executable, "-m", "core.server"],
                cwd=ROOT,
                env=os.environ | {"LAB_PORT": str(port), "LAB_STORE": str(store)},
                stdout=said,
                stderr=said,
            )
        try:
            found = Server(f"http://127.0.0.1:{port}", child, log)

            def ready() -> bool:
                found.check()
                try:
                    health = found.health()
                except OSError:
                    return False
                found.answers = found.answers or time.perf_counter() - begin
                return health["ready"]

            until(ready, pause=0.05)
            found.ready = time.perf_counter() - begin
            yield found
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()


def the_web_process(web: Server) -> Section:
    found = Section(
        "The web process",
        "`python -m core.server` with an empty store; memory is the resident set of the server process alone, without "
        "its workers. The reader is a websocket session that opens the page of the race and stays until it is over.",
    )
    at_first = web.megabytes()
    read(web)
    found.rows += [
        Row("started → first answer of /health", "s", [web.answers]),
        Row("started → first worker warm", "s", [web.ready]),
        Row("memory when ready", "MB", [at_first]),
        Row("memory after the first reader's race", "MB", [web.megabytes()], "≤ 250"),
    ]
    torch = web.has_torch()
    if torch:
        found.failures.append("torch is in the web process")
    words = {True: "torch IS mapped into the web process.", False: "No libtorch is mapped into the web process."}
    found.remarks.append(words.get(torch, "This system does not say which libraries a process has mapped."))  # type: ignore[arg-type]
    return found


def read(web: Server) -> None:
    """Open the page of the race as a browser would, and stay until the run is over."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect

    message = BackMsg()
    message.rerun_script.page_name = STEM
    message.rerun_script.query_string = "lang=en"
    address = web.url.replace("http", "ws") + "/_stcore/stream"
    with connect(address, subprotocols=["streamlit"], max_size=None) as session:  # type: ignore[list-item]
        session.send(message.SerializeToString())
        heard = ForwardMsg()
        while heard.WhichOneof("type") != "script_finished":
            heard.ParseFromString(session.recv(timeout=60))  # type: ignore[arg-type]
        until(lambda: web.health()["store"]["runs"] > 0 and not web.health()["busy"], pause=0.1)


# 5. On the screen


def chromium() -> str:
    """Where Chromium is, or an empty string."""
    if os.environ.get("CHROMIUM"):
        return os.environ["CHROMIUM"]
    shell = shutil.which("bash")
    script = str(ROOT / "tests" / "browser.sh")
    return subprocess.run([shell, script, "--find"], capture_output=True, text=True).stdout.strip() if shell else ""


def on_screen(web: Server, rounds: int) -> Section:
    found = Section(
        "On the screen",
        "A headless Chromium on the same machine, the HTTP cache warm, a new tab for every visit; the race is already "
        "complete. Times run from the start of the navigation, or from the click, to the moment the thing is visible. "
        "The clicks are on one page of a long race (300 epochs, 10 seeds), before it is run and while it trains.",
    )
    program = chromium()
    if not program:
        found.remarks.append("Not measured: no Chromium was found (tests/browser.sh says what to install).")
        return found
    from playwright.sync_api import TimeoutError, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale="en-US", base_url=web.url)
        context.set_default_timeout(20_000)
        homes, races = [], []
        for turn in range(rounds + 1):
            home = visit(context, "/", "h1")
            race = visit(context, f"/{STEM}?lang=en", "h1", ".js-plotly-plot .main-svg")
            if turn:  # the first visits fill the cache
                homes.append(home)
                races.append(race)
        found.rows += [
            Row("home page: heading visible", "ms", in_ms([h for (h,) in homes])),
            Row("page of the race: heading visible", "ms", in_ms([h for h, _ in races])),
            Row("page of the race: chart visible", "ms", in_ms([c for _, c in races])),
            Row(
                "its chart later than the home page's heading by",
                "ms",
                in_ms([c - h for (h,), (_, c) in zip(homes, races)]),
            ),
        ]
        try:
            found.rows += clicks(context, rounds)
        except TimeoutError as error:
            web.check()
            found.failures.append(f"the page did not answer a click ({str(error).splitlines()[-1].strip()})")
        browser.close()
    found.rows.append(Row("memory of the web process in the end", "MB", [web.megabytes()], "≤ 250"))
    return found


def visit(context: Any, path: str, *selectors: str) -> list[float]:
    """Seconds until each of these is visible in a new tab."""
    page = context.new_page()
    begin = time.perf_counter()
    page.goto(path, wait_until="commit")
    taken = []
    for selector in selectors:
        page.locator(selector).first.wait_for()
        taken.append(time.perf_counter() - begin)
    page.wait_for_timeout(300)  # what the page still does belongs to this visit
    page.close()
    return taken


def clicks(context: Any, rounds: int) -> list[Row]:
    """Reaction times on one page, while nothing trains and while its own race trains."""
    from core.text import words

    titles = {language: words(STEM, language).title for language in ("en", "zh")}
    page = context.new_page()
    page.goto(f"/{STEM}?lang=en&epochs=300&seeds=10&device=cpu")
    run, stop = page.locator(".st-key-run button:visible").first, page.locator(".st-key-stop button:visible").first
    run.wait_for()
    notes = page.locator(f".st-key-{STEM}-fold-lesson-en")
    said = notes.locator('[data-testid="stExpanderDetails"] [data-testid="stMarkdown"]').first

    def unfold() -> float:
        notes.scroll_into_view_if_needed()
        begin = time.perf_counter()
        notes.locator("summary").click()
        said.wait_for()
        taken = time.perf_counter() - begin
        notes.locator("summary").click()
        said.wait_for(state="hidden")
        return taken

    def switch() -> float:
        begin = time.perf_counter()
        page.get_by_role("radio", name="中文").click()
        page.get_by_role("heading", name=titles["zh"], exact=True).wait_for()
        taken = time.perf_counter() - begin
        page.get_by_role("radio", name="English").click()
        page.get_by_role("heading", name=titles["en"], exact=True).wait_for()
        return taken

    kinds = {"opening the notes": unfold, "switching the language": switch}
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in kinds}
    for act in kinds.values():
        act()  # unmeasured
    for _ in range(rounds):
        for training in (False, True):
            if training:
                run.click()
                stop.wait_for()
                page.wait_for_timeout(1000)
            for name, act in kinds.items():
                found[name][training].append(act())
            if training:
                stop.click()
                run.wait_for()
    return [
        Row(f"{name}, {when}", "ms", in_ms(values), "≤ 1000")
        for name, pair in found.items()
        for when, values in zip(("nothing training", "while the race trains"), pair)
    ]


# The report

HEAD = ["What", "Median", "Unit", "Lowest … highest", "Budget"]


def table(section: Section) -> list[str]:
    """The rows as a Markdown table that is also readable as it stands."""
    cells = [HEAD, *(row.cells() for row in section.rows)]
    if not any(row.budget for row in section.rows):
        cells = [row[:-1] for row in cells]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def printed(section: Section) -> str:
    parts = ["", f"## {section.title}", "", section.method]
    if section.rows:
        parts += ["", *table(section)]
    for remark in (*section.remarks, *(f"FAILED: {failure}." for failure in section.failures)):
        parts += ["", remark]
    return "\n".join(parts)


def machine() -> str:
    """What the figures were taken on, without saying which machine it is."""
    model = platform.processor() or platform.machine()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    memory = round(psutil.virtual_memory().total / 2**30)
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "streamlit", "numpy"))
    return (
        f"{model} ({platform.machine()}), {os.cpu_count()} cores, {memory} GB, {platform.system()}; "
        f"Python {platform.python_version()}, {packages}; {date.today().isoformat()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less of each, in a minute or two; writes nothing")
    options = parser.parse_args()
    quick = options.quick
    rounds = 2 if quick else 5
    begin, load = time.perf_counter(), psutil.getloadavg()[0]
    introduction = "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench`; do not edit.",
            "",
            f"Measured on: {machine()}.",
            "",
            f"Variants took turns in {rounds} rounds; a figure is the median of its rounds, a ratio the median of the "
            f"ratios within each round. At the start the machine's load was {load:.1f}: other work stretches the "
            "times, less so the ratios. Nothing is claimed beyond this machine and these settings.",
        ]
    )
    print(introduction)
    sections: list[Section] = []

    def add(section: Section) -> None:
        sections.append(section)
        print(printed(section), flush=True)

    add(the_race(rounds, quick))
    add(the_cost(rounds, quick))
    add(the_kernel(rounds, quick))
    add(the_runs(rounds, quick))
    with server() as web:
        add(the_web_process(web))
        add(on_screen(web, rounds))
    print(f"\nTook {time.perf_counter() - begin:.0f} s.")
    if not quick:
        REPORT.write_text(introduction + "\n" + "\n".join(map(printed, sections)) + "\n", "utf-8")
        print(f"Written to {REPORT.relative_to(ROOT)}.")
    failures = [failure for section in sections for failure in section.failures]
    missed = [row.what for section in sections for row in section.rows if not row.met]
    for text in (*failures, *(f"budget not met: {what}" for what in missed)):
        print(text)
    sys.exit(1 if failures or missed else 0)


if __name__ == "__main__":
    main()
