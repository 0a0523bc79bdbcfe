"""A standalone script: it runs where the project is not, and gives the same numbers bit for bit."""

from __future__ import annotations

import ast
import codeop
import gc
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import nbformat
import numpy as np
import pytest

from core.concept.catalog import CONCEPTS
from core.concept.params import BaseParams, fields, uploaded, write
from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult, arrays, same
from core.ml.own import CONTENTS
from core.ml.rules import Contender
from core.runs import key
from core.takeaway import export, source
from core.takeaway.source import Piece, module
from tests import exports

STEMS = [entry.stem for entry in CONCEPTS]
FURTHER = load("optimizer_race").Params(
    epochs=2,
    seeds=2,
    contenders=(
        Contender(rule="radam", lr=0.01, beta2=0.99),
        Contender(rule="nadam", lr=0.003, l2=0.001),
        Contender(rule="nesterov", lr=0.03),
    ),
)
TABLE = ("a,b,kind\n" + "".join(f"{i}.5,{i * i % 11}.0,{'pq'[i % 3 % 2]}\n" for i in range(40))).encode()
OWN = f"sha256:{hashlib.sha256(TABLE).hexdigest()}:40x2x2"
CASES = {stem: (stem, experiment(stem).tiny) for stem in STEMS} | {
    "digits": ("optimizer_race", FURTHER),
    "own table": ("optimizer_race", experiment("optimizer_race").tiny.replace(own=OWN)),
    "own points": ("perceptron", experiment("perceptron").tiny.replace(own=OWN)),
}


@cache
def expected_of(case: str) -> BaseResult:
    """The lab's own last Result."""
    stem, params = CASES[case]
    if uploaded(params):
        CONTENTS[OWN] = TABLE
    *_, last = train_module(stem).train(params)
    return last


@pytest.mark.parametrize("case", CASES)
def test_a_script_gives_the_same_numbers_without_the_project(case: str, tmp_path: Path) -> None:
    stem, params = CASES[case]
    file = tmp_path / "run.py"
    file.write_text(export.script(stem, params), "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OMP"))}
    command = [sys.executable, "-I", "run.py", "--save", "out.npz"]
    if uploaded(params):
        (tmp_path / "own.csv").write_bytes(TABLE)
        command += ["--own", "own.csv"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    expected = expected_of(case)
    said = run.stdout.splitlines()
    assert any(line.startswith(f"{expected.step} steps in") for line in said)
    measured = {name for name, f in type(expected).__dataclass_fields__.items() if f.metadata.get("measured")}
    with np.load(tmp_path / "out.npz", allow_pickle=False) as found:
        assert set(found) == set(arrays(expected))
        for name, values in arrays(expected).items():
            assert any(line.startswith(f"{name} [") for line in said)
            assert (found[name].dtype, found[name].shape) == (values.dtype, values.shape)
            assert name in measured or found[name].tobytes() == values.tobytes(), name


@pytest.mark.parametrize("case", CASES)
def test_a_notebook_gives_the_same_numbers_cell_by_cell(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stem, params = CASES[case]
    text = export.notebook(stem, params)
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert text == export.notebook(stem, params) and b"a,b,kind" not in text.encode()
    (tmp_path / "own.csv").write_bytes(TABLE)
    monkeypatch.chdir(tmp_path)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    headings = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert len(headings) == len(cells) and headings[1] == "## Settings" and cells[1].endswith("PARAMS = Params()")
    names, compiled = {"__name__": f"notebook_{stem}"}, codeop.Compile()  # keeps `from __future__`, as Jupyter does
    monkeypatch.setitem(sys.modules, names["__name__"], type(sys)(names["__name__"]))  # where dataclasses look
    for i, cell in enumerate(cells):
        exec(compiled(cell, f"cell {i}", "exec"), names)
    found = names["result"]
    assert same(expected_of(case), found)  # type: ignore[arg-type]
    said = capsys.readouterr().out
    assert all(f"\n{name} [" in f"\n{said}" for name in arrays(expected_of(case)))
    drawn = names["curves"](found)  # type: ignore[operator]
    assert len(drawn.data) >= 1 and all(len(line.x) == len(line.y) > 1 for line in drawn.data)


@pytest.mark.parametrize("case", CASES)
def test_a_script_is_clean_and_says_what_it_is(case: str, tmp_path: Path) -> None:
    stem, params = CASES[case]
    text = export.script(stem, params)
    assert export.script(stem, params) == text
    file = tmp_path / "run.py"
    file.write_text(text, "utf-8")
    lint = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E9,F,I", str(file)]
    checked = subprocess.run(lint, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    about = ast.get_docstring(ast.parse(text)) or ""
    for value in write(params).values():
        assert value in unquote(about)  # the link is whole
    assert "numpy==" in about and ("torch==" in about) == ("import torch" in text)
    used = {n.split(".")[0] for node in ast.walk(ast.parse(text)) for n in names_imported(node)}
    assert "core" not in used and not used - set(sys.stdlib_module_names) - {
        "numpy",
        "torch",
        "torchvision",
        "sklearn",
        "scipy",
        "babel",
        "faker",
        "PIL",
        "pandas",
    }
    assert "BaseParams" not in text and "/home" not in text and str(export.__file__) not in text


def names_imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "."] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.parametrize("case", CASES)
def test_the_settings_of_a_script_are_those_of_the_run(case: str) -> None:
    """Its first part alone, run here: the same values under the same names, in the same order."""
    stem, params = CASES[case]
    text = export.script(stem, params)
    start, end = text.index("@dataclass(frozen=True)"), text.index("PARAMS = Params()")
    names: dict[str, object] = {"__name__": __name__}
    exec(f"from __future__ import annotations\nfrom dataclasses import dataclass\n{text[start:end]}", names)
    found = names["Params"]()  # type: ignore[operator]

    def plain(value: object) -> object:
        if isinstance(value, tuple):
            return [plain(row) for row in value]
        if hasattr(value, "__dataclass_fields__"):
            return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
        return value

    assert plain(found) == plain(params)
    assert list(found.__dataclass_fields__) == list(fields(type(params)))


def test_names_that_would_mean_two_things_are_refused() -> None:
    def piece(where: str, name: str) -> Piece:
        node = module(where).defines[name][0]
        return Piece(where, node, ast.unparse(node))

    reach = [piece(f"core.concepts.optimizer_race.{part}", "REACH") for part in ("train", "figures")]
    export._refuse_collisions(reach[:1], ["Params"], {})
    with pytest.raises(ValueError, match="REACH"):
        export._refuse_collisions(reach, ["Params"], {})
    with pytest.raises(ValueError, match="REACH"):
        export._refuse_collisions(reach[:1], ["REACH"], {})
    with pytest.raises(ValueError, match="REACH"):
        export._refuse_collisions(reach[:1], [], {"REACH": "from x import REACH"})
    with pytest.raises(ValueError, match="main"):
        export._refuse_collisions([piece("core.cli", "main")], ["main"], {})


def test_imports_that_would_mean_two_things_are_refused() -> None:
    nodes = ast.parse("import numpy as np\nfrom time import time\nimport time\nfrom math import pi, e").body
    assert export._imports(nodes, {"np", "pi"}) == {"np": "import numpy as np", "pi": "from math import pi"}
    with pytest.raises(ValueError, match="time"):
        export._imports(nodes, {"time"})


def test_what_a_script_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class WithMethod(load("optimizer_race").Params):  # type: ignore[misc]
        def double(self) -> int:
            return 2 * self.epochs

    with pytest.raises(ValueError, match="WithMethod"):
        export._settings_classes(WithMethod)
    node = ast.parse("def f():\n    from core.ml.data import digits\n    return digits()").body[0]
    with pytest.raises(ValueError, match="imports inside a function"):
        export._sections([Piece("core.ml.data", node, ast.unparse(node))])


def test_how_the_last_moment_is_printed() -> None:
    names: dict[str, object] = {"__name__": __name__, "np": np}
    exec("from __future__ import annotations\n" + export.SHORT, names)
    short = names["short"]
    assert short(np.arange(24.0).reshape(2, 3, 4), ("contender", "seed", "tick+")) == (  # type: ignore[operator]
        "[contender 2, seed 3, tick 4]: [ 7. 19.]"
    )
    assert short(np.zeros((3, 0)), ("a", "tick+")) == "[a 3, tick 0]: []"  # type: ignore[operator]
    assert short(np.array(2.5), ()) == "[]: 2.5"  # type: ignore[operator]
    assert "from 0 to 99" in short(np.arange(100), ("a",))  # type: ignore[operator]
    assert short(np.eye(2), ("a", "b")).count("\n") == 2  # type: ignore[operator]


def test_every_value_is_written_as_it_is() -> None:
    def back(params: BaseParams) -> object:
        return eval(export._literal(params), {type(params).__name__: type(params), "Contender": Contender})

    for params in (FURTHER, experiment("optimizer_race").tiny, Contender(rule="adam", lr=1e-7, eps=1e-12, beta2=0.0)):
        assert back(params) == params


# `make export-check`


def test_the_check_of_exports_finds_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = arrays(expected_of("optimizer_race"))
    ours, theirs = tmp_path / "lab.npz", tmp_path / "script.npz"
    np.savez(ours, **last)  # type: ignore[arg-type]

    def compared(**changed: np.ndarray) -> tuple[list[str], list[str]]:
        np.savez(theirs, **(last | changed))  # type: ignore[arg-type]
        return exports.bits("optimizer_race", ours, theirs), exports.means("optimizer_race", ours, theirs)

    assert compared() == ([], [])
    assert compared(step_seconds=last["step_seconds"] + 1) == ([], [])  # it was measured
    last_bit, far = last["loss"].copy(), last["loss"].copy()
    last_bit[0, 0, 0, 0] = np.nextafter(last_bit[0, 0, 0, 0], np.float32(9))
    far[0, :, -1, 2] += 2 * exports.TOLERANCE["loss"]
    (line,), near = compared(loss=last_bit)
    assert line.startswith("loss differs by up to") and near == []
    assert [len(lines) for lines in compared(loss=far)] == [1, 1]
    assert compared(accuracy=last["accuracy"].astype(float))[0] == [
        f"accuracy is float64 {last['accuracy'].shape}, not float32 {last['accuracy'].shape}"
    ]
    assert compared(more=np.zeros(1))[0] == ["other arrays: ['more']"]
    failing = [sys.executable, "-c", "raise SystemExit('no')"]
    assert exports.run("script", failing, tmp_path) == ["script ended with 1: no"]


def test_the_check_of_exports_reads_what_is_to_be_installed() -> None:
    for make in (export.script, export.notebook):
        found = exports.named(make("perceptron", experiment("perceptron").tiny))
        assert [package.split("==")[0] for package in found][:1] == ["numpy"] and all("==" in p for p in found)


# Threads


@contextmanager
def many_turns() -> Iterator[None]:
    """Threads take turns wherever they can, also while a syntax tree grows: the collector that runs there lets go."""

    def turn(phase: str, info: dict[str, int]) -> None:
        time.sleep(0)

    before = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    gc.callbacks.append(turn)
    try:
        yield
    finally:
        gc.callbacks.remove(turn)
        sys.setswitchinterval(before[0])
        gc.set_threshold(*before[1])


def test_twelve_threads_export_at_once_from_cold_caches() -> None:
    wanted = {stem: export.script(stem, load(stem).Params()) for stem in ("perceptron", "optimizers")}
    gate = threading.Barrier(12)

    def one(number: int) -> bool:
        stem = sorted(wanted)[number % len(wanted)]
        gate.wait()
        return export.script(stem, load(stem).Params()) == wanted[stem]

    for cached in (source.module, source._uses, source._bare, key.reached):
        cached.cache_clear()
    with many_turns(), ThreadPoolExecutor(12) as threads:
        assert all(threads.map(one, range(12)))
