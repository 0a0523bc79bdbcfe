"""What is taken away of a run: settings come back as they were, networks compute what the lab measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_params import params
from torch import nn

from core import cli
from core.concept.catalog import CONCEPTS
from core.concept.params import LINK_VERSION, BaseParams, Refused, canonical, uploaded
from core.concept.parts import experiment, load, train_module
from core.ml.networks import ACTIVATIONS, layers, shapes
from core.ml.own import CONTENTS
from core.ml.recurrent import recurrent_forward, recurrent_shapes, recurrent_weights
from core.ml.splits import three_splits
from core.runs.run import COMPLETE, Run
from core.takeaway import export, records
from core.takeaway.weights import perceptron, perceptrons, recurrent

STEMS = [entry.stem for entry in CONCEPTS]
ALL = pytest.mark.parametrize("stem", STEMS)
TEXT = "\n".join(f"line {i} of a secret that stays here" for i in range(120)).encode()


def trained(stem: str, present: BaseParams) -> tuple[Run, dict[str, np.ndarray] | None]:
    """A complete run of these settings as the page has it, and its state."""
    training = train_module(stem).train(present)
    while True:
        try:
            result = next(training)
        except StopIteration as end:
            return Run("", stem, present, "cpu", 0.0, COMPLETE, result, {"engine": "stacked torch"}), end.value


# Settings


@ALL
def test_settings_come_back_from_their_file_as_they_were(stem: str) -> None:
    @settings(max_examples=25)
    @given(params(load(stem).Params))
    def check(drawn: BaseParams) -> None:
        written = records.settings(stem, drawn)
        back, problems = records.read_settings(stem, written.encode())
        assert not problems and canonical(back) == canonical(drawn)
        assert records.settings(stem, back) == written

    check()


def test_settings_say_where_they_come_from() -> None:
    run, _ = trained("perceptron", experiment("perceptron").tiny)
    found = json.loads(records.settings("perceptron", run.params, run))
    assert (found["concept"], found["schema"]) == ("perceptron", LINK_VERSION)
    assert found["link"].startswith("perceptron?v=1&") and found["settings"] == canonical(run.params)
    assert found["run"]["steps"] == run.result.step and found["run"]["engine"] == "stacked torch"
    assert {"numpy", "torch"} <= set(found["run"]["versions"]) and found["run"]["weight_seed"] == 0
    assert json.loads(records.settings("perceptron", run.params))["run"] is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe", "not_json"),
        (b"{", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not_json"),
        (b"[]", "not_settings"),
        (b'{"settings": 3}', "not_settings"),
        (b'{"settings": {}, "concept": "mixup"}', "other_concept"),
    ],
)
def test_a_file_that_is_none_of_settings_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        records.read_settings("perceptron", content)
    assert caught.value.code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(st.fixed_dictionaries(dict.fromkeys(("contenders", "epochs", "noise", "data", "own", "surface"), JSON)))
def test_whatever_a_file_says_gives_settings_that_stand(given_settings: dict[str, Any]) -> None:
    content = json.dumps({"concept": "optimizer_race", "schema": "1", "settings": given_settings})
    back, problems = records.read_settings("optimizer_race", content.encode())
    wrong = {problem.field for problem in problems}
    for name in set(given_settings) - wrong:
        assert json.loads(json.dumps(canonical(back))).get(name, given_settings[name]) is not None
    assert all(problem.field in given_settings for problem in problems)


def test_the_command_line_reads_a_file_of_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = experiment("perceptron").tiny
    file, out = tmp_path / "perceptron.json", tmp_path / "out.npz"
    file.write_text(records.settings("perceptron", tiny), "utf-8")
    assert cli.main(["perceptron", "--settings", str(file), "--save", str(out)]) == 0
    *_, result = train_module("perceptron").train(tiny)
    with np.load(out) as saved:
        assert saved["path"].tobytes() == result.path.tobytes()
    found, figure, _, problems = cli.settings("perceptron", ["seeds=2"], file=file)
    assert not problems and found == tiny.replace(seeds=2) and figure is load("perceptron").first(found)
    capsys.readouterr()
    assert cli.main(["mixup", "--settings", str(file)]) == 2
    assert "settings of “perceptron”, not of “mixup”" in capsys.readouterr().err
    assert cli.main(["perceptron", "--settings", str(tmp_path / "none.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    file.write_text(json.dumps({"concept": "perceptron", "schema": "1", "settings": {"n": 1e9, "x": 1}}))
    assert cli.main(["perceptron", "--settings", str(file), "--language", "zh"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_settings_on_own_data_name_them_and_ask_for_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    present = experiment("perceptron").tiny.replace(own=f"sha256:{'0' * 64}:40x2x2")
    file, points = tmp_path / "settings.json", tmp_path / "points.csv"
    file.write_text(records.settings("perceptron", present), "utf-8")
    assert cli.main(["perceptron", "--settings", str(file)]) == 2
    assert "Add own=FILE" in capsys.readouterr().err
    assert cli.main(["perceptron", "--settings", str(file), "--notebook"]) == 0
    assert json.loads(capsys.readouterr().out)["nbformat"] == 4
    points.write_text("a,b,kind\n" + "".join(f"{i},{i % 7},{'pq'[i % 2]}\n" for i in range(20)))
    assert cli.main(["perceptron", "--settings", str(file), f"own={points}"]) == 0


# Networks


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_a_perceptron_is_cut_as_the_lab_cuts_it(activation: str) -> None:
    sizes = (3, 5, 4, 2)
    per_member = sum(a * b for layer in shapes(sizes, activation) for a, b in layer)
    rows = np.random.default_rng(0).standard_normal((2, per_member)).astype(np.float32)
    parts = list(perceptron(rows, sizes, activation).values())
    expected = [part for layer in layers(torch.as_tensor(rows), sizes, activation) for part in layer]
    assert len(parts) == len(expected)
    for found, wanted in zip(parts, expected):
        assert np.array_equal(found.reshape(wanted.shape), wanted.numpy())


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "peephole"])
@pytest.mark.parametrize("embedding", [0, 6])
def test_a_recurrent_network_goes_into_torch(cell: str, embedding: int) -> None:
    sizes = (7, 5, 5, 7)
    rows = recurrent_weights(cell, sizes, 1, embedding)[None]
    named = {name: torch.as_tensor(values[0]) for name, values in recurrent(rows, cell, sizes, embedding).items()}
    assert [tuple(part.shape) for part in named.values()] == recurrent_shapes(cell, sizes, embedding)
    if cell == "peephole":  # torch has none
        return
    x = torch.arange(12).view(1, 4, 3) % 7
    network = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell](embedding or 7, 5, 2)
    network.load_state_dict({k.split(".")[1]: v for k, v in named.items() if k.startswith("recurrent")})
    inputs = named["embedding.weight"][x[0]] if embedding else nn.functional.one_hot(x[0], 7).float()
    expected = nn.functional.linear(network(inputs)[0], named["linear.weight"], named["linear.bias"])
    found, _ = recurrent_forward(torch.as_tensor(rows), x, cell, sizes, embedding)
    assert torch.allclose(found[0], expected, atol=1e-5)


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="16 weights, these shapes have 17"):
        perceptron(np.zeros((2, 16)), (2, 4, 1))


def test_the_parts_of_a_model_have_names() -> None:
    nets = [("encoder", (4, 3, 2)), ("decoder", (2, 3, 4), "prelu")]
    state = {
        name: np.random.default_rng(0).random((5, n), np.float32) for name, n in (("encoder", 23), ("decoder", 28))
    }
    found = perceptrons(state, nets)
    assert list(found) == [
        *(f"encoder.{part}" for part in ("0.weight", "0.bias", "1.weight", "1.bias")),
        *(f"decoder.{part}" for part in ("0.weight", "0.bias", "1.weight", "1.bias", "1.slope")),
    ]
    assert found["encoder.1.weight"].shape == (5, 2, 3) and found["decoder.1.slope"].shape == (5, 3)
    assert all(np.array_equal(found[f"encoder.{n}"], a) for n, a in perceptron(state["encoder"], (4, 3, 2)).items())


@ALL
def test_networks_come_out_of_their_file_whole(stem: str, tmp_path: Path) -> None:
    run, state = trained(stem, experiment(stem).tiny)
    assert (experiment(stem).weights is None) == (state is None), "kept and not offered, or offered and not kept"
    if state is None:
        return
    file = tmp_path / "run.safetensors"
    file.write_bytes(records.weights(run, state))
    found = safetensors.torch.load_file(file)
    with safetensors.safe_open(file, "pt") as opened:
        told = opened.metadata()
    assert told["concept"] == stem and told["link"] == records.link(stem, run.params) and "torch" in told["versions"]
    kept = [values for values in state.values() if values.dtype.kind == "f"]
    assert sum(t.numel() for t in found.values()) == sum(values.size for values in kept)
    numbers = np.concatenate([values.ravel() for values in kept])
    assert np.array_equal(np.sort(torch.cat([t.ravel() for t in found.values()]).numpy()), np.sort(numbers))


def test_a_network_of_the_race_scores_in_torch_what_the_lab_measured(tmp_path: Path) -> None:
    present = experiment("optimizer_race").tiny
    run, state = trained("optimizer_race", present)
    assert state is not None
    found = safetensors.torch.load(records.weights(run, state))
    for seed in range(present.seeds):
        data = three_splits(present.data, present.own, present.points, present.noise, present.data_seed + seed)
        for contender in range(len(present.contenders)):
            z = torch.as_tensor(data.x[2])
            for layer in range(present.depth + 1):
                w, b = (found[f"{layer}.{part}"][contender, seed] for part in ("weight", "bias"))
                z = nn.functional.linear(z, w, b)
                z = z if layer == present.depth else ACTIVATIONS[present.activation](z)
            loss = nn.functional.cross_entropy(z, torch.as_tensor(data.y[2])).item()
            assert loss == pytest.approx(run.result.loss[contender, seed, -1, 2], rel=1e-5)


def test_a_text_of_ones_own_stays_out_of_every_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.concept.params import fields
    from core.readers import text

    name, cleaned = text(TEXT, fields(load("text_generation").Params)["own"])
    monkeypatch.setitem(CONTENTS, name, cleaned)
    present = experiment("text_generation").tiny.replace(own=name)
    assert uploaded(present) == {"own": name}
    run, state = trained("text_generation", present)
    assert state is not None and "secret" in "".join(map(chr, state["training"]))
    files = [records.weights(run, state), records.settings("text_generation", present, run).encode()]
    files += [make("text_generation", present).encode() for make in (export.script, export.notebook)]
    for file in files:
        assert b"secret" not in file and np.array(list(map(ord, "secret")), np.uint32).tobytes() not in file
