"""The stored verdicts on claims, as data/claims.json has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[2] / "data" / "claims.json"

Verdicts = dict[str, dict[str, Any]]  # claim → what was measured


def stored(stem: str) -> Verdicts:
    """The stored verdicts of a concept; none where none were measured."""
    return every().get(stem, {})


def every() -> dict[str, Verdicts]:
    """The stored verdicts of all concepts, by stem."""
    try:
        return json.loads(FILE.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
