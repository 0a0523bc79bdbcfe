"""The default race: one population against a loop over models, what a member costs, the fused kernel; and sweeps."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from core.concepts.optimizer_race.params import FAIR, PRESETS, Params, cost, sizes
from tests.bench.report import ROOT, Row, Section, seconds

TEST = 2  # the third split


def themes(rounds: int, quick: bool) -> Iterator[Section]:
    yield the_race(rounds, quick)
    yield the_cost(rounds, quick)
    yield the_kernel(rounds, quick)
    yield the_first_use(min(rounds, 3))
    yield the_sweeps(rounds, quick)


def the_race(rounds: int, quick: bool) -> Section:
    import numpy as np
    import torch
    import torch._dynamo  # the first optimizer of a process imports it, which takes seconds

    from core.concepts.optimizer_race.train import train
    from core.ml.fused.population import Fused
    from core.ml.population import Stacked

    params = Params(epochs=10) if quick else Params()
    found = Section(
        "One population against a loop over models",
        f"The default race ({len(params.contenders)} contenders × {params.seeds} seeds, {params.epochs} epochs in "
        f"batches of {params.batch}, all three splits measured before training and after every epoch) as one "
        "population through `train`, stacked in torch and in the fused kernel (which the page takes), and as a plain "
        "loop over `nn.Sequential` models in eager PyTorch with `torch.optim`: the same splits, batches and initial "
        "weights, everything in memory, no DataLoader. All in one process on one thread, as workers run: on a busy "
        "machine, several threads mostly wait for each other.",
    )

    def population(trainer: Any = Stacked) -> Any:
        *_, last = train(params, population=trainer)
        return last

    torch.set_num_threads(1)
    population(Fused)  # unmeasured: allocators, data and threads warm up
    last = population()
    race_as_loop(params.replace(epochs=1))
    fused, together, alone = [], [], []
    for _ in range(rounds):
        fused.append(seconds(lambda: population(Fused)))
        together.append(seconds(population))
        begin = time.perf_counter()
        loss, accuracy = race_as_loop(params)
        alone.append(time.perf_counter() - begin)

    steps = len(params.contenders) * params.seeds * last.total
    found.rows += [
        Row("population, fused kernel", "s", fused),
        Row("population, stacked", "s", together),
        Row("loop over models", "s", alone),
        Row("loop over models, per model and step, with its measuring", "µs", [1e6 * t / steps for t in alone]),
        Row("**loop / fused population**", "×", [b / a for a, b in zip(fused, alone)], "≥ 8"),
        Row("loop / stacked population", "×", [b / a for a, b in zip(together, alone)]),
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
    from tests.peers.loop import optimizer_of

    loss, accuracy = np.zeros((2, len(params.contenders), params.seeds, params.epochs + 1, 3))
    for seed in range(params.seeds):
        data = load(params, params.data_seed + seed)
        xs, ys = [torch.as_tensor(x) for x in data.x], [torch.as_tensor(y) for y in data.y]
        orders = torch.as_tensor(batch_orders(len(xs[0]), params.epochs, params.data_seed + seed).astype(np.int64))
        start = torch.as_tensor(initial_weights(sizes(params), params.weight_seed + seed))
        for c, contender in enumerate(params.contenders):
            model = network(params, start)
            optimizer = optimizer_of(contender, model.parameters())
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
    from torch import nn

    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(sizes(params), sizes(params)[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    nn.utils.vector_to_parameters(start.clone(), model.parameters())  # else they would train `start` itself
    return model


FIRST_USE = """
import time, torch
from core.runs import engines
torch.set_num_threads(1)
begin, work = time.perf_counter(), time.process_time()
engines.build()
print(time.perf_counter() - begin, time.process_time() - work)
"""


def the_first_use(rounds: int) -> Section:
    found = Section(
        "The first use of the fused kernel",
        "What a process beside the workers does once after the installation, while pages train in torch: compile the "
        "kernel, and time a few steps of it. Then the same in another process, from what the first one left.",
    )
    taken: dict[str, tuple[list[float], list[float]]] = {"compiled": ([], []), "loaded": ([], [])}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            for seconds, work in taken.values():
                command = [sys.executable, "-c", FIRST_USE]
                environment = os.environ | {"LAB_KERNELS": folder}
                said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
                wall, processor = map(float, said.stdout.split())
                seconds.append(wall)
                work.append(processor)
    for (name, (seconds, work)), budget in zip(taken.items(), ("≤ 20", "≤ 1")):
        found.rows.append(Row(f"{name}: wall time", "s", seconds))
        found.rows.append(Row(f"{name}: processor time", "s", work, budget))
    return found


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


def the_sweeps(rounds: int, quick: bool) -> Section:
    import torch

    from core.concepts.optimizer_race.train import train
    from core.ml.fused.population import Fused

    found = Section(
        "Sweeps of the learning rate",
        "Two presets of the race through `train` in the fused kernel, all trainings of a sweep in one population, wall "
        "time on one thread: digits (64-32-10, batch 32) at seven rates, points (2-8-2, batch 10) at 25.",
    )
    torch.set_num_threads(1)
    presets = {preset.id: Params().replace(**preset.changes) for preset in PRESETS}
    for id, bound in (("tuned", 12), ("sensitivity", 6)):
        params = presets[id].replace(epochs=5) if quick else presets[id]

        def sweep(params: Params = params) -> None:
            for _ in train(params, population=Fused):
                pass

        sweep()  # loads what was compiled before
        what = f"{params.data}: {cost(params).members} trainings of {cost(params).steps} steps"
        found.rows.append(Row(what, "s", [seconds(sweep) for _ in range(rounds)], f"≤ {bound}"))
    return found
