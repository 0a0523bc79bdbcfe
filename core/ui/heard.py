"""What a browser says through a component of ours, checked where it arrives.

Whoever holds a websocket can send anything under a component's name. So no value of a component is used before it has
one of the shapes that its script sends; anything else counts as silence.
"""

from __future__ import annotations

import math
from typing import Any

LONGEST = 1000  # characters of a text
MOST = 100_000  # items of a list


def heard(component: Any, event: str, *shapes: Any) -> Any:
    """What a component says of an event, in the first of these shapes that fits, or None.

    A shape is a type (str, bool, int, float: a finite number), a list of one shape, or a dict of name → shape: of what
    the browser sent it keeps the names in the shape.
    """
    said = getattr(component, event, None)
    return next((found for found in (_shaped(said, shape) for shape in shapes) if found is not None), None)


def _shaped(said: Any, shape: Any) -> Any:
    """`said` as the shape has it, or None."""
    if isinstance(shape, dict):
        found = {name: _shaped(said.get(name), part) for name, part in shape.items()} if isinstance(said, dict) else {}
        return found if found and None not in found.values() else None
    if isinstance(shape, list):
        many = isinstance(said, list) and len(said) <= MOST
        items = [_shaped(item, shape[0]) for item in said] if many else [None]
        return items if None not in items else None
    if isinstance(said, bool) or shape is bool:
        return said if isinstance(said, bool) and shape is bool else None
    if shape is float:
        number = isinstance(said, (int, float)) and abs(said) <= 1e300 and math.isfinite(said)
        return float(said) if number else None
    if not isinstance(said, shape):
        return None
    return said if not isinstance(said, str) or len(said) <= LONGEST else None
