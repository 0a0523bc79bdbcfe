"""A run as a standalone script: one file that gives the same numbers without this project."""

from __future__ import annotations

import ast
import dataclasses
import json
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any
from urllib.parse import quote, urlencode

from core.messages import allowed
from core.params import LINK_VERSION, BaseParams, Rows, applicable, fields, uploaded, write
from core.source import Piece, closure, module
from core.text import words

HEADER = '''"""{title}

{lead}

One experiment of the deep-learning concept lab, whole in this file, with the settings of the page
    {link}
On a CPU it gives the lab's numbers, bit for bit.

    pip install {packages}
    python {stem}.py {own}--save {stem}.npz
"""
'''

# Comes after the experiment. [threads] stands for a line where the experiment uses torch, [argument] and [own] for
# two where it runs on the reader's own data: these stay in their file, so that a script can be passed on without them.
MAIN = '''def short(values: np.ndarray, axes: tuple[str, ...]) -> str:
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
'''
MAIN_IMPORTS = """import argparse, dataclasses, time
import numpy as np, torch
from dataclasses import dataclass
from pathlib import Path
"""
ARGUMENT = '    parser.add_argument("--{field}", required=True, metavar="FILE", help="your cleaned data")'
OWN = "    CONTENTS[PARAMS.{field}] = Path(given.{field}).read_bytes()"
THREADS = "    torch.set_num_threads(1)  # as in the lab: the order of sums, and so the last bits, depend on it"


def script(stem: str, params: BaseParams) -> str:
    """The source of a script that trains at these Params and needs packages only."""
    pieces, imports = closure(stem, ("train",))
    classes = _settings_classes(type(params))
    settings = [_declaration(cls, params if cls is type(params) else None, stem) for cls in classes]
    settings[-1] += "\n\n\nPARAMS = Params()"

    uses_torch = any("torch" in ast.unparse(node) for node in imports)
    own = uploaded(params)
    main = MAIN
    for place, lines in {
        "[argument]": [ARGUMENT.format(field=field) for field in own],
        "[own]": [OWN.format(field=field) for field in own],
        "[threads]": [THREADS] if uses_torch else [],
    }.items():
        main = main.replace(f"{place}\n", "".join(f"{line}\n" for line in lines))
    body = "\n\n\n".join([*settings, *_sections(pieces), main])
    nodes = [*imports, *ast.parse(MAIN_IMPORTS).body]
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    bound = _imports(nodes, used)
    _refuse_collisions(pieces, [cls.__name__ for cls in classes], bound)

    text = words(stem, "en")
    link = {"v": LINK_VERSION} | write(params)
    header = HEADER.format(
        title=text.title,
        lead=text.lead,
        link=f"{stem}?{urlencode(link, quote_via=quote)}",
        packages=" ".join(_packages([*bound.values(), body])),
        stem=stem,
        own="".join(f"--{field} {field}.csv " for field in own),
    )
    return f"{header}\n{_import_block(bound)}\n\n{body}"


def _settings_classes(cls: type[BaseParams]) -> list[type[BaseParams]]:
    """A class of Params and those of its rows, rows first. Only fields can be written out: methods are refused."""
    methods = [name for name in vars(cls) if callable(vars(cls)[name]) and not name.startswith("__")]
    if methods or any(isinstance(value, property) for value in vars(cls).values()):
        raise ValueError(f"{cls.__name__} has more than fields, which a standalone script cannot hold")
    rows = [kind.row for kind in fields(cls).values() if isinstance(kind, Rows)]
    return [*dict.fromkeys(inner for row in rows for inner in _settings_classes(row)), cls]


def _declaration(cls: type[BaseParams], present: BaseParams | None, stem: str) -> str:
    """A plain dataclass with the fields of `cls`; their defaults are the values of `present`, else those of `cls`."""
    text, doc = words(stem, "en"), (cls.__doc__ or "").strip()
    lines = ["@dataclass(frozen=True)", f"class {cls.__name__}:", f'    """{doc}"""', ""]
    used = applicable(present) if present else fields(cls)
    for f in dataclasses.fields(cls):
        kind = fields(cls)[f.name]
        label = text.labels.get(f"params.{f.name}", "")
        comment = label if isinstance(kind, Rows) else f"{label}: {allowed(kind)}"
        if f.name not in used:
            comment += " (no effect at these settings)"
        value = getattr(present, f.name) if present else f.default
        lines += [f"    # {comment}", f"    {f.name}: {f.type} = {_literal(value)}"]
    return "\n".join(lines)


def _literal(value: Any) -> str:
    """The source of a value of a field."""
    if isinstance(value, tuple):
        return "(" + "".join(f"\n        {_literal(row)}," for row in value) + ("\n    )" if value else ")")
    if isinstance(value, BaseParams):
        first, *_ = fields(type(value))
        given = [n for n, kind in applicable(value).items() if n == first or getattr(value, n) != kind.default]
        return f"{type(value).__name__}({', '.join(f'{n}={_literal(getattr(value, n))}' for n in given)})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _sections(pieces: list[Piece]) -> list[str]:
    """The text of each module's pieces under one line that says what the module is."""
    sections: dict[str, str] = {}
    plain = (ast.Assign, ast.AnnAssign, ast.AugAssign)
    last: Piece | None = None
    for piece in pieces:
        for node in ast.walk(piece.node):
            if isinstance(node, ast.ImportFrom) and (node.module or "core").split(".")[0] == "core":
                raise ValueError(f"{piece.module} imports inside a function, which a standalone script cannot follow")
        if piece.module not in sections:
            about = (ast.get_docstring(ast.parse(module(piece.module).text)) or "").partition("\n")[0]
            sections[piece.module] = f"# {'─' * 8} {about}\n\n" + ("" if isinstance(piece.node, plain) else "\n")
        elif last:
            sections[piece.module] += (
                "\n" if isinstance(piece.node, plain) and isinstance(last.node, plain) else "\n\n\n"
            )
        sections[piece.module] += piece.text.replace("(BaseParams)", "")
        last = piece
    return list(sections.values())


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
    owner = dict.fromkeys([*settings, "PARAMS", "short", "main"], "the script itself") | dict.fromkeys(
        bound, "an import"
    )
    for piece in pieces:
        for name, nodes in module(piece.module).defines.items():
            if piece.node in nodes and owner.setdefault(name, piece.module) != piece.module:
                raise ValueError(f"{name} is defined by {owner[name]} and by {piece.module}")


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


def _packages(sources: list[str]) -> list[str]:
    """The packages these sources import, inside functions too, each with its version here: `numpy==2.4.6`."""
    found = set()
    for node in (n for source in sources for n in ast.walk(ast.parse(source))):
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
