"""The walls of the house: who may import what, and that catalogue = experiments = pages = texts."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from core.concept.catalog import CATALOG, CHAPTERS, CONCEPTS, LANGUAGES

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [*ROOT.glob("core/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "streamlit_app.py"]
STEMS = [entry.stem for entry in CONCEPTS]


def imported(source: str) -> set[str]:
    """The top-level packages a source imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def who_imports(package: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in SOURCES if package in imported(path.read_text("utf-8"))}


def test_the_ruler_sees_imports_anywhere() -> None:
    assert imported("def f():\n    if x:\n        from a.b import c\n    import d.e as f") == {"a", "d"}
    assert "core/ui/page.py" in who_imports("streamlit")


def test_only_the_frame_of_pages_imports_streamlit() -> None:
    allowed = ("core/ui/", "pages/", "streamlit_app.py", "core/server.py")
    assert not [path for path in who_imports("streamlit") if not path.startswith(allowed)]


def test_experiments_import_neither_streamlit_nor_plotly() -> None:
    experiments = {f"core/concepts/{stem}/{part}.py" for stem in STEMS for part in ("params", "train", "claims")}
    for package in ("streamlit", "plotly"):
        assert not {p for p in who_imports(package) if p in experiments or p.startswith("core/ml/")}


def test_torch_is_imported_by_experiments_and_in_functions_of_workers_only() -> None:
    made = [*ROOT.glob("core/concepts/**/train.py"), *ROOT.glob("core/concepts/*/*.py")]
    read_by_pages = ("params.py", "figures.py", "claims.py")
    trains = {str(path.relative_to(ROOT)) for path in made if path.name not in read_by_pages}
    beside = {"core/runs/worker.py", "core/runs/engines.py", "core/runs/tasks.py"}
    assert not {p for p in who_imports("torch") if p not in trains | beside and not p.startswith("core/ml/")}


def test_ray_is_imported_by_the_broker_and_on_its_nodes_only() -> None:
    assert who_imports("ray") == {"core/runs/broker.py", "core/runs/tasks.py"}


def test_no_file_needs_itself() -> None:
    """No circle of imports between files, not even one that is hidden in a function or meant for types alone."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in SOURCES}

    def needs(name: str) -> set[str]:
        found = set()
        for node in ast.walk(ast.parse(names[name].read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
        return found & set(names) - {name}

    left = {name: needs(name) for name in names}
    while free := [name for name, needed in left.items() if not needed & set(left)]:
        for name in free:
            del left[name]
    assert not left, "a circle, or what needs one"


def python(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_web_process_never_imports_torch() -> None:
    """Nor do the command line, the exporter or the claims before they train."""
    code = f"""
import sys
import core.concept.catalog, core.concept.messages, core.conclusions.claims
import core.cli, core.runs.manager, core.takeaway.export
from core.concept.parts import load, train_module
concepts = [load(stem) for stem in {STEMS}]
for concept in concepts:
    core.takeaway.export.script(concept.stem, concept.Params())
    core.conclusions.kept.stored(concept.stem)
    core.runs.manager.run_key(concept.stem, concept.Params(), "cpu")
print(*(name for name in ("torch", "streamlit", "sklearn", "scipy.stats") if name in sys.modules))
"""
    assert python(code).split() == []


def test_experiments_run_without_streamlit_and_plotly() -> None:
    code = f"""
import sys
from core.concept.parts import train_module
for stem in {STEMS}:
    assert train_module(stem).train
print(*(name for name in ("streamlit", "plotly") if name in sys.modules))
"""
    assert python(code).split() == []


def test_catalogue_folders_pages_and_texts_are_the_same() -> None:
    stems = [entry.stem for entry in CATALOG]
    assert len(stems) == len(set(stems))
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} == set(stems)
    assert {path.parent.name for path in (ROOT / "core/concepts").glob("*/params.py")} == set(STEMS)
    every = {entry.stem for entry in CATALOG if not entry.place}
    assert {path.parent.name for path in (ROOT / "core/concepts").glob("*/text.en.md")} == every
    assert {entry.chapter for entry in CATALOG} == set(CHAPTERS)
    assert len({entry.stem for entry in CATALOG}) == len(CATALOG)


@pytest.mark.parametrize("stem", STEMS)
def test_a_concept_has_all_its_parts(stem: str) -> None:
    folder = ROOT / "core/concepts" / stem
    names = {"params.py", "train.py", "figures.py", "claims.py", *(f"text.{language}.md" for language in LANGUAGES)}
    assert names <= {path.name for path in folder.iterdir()}
    assert (ROOT / "tests/concepts" / f"test_{stem}.py").exists()


def test_syntax_trees_are_made_in_one_place() -> None:
    """Two at once, in two threads, end in a SystemError on Python 3.11."""
    made = [path.relative_to(ROOT).as_posix() for path in SOURCES if "ast.parse(" in path.read_text("utf-8")]
    assert made == ["core/takeaway/source.py"]
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))
    assert settings["runner"]["magicEnabled"] is False  # for which streamlit makes one of every page
