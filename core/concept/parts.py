"""The parts a concept is made of, and how one is found by its stem.

A concept is the folder `core/concepts/<stem>/`:
    params.py   Params, Result, PRESETS, TINY, TRIAL, ENGINE, cost: what goes in, what comes out (no torch)
    train.py    train, and answer where it has asks      the experiment                   (torch, no streamlit)
    figures.py  FIGURES, ENTRIES for standings           pictures of a Result             (plotly)
    claims.py   CLAIMS, PREDICTIONS, MISTAKES if any     what the notes say, measured     (numpy)
    text.en.md, text.zh.md                               every word of its page

Most concepts have one experiment, whose name is the stem. A further one, `<stem>.<part>`, is the folder `<part>`
in it, with a train.py and a params.py of its own (Result, cost; TINY, TRIAL, ENGINE, DEVICES where they are others than
the concept's; not PRESETS), and is named in FURTHER of the concept's params.py. Figures, claims and predictions that
need its Result say so: `of=<part>`. Networks that several of them train are in `networks.py` (torch).
"""

from __future__ import annotations

import importlib
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from math import gcd, lcm
from typing import TYPE_CHECKING, Any

import numpy as np

from core.concept.params import BaseParams, fields
from core.concept.result import BaseResult
from core.concept.text import closed_up
from core.ml.data import FILES

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

UNSEEN = 50_000  # nobody has looked at seeds from here on while choosing settings: they decide claims
SHOWN = 5  # seeds at least, over which the symptom of a mistake is measured


@dataclass(frozen=True)
class Figure:
    """An id and three pure functions of a Result; `language` is "en" or "zh".

    shown: whether the figure makes sense for these Params (decision regions need two features).
    of: the further experiment whose Result it draws; "" for the concept's own.
    """

    id: str
    draw: Callable[[Any, str], go.Figure]
    table: Callable[[Any, str], pd.DataFrame]
    summary: Callable[[Any, str], str]
    shown: Callable[[Any], bool] = lambda params: True
    of: str = ""


def with_note(figures: Iterable[Figure], note: Callable[[Any, str], str]) -> tuple[Figure, ...]:
    """The figures, each summary followed by what `note` says of the Result, if anything: whose training diverged."""

    def both(summary: Callable[[Any, str], str]) -> Callable[[Any, str], str]:
        def said(result: Any, language: str) -> str:
            return closed_up(" ".join(filter(None, (summary(result, language), note(result, language)))), language)

        return said

    return tuple(replace(figure, summary=both(figure.summary)) for figure in figures)


@dataclass(frozen=True)
class Preset:
    """A setting worth looking at; the reason stands in the texts under the same id.

    figure: the one that shows it; where none is named, the reader's stays.
    """

    id: str
    changes: Mapping[str, Any]
    figure: str = ""


@dataclass(frozen=True)
class Claim:
    """A sentence of the notes and the measurement that decides it; its wording stands in the texts.

    measure: Result → one effect per paired seed (shape [seeds]), or None where this run cannot speak to it.
    params: the settings that decide it, on seeds that nobody looked at while choosing settings.
    smallest: the smallest effect that matters, in the unit of the measure.
    direction: "above" (the effect exceeds `smallest`), "below" (it is under `smallest`) or "within"
        (its size stays under `smallest`).
    share: the measure is 0 or 1 per seed, and the claim is about the share of ones.
    runs: how many runs make up the deciding sample, each on the next data and weight seeds (a Result may
        hold many seeds itself).
    extends: declared before anything was measured: where the first interval ends near the border, fresh seeds alone
        decide, four times as many (`core/conclusions/claims.py`).
    of: the further experiment whose Result it measures; "" for the concept's own.
    """

    id: str
    measure: Callable[[Any], np.ndarray | None]
    params: Any
    smallest: float
    direction: str = "above"
    unit: str = ""
    share: bool = False
    runs: int = 1
    extends: bool = False
    of: str = ""


@dataclass(frozen=True)
class Prediction:
    """A question to put before a run, and how a finished Result answers it; its wording stands in the texts.

    answer: Result → the option that came true with the numbers to say it by, or None where this run cannot tell.
    of: the further experiment whose Result answers; "" for the concept's own.
    """

    id: str
    options: tuple[str, ...]
    answer: Callable[[Any], tuple[str, dict[str, Any]] | None]
    of: str = ""


# What somebody sees whose training is wrong
SIGNS = (
    "chance",  # nothing is learned
    "floor",  # the loss stops too high
    "diverges",
    "slow",
    "worse",  # it ends worse than it should
    "evaluation",  # good in training, bad in evaluation
    "flattering",  # better than new data give
    "measure",  # a number measures something else
    "signal",  # activations, gradients or units grow, shrink, die
    "output",  # what comes out looks wrong
    "check",  # a gradient check fails where the gradient is right
    "hidden",  # nothing shows
)


@dataclass(frozen=True)
class Mistake:
    """A wrong version of a method that a page can be set to. The texts say under its id what is wrong, and as a hint
    the symptom and the cure; under `given_away`, what the measure is.

    sign: what somebody sees who has made it, one of SIGNS.
    params: settings at which it is made; where the method has contenders, one that makes it is the first of its kind.
    measure: Result → one number per seed that is larger where it is made, or None where this run cannot tell.
    symptom: the mean of the measure beyond which the mistake shows, in its unit.
    figure: the one that shows it as wrong, and so the experiment that makes it.
    """

    id: str
    sign: str
    params: Any
    measure: Callable[[Any], np.ndarray | None]
    symptom: float
    figure: str

    def shows(self, result: Any) -> bool | None:
        """Whether a run looks as if the mistake was made; None where it cannot tell."""
        effects = self.measure(result)
        return None if effects is None else bool(np.mean(effects) > self.symptom)


@dataclass(frozen=True)
class Ask:
    """A question to a trained network. `answer(params, result, state, question)` of the concept's train.py
    gives a Result of class `answer`, or yields several, each fuller than the last (`step` of `total`), which are shown
    as they come; the question is a Params of class `question`, and in the link of its page. A game is a question whose
    field holds all moves so far."""

    id: str
    question: type[BaseParams]
    answer: type[BaseResult]


@dataclass(frozen=True, eq=False)
class Entry:
    """A contender as it was set, with what its networks reached at the end of training, [seed] each.

    name: language → the contender in words. validation, test: accuracies. loss: on validation data, nats; not finite
    where training diverged.
    """

    contender: BaseParams
    name: Callable[[str], str]
    validation: np.ndarray
    loss: np.ndarray
    test: np.ndarray

    @property
    def diverged(self) -> bool:
        return not np.isfinite(self.loss).all()


@dataclass(frozen=True)
class Cost:
    """What a run will ask of an engine: optimization steps, floating-point operations per step, bytes of memory, and
    how many members of a population share them."""

    steps: int
    flops_per_step: float
    bytes: float = 0.0
    members: int = 1


@dataclass(frozen=True)
class Cut:
    """How a run may be cut along its seeds into parts that train beside each other, and be put together with the same
    bits: arrays with an axis `seed` are joined along it, all others must be of the first seed alone.

    In torch on a CPU two things of a seed depend on what lies before it in the same array, and so on who else trains:
    a product of matrices, on whether its rows begin at a multiple of 16 bytes; and σ, softplus, ELU and SiLU, on
    whether a number is in the rest behind the last 32. Both are the same in a part if it begins where they fit.

    state: the axes of what train returns in the end, by name or pattern of names ("*").
    rows: Params → lengths of the rows (examples of a batch, of a measurement) in products.
    rests: Params → how many numbers of a seed go at once through one of those functions.
    first: an axis of pictures of the first seeds: Params → how many.
    """

    state: Mapping[str, str]
    rows: Callable[[Any], Iterable[int]] = lambda params: ()
    rests: Callable[[Any], Iterable[int]] = lambda params: ()
    first: Mapping[str, Callable[[Any], int]] = field(default_factory=dict)

    def unit(self, params: Any) -> int:
        """Parts must begin at multiples of so many seeds, and have such numbers of them."""
        return lcm(*(4 // gcd(4, n) for n in self.rows(params)), *(32 // gcd(32, n) for n in self.rests(params)))


@dataclass(frozen=True)
class Experiment:
    """What trains: what goes in, what comes out, what it costs and on what it can run.

    name: the concept's stem, or `<stem>.<part>` for a further one; its train.py is `core.concepts.<name>.train`.
    trial: changes that make a run at any settings short, for their form to be tried.
    without: fields of the concept's Params that it does not use, and that its runs therefore do not depend on.
    diverges: the field of a Result that is no number from where a training has diverged; "" where none can.
    cut: how a run is cut along its seeds; None where it stays whole.
    apart: whether train has several populations that have nothing to do with each other and times none, so that they
        may advance side by side.
    """

    name: str
    Params: type[BaseParams]
    Result: type[BaseResult]
    tiny: BaseParams
    cost: Callable[[Any], Cost]
    engine: str  # what trains it on devices of torch, as pages show it: part of the run key
    trial: Mapping[str, Any]
    devices: tuple[str, ...]  # those it can use; "fused" where train takes a population
    without: tuple[str, ...] = ()
    diverges: str = ""
    cut: Cut | None = None
    apart: bool = False
    asks: tuple[Ask, ...] = ()
    weights: Callable[[Any, dict[str, np.ndarray]], dict[str, np.ndarray]] | None = None  # see `core.takeaway.weights`
    data_files: Callable[[Any], tuple[tuple[str, str], ...]] = field(default=lambda params: ())

    @property
    def stem(self) -> str:
        """The concept it is of."""
        return self.name.partition(".")[0]

    @property
    def part(self) -> str:
        """How figures and claims name it (`of`)."""
        return self.name.partition(".")[2]

    def settings(self, params: Any) -> Any:
        """These Params as far as this experiment knows them: all else as it is by default."""
        defaults = fields(self.Params)
        changed = {name: defaults[name].default for name in self.without}
        return params.replace(**changed) if any(getattr(params, n) != v for n, v in changed.items()) else params

    def ask(self, id: str) -> Ask:
        return next(a for a in self.asks if a.id == id)


@dataclass(frozen=True)
class Concept:
    stem: str
    Params: type[BaseParams]
    experiments: tuple[Experiment, ...]  # its own, then further ones
    figures: tuple[Figure, ...]
    presets: tuple[Preset, ...]
    claims: tuple[Claim, ...]
    predictions: tuple[Prediction, ...]
    mistakes: tuple[Mistake, ...] = ()
    task: Callable[[Any], BaseParams] | None = None  # the settings that runs have in common whose contenders compete
    entries: Callable[[Any], Iterable[Entry]] | None = None  # of a Result, for the standings of its task

    @property
    def devices(self) -> tuple[str, ...]:
        """Those that any of its experiments can use."""
        return tuple(dict.fromkeys(device for each in self.experiments for device in each.devices))

    @property
    def questions(self) -> dict[str, type[BaseParams]]:
        """What its experiments can be asked, by the name of the ask."""
        return {ask.id: ask.question for each in self.experiments for ask in each.asks}

    @property
    def symptoms(self) -> tuple[Claim, ...]:
        """That its mistakes show: claims at the settings of each, on at least SHOWN seeds that nobody looked at."""
        return tuple(
            Claim(
                f"mistakes.{mistake.id}",
                mistake.measure,
                mistake.params.replace(data_seed=UNSEEN, weight_seed=UNSEEN),
                mistake.symptom,
                runs=-(-SHOWN // getattr(mistake.params, "seeds", 1)),
                of=self.figure(mistake.figure).of,
            )
            for mistake in self.mistakes
        )

    @property
    def measured(self) -> tuple[Claim, ...]:
        """All that has a verdict."""
        return (*self.claims, *self.symptoms)

    def figure(self, id: str) -> Figure:
        return next(f for f in self.figures if f.id == id)

    def of(self, thing: Figure | Claim | Prediction) -> Experiment:
        """The experiment whose Result it needs."""
        return next(each for each in self.experiments if each.part == thing.of)

    def first(self, params: Any, part: str | None = None) -> Figure:
        """The figure that is shown first at these settings (of this experiment)."""
        return next(f for f in self.figures if f.shown(params) and part in (None, f.of))


def files_of_data(params: Any) -> tuple[tuple[str, str], ...]:
    """The files of installed packages that a run reads, by the name of its `data`; a reader's own are none of them."""
    return () if getattr(params, "own", "") else FILES.get(getattr(params, "data", ""), ())


@cache
def experiment(name: str) -> Experiment:
    """The experiment of this name, without its train.py: this never imports torch."""
    stem = name.partition(".")[0]
    here, whole = (importlib.import_module(f"core.concepts.{n}.params") for n in (name, stem))
    shared = ChainMap(vars(here), vars(whole), {"DEVICES": ("cpu", "cuda", "mps")})
    return Experiment(
        name=name,
        Params=whole.Params,
        Result=here.Result,
        tiny=shared["TINY"],
        cost=here.cost,
        engine=shared["ENGINE"],
        trial=shared["TRIAL"],
        devices=shared["DEVICES"],
        without=tuple(getattr(here, "WITHOUT", ())),
        diverges=getattr(here, "DIVERGES", ""),
        cut=getattr(here, "CUT", None),
        apart=getattr(here, "APART", False),
        asks=tuple(getattr(here, "ASKS", ())),
        weights=getattr(here, "weights", None),
        data_files=getattr(here, "data_files", files_of_data),
    )


@cache
def load(stem: str) -> Concept:
    """The concept of this stem, without its experiments' train.py: this never imports torch."""
    folder = f"core.concepts.{stem}"
    params, figures, claims = (importlib.import_module(f"{folder}.{part}") for part in ("params", "figures", "claims"))
    names = stem, *(f"{stem}.{part}" for part in getattr(params, "FURTHER", ()))
    return Concept(
        stem=stem,
        Params=params.Params,
        experiments=tuple(map(experiment, names)),
        figures=tuple(figures.FIGURES),
        presets=tuple(params.PRESETS),
        claims=tuple(claims.CLAIMS),
        predictions=tuple(claims.PREDICTIONS),
        mistakes=tuple(getattr(claims, "MISTAKES", ())),
        task=getattr(params, "task", None),
        entries=getattr(figures, "ENTRIES", None),
    )


def train_module(name: str) -> Any:
    """The experiment's train.py (imports torch): call this in a worker or on the command line only."""
    return importlib.import_module(f"core.concepts.{name}.train")
