"""What the page and the command line say of a declaration of Params: why a value was refused, what is allowed."""

from __future__ import annotations

from dataclasses import replace

from core.concept.params import (
    LEVELS,
    BaseParams,
    Choice,
    Drawing,
    Field,
    Flag,
    Integer,
    Number,
    Problem,
    Rows,
    String,
    Table,
    Upload,
    fields,
)
from core.concept.text import Text


def explain(
    problem: Problem,
    text: Text,
    cls: type[BaseParams],
    now: BaseParams | None = None,
    instead: bool = True,
    base: BaseParams | None = None,
) -> str:
    """One refused value in plain words; `instead` adds what holds in its place: after a link the default, or what is in
    `base`, after a change of `now` what stands there."""
    if problem.code == "bad_run":  # of a comparison: a refused value of one of its runs
        inner = explain(problem.details["problem"], text, problem.details["cls"], instead=instead)
        return text.say("problems.bad_run", run=problem.details["run"], problem=inner)
    kind = fields(cls).get(problem.field)
    label = f"{text.say(f'params.{problem.field}')} ({problem.field})" if kind else problem.field
    details = {name: f"{v:g}" if isinstance(v, float) else v for name, v in problem.details.items()}
    if problem.code == "bad_row" and isinstance(kind, Rows):
        details["problem"] = explain(problem.details["problem"], text, kind.row, instead=False)
    if problem.code == "bad_cell":
        inner = replace(
            problem.details["problem"], field=text.say("problems.cell", row=details["row"], column=details["column"])
        )
        details["problem"] = explain(inner, text, BaseParams, instead=False)
    if "reason" in details:
        details["reason"] = because(details["reason"], text)
    said = text.say(f"problems.{problem.code}", field=label, **details)
    if not instead or problem.code in ("version", "not_here"):
        return said
    if now is not None:
        kept = _kept(problem, now)
        return f"{said} {text.say('problems.kept', value=kept) if kept else text.say('problems.unchanged')}"
    if problem.code == "unknown_field" or isinstance(kind, Upload):
        return f"{said} {text.say('problems.ignored')}"
    plain = kind is not None and not isinstance(kind, Rows | Table | Drawing)
    value = kind and (getattr(base, problem.field) if base else kind.default)
    default = (
        kind.write(value) if kind and plain else text.say("problems.the_beats" if base else "problems.the_default")
    )
    return f"{said} {text.say('problems.instead', default=default)}"


def because(code: str, text: Text) -> str:
    """Why a file could not be read or written, for `disk.why`."""
    return text.labels.get(f"system.{code}") or text.say("system.other", code=code)


def _kept(problem: Problem, now: BaseParams) -> str:
    """What the field of a refused change still is; "" where that is not one value."""
    kind = fields(type(now)).get(problem.field)
    if problem.code == "bad_row" and isinstance(kind, Rows):
        rows, place = getattr(now, problem.field), problem.details["row"] - 1
        return _kept(problem.details["problem"], rows[place]) if 0 <= place < len(rows) else ""
    return kind.write(getattr(now, problem.field)) if isinstance(kind, (Number, Integer, Choice, Flag)) else ""


def allowed(kind: Field) -> str:
    """The values a field takes, the same in every language."""
    if isinstance(kind, (Number, Integer)):
        return f"{kind.low:g} … {kind.high:g}"
    if isinstance(kind, Rows):
        return f"{kind.low} … {kind.high} × {kind.row.__name__}"
    if isinstance(kind, Choice):
        return " | ".join(kind.options)
    if isinstance(kind, Flag):
        return "0 | 1"
    if isinstance(kind, Upload):
        return f"{kind.kind}: " + " × ".join(f"{low} … {high}" for low, high in kind.bounds)
    if isinstance(kind, Drawing):
        return f"{kind.height} × {kind.width} × 0 … {LEVELS[kind.levels - 1]}"
    if isinstance(kind, Table):
        count = f"{kind.low}" if kind.low == kind.high else f"{kind.low} … {kind.high}"
        return f"{count} × {len(kind.columns)}: {allowed(kind.cell)}"
    assert isinstance(kind, String)
    return f"0 … {kind.longest}" + ("" if kind.alphabet is None else f" × {' | '.join(kind.alphabet)}")
