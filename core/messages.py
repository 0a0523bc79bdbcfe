"""What the page and the command line say of a declaration of Params: why a value was refused, what is allowed."""

from __future__ import annotations

from core.params import BaseParams, Choice, Field, Flag, Integer, Number, Problem, Rows, String, Upload, fields
from core.text import Text


def explain(problem: Problem, text: Text, cls: type[BaseParams], instead: bool = True) -> str:
    """One refused value in plain words; `instead` adds what was taken in its place."""
    kind = fields(cls).get(problem.field)
    label = f"{text.say(f'params.{problem.field}')} ({problem.field})" if kind else problem.field
    details = {name: f"{v:g}" if isinstance(v, float) else v for name, v in problem.details.items()}
    if problem.code == "bad_row" and isinstance(kind, Rows):
        details["problem"] = explain(problem.details["problem"], text, kind.row, instead=False)
    said = text.say(f"problems.{problem.code}", field=label, **details)
    if not instead or problem.code in ("version", "not_here"):
        return said
    if problem.code == "unknown_field" or isinstance(kind, Upload):
        return f"{said} {text.say('problems.ignored')}"
    plain = kind is not None and not isinstance(kind, Rows)
    default = kind.write(kind.default) if kind and plain else text.say("problems.the_default")
    return f"{said} {text.say('problems.instead', default=default)}"


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
    assert isinstance(kind, String)
    return f"0 … {kind.longest}" + ("" if kind.alphabet is None else f" × {' | '.join(kind.alphabet)}")
