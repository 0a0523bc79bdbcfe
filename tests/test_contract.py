"""What holds for every concept in the catalogue, before its author has written a test."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from core.concept.catalog import CONCEPTS, LANGUAGES
from core.concept.params import BaseParams, Integer, Rows, canonical, fields
from core.concept.parts import SIGNS, UNSEEN, Claim, Figure, Mistake, experiment, load, train_module
from core.concept.result import BaseResult, arrays, axes, same
from core.concept.text import words
from core.conclusions.claims import deciding
from core.conclusions.compare import joined
from core.conclusions.stats import interval, verdict
from core.figures.overlay import common_axes, overlay
from core.runs import cut
from core.runs.engines import trainer
from core.runs.key import run_key
from core.runs.store import LARGEST_RESULT, Store
from core.takeaway import source

HERE = Path(__file__).parent
STEMS = [entry.stem for entry in CONCEPTS]
ALL = pytest.mark.parametrize("stem", STEMS)
NAMES = [each.name for stem in STEMS for each in load(stem).experiments]
EVERY = pytest.mark.parametrize("name", NAMES)
CLAIMS = [(stem, claim) for stem in STEMS for claim in load(stem).claims]
EACH_CLAIM = pytest.mark.parametrize(("stem", "claim"), CLAIMS, ids=[f"{s}-{c.id}" for s, c in CLAIMS])
MISTAKES = [(stem, mistake) for stem in STEMS for mistake in load(stem).mistakes]
EACH_MISTAKE = pytest.mark.parametrize(("stem", "mistake"), MISTAKES, ids=[f"{s}-{m.id}" for s, m in MISTAKES])
FIGURES = [(load(stem).of(figure).name, figure) for stem in STEMS for figure in load(stem).figures]
EACH_FIGURE = pytest.mark.parametrize(("name", "figure"), FIGURES, ids=[f"{n}-{f.id}" for n, f in FIGURES])
ASKS = [(name, ask.id) for name in NAMES for ask in experiment(name).asks]


def frozen(result: BaseResult) -> BaseResult:
    """A Result as it is now: later ones may share their buffers with it."""
    return dataclasses.replace(result, **{name: np.array(a) for name, a in arrays(result).items()})


def trained(name: str, params: BaseParams, **how: Any) -> tuple[list[BaseResult], Any]:
    """Every Result as it was when it was handed out, and the state."""
    run, found = train_module(name).train(params, **how), []
    while True:
        try:
            found.append(frozen(next(run)))
        except StopIteration as end:
            return found, end.value


@cache
def tiny(name: str) -> tuple[list[BaseResult], Any]:
    return trained(name, experiment(name).tiny, chunk=1)


def last(name: str) -> BaseResult:
    return tiny(name)[0][-1]


# Params


@ALL
def test_settings_are_fields_and_nothing_else(stem: str) -> None:
    """A method of Params would be missing in the run key and in the standalone script."""

    def look(cls: type[BaseParams]) -> None:
        own = {name for name in vars(cls) if not name.startswith("__")}
        assert own == set(fields(cls)) and list(cls.__bases__) == [BaseParams]
        for kind in fields(cls).values():
            if isinstance(kind, Rows):
                look(kind.row)

    look(load(stem).Params)
    for ask in experiment(stem).asks:
        look(ask.question)


@ALL
def test_defaults_and_presets_stand(stem: str) -> None:
    concept = load(stem)
    settings = [concept.Params().replace(**preset.changes) for preset in concept.presets]
    names = [json.dumps(canonical(params)) for params in settings]
    assert len(set(names)) == len(names), "two presets are the same setting"
    assert len({preset.id for preset in concept.presets}) == len(names)
    for params, preset in zip(settings, concept.presets, strict=True):
        left = {name for name in preset.changes if name not in canonical(params)}
        assert not left, "a preset changes a field that does not apply"
        assert preset.figure in ("", *(f.id for f in concept.figures if f.shown(params)))


@ALL
def test_seeds_of_data_and_weights_are_apart(stem: str) -> None:
    kinds = fields(load(stem).Params)
    for name in ("data_seed", "weight_seed"):
        assert isinstance(kinds[name], Integer) and kinds[name].high >= UNSEEN + 1000


# Training


@EVERY
def test_results_only_grow_and_end_complete(name: str) -> None:
    results, _ = tiny(name)
    kinds = axes(experiment(name).Result)
    assert len(results) > 1 and results[0].step == 0
    assert [r.complete for r in results] == [False] * (len(results) - 1) + [True]
    for earlier, later in pairwise(results):
        assert earlier.params == later.params == experiment(name).tiny
        assert earlier.step <= later.step and later.total <= earlier.total
        for field, old in arrays(earlier).items():
            new = arrays(later)[field]
            assert (old.dtype, old.ndim) == (new.dtype, new.ndim)
            part = tuple(
                slice(n if axis.endswith("+") else None) for n, axis in zip(old.shape, kinds[field], strict=True)
            )
            if any(axis.endswith("+") for axis in kinds[field]):
                assert new[part].tobytes() == old.tobytes(), field
            else:
                assert new.shape == old.shape, field


@EVERY
def test_shapes_are_those_declared(name: str) -> None:
    for result in tiny(name)[0]:
        assert type(result) is experiment(name).Result
        sizes: dict[str, int] = {}
        for field, values in arrays(result).items():
            assert isinstance(values, np.ndarray) and values.dtype.kind in "biuf", field
            for axis, n in zip(axes(type(result))[field], values.shape, strict=True):
                assert sizes.setdefault(axis, n) == n, (field, axis)
        assert sum(values.nbytes for values in arrays(result).values()) <= LARGEST_RESULT
        plain = [f.name for f in dataclasses.fields(result) if f.name != "params" and "axes" not in f.metadata]
        json.dumps([getattr(result, field) for field in plain], allow_nan=False)


@EVERY
def test_equal_params_give_equal_bits_whatever_the_chunk(name: str) -> None:
    for chunk in (1, 3, 1000):
        results, state = trained(name, experiment(name).tiny, chunk=chunk)
        assert same(results[-1], last(name))
        assert equal_states(state, tiny(name)[1])
    assert len(trained(name, experiment(name).tiny, chunk=1000)[0]) < len(tiny(name)[0])
    train = inspect.signature(train_module(name).train).parameters
    population = ["population"] if "fused" in experiment(name).devices else []
    assert list(train) == ["params", "device", "chunk", *population] and train["device"].default == "cpu"


def equal_states(one: dict[str, np.ndarray] | None, other: dict[str, np.ndarray] | None) -> bool:
    if one is None or other is None:
        return one is other
    return {n: a.tobytes() for n, a in one.items()} == {n: a.tobytes() for n, a in other.items()}


WAYS = [(n, d) for n in NAMES if experiment(n).cut for d in experiment(n).devices if d in ("cpu", "fused")]


def shortened(name: str) -> Iterator[Any]:
    """Settings at which a run may be cut, made short: the default and the presets, from three seeds on."""
    of = experiment(name)
    for changes in ({}, *(preset.changes for preset in load(of.stem).presets)):
        params = of.settings(of.Params().replace(**changes))
        for seeds in (params.seeds, 3, 8):
            short = params.replace(**{k: v for k, v in of.trial.items() if k in fields(of.Params) and k != "seeds"})
            if cut.cut(name, short.replace(seeds=seeds), 2):
                yield short.replace(seeds=seeds)


@pytest.mark.parametrize(("name", "device"), WAYS)
def test_what_is_cut_and_put_together_has_the_bits_of_the_whole(name: str, device: str) -> None:
    """And so in two parts and in three, in whatever way the parts came about."""
    how = {"population": trainer(device)} if device == "fused" else {}
    tried: dict[str, BaseParams] = {json.dumps(canonical(params)): params for params in shortened(name)}
    assert tried, "nothing of it can be cut"
    for params in list(tried.values())[:5]:
        results, state = trained(name, params, **how)
        for count in (2, 3):
            parts = cut.cut(name, params, count)
            found = [trained(name, part.params, **how) for part in parts]
            whole = cut.joined(name, params, parts, [each[-1] for each, _ in found])
            assert same(whole, results[-1]) and whole.params == params, params
            for field in dataclasses.fields(whole):
                if "axes" not in field.metadata:
                    assert getattr(whole, field.name) == getattr(results[-1], field.name)
            together = cut.state_of_all(name, params, parts, [end for _, end in found])
            assert together and list(together) == list(state)
            assert all(together[key].tobytes() == np.asarray(state[key]).tobytes() for key in state)
            partial = cut.joined(name, params, parts, [each[len(each) // 2] for each, _ in found])
            assert partial.step < whole.step or len(found[0][0]) < 3


@EVERY
def test_types_are_those_declared(name: str) -> None:
    for result in (tiny(name)[0][0], last(name)):
        kinds = {f.name: f.metadata["dtype"] for f in dataclasses.fields(result) if "axes" in f.metadata}
        assert {field: values.dtype.name for field, values in arrays(result).items()} == kinds


@EVERY
def test_nothing_is_read_that_was_never_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits where memory that NumPy and torch leave as it was is full of NaN (of ones, for whole numbers)."""

    def poisoned(make: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        def made(*args: Any, **how: Any) -> np.ndarray:
            found = make(*args, **how)
            if found.dtype.kind in "biufc":
                found.fill(np.nan if found.dtype.kind in "fc" else 1)
            return found

        return made

    for maker in ("empty", "empty_like"):
        monkeypatch.setattr(np, maker, poisoned(getattr(np, maker)))
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.empty(3).isnan().all() and np.isnan(np.empty(3)).all()
        results, state = trained(name, experiment(name).tiny, chunk=1000)
    finally:
        torch.use_deterministic_algorithms(False)
    assert same(results[-1], last(name)) and equal_states(state, tiny(name)[1])


@EVERY
def test_seeds_matter(name: str) -> None:
    tiny_params = experiment(name).tiny
    for seed in {"data_seed", "weight_seed"} - set(experiment(name).without):
        other, _ = trained(name, tiny_params.replace(**{seed: getattr(tiny_params, seed) + 1}))
        assert not same(other[-1], last(name)), seed


@EVERY
def test_the_run_key_knows_all_code_that_a_run_reaches(name: str) -> None:
    """Every function of the project that is called while training is among those that the key hashes."""
    called = set()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            called.add((frame.f_globals.get("__name__", ""), frame.f_code.co_qualname.split(".")[0]))

    module = train_module(name)
    sys.setprofile(note)
    try:
        list(module.train(experiment(name).tiny))
    finally:
        sys.setprofile(None)
    made = ("__", "<")  # by dataclass and lambda
    mine = {(where, what) for where, what in called if where.startswith("core.") and not what.startswith(made)}
    pieces, _ = source.closure(name)
    hashed = {(piece.module, what) for piece in pieces for what in source.targets(piece.node)}
    assert (f"core.concepts.{name}.train", "train") in mine
    assert mine <= hashed | {("core.concept.params", what) for _, what in mine}


# Figures


def numbers(result: BaseResult) -> dict[str, bytes]:
    return {name: values.tobytes() for name, values in arrays(result).items()}


@EACH_FIGURE
def test_figures_draw_the_first_and_the_last_result(name: str, figure: Figure) -> None:
    if not figure.shown(experiment(name).tiny):
        pytest.skip("not shown at these settings")
    for result in (tiny(name)[0][0], last(name)):
        before = numbers(result)
        for language in LANGUAGES:
            drawn = figure.draw(result, language)
            assert isinstance(drawn, go.Figure) and len(drawn.data)
            text = drawn.to_json(validate=True)
            assert json.loads(text)["layout"]["height"] > 100
            assert language != "en" or text == figure.draw(result, language).to_json()
            table = figure.table(result, language)
            assert table.columns.is_unique and table.to_csv(index=False)
            assert len(table) or not result.complete
            summary = figure.summary(result, language)
            assert summary == summary.strip() and summary[-1] in ".。" and "nan" not in summary
        assert numbers(result) == before, "a figure changed the result"


@cache
def reseeded(name: str) -> BaseResult:
    """The tiny run at another seed."""
    tiny_params = experiment(name).tiny
    return trained(name, tiny_params.replace(weight_seed=tiny_params.weight_seed + 1), chunk=1000)[0][-1]


@EACH_FIGURE
def test_runs_are_compared_in_every_figure(name: str, figure: Figure) -> None:
    """Over one another where there are curves on common axes, with every number as it was; else on common ranges."""
    if not figure.shown(experiment(name).tiny):
        pytest.skip("not shown at these settings")
    results = {"A": last(name), "B": reseeded(name)}
    drawn = {letter: figure.draw(result, "en") for letter, result in results.items()}
    over = overlay(drawn)
    if over is not None:
        json.loads(over.to_json(validate=True))
        traces = [trace for each in drawn.values() for trace in each.to_plotly_json()["data"]]
        for old, new in zip(traces, over.to_plotly_json()["data"], strict=True):
            assert old["type"] == "scatter"
            assert all(json.dumps(old.get(a), default=list) == json.dumps(new.get(a), default=list) for a in "xy")
        assert {trace.name[:4] for trace in over.data if trace.name} <= {"A", "B", "A · ", "B · "}
    common_axes(list(drawn.values()))
    for each in drawn.values():
        each.to_json(validate=True)
    tables = {letter: figure.table(result, "en") for letter, result in results.items()}
    both = joined(tables, "run")
    assert both.columns.is_unique and both.to_csv(index=False)
    assert len(both) in (len(tables["A"]), sum(map(len, tables.values())))


@ALL
def test_figures_that_are_shown_are_a_choice(stem: str) -> None:
    concept = load(stem)
    assert len({figure.id for figure in concept.figures}) == len(concept.figures)
    for params in (concept.Params(), *(concept.Params().replace(**p.changes) for p in concept.presets)):
        assert any(figure.shown(params) for figure in concept.figures)


# Store, keys, asks


@EVERY
def test_a_run_comes_back_from_the_store_as_it_was(name: str, tmp_path: Path) -> None:
    store, key, state = Store(tmp_path), run_key(name, experiment(name).tiny, "cpu"), tiny(name)[1]
    meta = {"status": "complete", "concept": name, "device": "cpu", "seconds": 0.1}
    assert store.save(key, last(name), meta, state)
    stored = store.complete(key)
    assert stored and same(stored.result, last(name))
    assert canonical(stored.result.params) == canonical(experiment(name).tiny)
    for field in (f for f in dataclasses.fields(stored.result) if "axes" not in f.metadata and f.name != "params"):
        assert getattr(stored.result, field.name) == getattr(last(name), field.name)
    if state:
        assert equal_states(store.state(key), state)
    for figure in load(experiment(name).stem).figures:
        if figure.of == experiment(name).part and figure.shown(experiment(name).tiny):
            assert figure.draw(stored.result, "en").to_json() == figure.draw(last(name), "en").to_json()


@pytest.mark.parametrize(("name", "ask"), ASKS, ids=["-".join(ask) for ask in ASKS])
def test_asks_answer(name: str, ask: str) -> None:
    kind = experiment(name).ask(ask)
    asked = experiment(name).tiny, last(name), tiny(name)[1], kind.question()
    answers = []
    for _ in range(2):
        found = train_module(name).answer(*asked)
        *partial, last_of_all = found if isinstance(found, Iterator) else [found]
        assert all(type(part) is kind.answer and not part.complete for part in partial)
        assert all(one.step < two.step for one, two in pairwise([*partial, last_of_all]))
        answers.append(last_of_all)
    assert type(answers[0]) is kind.answer and answers[0].complete and same(*answers)
    for field, values in arrays(answers[0]).items():
        assert values.ndim == len(axes(kind.answer)[field])


@EVERY
def test_cost_is_positive_and_grows(name: str) -> None:
    asked, defaults = experiment(name), experiment(name).Params()
    for params in (defaults, asked.tiny, *(defaults.replace(**p.changes) for p in load(asked.stem).presets)):
        cost = asked.cost(params)
        assert cost.steps >= 1 and isinstance(cost.steps, int) and cost.flops_per_step > 0


# What `cost` counts instead of the steps of a Result, and why.
OTHER_STEPS = {
    "perceptron": "rounds in which every seed makes its next update: a typical number, as the end depends on the data",
    "activations": "steps of all depths and contenders: populations of different shape are trained one after another",
    "universal_approximation": "steps of all widths, as populations of different shape are trained one after another",
    "initialization.depth": "a call for every hidden layer of every depth's steps",
    "universal_approximation.depth": "steps of all depths, likewise, and what it takes to count pieces",
    "bias_variance.networks": "steps of all widths, as populations of different shape are trained one after another",
    "feature_scaling": "steps so small that forty of them take as long as one elsewhere",
    "feature_scaling.rules": "the same, four of them",
    "hyperparameter_search.race": "steps of the networks: a Result counts trainings, as a search spends them",
    "hyperparameter_search.importance": "steps of populations of different shape, which a Result counts",
    "gan": "updates of players, of which a step has several: they are what takes the time",
}


@EVERY
def test_predicted_steps_are_those_taken(name: str) -> None:
    predicted = experiment(name).cost(experiment(name).tiny).steps
    assert (predicted == last(name).step == last(name).total) != (name in OTHER_STEPS)


# Claims


def cheap(params: BaseParams, name: str) -> BaseParams:
    """These settings of an experiment, for their form to be tried."""
    return params.replace(**experiment(name).trial)


@cache
def tried(name: str, params: BaseParams) -> list[BaseResult]:
    """Every Result of a run that several claims may measure."""
    return trained(name, params)[0]


@EACH_CLAIM
def test_a_measure_gives_one_number_per_seed(stem: str, claim: Claim) -> None:
    name = load(stem).of(claim).name
    results = tried(name, cheap(claim.params, name))
    effects = claim.measure(results[-1])
    assert effects is None or (effects.ndim == 1 and effects.size and np.isfinite(effects).all())
    if effects is not None and claim.share:
        assert set(effects) <= {0.0, 1.0}
    claim.measure(results[0])  # whatever a run has so far


@EACH_CLAIM
def test_deciding_seeds_are_enough_and_nobody_has_looked_at_them(stem: str, claim: Claim) -> None:
    defaults, runs = load(stem).Params(), deciding(claim)
    assert len(runs) == claim.runs
    assert sum(getattr(params, "seeds", 1) for params in runs) >= 10
    seen = []
    for params in runs:
        assert min(params.data_seed, params.weight_seed) >= UNSEEN
        seen += [params.data_seed + i for i in range(getattr(params, "seeds", 1))]
    assert len(seen) == len(set(seen))
    shown = [defaults, experiment(stem).tiny, *(defaults.replace(**preset.changes) for preset in load(stem).presets)]
    assert all(max(params.data_seed, params.weight_seed) < UNSEEN - 100 for params in shown)
    assert claim.smallest > 0 and claim.direction in ("above", "below", "within")


@cache
def known(stem: str) -> dict[str, tuple[BaseResult, BaseResult]]:
    """KNOWN of the concept's own tests: claim → a Result for which it holds, and one for which it fails; mistake → one
    that shows it, and one that does not. They may share an id where they measure the same."""
    spec = importlib.util.spec_from_file_location(f"known_{stem}", HERE / "concepts" / f"test_{stem}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.KNOWN


@EACH_CLAIM
def test_a_claim_is_tried_on_a_known_positive_and_a_known_negative(stem: str, claim: Claim) -> None:
    verdicts = []
    for result in known(stem)[claim.id]:
        effects = claim.measure(result)
        assert effects is not None
        verdicts.append(verdict(claim, interval(effects, claim.share)))
    assert verdicts == ["holds", "fails"]


@ALL
def test_claims_have_names_of_their_own(stem: str) -> None:
    names = [claim.id for claim in load(stem).claims]
    assert names and len(set(names)) == len(names)
    assert set(known(stem)) == {*names, *(mistake.id for mistake in load(stem).mistakes)}


# Mistakes


@EACH_MISTAKE
def test_a_mistake_is_seen_where_it_is_made_and_not_where_it_is_not(stem: str, mistake: Mistake) -> None:
    assert [mistake.shows(result) for result in known(stem)[mistake.id]] == [True, False]
    name = load(stem).of(load(stem).figure(mistake.figure)).name
    assert mistake.shows(tiny(name)[0][0]) is None, "a run that is not over cannot tell"
    effects = mistake.measure(tried(name, cheap(mistake.params, name))[-1])
    assert effects is None or (effects.ndim == 1 and effects.size and np.isfinite(effects).all())


@ALL
def test_a_mistake_is_a_setting_that_a_reader_can_look_at(stem: str) -> None:
    concept = load(stem)
    assert len({mistake.id for mistake in concept.mistakes}) == len(concept.mistakes)
    for mistake in concept.mistakes:
        assert mistake.sign in SIGNS
        assert max(mistake.params.data_seed, mistake.params.weight_seed) < UNSEEN - 100
        assert concept.figure(mistake.figure).shown(mistake.params)


# Predictions


@ALL
def test_a_prediction_is_answered_by_the_run_alone(stem: str) -> None:
    """At least one; always with an option that has its words; not the same whatever was measured."""
    predictions = load(stem).predictions
    assert predictions and len({asked.id for asked in predictions}) == len(predictions)
    for asked in predictions:
        of = load(stem).of(asked)
        invented = [result for pair in known(stem).values() for result in pair if type(result) is of.Result]
        results = [last(of.name), *invented]
        assert 2 <= len(asked.options) <= 4
        found = [answer for result in results if (answer := asked.answer(result)) is not None]
        assert {option for option, _ in found} <= set(asked.options)
        assert len({option for option, _ in found}) > 1, "it does not depend on what was measured"
        for language in LANGUAGES:
            for _, values in found:
                assert "nan" not in words(stem, language).say(f"predict.{asked.id}.found", **values)
        assert asked.answer(tiny(of.name)[0][0]) is None, "a run that is not over cannot tell"


# What the run key depends on


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the project's sources, of which the key is made instead."""
    shutil.copytree(source.ROOT / "core", tmp_path / "core", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(source, "ROOT", tmp_path)
    source.module.cache_clear()
    yield tmp_path / "core"
    source.module.cache_clear()


def edited(file: Path, old: str, new: str, stem: str = "optimizer_race") -> str:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    source.module.cache_clear()
    return source.normalised(stem)


def test_comments_docstrings_layout_and_figures_leave_stored_results_alone(copied: Path) -> None:
    before = source.normalised("optimizer_race")
    rules, train = copied / "ml/optimizers.py", copied / "concepts/optimizer_race/train.py"
    assert edited(rules, "NADAM_DECAY = 0.004", "# why\nNADAM_DECAY = 0.004  # so") == before
    assert edited(rules, '"""w ← w − η g', '"""Else: w ← w − η g') == before
    assert edited(rules, "w.sub_(g.mul_(group", "w.sub_(\n        g.mul_(group") == before
    assert edited(train, "    race = networks(", "\n\n    race = networks(") == before
    assert edited(copied / "concepts/optimizer_race/figures.py", "REACH = 1.5", "REACH = 1.6") == before
    assert edited(copied / "concepts/optimizer_race/params.py", "integer(30, 1, 300)", "integer(20, 1, 400)") == before
    assert edited(copied / "ml/data.py", "def split(", "def unused(): ...\n\n\ndef split(") == before


def test_code_that_a_run_reaches_makes_it_another_run(copied: Path) -> None:
    seen = {source.normalised("optimizer_race")}
    for file, old, new in (
        ("ml/optimizers.py", "NADAM_DECAY = 0.004", "NADAM_DECAY = 0.005"),
        ("ml/optimizers.py", '"adamw": adamw', '"adamw": adam'),
        ("ml/optimizers.py", '{"amsgrad": ("m", "v", "largest")}', '{"amsgrad": ("m", "v")}'),
        ("ml/data.py", "SHARES = (0.6, 0.2, 0.2)", "SHARES = (0.5, 0.3, 0.2)"),
        ("ml/random.py", "name.encode()", "name.upper().encode()"),
        ("ml/networks.py", "fan_in**-0.5", "fan_in**-1"),
        ("concepts/optimizer_race/params.py", 'params.data != "digits"', 'params.data == "moons"'),
        ("concepts/optimizer_race/train.py", "GRID = 48", "GRID = 32"),
    ):
        seen.add(edited(copied / file, old, new))
    assert len(seen) == 9
