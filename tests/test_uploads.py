"""Uploads: whole or not at all, for whom they are, until when, and never trusted when damaged."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from pathlib import Path

import pytest

from core.concept.params import Refused
from core.concepts.perceptron.params import Params, Spot
from core.runs import disk
from core.runs import uploads as module
from core.runs.manager import Manager
from core.runs.run import COMPLETE, FAILED, Run
from core.runs.store import Store
from core.runs.uploads import HALF_WRITTEN, NotHere, Uploads

ANNA, BO = "cookie-of-anna", "cookie-of-bo"


def named(content: bytes, shape: str = "12x2x2") -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}:{shape}"


CONTENT = ("x,y,kind\n" + "".join(f"{i}.0,{i * i % 7}.0,{'secret' if i > 5 else 'open'}\n" for i in range(12))).encode()
NAME = named(CONTENT)


gone: list[str] = []  # uploads whose results were to be removed


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    gone.clear()
    return Uploads(tmp_path / "uploads", cap=125_000, per_person=50_000, forget=gone.extend)


def test_only_who_brought_it_reads_it_until_it_is_shared(uploads: Uploads) -> None:
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    assert uploads.content(NAME) == CONTENT
    assert uploads.readable(NAME, ANNA) and not uploads.readable(NAME, BO)
    uploads.share(NAME, BO, True)  # he cannot
    assert not uploads.readable(NAME, BO)
    uploads.share(NAME, ANNA, True)
    assert uploads.readable(NAME, BO) and uploads.mine(BO) == [] and uploads.held(NAME, BO) is None
    uploads.share(NAME, ANNA, False)
    assert not uploads.readable(NAME, BO)
    (mine,) = uploads.mine(ANNA)
    assert (mine.name, mine.label, mine.shared) == (NAME, "points.csv", False)


def test_another_shape_under_the_same_content_is_not_there(uploads: Uploads) -> None:
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    uploads.share(NAME, ANNA, True)
    assert not uploads.readable(named(CONTENT, "12x1x2"), ANNA)


def test_one_content_of_two_people_goes_with_the_last(uploads: Uploads) -> None:
    for person in (ANNA, BO):
        uploads.put(person, NAME, CONTENT, person)
    assert uploads.usage()["files"] == 1
    uploads.delete(NAME, ANNA)
    assert not uploads.readable(NAME, ANNA) and uploads.readable(NAME, BO) and gone == []
    uploads.delete(NAME, BO)
    assert uploads.content(NAME) is None and list(uploads.root.iterdir()) == [] and gone == [NAME]
    assert uploads.usage() == {"files": 0, "bytes": 0}


def test_nothing_says_who_somebody_is(uploads: Uploads) -> None:
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    for path in uploads.root.iterdir():
        assert ANNA not in path.name and ANNA.encode() not in path.read_bytes()


def test_the_end_date(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    uploads.sweep()
    assert gone == [] and uploads.readable(NAME, ANNA)
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 86400 * module.DAYS + 1)
    assert not uploads.readable(NAME, ANNA) and uploads.mine(ANNA) == []
    uploads.sweep()
    assert gone == [NAME] and list(uploads.root.iterdir()) == []


def test_results_go_at_the_end_date_though_the_file_was_damaged(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    uploads._file(NAME).write_bytes(b"damaged")
    assert uploads.content(NAME) is None and not uploads._file(NAME).exists()
    uploads.sweep()
    assert gone == []  # she may bring it again
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 86400 * module.DAYS + 1)
    uploads.sweep()
    assert gone == [NAME] and list(uploads.root.iterdir()) == []


@pytest.mark.parametrize("way", ["deleted", "over"])
def test_a_server_that_ends_before_results_are_gone_leaves_them_to_the_next(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    days = module.DAYS if way == "over" else 0.5

    def ends(names: list[str]) -> None:
        raise KeyboardInterrupt

    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 86400 * days + 1)
    monkeypatch.setattr(uploads, "forget", ends)
    with pytest.raises(KeyboardInterrupt):
        uploads.sweep() if way == "over" else uploads.delete(NAME, ANNA)
    again = Uploads(uploads.root, forget=gone.extend)
    again.sweep()
    assert gone == [NAME] and list(uploads.root.iterdir()) == []


def test_what_is_kept_is_counted_as_it_changes(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    big = b"x" * 5000
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    uploads.put(BO, NAME, CONTENT, "points.csv")
    uploads.put(ANNA, named(big), big, "big")
    assert uploads.usage() == {"files": 2, "bytes": (3 + 3) * 4096} == Uploads(uploads.root).usage()
    uploads._file(NAME).write_bytes(b"damaged")
    assert uploads.content(NAME) is None
    assert uploads.usage() == {"files": 1, "bytes": (2 + 3) * 4096} == Uploads(uploads.root).usage()
    other = Uploads(uploads.root)  # another server
    other.delete(named(big), ANNA)
    uploads.sweep()
    other.count()
    held = {"files": 0, "bytes": 2 * 4096}  # who brought the damaged one
    assert uploads.usage() == other.usage() == held
    monkeypatch.setattr(Path, "glob", None)
    assert uploads.usage() == held


@pytest.mark.parametrize("damage", [b"", CONTENT[:-3], CONTENT.replace(b"open", b"oper", 1), b"\x80\x04pickle"])
def test_a_damaged_file_is_gone_and_can_be_brought_again(uploads: Uploads, damage: bytes) -> None:
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    uploads._file(NAME).write_bytes(damage)
    assert uploads.content(NAME) is None and not uploads.readable(NAME, ANNA)
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    assert uploads.content(NAME) == CONTENT


@pytest.mark.parametrize("old, new", [("false", "true"), ('"until": ', '"until": 9'), ("{", "["), (NAME, named(b"x"))])
def test_a_hold_that_was_tampered_with_is_none(uploads: Uploads, old: str, new: str) -> None:
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    hold = uploads._file(NAME, ANNA)
    assert old in hold.read_text()
    hold.write_text(hold.read_text().replace(old, new, 1))
    assert not uploads.readable(NAME, ANNA) and not uploads.readable(NAME, BO)


@pytest.mark.parametrize("name", ["", "sha256:../etc:1", "../x", f"{NAME}/..", NAME.upper(), f"{NAME}x", f"{NAME}\n"])
def test_no_other_name_reaches_the_disk(uploads: Uploads, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        uploads.content(name)


def test_quotas(uploads: Uploads) -> None:
    big = [bytes([65 + i]) * 20_480 for i in range(6)]
    for content in big[:2]:
        uploads.put(ANNA, named(content), content, "a")
    uploads.put(ANNA, named(big[0]), big[0], "again")  # what is there costs nothing
    with pytest.raises(Refused, match="quota"):
        uploads.put(ANNA, named(big[2]), big[2], "c")
    for person, content in zip("cde", big[2:5]):
        uploads.put(person, named(content), content, "c")
    with pytest.raises(Refused, match="full"):
        uploads.put("f", named(big[5]), big[5], "f")
    assert all(uploads.content(named(content)) == content for content in big[:5])
    assert uploads.usage() == {"files": 5, "bytes": 102_400 + 5 * disk.BLOCK}  # who holds them counts, too
    for i in range(12):  # small ones count a block each
        try:
            uploads.put("g", named(b"%d" % i), b"%d" % i, "g")
        except Refused:
            break
    assert uploads.usage()["files"] == 5


def test_a_person_has_so_much_room_whoever_puts_at_once(uploads: Uploads) -> None:
    """Also through another server on the same store."""
    others = [uploads, Uploads(uploads.root, uploads.cap, uploads.per_person)]
    contents = [b"%d" % i * 10_000 for i in range(8)]
    refused = []

    def put(i: int) -> None:
        try:
            others[i % 2].put(ANNA, named(contents[i]), contents[i], "a")
        except Refused as error:
            refused.append(error.code)

    threads = [threading.Thread(target=put, args=(i,)) for i in range(len(contents))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["quota"] * 4 and sum(mine.size for mine in uploads.mine(ANNA)) == 4 * disk.taken(10_000)


def test_holding_what_others_brought_takes_room(uploads: Uploads) -> None:
    room = (uploads.cap - disk.taken(len(CONTENT))) // disk.BLOCK
    with pytest.raises(Refused, match="full"):
        for i in range(room + 2):
            uploads.put(f"{i}", NAME, CONTENT, "a")
    assert uploads.usage()["bytes"] <= uploads.cap


def test_a_disk_that_cannot_be_written_loses_nothing(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    before = sorted(uploads.root.iterdir())
    other = CONTENT + b"99.0,1.0,open\n"

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Refused, match="not_kept"):
        uploads.put(ANNA, named(other), other, "more.csv")
    assert sorted(uploads.root.iterdir()) == before and uploads.content(NAME) == CONTENT


def test_what_a_killed_server_left_half_written_is_swept(uploads: Uploads) -> None:
    uploads.put(ANNA, NAME, CONTENT, "points.csv")
    orphan = uploads._file(named(b"never held"))
    for path in (uploads.root / ".0123", orphan):
        path.write_bytes(b"never held")
    uploads.sweep()
    assert gone == [] and orphan.exists()
    old = time.time() - 2 * HALF_WRITTEN
    for path in uploads.root.iterdir():
        os.utime(path, (old, old))
    uploads.sweep()
    assert gone == [named(b"never held")]
    assert len(list(uploads.root.iterdir())) == 2 and uploads.content(NAME) == CONTENT


# Runs on uploads


def test_runs_take_their_file_and_go_with_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    manager = Manager(Store(tmp_path), cpu_slots=1).start()
    try:
        manager.uploads.put(ANNA, NAME, CONTENT, "points.csv")
        params = Params(own=NAME, seeds=2, passes=5)
        run = manager.ask("perceptron", params, person=ANNA)
        assert run.done.wait(60) and run.status == COMPLETE, run.error
        assert run.result and len(run.result.y) == 12
        question = manager.question(run, "classify", Spot(x=0.1, y=0.2), person=ANNA)
        assert question.done.wait(60) and question.status == COMPLETE
        for _ in range(100):
            if manager.store.complete(run.key):
                break
            time.sleep(0.05)
        assert manager.store.usage()["runs"] == 1 and manager.find("perceptron", params, person=ANNA) is run

        waits = Run("0" * 40, "perceptron", params, "cpu", 0.1)
        manager.delete(NAME, ANNA)
        assert manager.store.usage()["runs"] == 0
        with pytest.raises(NotHere):
            manager.ask("perceptron", params, person=ANNA)
        manager.carrier.put(waits)  # the file went while it waited
        assert waits.done.wait(60) and (waits.status, waits.error) == (FAILED, "no_file")
        left = [path for path in tmp_path.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
        assert left == [] and "secret" not in caplog.text and ANNA not in caplog.text
    finally:
        manager.close()
