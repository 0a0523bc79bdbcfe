"""The command line: what a link says, at the command line."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core import cli
from core.concept.catalog import CONCEPTS, LANGUAGES
from core.concept.params import Rows, fields, write
from core.concept.parts import load, train_module
from core.concept.result import arrays
from core.concept.text import words
from core.concepts.optimizer_race.params import TINY, Params
from core.console import LEFT
from core.takeaway import export

ROOT = Path(__file__).resolve().parents[1]
TINY_LINK = [f"{name}={value}" for name, value in write(TINY).items()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_run_prints_its_first_figure_as_a_table(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.npz"
    assert cli.main(["optimizer_race", *TINY_LINK, "device=cpu", "--language", language, "--save", str(file)]) == 0
    said = capsys.readouterr().out
    *_, result = train_module("optimizer_race").train(TINY)
    figure = load("optimizer_race").figures[0]
    assert figure.summary(result, language) in said
    for column in figure.table(result, language).columns:
        assert column.strip() in said
    with np.load(file) as saved:
        assert {n for n in saved if saved[n].tobytes() == arrays(result)[n].tobytes()} >= {"loss", "accuracy"}


def test_whatever_is_refused_is_said_and_nothing_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "trained", lambda *_: pytest.fail("it ran"))
    assert cli.main(["optimizer_race", "epochs=x", "seed=1", "noise", "contenders=sgd~lr-1e99", "device=tpu"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert "Epochs (epochs): “x” is not a whole number." in lines
    assert "seed: there is no such setting." in lines
    assert "Contenders (contenders), row 1, Learning rate η (lr): 1e+99 is outside 1e-07 … 100." in lines
    assert any("noise" in line and "cannot be read" in line for line in lines)
    assert any(line.startswith("device: “tpu” is not one of: cpu") for line in lines)
    assert cli.main(["perceptron", "device=cuda", "--language", "zh"]) == 2
    assert "device：“cuda”" in capsys.readouterr().err


def test_a_concept_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["optimiser_race"]) == 2
    said = capsys.readouterr()
    assert "optimiser_race" in said.err and "optimizer_race" in said.out


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_names_every_concept_and_every_field(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "--language", language]) == 0
    listed = capsys.readouterr().out
    assert cli.main(["--help"]) == 0
    general = capsys.readouterr().out
    for entry in CONCEPTS:
        text = words(entry.stem, language)
        assert f"{entry.stem:20} {text.title}" in listed and entry.stem in general
        assert cli.main([entry.stem, "--help", "--language", language]) == 0
        said = capsys.readouterr().out
        for name, kind in fields(load(entry.stem).Params).items():
            assert f"\n{name}={kind.write(kind.default)}\n" in said
            assert text.say(f"params.{name}") in said and text.hint(f"params.{name}") in said
            if isinstance(kind, Rows):
                assert all(f"        {inner}=" in said for inner in fields(kind.row))


def test_own_data_are_a_file_and_its_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{i},{i % 7},{i * i % 5},{'yes' if i > 20 else 'no'}" for i in range(40)]
    file, out = tmp_path / "my points.csv", tmp_path / "out.npz"
    file.write_text("\n".join(["number,a,b,kind", *rows]))
    given = ["perceptron", f"own={file}", "seeds=1", "passes=2"]
    assert cli.main([*given, "--columns", "b,number,kind", "--save", str(out)]) == 0
    with np.load(out) as saved:
        assert saved["x"].shape == (40, 2) and saved["x"].min() == -1 and saved["x"].max() == 1
        assert np.allclose(saved["x"][:, 1], np.linspace(-1, 1, 40), atol=1e-5)
        assert saved["y"].tolist() == [1.0 if i > 20 else -1.0 for i in range(40)]
    capsys.readouterr()
    for wrong, needle in (
        ([f"own={tmp_path / 'none.csv'}"], "cannot be read"),
        ([f"own={file}", "--columns", "a,c,kind"], "no column “c”"),
        ([f"own={file}", "--columns", "a,kind"], "1 number columns"),
        ([f"own={file}", "--columns", "a,b,number"], "40 classes"),
    ):
        assert cli.main(["perceptron", *wrong]) == cli.REFUSED
        assert needle in capsys.readouterr().err


def test_the_script_is_that_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["optimizer_race", "epochs=3", "--script"]) == 0
    said = capsys.readouterr().out
    assert said == export.script("optimizer_race", Params(epochs=3)) and ast.parse(said)


def on_a_console(encoding: str, *command: str) -> subprocess.CompletedProcess[bytes]:
    """A program of the project with its output in a file, as a console of this encoding would run it."""
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True)


def test_a_console_that_cannot_show_everything_still_gets_the_numbers() -> None:
    given = ["core.cli", "perceptron", "passes=2", "seeds=1"]
    full, small = (on_a_console(encoding, *given) for encoding in ("utf-8", "cp1252"))
    assert full.returncode == small.returncode == 0
    assert "x₁" in full.stdout.decode() and rb"x\u2081" in small.stdout
    numbers = [line.split()[-1] for line in full.stdout.decode().splitlines()[1:5]]
    assert numbers == [line.split()[-1] for line in small.stdout.decode("cp1252").splitlines()[1:5]]
    for module in ("core.conclusions.claims", "core.defaults"):
        assert on_a_console("ascii", module, "感知机").returncode == cli.REFUSED


@pytest.mark.parametrize("given", [["perceptron", "passes=2", "seeds=1"], ["perceptron", "--script"], ["--help"]])
def test_who_reads_the_output_may_leave_early(given: list[str]) -> None:
    left, kept = os.pipe()
    os.close(left)
    with os.fdopen(kept, "wb") as output:
        command = [sys.executable, "-m", "core.cli", *given]
        done = subprocess.run(command, cwd=ROOT, stdout=output, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (LEFT, b"")


@pytest.mark.parametrize("kind", ["script", "notebook"])
def test_a_script_put_into_a_file_is_utf_8_on_every_console(kind: str) -> None:
    wanted = getattr(export, kind)("perceptron", load("perceptron").Params(passes=3))
    written = on_a_console("cp1252", "core.cli", "perceptron", "passes=3", f"--{kind}")
    assert written.returncode == 0 and written.stdout == wanted.encode()
