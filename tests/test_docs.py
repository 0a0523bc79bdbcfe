"""What README.md and docs/ tell a reader to open, type, set or read is there."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from core import cli, talk
from core.concept.catalog import CONCEPTS, TALKS
from core.concept.params import fields, read
from core.concept.parts import load

ROOT = Path(__file__).resolve().parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {str(file.relative_to(ROOT)): file.read_text("utf-8") for file in DOCS}
STEMS = [entry.stem for entry in CONCEPTS]
PLACES = ("present", "compare", "claims", "mistakes", "status", "health", "")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"/(?P<page>[a-z_]*)\?(?P<query>[^\s`\"|)]+)")
COMMAND = re.compile(r"python -m core\.cli (?P<rest>[^`\n|]*)")
MAKE = re.compile(r"(?:^|[`;&] *)(?:[A-Z_]+=\S+ )*make(?P<rest>(?: [^`\n#]+)?)", re.M)
ARGUMENT = re.compile(r"[a-z]+=(\"[^\"]*\"|\S+)")
OURS = re.compile(r"\bLAB_[A-Z_]+")
MARKDOWN = re.compile(r"\]\((?P<target>[^)\s]+)\)")
FOLDERS = ("core", "tests", "docs", "pages", "static", "data", ".streamlit")
LEFT_OPEN = re.compile(r"<[a-z]+>|\*")  # <stem>, text.*.md: any will do


def said(pattern: re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
    return [(name, match) for name, text in TEXTS.items() for match in pattern.finditer(text)]


def wrong_link(page: str, query: str) -> list[str]:
    """What of a link to a page of the lab a browser would be told of; … at its end stands for more."""
    given = dict(parse_qsl(query.removesuffix("…").removesuffix("&"), keep_blank_values=True))
    if page not in (*STEMS, *PLACES):
        return [f"no page {page}"]
    if page not in (*STEMS, "present"):
        return []
    found, name = [], given.pop("talk", "")
    stem = given.pop("concept", "") if page == "present" else page
    if name:
        if name not in TALKS:
            return [f"no talk {name}"]
        beats, beat = talk.load(name), int(given.pop("beat", "1"))
        if not 1 <= beat <= len(beats):
            return [f"no beat {beat}"]
        stem = beats[beat - 1].stem
    if stem not in STEMS:
        return [f"no concept {stem}"]
    params, problems = read(load(stem).Params, {k: v for k, v in given.items() if k in fields(load(stem).Params)})
    found += [f"{problem.field}: {problem.code}" for problem in problems]
    figure = given.get("figure")
    if figure and figure not in [f.id for f in load(stem).figures if f.shown(params)]:
        found.append(f"no figure {figure}")
    beside = {"figure", "device", "lang", "show", "hide"}
    return found + [f"no setting {key}" for key in given if key not in {*beside, *fields(load(stem).Params)}]


def test_the_ruler_of_links_finds_what_does_not_stand() -> None:
    assert wrong_link("present", "concept=dropout&figure=accuracy&…") == ["no figure accuracy"]
    assert wrong_link("present", "talk=deep_nets&beat=99") and wrong_link("present", "talk=none")
    assert wrong_link("dropout", "epochs=many") and wrong_link("dropout", "lr_=1") and wrong_link("drop", "")
    assert not wrong_link("dropout", "epochs=20&figure=test")


def test_links_open_what_they_say() -> None:
    links = said(LINK)
    assert links
    wrong = {f"{name}: {m[0]}": found for name, m in links if (found := wrong_link(m["page"], m["query"]))}
    assert not wrong


def test_command_lines_are_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each as far as the training, which is left out; files that a reader would bring are brought."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "warm", lambda names: int(bool(set(names) - set(TALKS))))
    monkeypatch.setattr(cli, "trained", lambda *_: (_ for _ in ()).throw(StopAsyncIteration))
    doc = [("core/cli.py", match) for match in COMMAND.finditer(cli.__doc__ or "")]
    commands = said(COMMAND) + doc
    assert len(commands) > 8
    for name, match in commands:
        words = list(itertools.takewhile(lambda word: word != ">", shlex.split(re.split(r"  +", match["rest"])[0])))
        for word in words:
            if word.endswith(".csv"):
                rows = [f"{i % 7},{i % 5},{'ab'[i % 2]}" for i in range(40)]
                Path(word.partition("=")[2]).write_text("\n".join(["height,weight,species", *rows]))
            if word.endswith(".json"):
                stem = words[0]
                Path(word).write_text(settings_of(stem), "utf-8")
        try:
            status = cli.main(words)
        except StopAsyncIteration:
            status = 0
        assert status == 0, (name, match[0])


def settings_of(stem: str) -> str:
    from core.takeaway import records

    return records.settings(stem, load(stem).Params())


def test_make_has_every_target_that_is_named() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = set()
    for text in TEXTS.values():
        code = [*FENCE.findall(text), *(f"`{span}`" for span in CODE.findall(FENCE.sub("", text)))]
        for match in (m for part in code for m in MAKE.finditer(part)):
            named |= {word for word in ARGUMENT.sub("", match["rest"]).split() if word[0] not in "…."}
    assert {"run", "test", "warm", "defaults", "export-check"} <= named
    assert named <= targets


def test_every_setting_of_the_environment_is_read_and_documented() -> None:
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "core").rglob("*.py"))
    read_there = set(OURS.findall(sources))
    assert {m[0] for _, m in said(OURS)} <= read_there
    assert read_there - set(OURS.findall(TEXTS["docs/deployment.md"])) == set()


def test_files_that_are_named_are_there() -> None:
    missing = []
    for name, match in said(CODE):
        path = LEFT_OPEN.sub("*", match[1].split("::")[0])
        if path.split("/")[0] in FOLDERS and re.fullmatch(r"[\w./*-]+", path) and not any(ROOT.glob(path)):
            missing.append((name, match[1]))
    for name, match in said(MARKDOWN):
        target = urlsplit(match["target"])
        if not target.scheme and target.path and not ((ROOT / name).parent / target.path).exists():
            missing.append((name, match["target"]))
    assert not missing
