"""Experiments at the command line.

    python -m core.cli list                                   the concepts
    python -m core.cli optimizer_race --help                  what can be set
    python -m core.cli optimizer_race epochs=5 contenders=adam~lr-0.01~~sgd~lr-0.1
    python -m core.cli optimizers figure=averages            another figure, and the experiment that it shows
    python -m core.cli perceptron own=points.csv --columns height,weight,species
    python -m core.cli mixup --settings mixup.json epochs=5   settings that a page gave, and changes to them
    python -m core.cli warm                                   every talk, default and preset, into the store
    python -m core.cli warm which_optimizer                   one talk only

Settings are written as in a link. The run takes place in this process, on the CPU unless device=cuda or device=mps;
device=fused is the fused kernel on the CPU, where a concept can use it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core import console, readers, talk
from core.concept.catalog import CONCEPTS, LANGUAGES, TALKS
from core.concept.messages import allowed, explain
from core.concept.params import SHOWN, BaseParams, Problem, Refused, Rows, Upload, fields, read, shape, uploaded
from core.concept.parts import Experiment, Figure, load, train_module
from core.concept.result import BaseResult, arrays
from core.concept.text import Text, words
from core.figures.numbers import readable
from core.ml import fused
from core.ml.own import CONTENTS
from core.runs import disk
from core.takeaway import export, records

if TYPE_CHECKING:
    from core.runs.manager import Manager
    from core.runs.run import Run

REFUSED = 2  # exit status


def main(arguments: list[str] | None = None) -> int:
    console.tolerant()
    parser = argparse.ArgumentParser("python -m core.cli", add_help=False, usage="%(prog)s CONCEPT [FIELD=VALUE …]")
    parser.add_argument("concept", nargs="?", default="")
    parser.add_argument(
        "settings", nargs="*", metavar="FIELD=VALUE", help="as in a link; figure=…; device=cpu, fused, cuda or mps"
    )
    parser.add_argument("--language", choices=LANGUAGES, default="en")
    parser.add_argument("--save", type=Path, metavar="FILE.npz", help="keep all arrays of the result")
    parser.add_argument("--columns", default="", metavar="A,B,…", help="of your own table: numbers, then the label")
    parser.add_argument("--settings", dest="file", type=Path, metavar="FILE.json", help="of a page, taken first")
    parser.add_argument("--script", action="store_true", help="print the standalone script of this run instead")
    parser.add_argument("--notebook", action="store_true", help="print the notebook of this run instead")
    parser.add_argument("--help", action="store_true", help="what can be set")
    given = parser.parse_intermixed_args(arguments)

    if given.concept == "list":
        print(concepts(given.language))
        return 0
    if given.concept == "warm":
        return warm(given.settings)
    if given.concept not in {entry.stem for entry in CONCEPTS}:
        print(f"{__doc__}\n{parser.format_help()}\n{concepts(given.language)}")
        if given.concept:
            print(f"There is no concept “{given.concept}”.", file=sys.stderr)
        return 0 if given.help and not given.concept else REFUSED
    text, cls = words(given.concept, given.language), load(given.concept).Params
    if given.help:
        print(f"{text.title}\n{text.lead}\n\n{described(cls, text)}")
        return 0

    params, figure, device, problems = settings(given.concept, given.settings, given.columns, given.file)
    of = load(given.concept).of(figure)
    source = export.script if given.script else export.notebook if given.notebook else None
    if source is None:
        problems += [
            Problem(field, "not_given", {"name": field, "shape": " × ".join(map(str, shape(name)))})
            for field, name in uploaded(of.settings(params)).items()
            if name not in CONTENTS
        ]
    for problem in problems:
        print(explain(problem, text, cls, instead=False), file=sys.stderr)
    if problems:
        return REFUSED
    if source:
        console.write_file(source(of.name, params))
        return 0
    begin = time.monotonic()
    result = trained(of, params, device)
    seconds = time.monotonic() - begin
    with pd.option_context("display.unicode.east_asian_width", True, "display.width", None):
        print(readable(figure.table(result, given.language)).to_string(index=False, max_colwidth=48))
    print(f"\n{figure.summary(result, given.language)}\n{text.say('run.seconds', n=f'{seconds:.1f}')}")
    if given.save:
        np.savez(given.save, **arrays(result))  # type: ignore[arg-type]
    return 0


def settings(
    stem: str, given: list[str], columns: str = "", file: Path | None = None
) -> tuple[BaseParams, Figure, str, list[Problem]]:
    """Params, figure, device and what was refused, from a file of settings and arguments FIELD=VALUE, which go before
    it."""
    concept = load(stem)
    named = {name: value for name, equal, value in (argument.partition("=") for argument in given) if equal}
    device, wanted = named.pop("device", "cpu"), named.pop("figure", "")
    refused = []
    for field, kind in fields(concept.Params).items():
        if isinstance(kind, Upload) and named.get(field):
            try:
                named[field] = brought(Path(named[field]), kind, columns)
            except Refused as error:
                refused.append(Problem(field, error.code, error.details))
                del named[field]
    params, problems = read(concept.Params, named)
    if file:
        try:
            kept, found = records.read_settings(stem, file.read_bytes())
            problems += found
            params = kept.replace(**{name: getattr(params, name) for name in named if name in fields(type(params))})
        except OSError as error:
            problems.append(Problem("--settings", "no_file", {"value": str(file)[:SHOWN], "reason": disk.why(error)}))
        except Refused as error:
            problems.append(Problem("--settings", error.code, error.details))
    problems += refused
    problems += [Problem(argument, "unreadable", {"value": argument}) for argument in given if "=" not in argument]
    figures = [figure for figure in concept.figures if figure.shown(params)]
    figure = next((figure for figure in figures if figure.id == wanted), figures[0])
    if wanted not in ("", figure.id):
        names = ", ".join(figure.id for figure in figures)
        problems.append(Problem("figure", "unknown_option", {"value": wanted[:SHOWN], "options": names}))
    if device != "cpu":
        from core.runs.engines import FUSED, devices

        kernel = [FUSED] if fused.digest() else []
        there = {d.split(":")[0] for d in (*devices(), *kernel)} & set(concept.of(figure).devices)
        if device not in there:
            problems.append(Problem("device", "unknown_option", {"value": device, "options": ", ".join(sorted(there))}))
    return params, figure, device, problems


def brought(file: Path, kind: Upload, columns: str) -> str:
    """Put a file where train finds it; the name it has in Params. Raises Refused."""
    try:
        content = file.read_bytes()
    except (OSError, ValueError) as error:
        raise Refused("no_file", value=str(file)[:SHOWN], reason=disk.why(error)) from None
    if kind.kind == "text":
        name, cleaned = readers.text(content, kind)
    elif kind.kind == "image":
        name, cleaned = readers.image(content, kind)
    else:
        sheet = readers.sheet(content)
        features, label = readers.guess(sheet, kind)
        if columns:
            missing = [c for c in columns.split(",") if c not in sheet.names]
            if missing:
                raise Refused("no_column", value=missing[0][:SHOWN], names=", ".join(sheet.names))
            features = [sheet.names.index(c) for c in columns.split(",")]
            label = features.pop() if label is not None else None
        name, cleaned = readers.table(sheet, features, label, kind)
    CONTENTS[name] = cleaned
    return name


def trained(of: Experiment, params: BaseParams, device: str) -> BaseResult:
    """The complete Result, trained here with a line of progress about every second."""
    from core.runs.engines import FUSED, host, trainer

    train = train_module(of.name).train
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # as in a worker: the same bits
    said = time.monotonic()
    how = {"population": trainer(FUSED)} if device == FUSED else {}
    for result in train(of.settings(params), device=host(device), **how):
        if time.monotonic() - said > 1:
            said = time.monotonic()
            print(f"{100 * result.step / max(result.total, 1):3.0f} %", file=sys.stderr, flush=True)
    return result


def concepts(language: str) -> str:
    """Every concept with its title, a line each."""
    return "\n".join(f"{entry.stem:20} {words(entry.stem, language).title}" for entry in CONCEPTS)


def described(cls: type[BaseParams], text: Text, indent: str = "") -> str:
    """Every field: its default, what is allowed, and what it is; the fields of rows below it."""
    lines = []
    for name, kind in fields(cls).items():
        label, hint = text.say(f"params.{name}"), text.hint(f"params.{name}")
        lines.append(f"{indent}{name}={kind.write(kind.default)}")
        lines.append(f"{indent}    {label} ({allowed(kind)})" + (f": {hint}" if hint else ""))
        if isinstance(kind, Rows):
            first, *others = fields(kind.row)
            row = "".join(f"~{other}-[{other}]" for other in others[:1]) + "~…" * bool(others)
            lines.append(f"{indent}    [{first}]{row}~~[{first}]" + "~…" * bool(others))
            lines.append(described(kind.row, text, indent + "        "))
    return "\n".join(lines)


def finished(manager: Manager, runs: Iterable[Run]) -> Iterator[Run]:
    """The runs in turn, each when it has ended; until then all count as looked at, else they would be stopped."""
    waiting = list(runs)
    for run in waiting:
        while run.live and not run.done.wait(1):
            for other in waiting:
                manager.look(other, "")
        yield run


def warm(names: list[str]) -> int:
    """Train the beats of these talks into the store, or without a name those of all, and the defaults and presets of
    every concept, so that all of it is shown at once."""
    from core.runs.manager import Manager
    from core.runs.run import COMPLETE

    if unknown := sorted(set(names) - set(TALKS)):
        print(f"There is no talk “{unknown[0]}”, but these: {', '.join(TALKS)}.", file=sys.stderr)
        return REFUSED
    settings = [(beat.experiment, beat.params) for name in names or TALKS for beat in talk.load(name)]
    for concept in (load(entry.stem) for entry in CONCEPTS if not names):
        settings += [(each, concept.Params()) for each in concept.experiments]
        for preset in concept.presets:
            params = concept.Params().replace(**preset.changes)
            figure = concept.figure(preset.figure) if preset.figure else concept.first(params)
            settings.append((concept.of(figure), params))
    manager = Manager().start()
    manager.settled.wait()  # for the engine that pages will choose
    runs = {}
    for each, params in settings:
        run = manager.ask(each.name, params)
        runs[run.key] = run
    failed = 0
    for run in finished(manager, runs.values()):
        failed += run.status != COMPLETE
        what = "stored" if run.stored else f"{run.status} in {run.seconds:.1f} s"
        print(f"{run.name:20} {run.key[:8]} {what} {run.error}".rstrip(), flush=True)
    manager.close()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(console.to_its_end(main))
