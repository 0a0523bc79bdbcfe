"""Params with every kind of field that no page uses yet, and its words, for the tests of fields and their widgets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.concept.params import BaseParams, curve, drawing, lines, matrix, points
from core.concept.text import Text, parse, words

STEM = "fields"
KERNEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))
NAMES = {  # field, and column of lines → label and hint in both languages
    "digit": ("Digit | Draw one.", "数字 | 画一个。"),
    "kernel": ("Kernel | Nine weights.", "卷积核 | 九个权重。"),
    "wave": ("Wave | Draw it.", "波形 | 画出来。"),
    "places": ("Points | Put them.", "点 | 放上去。"),
    "pairs": ("Pairs | Two columns.", "成对的词 | 两列。"),
    "pairs.left": ("Word", "词"),
    "pairs.right": ("Meaning", "意思"),
    "notes": ("Sentences | A label each.", "句子 | 各带标签。"),
    "notes.label": ("Label", "标签"),
    "notes.line": ("Sentence", "句子"),
}


@dataclass(frozen=True)
class Params(BaseParams):
    """One field of every kind."""

    digit: str = drawing(6, 8, levels=17)
    kernel: tuple[tuple[float, ...], ...] = matrix(KERNEL, -9.0, 9.0, step=0.5)
    wave: tuple[tuple[float, ...], ...] = curve((0.0,) * 12, -1.0, 1.0)
    places: tuple[tuple[float, ...], ...] = points(((0.0, 0.5), (0.5, -0.5)), -1.0, 1.0, 0, 5)
    pairs: tuple[tuple[str, ...], ...] = lines((("cat", "猫"), ("dog", "狗")), ("left", "right"), 30, 1, 6)
    notes: tuple[tuple[str, ...], ...] = lines((("good", "A fine day."),), ("label", "line"), 80, 0, 4)


def said(language: str) -> Text:
    """The words of these fields, on top of those all pages share."""
    listed = "\n".join(f"- {name}: {both[language == 'zh']}" for name, both in NAMES.items())
    own, common = parse(f"# Fields\nAll kinds.\n\n## params\n{listed}\n", language), words("", language)
    return replace(common, labels=common.labels | own.labels, hints=common.hints | own.hints)
