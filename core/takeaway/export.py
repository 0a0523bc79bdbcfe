"""A run as a standalone script, and as a notebook: files that give the same numbers without this project."""

from __future__ import annotations

import ast
import dataclasses
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

from core.concept.messages import allowed
from core.concept.params import ENDINGS, BaseParams, Rows, Upload, applicable, fields, uploaded
from core.concept.parts import Experiment, experiment
from core.concept.text import words
from core.takeaway.records import link
from core.takeaway.source import Piece, closure, module, parsed, targets

HEADER = '''"""{title}

{lead}

One experiment of the deep-learning concept lab, whole in this file, with the settings of the page
    {link}
{numbers}

    pip install {packages}
    python {file}.py {own}--save {file}.npz
"""
'''
FIRST_CELL = """# {title}

{lead}

One experiment of the deep-learning concept lab, whole in this notebook, with the settings of the page

    {link}

{numbers} It needs

    pip install {packages}
"""

NUMBERS = "On a CPU it gives the lab's numbers, bit for bit."
NUMBERS_OF_TWO = """On a CPU it gives what PyTorch gives in the lab, bit for bit. The lab's fused kernel adds up in
another order: means over seeds agree, a single seed may end elsewhere."""

# What comes after the experiment. [threads] stands for a line where the experiment uses torch, [argument] and [own] for
# two where it runs on the reader's own data: these stay in their file, so that a script can be passed on without them.
SHORT = '''def short(values: np.ndarray, axes: tuple[str, ...]) -> str:
    """An array in a few lines: at its last moment, averaged over seeds; of a large one the range."""
    size = ", ".join(f"{axis.removesuffix('+')} {n}" for n, axis in zip(values.shape, axes))
    for i in reversed(range(len(axes) if values.size else 0)):
        if axes[i].endswith("+"):
            values = values.take(-1, axis=i)
        elif axes[i] == "seed":
            values = values.mean(axis=i)
    if values.size > 36:
        return f"[{size}]: from {values.min():.4g} to {values.max():.4g}"
    lines = np.array2string(values, precision=4).split("\\n")
    return f"[{size}]: " + "\\n    ".join(["", *lines] if len(lines) > 1 else lines)
'''
MAIN = (
    SHORT
    + """

def main() -> None:
    parser = argparse.ArgumentParser(description="Train with the settings at the top of this file.")
    parser.add_argument("--save", metavar="FILE.npz", help="where to keep all arrays of the result")
[argument]
    given = parser.parse_args()
[own]
[threads]
    begin = said = time.monotonic()
    for result in train(PARAMS):
        if time.monotonic() - said > 1:
            said = time.monotonic()
            print(f"step {result.step} of {result.total}", flush=True)
    print(f"{result.step} steps in {time.monotonic() - begin:.1f} s; the last moment, means over seeds:")

    shown = [f for f in dataclasses.fields(result) if "axes" in f.metadata]
    for f in shown:
        print(f"{f.name} {short(getattr(result, f.name), f.metadata['axes'])}")
    if given.save:
        np.savez(given.save, **{f.name: getattr(result, f.name) for f in shown})


if __name__ == "__main__":
    main()
"""
)
TRAINED = """def trained(params: Params):
    \"\"\"The last Result, with a line of progress about every second.\"\"\"
[threads]
    said = time.monotonic()
    for found in train(params):
        if time.monotonic() - said > 1:
            said = time.monotonic()
            print(f"step {found.step} of {found.total}", flush=True)
    return found


result = trained(PARAMS)
"""
PRINTED = """

recorded = [kind for kind in dataclasses.fields(result) if "axes" in kind.metadata]
print("\\n".join(f"{kind.name} {short(getattr(result, kind.name), kind.metadata['axes'])}" for kind in recorded))
"""
CURVES = '''def curves(found) -> go.Figure:
    """What was recorded along the training: means over seeds, a line for each other place; where there are too many
    places for that everywhere, the mean of all."""
    kinds = {f.name: f.metadata for f in dataclasses.fields(found) if "axes" in f.metadata}
    clocks = {kind["axes"]: getattr(found, name) for name, kind in reversed(kinds.items()) if len(kind["axes"]) == 1}
    drawn, means = {}, {}
    for name, kind in kinds.items():
        axes, values = list(kind["axes"]), np.asarray(getattr(found, name), float)
        growing = [axis for axis in axes if axis.endswith("+")]
        if len(growing) != 1 or len(axes) < 2:
            continue
        if "seed" in axes:
            values = values.mean(axes.index("seed"))
            axes.remove("seed")
        values = np.moveaxis(values, axes.index(growing[0]), -1)
        axes.remove(growing[0])
        if values.shape[-1] > 1:
            x = clocks.get((growing[0],), np.arange(values.shape[-1]))
            title = f"{name} ({kind['unit']})" if kind["unit"] else name
            if values[..., 0].size > 24:
                means[title] = x, {"": values.reshape(-1, values.shape[-1]).mean(0)}
                continue
            named = {" ".join(f"{a} {i}" for a, i in zip(axes, at)): values[at] for at in np.ndindex(values.shape[:-1])}
            drawn[title] = x, named
    drawn = drawn or means
    height = 260 * len(drawn) + 60
    shown = make_subplots(len(drawn) or 1, 1, subplot_titles=list(drawn), vertical_spacing=60 / height)
    for row, (x, named) in enumerate(drawn.values(), 1):
        for label, line in named.items():
            shown.add_scatter(x=x, y=line, name=label, row=row, col=1, mode="lines", showlegend=False)
    return shown.update_layout(height=height)


curves(result)
'''
MAIN_IMPORTS = """import argparse, dataclasses, time
import numpy as np, torch
from dataclasses import dataclass
from pathlib import Path
import plotly.graph_objects as go
from plotly.subplots import make_subplots
"""
ARGUMENT = '    parser.add_argument("--{field}", required=True, metavar="FILE", help="your cleaned data")'
OWN = "    CONTENTS[PARAMS.{field}] = Path(given.{field}).read_bytes()"
THREADS = "    torch.set_num_threads(1)  # as in the lab: the order of sums, and so the last bits, depend on it"


@dataclass(frozen=True)
class Source:
    """What a script and a notebook are made of: settings, and the experiment by sections, heading → code."""

    name: str  # of the experiment
    params: BaseParams
    settings: str
    sections: dict[str, str]
    pieces: list[Piece]
    imports: list[ast.stmt]

    def head(self, form: str, rest: list[str]) -> tuple[str, str]:
        """The first words, in this form, and the imports of a file whose code ends with `rest`."""
        body = "\n\n\n".join([self.settings, *self.sections.values(), *rest])
        used = {node.id for node in ast.walk(parsed(body)) if isinstance(node, ast.Name)}
        bound = _imports([*self.imports, *parsed(MAIN_IMPORTS).body], used)
        classes = [cls.__name__ for cls in _settings_classes(type(self.params))]
        _refuse_collisions(self.pieces, [*classes, *_defined(rest)], bound)
        text = words(experiment(self.name).stem, "en")
        said = form.format(
            title=text.title,
            lead=text.lead,
            link=link(self.name, self.params),
            numbers=NUMBERS_OF_TWO if "fused" in experiment(self.name).devices else NUMBERS,
            packages=" ".join(_packages([*bound.values(), body], experiment(self.name).data_files(self.params))),
            file=self.name.replace(".", "_"),
            own="".join(f"--{field} {file} " for field, file in _files(self.params).items()),
        )
        return said, _import_block(bound)

    def filled(self, code: str, own: str = "") -> str:
        """The end of a file with its places filled in."""
        uses_torch = any("torch" in ast.unparse(node) for node in self.imports)
        fields = uploaded(self.params)
        for place, lines in {
            "[argument]": [ARGUMENT.format(field=field) for field in fields],
            "[own]": [OWN.format(field=field) for field in fields],
            "[threads]": [THREADS] if uses_torch else [],
        }.items():
            code = code.replace(f"{place}\n", "".join(f"{line}\n" for line in lines))
        return code


def _source(name: str, params: BaseParams) -> Source:
    pieces, imports = closure(name, ("train",))
    classes = _settings_classes(type(params))
    settings = [_declaration(cls, params if cls is type(params) else None, experiment(name)) for cls in classes]
    settings[-1] += "\n\n\nPARAMS = Params()"
    return Source(name, params, "\n\n\n".join(settings), _sections(pieces), pieces, imports)


def script(name: str, params: BaseParams) -> str:
    """The source of a script that trains an experiment at these Params and needs packages only."""
    source = _source(name, params)
    main = source.filled(MAIN)
    header, imports = source.head(HEADER, [main])
    sections = [f"# {'─' * 8} {about}\n\n{code}" for about, code in source.sections.items()]
    return f"{header}\n{imports}\n\n" + "\n\n\n".join([source.settings, *sections, main])


def notebook(name: str, params: BaseParams) -> str:
    """The same as a notebook (nbformat 4.5): cells for the settings and every section, then training and curves."""
    source = _source(name, params)
    end = {
        "Train": source.filled(TRAINED),
        "The last moment, means over seeds": SHORT + PRINTED,
        "Along the training": CURVES,
    }
    if own := uploaded(params):
        files = _files(params)
        kept = [f'CONTENTS[PARAMS.{field}] = Path("{files[field]}").read_bytes()' for field in own]
        end = {"Your own data, cleaned": "\n".join(kept)} | end
    said, imports = source.head(FIRST_CELL, list(end.values()))
    cells = [("markdown", said), ("code", imports)]
    for about, code in ({"Settings": source.settings} | source.sections | end).items():
        cells += [("markdown", f"## {about}"), ("code", code)]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    content = {
        "cells": [_cell(i, kind, text.strip()) for i, (kind, text) in enumerate(cells)],
        "metadata": kernel | {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cell(number: int, kind: str, text: str) -> dict[str, Any]:
    run: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(True)} | run


def _files(params: BaseParams) -> dict[str, str]:
    """Field → what a cleaned file of the reader's own is called."""
    kinds = fields(type(params)).items()
    own = uploaded(params)
    return {f: f"{f}.{ENDINGS[kind.kind]}" for f, kind in kinds if isinstance(kind, Upload) and f in own}


def _defined(codes: list[str]) -> list[str]:
    """The names that these pieces of code define."""
    nodes = [node for code in codes for node in parsed(code).body]
    changes = [n for n in nodes if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Subscript)]
    return [name for node in nodes if node not in changes for name in targets(node)]


def _settings_classes(cls: type[BaseParams]) -> list[type[BaseParams]]:
    """A class of Params and those of its rows, rows first. Only fields can be written out: methods are refused."""
    methods = [name for name in vars(cls) if callable(vars(cls)[name]) and not name.startswith("__")]
    if methods or any(isinstance(value, property) for value in vars(cls).values()):
        raise ValueError(f"{cls.__name__} has more than fields, which a standalone script cannot hold")
    rows = [kind.row for kind in fields(cls).values() if isinstance(kind, Rows)]
    return [*dict.fromkeys(inner for row in rows for inner in _settings_classes(row)), cls]


def _declaration(cls: type[BaseParams], present: BaseParams | None, asked: Experiment) -> str:
    """A plain dataclass with the fields of `cls`; their defaults are the values of `present`, else those of `cls`."""
    text, doc = words(asked.stem, "en"), (cls.__doc__ or "").strip()
    lines = ["@dataclass(frozen=True)", f"class {cls.__name__}:", f'    """{doc}"""', ""]
    used = applicable(present) if present else fields(cls)
    unused = asked.without if cls is asked.Params else ()
    for f in dataclasses.fields(cls):
        kind = fields(cls)[f.name]
        label = text.labels.get(f"params.{f.name}", "")
        comment = label if isinstance(kind, Rows) else f"{label}: {allowed(kind)}"
        if f.name not in used or f.name in unused:
            comment += " (no effect at these settings)"
        value = getattr(present, f.name) if present else f.default
        lines += [f"    # {comment}", f"    {f.name}: {f.type} = {_literal(value)}"]
    return "\n".join(lines)


def _literal(value: Any) -> str:
    """The source of a value of a field."""
    if isinstance(value, tuple) and value and not isinstance(value[0], BaseParams):
        return repr(value)
    if isinstance(value, tuple):
        return "(" + "".join(f"\n        {_literal(row)}," for row in value) + ("\n    )" if value else ")")
    if isinstance(value, BaseParams):
        first, *_ = fields(type(value))
        given = [n for n, kind in applicable(value).items() if n == first or getattr(value, n) != kind.default]
        return f"{type(value).__name__}({', '.join(f'{n}={_literal(getattr(value, n))}' for n in given)})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _sections(pieces: list[Piece]) -> dict[str, str]:
    """The text of each module's pieces under the line that says what the module is."""
    sections: dict[str, str] = {}
    titles: dict[str, str] = {}
    plain = (ast.Assign, ast.AnnAssign, ast.AugAssign)
    last: Piece | None = None
    for piece in pieces:
        for node in ast.walk(piece.node):
            if isinstance(node, ast.ImportFrom) and (node.module or "core").split(".")[0] == "core":
                raise ValueError(f"{piece.module} imports inside a function, which a standalone script cannot follow")
        if piece.module not in sections:
            about = (ast.get_docstring(parsed(module(piece.module).text)) or "").partition("\n")[0]
            titles[piece.module] = about
            sections[piece.module] = "" if isinstance(piece.node, plain) else "\n"
        elif last:
            sections[piece.module] += (
                "\n" if isinstance(piece.node, plain) and isinstance(last.node, plain) else "\n\n\n"
            )
        sections[piece.module] += piece.text.replace("(BaseParams)", "")
        last = piece
    return {titles[name]: code for name, code in sections.items()}


def _imports(nodes: list[ast.stmt], used: set[str]) -> dict[str, str]:
    """Name → import statement, of the names that are used; two meanings of one name are refused."""
    bound: dict[str, str] = {}
    for node in nodes:
        assert isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names:
            name = (alias.asname or alias.name).split(".")[0]
            one = ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], 0)
            line = ast.unparse(one)
            if name in used and bound.setdefault(name, line) != line:
                raise ValueError(f"{name} means two things: {bound[name]} and {line}")
    return bound


def _import_block(bound: dict[str, str]) -> str:
    """Import statements as isort writes them: the future, the standard library, packages."""
    groups: dict[bool, tuple[list[str], dict[str, list[str]]]] = {True: ([], {}), False: ([], {})}
    for line in bound.values():
        modules, froms = groups[line.split()[1].split(".")[0] in sys.stdlib_module_names]
        if line.startswith("import"):
            modules.append(line)
        else:
            _, where, _, name = line.split(maxsplit=3)
            froms.setdefault(where, []).append(name)
    blocks = ["from __future__ import annotations"]
    for modules, froms in groups.values():
        lines = [f"from {where} import {', '.join(sorted(names))}" for where, names in sorted(froms.items())]
        blocks.append("\n".join([*sorted(modules), *lines]))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _refuse_collisions(pieces: list[Piece], settings: list[str], bound: dict[str, str]) -> None:
    """Raise where one name of the script would mean two things."""
    owner = dict.fromkeys([*settings, "PARAMS"], "the script itself") | dict.fromkeys(bound, "an import")
    for piece in pieces:
        for name, nodes in module(piece.module).defines.items():
            if piece.node in nodes and owner.setdefault(name, piece.module) != piece.module:
                raise ValueError(f"{name} is defined by {owner[name]} and by {piece.module}")


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


def _packages(sources: list[str], files: Iterable[tuple[str, str]] = ()) -> list[str]:
    """The packages these sources import, inside functions too, and those that hold the data files, each with its
    version here: `numpy==2.4.6`."""
    found = {package for package, _ in files}
    for node in (n for source in sources for n in ast.walk(parsed(source))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    names = {_distributions().get(name, [name])[0] for name in found - set(sys.stdlib_module_names)}
    return sorted(f"{name}=={_version(name)}" for name in names)


def _version(name: str) -> str:
    try:
        return version(name).split("+")[0]
    except PackageNotFoundError:
        return "*"
