"""A standalone script: it runs where the project is not, and gives the same numbers bit for bit."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from core import export
from core.catalog import CONCEPTS
from core.concept import experiment, load
from core.ml.own import CONTENTS
from core.ml.rules import Contender
from core.params import BaseParams, fields, uploaded, write
from core.result import arrays
from core.source import Piece, module

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
CASES = {stem: (stem, load(stem).tiny) for stem in STEMS} | {
    "digits": ("optimizer_race", FURTHER),
    "own table": ("optimizer_race", load("optimizer_race").tiny.replace(own=OWN)),
    "own points": ("perceptron", load("perceptron").tiny.replace(own=OWN)),
}


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
        CONTENTS[OWN] = TABLE
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    *_, expected = experiment(stem).train(params)
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
        "sklearn",
        "scipy",
        "faker",
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

    for params in (FURTHER, load("optimizer_race").tiny, Contender(rule="adam", lr=1e-7, eps=1e-12, beta2=0.0)):
        assert back(params) == params
