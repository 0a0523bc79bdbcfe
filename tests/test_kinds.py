"""Kinds of figures on an invented Result: what is drawn, the table and the sentence agree with its numbers, also with
one seed, one contender, equal numbers, and numbers that are none."""

from __future__ import annotations

from collections import UserDict
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from core.concept.parts import Figure
from core.concept.text import Text
from core.conclusions.stats import interval, mean_interval
from core.figures import kinds, pictures, plot, style
from core.figures.gallery import Gallery, telling
from core.ml.rules import Contender

MOMENTS = np.array([0, 5, 10])


class Echo(UserDict):
    """Words that say their own key, and all that is said with them."""

    def __getitem__(self, key: str) -> str:
        return {
            "summaries.diverged": "Diverged: {names} ({count}).",
            "summaries.one": "{name} has {value}.",
            "summaries.whole": "All: {listed}!",
            "summaries.ends": "{best} {most}, {worst} {least}.",
            "summaries.ends_tie": "All {most}: {best}.",
        }.get(key, key)


class Toy(Gallery):
    def text(self, language: str) -> Text:
        return Text(language, "", "", labels=Echo())  # type: ignore[arg-type]


@dataclass(frozen=True)
class Run:
    """An invented Result: accuracy [row, seed, tick, split] over the ticks 0, 1, 2, 3."""

    accuracy: np.ndarray
    tick: np.ndarray = field(default_factory=lambda: np.arange(4))
    complete: bool = True


HERE = Toy(
    "toy", lambda result, text: ["A"] * len(result.accuracy), diverged=lambda r: np.isnan(r.accuracy[:, :, -1, 0])
)


def run(rows: int = 3, seeds: int = 4, **changes: Any) -> Run:
    return replace(Run(np.random.default_rng(0).random((rows, seeds, 4, 3))), **changes)


def broken() -> Run:
    result = run()
    result.accuracy[1, :, 2:] = np.nan
    return result


RUNS = {"many": run(), "one seed": run(seeds=1), "one row": run(rows=1), "equal": Run(np.ones((3, 4, 4, 3)))}
ALL = pytest.mark.parametrize("result", [*RUNS.values(), broken()], ids=[*RUNS, "broken"])


def said(result: Any, language: str) -> str:
    return HERE.each(result, language, "summaries.one", lambda i: {"value": f"{result.accuracy[i].mean():.2f}"})


def drawn(figure: Figure, result: Any) -> tuple[plot.Sheet, pd.DataFrame]:
    """What is drawn, as a browser can read it, and its table."""
    (figure,) = HERE.figures(figure)
    fig = figure.draw(result, "en")
    assert fig.to_json() and figure.draw(result, "zh").to_json()
    return fig, figure.table(result, "en")  # type: ignore[return-value]


def named(fig: plot.Sheet, name: str) -> list[Any]:
    return [trace for trace in fig.data if trace.name == name and trace.mode != "text"]


def same(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found, float), expected, rtol=1e-4, atol=6e-5)


# Gallery


def test_equal_names_are_numbered_and_all_rows_are_one_text() -> None:
    assert HERE.names(run(), "en") == ["A #1", "A #2", "A #3"] and HERE.names(run(1), "en") == ["A"]
    text = said(run(), "en")
    assert text.count("has") == 3 and all(f"A #{i}" in text for i in (1, 2, 3))
    assert HERE.each(run(), "en", "", lambda i: None, none="nobody") == "nobody"


def test_sentences_over_rows_are_one_list() -> None:
    of = lambda i: None if i == 1 else {"value": i}  # noqa: E731
    assert HERE.each(run(), "en", "summaries.one", of) == "A #1 has 0; A #3 has 2."
    assert HERE.each(run(), "en", "summaries.one", of, whole="summaries.whole", order=[2, 1, 0]) == (
        "All: A #3 has 2.; A #1 has 0.!"
    )
    assert Text("zh", "", "").sentences(["甲为 1。", "乙为 2。"]) == "甲为 1；乙为 2。"


def test_most_and_least_are_all_of_equals() -> None:
    values = np.array([1.0, 3.0, 3.0])
    assert HERE.most_and_least(run(), "en", "summaries.ends", values, "{:.0f}".format) == "A #2, A #3 3, A #1 1."
    assert HERE.most_and_least(run(), "en", "summaries.ends", 0 * values, "{:.0f}".format) == "All 0: A #1, A #2, A #3."


def test_a_table_has_a_row_for_every_place_of_its_columns() -> None:
    columns = {"x": np.arange(2), "words.value": np.arange(6).reshape(3, 2), "row": np.arange(3)[:, None]}
    table = HERE.table(run(), "en", columns)
    assert table["words.contender"].tolist() == ["A #1", "A #1", "A #2", "A #2", "A #3", "A #3"]
    assert table["x"].tolist() == [0, 1] * 3 and table["words.value"].tolist() == list(range(6))
    assert table["row"].tolist() == [0, 0, 1, 1, 2, 2] and len(HERE.table(run(), "en")) == 3


def test_who_diverged_is_said_once_and_by_every_figure() -> None:
    (figure,) = HERE.figures(kinds.curves(HERE, "f", "tick", lambda r: r.tick, last_split, said))
    assert figure.summary(broken(), "en").endswith("Diverged: A #2 (4).") and "Diverged" not in figure.summary(
        run(), "en"
    )


def test_figures_of_a_further_experiment_name_it() -> None:
    figure = kinds.curves(HERE, "f", "tick", lambda r: r.tick, last_split, said)
    assert [one.of for one in replace(HERE, of="sweep").figures(figure)] == ["sweep"] and HERE.figures(figure)[
        0
    ].of == ""


def test_what_is_known_at_the_end_is_not_drawn_before() -> None:
    figure = HERE.later(kinds.swept(HERE, "f", "rate", lambda r: r.tick, last_split, said))
    early = run(complete=False)
    assert figure.draw(early, "en").layout.annotations[0].text == "words.later"
    assert figure.summary(early, "en") == "summaries.later" and list(figure.table(early, "en")) == ["words.contender"]
    assert len(figure.draw(run(), "en").data) == 9 and figure.summary(run(), "en") == said(run(), "en")


def test_a_row_is_told_from_its_twins_by_what_differs() -> None:
    rows = (Contender(rule="sgd", lr=0.1), Contender(rule="sgd", lr=0.2), Contender(rule="adam"))
    assert telling(rows) == [["lr"], ["lr"], []] and telling(rows, unseen=["lr"]) == [[], [], []]


# Curves


def last_split(result: Run) -> dict[str, np.ndarray]:
    return {"accuracy": result.accuracy[..., 2]}


def looks(fig: plot.Sheet, i: int, name: str) -> None:
    """Row i looks as everywhere."""
    for trace in named(fig, name):
        colour, dash, symbol = style.contender(i)
        assert trace.line.color in (colour, None) and trace.marker.symbol in (symbol, None)
        assert trace.line.dash in (dash, None) or "markers" in trace.mode


@ALL
def test_curves_draw_means_in_bands(result: Run) -> None:
    fig, table = drawn(kinds.curves(HERE, "f", "tick", lambda r: r.tick, last_split, said), result)
    values = result.accuracy[..., 2]
    for i, name in enumerate(HERE.names(result, "en")):
        (middle,) = named(fig, name)
        same(middle.y, values[i].mean(0))
        same(table[name], values[i].mean(0).round(4))
        looks(fig, i, name)
    bands = [trace for trace in fig.data if trace.fill == "tonexty"]
    assert len(bands) == (len(values) if values.shape[1] > 1 else 0)
    if bands:
        same(bands[0].y, values[0].max(0))
    assert fig.layout.meta["scrub"]["cut"] == list(range(len(fig.data)))
    assert kinds.curves(HERE, "f", "tick", lambda r: r.tick, last_split, said).draw(
        replace(result, complete=False), "en"
    ).layout.meta is None  # fmt: skip


def test_parts_have_chips_and_dashes_and_a_diverged_row_ends_in_a_cross() -> None:
    def whole(result: Run) -> dict[str, np.ndarray]:
        return {"accuracy": result.accuracy}

    ends = lambda r: np.isfinite(r.accuracy).all((1, 3)).sum(1)  # noqa: E731
    more = {"parts": kinds.splits("test"), "ends": ends, "log": True}
    fig, table = drawn(kinds.curves(HERE, "f", "tick", lambda r: r.tick, whole, said, **more), broken())
    assert [option["id"] for option in fig.layout.meta["chips"]["options"]] == ["train", "validation", "test"]
    assert {trace.line.dash for trace in named(fig, "A #1")} == {split.dash for split in style.SPLITS.values()}
    crosses = [trace for trace in fig.data if trace.marker.symbol == "x" and not trace.name]
    assert len(crosses) == 3 and {tuple(cross.x) for cross in crosses} == {(1,)}
    assert all(len(trace.x) == 2 for trace in named(fig, "A #2"))
    same(table["A #1, splits.test"], run().accuracy[0, ..., 2].mean(0).round(4))
    same(named(fig, "A #1")[0].y, np.median(run().accuracy[0, ..., 0], 0))


def test_several_measures_have_panels_which_stack_where_they_stand_side_by_side() -> None:
    def two(result: Run) -> dict[str, np.ndarray]:
        return {"one": result.accuracy[..., 0], "other": result.accuracy[..., 1]}

    for side in (False, True):
        fig, table = drawn(kinds.swept(HERE, "f", "rate", lambda r: r.tick, two, said, side=side, banded=1), run())
        assert (fig.layout.meta or {}).get("stack", False) is side and "scrub" not in (fig.layout.meta or {})
        assert sum(trace.fill == "tonexty" for trace in fig.data) == 2  # the first row, in both panels
        assert sum(trace.showlegend is not False for trace in named(fig, "A #2")) == 1
        same(table["words.other, A #3"], run().accuracy[2, ..., 1].mean(0).round(4))


def test_a_value_against_a_setting_can_be_scrubbed_over_its_run() -> None:
    def moving(result: Run) -> dict[str, np.ndarray]:
        return {"a": np.stack([result.accuracy[..., 0] * k for k in range(3)], 2)}  # [row, seed, moment, x]

    when = ("step", lambda r: MOMENTS)
    fig, table = drawn(kinds.swept(HERE, "f", "rate", lambda r: r.tick, moving, said, moments=when), run())
    same(table["A #1"], (2 * run().accuracy[0, ..., 0]).mean(0).round(4))
    assert fig.layout.meta["scrub"]["values"] == MOMENTS.tolist() and len(fig.layout.meta["scrub"]["stacks"]) == 9
    same(named(fig, "A #1")[0].y, 2 * run().accuracy[0, ..., 0].mean(0))
    same(fig.stacks[2]["y"][1], run().accuracy[0, ..., 0].mean(0))


def test_a_share_of_seeds_has_the_interval_of_a_share() -> None:
    def done(result: Run) -> np.ndarray:
        return np.maximum.accumulate(result.accuracy[..., 0] > 0.6, axis=2)

    fig, table = drawn(kinds.solved(HERE, "f", "tick", lambda r: r.tick, done, said), run())
    shares = done(run())
    same(table["A #1"], shares[0].mean(0))
    low, high, _ = fig.data[:3]
    for k in range(4):
        expected = interval(shares[0, :, k].astype(float), share=True)
        same([low.y[k], high.y[k]], [expected.low, expected.high])


@pytest.mark.parametrize("ties", [False, True])
def test_thresholds_are_those_of_an_independent_library(ties: bool) -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((2, 60)) < 0.4
    scores = truth[None] + rng.normal(size=(3, 2, 60))
    scores = scores.round() if ties else scores
    for recall in (False, True):
        make = kinds.thresholds(HERE, "f", lambda r: scores, lambda r: truth, said, recall=recall)
        fig, table = drawn(make, run())
        area = average_precision_score if recall else roc_auc_score
        areas = np.array([[area(truth[s], scores[i, s]) for s in range(2)] for i in range(3)])
        mean, half = mean_interval(areas)
        same(table["words.area"], mean.round(4))
        same(table["words.area ± 95 %"], half.round(4))
        if recall:
            precision, found, _ = precision_recall_curve(truth[0], scores[0, 0])
            expected = [precision[:-1][found[:-1] >= r - 1e-12].max() for r in kinds.GRID]  # the last is made up
            same(kinds.precision_recall(scores[0, 0], truth[0])[0], expected)
        else:
            wrong, found, _ = roc_curve(truth[0], scores[0, 0], drop_intermediate=False)
            same(kinds.roc(scores[0, 0], truth[0])[0], np.interp(kinds.GRID, wrong, found))
        assert len(named(fig, "A #2")) == 1


def test_stacked_bars_add_up_to_the_whole() -> None:
    parts = {"bias": np.full((4, 3), 0.1), "variance": np.full((4, 3), 0.2)}
    make = kinds.bars(
        HERE,
        "f",
        "degree",
        lambda r: np.arange(3),
        lambda r: parts,
        said,
        line=lambda r: ("error", sum(parts.values())),
    )
    fig, table = drawn(make, run())
    same(fig.data[0].y, [0.1] * 3), same(table["words.variance"], [0.2] * 3), same(table["words.error"], [0.3] * 3)
    assert fig.layout.barmode == "stack" and fig.data[0].marker.pattern.shape != fig.data[1].marker.pattern.shape


# Intervals


@ALL
def test_intervals_are_means_with_their_half_widths(result: Run) -> None:
    def ends(run: Run) -> dict[str, np.ndarray]:
        return {"first": run.accuracy[:, :, 0, 0], "last": run.accuracy[:, :, 3, 0]}

    fig, table = drawn(kinds.intervals(HERE, "f", ends, said), result)
    mean, half = mean_interval(ends(result)["last"])
    same(fig.data[1].x[::-1], mean), same(fig.data[1].error_x.array[::-1], half)
    assert list(fig.data[1].y[::-1]) == HERE.names(result, "en") and fig.layout.meta["stack"]
    same(table["words.last"], mean.round(4)), same(table["words.last ± 95 %"], half.round(4))
    marks = list(zip(fig.data[0].marker.color, fig.data[0].marker.symbol))[::-1]
    assert marks == [(style.contender(i).colour, style.contender(i).symbol) for i in range(len(result.accuracy))]


def test_measures_that_share_a_panel_have_looks_of_their_own() -> None:
    values = lambda r: {"last": r.accuracy[:, :, 3, 0], "none": np.full((3, 4), np.nan)}  # noqa: E731
    together = {"accuracy": {"last": (0, "circle"), "none": (1, "x")}}
    fig, _ = drawn(kinds.intervals(HERE, "f", values, said, together=together), run())
    assert [trace.name for trace in fig.data] == ["words.last"]  # what has no number is not drawn


# Planes and pictures


def column(result: Any, language: str) -> pd.DataFrame:
    return HERE.table(result, language)


def field_of(result: Run) -> np.ndarray:
    return np.arange(len(result.accuracy) * 3 * 4).reshape(-1, 3, 2, 2)


@pytest.mark.parametrize("rows", [1, 3])
def test_planes_keep_their_shape_and_remember_their_moments(rows: int) -> None:
    result, when = run(rows), ("step", lambda r: MOMENTS)
    points = lambda r: (np.zeros((2, 2)), np.array([0, 1]))  # noqa: E731
    fields = lambda r: {"mean": field_of(r), "deviation": -field_of(r)}  # noqa: E731
    fig, _ = drawn(kinds.planes(HERE, "f", when, fields, 1.5, column, said, points=points), result)
    heat = [trace for trace in fig.data if trace.type == "heatmap"]
    assert len(heat) == 2 * rows and len(fig.data) == 6 * rows
    same(heat[0].z, field_of(result)[0, -1]), same(heat[1].z, -field_of(result)[0, -1])
    assert {axis.scaleanchor == axis.anchor for axis in fig.select_yaxes()} == {True}
    assert set(fig.layout.meta["scrub"]["stacks"]) == {f"{3 * k}" for k in range(2 * rows)}
    assert sum(title.text == "words.deviation" for title in fig.layout.annotations) == rows


def test_densities_are_rows_of_colours() -> None:
    values, labels = lambda r: field_of(r)[:, 0], lambda r, text: ["a", "b", "c"]
    make = kinds.densities(
        HERE, "f", "x", lambda r: np.arange(2), values, column, said, rows=labels, when=("step", lambda r: MOMENTS)
    )
    fig, _ = drawn(make, run())
    same(fig.data[0].z, field_of(run())[-1, 0]) and list(fig.data[0].y) == labels(None, None)
    same(fig.stacks[0]["z"], field_of(run())[:, 0])


def test_images_stand_upright_in_their_mosaic() -> None:
    values = np.random.default_rng(0).random((3, 3, 2, 4, 5, 6))  # [row, moment, down, across, height, width]
    texts = np.full((3, 3, 4), "3")
    make = pictures.images(
        HERE, "f", lambda r: values, column, said, said=lambda r: texts, when=("step", lambda r: MOMENTS)
    )
    fig, _ = drawn(make, run())
    picture = np.array(fig.data[0].z)[::-1]
    assert picture.shape == (11, 27) and list(fig.data[1].text) == ["3"] * 4
    same(picture[6:, 7:13], values[0, -1, 1, 1]), np.isnan(picture[5]).all()


def test_images_over_curves_are_of_the_same_step() -> None:
    images = np.random.default_rng(0).random((3, 2, 5, 6))  # [step, across, height, width]
    rows = lambda r, text: {"original": images, "made": images[::-1]}  # noqa: E731
    values = lambda r: {"error": np.arange(3 * 2 * 3.0).reshape(3, 2, 3)}  # noqa: E731
    fig, table = drawn(pictures.over_curves(HERE, "f", ("step", lambda r: MOMENTS), rows, values, said), run())
    picture = np.array(fig.data[0].z)[::-1]
    same(picture[:5, :6], images[-1, 0]), same(picture[6:, 7:], images[0, 1])
    line = fig.stacks[len(fig.data) - 1]["x"]
    assert line.tolist() == [[0, 0], [5, 5], [10, 10]] and list(fig.data[-1].x) == [10, 10]
    assert fig.layout.meta["scrub"]["values"] == MOMENTS.tolist() and len(named(fig, "A #2")) == 1
    same(named(fig, "A #2")[0].y, values(None)["error"][1].mean(0)), same(table["A #2"], named(fig, "A #2")[0].y)
    assert list(fig.layout.yaxis.ticktext) == ["original", "made"]


def test_boxes_and_masks_lie_over_their_image() -> None:
    picture, masks = np.zeros((3, 8, 8)), np.zeros((3, 3, 8, 8))
    masks[0, -1, 0, 1] = 1
    found = np.full((3, 3, 2, 5), np.nan)
    found[0, -1, 0] = 1, 2, 4, 6, 0
    make = pictures.boxes(
        HERE,
        "f",
        lambda r: picture,
        lambda r: found,
        column,
        said,
        masks=lambda r: masks,
        when=("step", lambda r: MOMENTS),
    )
    fig, _ = drawn(make, run())
    (box,) = [trace for trace in fig.data if trace.type == "scatter"]
    assert np.array(fig.data[1].z)[7, 1] == 1  # the first row of pixels is on top
    same(box.x[:5], [1, 4, 4, 1, 1]), same(box.y[:5], [5, 5, 1, 1, 5])
    assert np.isnan(fig.stacks[2]["x"][0]).all()


def test_a_matrix_says_its_numbers() -> None:
    values = field_of(run())
    make = pictures.matrix(
        HERE, "f", lambda r: values, lambda r: "ab", lambda r: "cd", said, when=("step", lambda r: MOMENTS)
    )
    fig, table = drawn(make, run())
    same(fig.data[0].z, values[0, -1])
    assert "%{z:.2f}" in fig.data[0].texttemplate and list(fig.layout.xaxis.ticktext) == ["c", "d"]
    same(table["d"], values[:, -1, :, 1].ravel()) and list(table[""]) == list("ababab")
    still = pictures.matrix(HERE, "f", lambda r: values[:, 0], lambda r: "ab", lambda r: "aa", said)
    assert still.draw(run(), "en").layout.meta.get("scrub") is None


def test_points_have_the_look_of_their_class() -> None:
    places, classes = np.random.default_rng(0).random((3, 3, 5, 2)), np.array([0, 1, 1, 2, 2])
    make = pictures.points(
        HERE, "f", lambda r: places, lambda r: classes, column, said, when=("step", lambda r: MOMENTS)
    )
    fig, _ = drawn(make, run())
    assert [trace.marker.symbol for trace in fig.data[:3]] == [style.contender(k).symbol for k in range(3)]
    same(fig.data[1].x, places[0, -1, 1:3, 0]), same(fig.stacks[1]["y"][0], places[0, 0, 1:3, 1])


def test_arrows_go_where_they_say() -> None:
    values, ways = np.zeros((3, 3, 2, 2)), np.zeros((3, 3, 2, 2, 2), int)
    ways[:, -1, 0, 1] = 0, 1  # from the upper right place down
    make = pictures.arrows(HERE, "f", lambda r: values, lambda r: ways, said, when=("step", lambda r: MOMENTS))
    fig, table = drawn(make, run())
    lines = np.stack([fig.data[1].x, fig.data[1].y], -1)
    start, end = lines[np.isfinite(lines).all(1)]
    same(end - start, [0, 0.6]), same((start + end) / 2, [1, 0])
    assert fig.layout.yaxis.autorange == "reversed"
    assert table[(table["x"] == 1) & (table["y"] == 0)]["↓"].tolist() == [1, 1, 1] and table["↓"].sum() == 3


def test_a_graph_has_its_numbers_on_nodes_and_edges() -> None:
    nodes, edges = {"x": (0, 0), "h": (1, 0), "y": (2, 1)}, [("x", "h"), ("h", "y")]
    numbers = np.array([[1, 2, 3.0]]), np.array([[0.5, np.nan]])
    fig, table = drawn(pictures.graph(HERE, "f", lambda r: nodes, lambda r: edges, lambda r: numbers, said), run())
    texts = [list(trace.text) for trace in fig.data if trace.mode == "text"]
    assert texts == [["1.00", "2.00", "3.00"], ["0.50", ""]]
    assert list(table["words.contender"]) == ["x", "h", "y", "x → h", "h → y"]
    same(table["words.value"], [1, 2, 3, 0.5, np.nan])
