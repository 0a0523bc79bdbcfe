"""Pictures of transfer: accuracy by labels, what is outside, what is forgotten, layers, tasks, photographs."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.concept.text import Text
from core.concepts.transfer_learning.claims import ONE, REVERSED, SAME, SOME, behind, patched, reached, task
from core.concepts.transfer_learning.layers.params import DEPTHS, ROWS
from core.concepts.transfer_learning.params import LADDER, Result, classes
from core.concepts.transfer_learning.pictures.params import COUNTS
from core.concepts.transfer_learning.pictures.params import FEATURES as STANDING
from core.concepts.transfer_learning.tasks.params import FEATURES, TASKS
from core.figures import kinds, plot, style
from core.figures.gallery import Gallery, telling

STEP = ("step", lambda r: r.tick)


def named(result: Result, text: Text) -> list[str]:
    ways = result.params.ways
    return [
        text.say(f"options.kind.{way.kind}") + (f" ({text.say('words.slower', rate=f'{way.body:g}')})" if own else "")
        for way, own in zip(ways, telling(ways, kind="kind"))
    ]


def listed(names: Any, word: str) -> Any:
    return lambda r, text: [text.say(f"{word}.{name}") for name in names]


def at_source(result: Any, text: Text) -> str:
    """Whether the target has not begun yet."""
    return text.say("summaries.at_source") if result.step < result.params.pretraining else ""


def missing(result: Any, text: Text) -> str:
    """Whether the network of others is there at all."""
    return "" if result.installed else text.say("summaries.missing")


def lost_track(result: Any) -> np.ndarray:
    return ~np.isfinite(result.loss).all(-1)


HERE = Gallery(
    "transfer_learning", named, "words.way", diverged=lambda r: ~np.isfinite(r.loss).all((3, 4)), remark=at_source
)
CUT = Gallery(
    "transfer_learning", listed(ROWS, "rows"), "words.way",
    diverged=lambda r: ~np.isfinite(r.loss).all((3, 4)), remark=at_source, of="layers",
)  # fmt: skip
HEADS = Gallery(
    "transfer_learning",
    listed(FEATURES, "features"),
    "words.features",
    diverged=lost_track,
    remark=at_source,
    of="tasks",
)
PHOTOS = Gallery(
    "transfer_learning", listed(STANDING, "features"), "words.features",
    diverged=lambda r: np.isfinite(r.accuracy) & ~np.isfinite(r.loss), remark=missing, of="pictures",
)  # fmt: skip


def by_labels(split: int) -> Any:
    """Accuracies [way, seed, tick, count]."""
    return lambda r: r.accuracy[..., split].transpose(0, 2, 3, 1)


def both(values: Any) -> Any:
    """Those of test examples, and of the same with their signs reversed."""
    return lambda r: {word: values(split)(r) for split, word in ((SAME, "same"), (REVERSED, "turned"))}


def at_labels(fig: plot.Sheet, result: Any, text: Text) -> None:
    ticks = [f"{n}" for n in result.labels]
    fig.update_xaxes(type="log", tickvals=result.labels, ticktext=ticks)
    fig.update_yaxes(range=[0, 1.02])


def finish_labels(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Dotted: guessing."""
    at_labels(fig, result, text)
    guessing = 1 / classes(result.params)[1]
    fig.update_yaxes(range=[guessing / 2, 1.02])
    fig.add_hline(y=guessing, line=plot.line(style.AXIS, 1.5, "dot"))


def titled(fig: plot.Sheet, result: Any, text: Text) -> None:
    """Room between the legend and the titles of panels."""
    fig.update_layout(legend={"y": 1.12})
    fig.update_yaxes(title=text.say("words.accuracy"), range=[0, 1.02], col=1)
    fig.update_yaxes(range=[0, 1.02])


def finish_reversed(fig: plot.Sheet, result: Any, text: Text) -> None:
    at_labels(fig, result, text)
    titled(fig, result, text)


def finish_kept(fig: plot.Sheet, result: Result, text: Text) -> None:
    """Dotted: before the target."""
    at_labels(fig, result, text)
    fig.add_hline(y=float(result.source.mean()), line=plot.line(style.AXIS, 1.5, "dot"))


def finish_layers(fig: plot.Sheet, result: Any, text: Text) -> None:
    titled(fig, result, text)
    fig.update_xaxes(dtick=1)


def finish_tasks(fig: plot.Sheet, result: Any, text: Text) -> None:
    """Dotted: always the commonest."""
    for t, often in enumerate(result.often.mean(1)):
        fig.add_vline(x=float(often), line=plot.line(style.AXIS, 1.5, "dot"), row=1, col=t + 1)
    fig.update_xaxes(range=[0, 1.04])


def shown(values: np.ndarray) -> np.ndarray:
    """Of values [row, seed] the mean of every row."""
    return values.astype(float).mean(1)


def summary_kept(result: Result, language: str) -> str:
    """Of the ways that ever learned the source."""
    left, before = shown(result.kept[:, SOME, :, -1]), f"{result.source.mean():.3f}"

    def row(i: int) -> dict[str, Any] | None:
        found = {"before": before, "after": left[i], "labels": LADDER[SOME]}
        return found if np.isfinite(left[i]) else None

    return HERE.each(result, language, "summaries.kept", row, none="summaries.none_kept")


def of_photos(result: Any) -> dict[str, np.ndarray]:
    return {"accuracy": result.accuracy.transpose(0, 2, 3, 1)}


def of_tasks(result: Any) -> dict[str, np.ndarray]:
    return {f"task_{name}": result.accuracy[:, t, :, -1] for t, name in enumerate(TASKS)}


def same_number(value: Any) -> Any:
    """One number for every row."""
    return lambda r: [value(r)] * len(r.accuracy)


FIGURES = (
    *HERE.figures(
        kinds.swept(
            HERE, "labels", "labels", lambda r: r.labels, lambda r: {"accuracy": by_labels(SAME)(r)},
            HERE.saying("summaries.labels", most=same_number(lambda r: LADDER[-1]),
                        same_one=lambda r: shown(reached(ONE)(r)), same_most=lambda r: shown(reached(-1)(r))),
            moments=STEP, marked=True, height=390, finish=finish_labels,
        ),
        kinds.swept(
            HERE, "reversed", "labels", lambda r: r.labels, both(by_labels),
            HERE.saying("summaries.reversed", labels=same_number(lambda r: LADDER[SOME]),
                        same=lambda r: shown(reached(SOME)(r)), turned=lambda r: shown(reached(SOME, REVERSED)(r))),
            moments=STEP, marked=True, side=True, finish=finish_reversed,
        ),
        HERE.later(kinds.swept(
            HERE, "kept", "labels", lambda r: r.labels, lambda r: {"at_source": r.kept[..., -1].transpose(0, 2, 1)},
            summary_kept, marked=True, finish=finish_kept,
        )),
    ),
    *CUT.figures(
        kinds.swept(
            CUT, "layers", "blocks", lambda r: np.array(DEPTHS),
            both(lambda split: lambda r: r.accuracy[..., split].transpose(0, 2, 3, 1)),
            CUT.saying("summaries.layers", labels=same_number(lambda r: r.params.labels),
                       depth_0=lambda r: shown(behind(0)(r)), depth_2=lambda r: shown(behind(2)(r)),
                       depth_3=lambda r: shown(behind(3)(r))),
            moments=STEP, marked=True, side=True, finish=finish_layers,
        ),
    ),
    *HEADS.figures(
        kinds.intervals(
            HEADS, "tasks", of_tasks,
            HEADS.saying("summaries.tasks", classes=lambda r: shown(task("classes")(r)),
                         sign=lambda r: shown(task("sign")(r)), place=lambda r: shown(task("place")(r))),
            finish=finish_tasks,
        ),
    ),
    *PHOTOS.figures(
        PHOTOS.later(kinds.swept(
            PHOTOS, "pictures", "patches", lambda r: r.labels, of_photos,
            PHOTOS.saying("summaries.pictures", most=same_number(lambda r: COUNTS[-1]),
                          same_one=lambda r: shown(patched(0)(r)), same_most=lambda r: shown(patched(-1)(r))),
            moments=STEP, marked=True, finish=at_labels,
        ), lambda r: r.tick.size > 0),
    ),
)  # fmt: skip
