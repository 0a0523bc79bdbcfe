"""The source a run depends on: the definitions of the project that train reaches, found by name, without running them.

The run key hashes it, so that a change of a comment, a text or a figure keeps stored results; the exporter
writes it out as a standalone script. Classes of settings (BaseParams) are left out: their values are in the key.
"""

from __future__ import annotations

import ast
import contextlib
import symtable
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("core.concept.params", "BaseParams")


@dataclass
class Module:
    """A module of the project: its top-level definitions by name, and where its imported names come from."""

    name: str
    text: str
    nodes: list[ast.stmt]
    defines: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)  # name here → (module of the project, name there)
    outside: dict[str, ast.stmt] = field(default_factory=dict)  # name here → import statement of a package


@dataclass(frozen=True)
class Piece:
    """One definition that train needs: its module, node and source text."""

    module: str
    node: ast.stmt
    text: str


_parsing = threading.Lock()


def parsed(text: str) -> ast.Module:
    """The syntax tree of a source. The one place here where any is made, for one thread at a time: CPython 3.11 counts
    the depth of a growing tree in one number for all threads, and raises SystemError where two trees grow at once. What
    packages parse (`inspect.signature` does, of what is written in C) may still grow beside one: then again."""
    with _parsing:
        for _ in range(9):
            with contextlib.suppress(SystemError):
                return ast.parse(text)
        return ast.parse(text)


@cache
def module(name: str) -> Module:
    path = ROOT / (name.replace(".", "/") + ".py")
    text = path.read_text("utf-8")
    found = Module(name, text, parsed(text).body)
    for node in found.nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core"):
            for alias in node.names:
                if alias.asname:
                    raise ValueError(f"{name} imports {alias.name} under another name, which an exported script cannot")
                found.imports[alias.name] = (node.module or "", alias.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                found.outside[(alias.asname or alias.name).split(".")[0]] = node
        else:
            for target in targets(node):
                found.defines.setdefault(target, []).append(node)
    return found


def targets(node: ast.stmt) -> list[str]:
    """The names a top-level statement binds."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [n.id for target in targets if target for n in ast.walk(target) if isinstance(n, ast.Name)]


def _is_settings(name: str, there: Module) -> bool:
    """Whether `name` is a class of settings: BaseParams or a class that derives from it."""
    if (there.name, name) == SETTINGS:
        return True
    bases = [
        b.id
        for n in there.defines.get(name, [])
        if isinstance(n, ast.ClassDef)
        for b in n.bases
        if isinstance(b, ast.Name)
    ]
    return any(
        _is_settings(there.imports.get(b, (there.name, b))[1], module(there.imports.get(b, (there.name, b))[0]))
        for b in bases
    )


def closure(stem: str, names: tuple[str, ...] = ("train", "answer")) -> tuple[list[Piece], list[ast.stmt]]:
    """The definitions that the concept's `names` need, each after what it needs, and the package imports they use."""
    wanted: dict[tuple[str, str], None] = {}
    outside: dict[str, ast.stmt] = {}

    def visit(name: str, there: Module) -> None:
        if (there.name, name) in wanted:
            return
        if name in there.imports:
            source, original = there.imports[name]
            visit(original, module(source))
            return
        if name in there.outside:
            outside[ast.dump(there.outside[name])] = there.outside[name]
            return
        if name not in there.defines or _is_settings(name, there):
            return
        wanted[there.name, name] = None
        for node in there.defines[name]:
            for used in _uses(_text(there, node)):
                visit(used, there)

    train = module(f"core.concepts.{stem}.train")
    for name in names:
        visit(name, train)
    order: list[str] = []

    def place(where: str) -> None:
        """Put a module after those it imports from."""
        for source, _ in module(where).imports.values():
            if source not in order and any(source == w for w, _ in wanted):
                place(source)
        if where not in order:
            order.append(where)

    for where, _ in wanted:
        place(where)
    pieces = []
    for where in order:
        there = module(where)
        nodes = [n for n in there.nodes if any((where, t) in wanted for t in targets(n))]
        pieces += [Piece(where, node, _text(there, node)) for node in nodes]
    return pieces, list(outside.values())


def _text(there: Module, node: ast.stmt) -> str:
    """The source lines of a node, decorators and the comment lines right above included."""
    lines = there.text.splitlines()
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
    while first and lines[first - 1].startswith("#"):
        first -= 1
    return "\n".join(lines[first : node.end_lineno])


@cache
def _uses(text: str) -> list[str]:
    """The module's names that a definition uses: not its arguments and variables."""
    found: dict[str, None] = {}

    def look(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            if symbol.is_global() or (table.get_type() == "module" and symbol.is_referenced()):
                found[symbol.get_name()] = None
        for child in table.get_children():
            look(child)

    look(symtable.symtable(text, "", "exec"))
    return sorted(found)


def normalised(stem: str) -> str:
    """What the concept's run depends on, free of comments, docstrings and layout."""
    pieces, _ = closure(stem)
    return "\n".join(f"{piece.module}: {_bare(piece.text)}" for piece in pieces)


@cache
def _bare(text: str) -> str:
    """The syntax tree of a definition as text, without its docstrings. Many concepts share the same definitions."""
    node = parsed(text)
    for inner in ast.walk(node):
        body = getattr(inner, "body", None)
        if (
            isinstance(inner, (ast.FunctionDef, ast.ClassDef))
            and ast.get_docstring(inner) is not None
            and isinstance(body, list)
        ):
            inner.body = body[1:] or [ast.Pass()]
    return ast.dump(node)


def forget() -> None:
    """Let go of all syntax trees; what asks for one parses it anew. Those of all concepts take tens of megabytes."""
    for known in (module, _uses, _bare):
        known.cache_clear()
