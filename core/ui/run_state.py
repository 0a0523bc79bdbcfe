"""How a run stands, in the reader's words."""

from __future__ import annotations

from core.concept.text import Text
from core.runs.limits import GRACE, RUN_BYTES, RUN_SECONDS
from core.runs.manager import Manager
from core.runs.run import WAITING, Run


def amount(code: str, value: float, text: Text) -> str:
    """Seconds or bytes in the reader's words, as a failure code means it."""
    return f"{value / 2**30:.2g} GB" if code == "too_much_memory" else text.duration(value)


def refusal(code: str, asked: float, allowed: float, text: Text) -> str:
    """Why a run is not taken on, with its cost."""
    return text.say(f"refused.{code}", asked=amount(code, asked, text), allowed=amount(code, allowed, text))


def failed(run: Run, text: Text) -> str:
    """Why a run failed, with its reference in the log."""
    limits = {
        "seconds": amount("too_long", RUN_SECONDS, text),
        "memory": amount("too_much_memory", RUN_BYTES, text),
    }
    reason = text.say(f"failures.{run.error}", detail=run.detail, **limits)
    return text.say("run.failed", reference=run.reference, error=reason)


def stopped(run: Run, text: Text) -> str:
    """How far a run came that was stopped, and why, where its reader did not press Stop."""
    percent = f"{100 * run.fraction:.0f}"
    if not run.error:
        return text.say("run.stopped", percent=percent)
    reason = text.say(f"failures.{run.error}", time=text.duration(GRACE))
    return text.say("run.stopped_as", percent=percent, reason=reason)


def progress(run: Run, manager: Manager, text: Text) -> str:
    """How far a live run is, in the reader's words."""
    say = text.say
    if run.status == WAITING and manager.unreachable:
        return say("run.unreachable")
    if run.status == WAITING:
        return say("run.waiting", position=manager.position(run)) if manager.ready.is_set() else say("run.warming")
    spent = run.elapsed
    left = spent / run.fraction - spent if run.fraction > 0.02 else run.predicted
    return say("run.running", percent=f"{100 * run.fraction:.0f}", left=text.duration(max(left, 0.1)))
