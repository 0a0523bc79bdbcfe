"""The store: what goes in comes out bit for bit, and no damage of whatever kind is believed or fatal."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.concept.params import canonical
from core.concept.result import arrays, same
from core.concepts.optimizer_race.params import TINY, Params, Result
from core.ml.rules import Contender
from core.runs import engines
from core.runs.history import History
from core.runs.key import digest, run_key, setting_key
from core.runs.store import Store
from core.runs.uploads import Uploads

KEY, OTHER = "0123456789abcdef" * 2 + "01234567", "f" * 40
META = {"status": "complete", "concept": "optimizer_race", "seconds": 1.5, "device": "cpu"}
STATE = {"weights": np.arange(6.0).reshape(2, 3), "order": np.array([3, 1, 2])}


def result(params: Params = TINY, fill: float = 0.25) -> Result:
    """A Result with everything that is hard to keep: NaN with its payload, infinities, −0, empty arrays, integers."""
    loss = np.full((2, 2, 4, 3), fill, np.float32)
    loss.flat[:4] = [np.nan, np.inf, -np.inf, -0.0]
    loss.view(np.uint32).flat[4] = 0x7FC12345
    return Result(
        params,
        step=12,
        total=12,
        epoch=np.arange(4),
        loss=loss,
        accuracy=loss / 2,
        rate=np.ones((2, 1)),
        sweep_loss=loss[:, None],
        sweep_accuracy=loss[:, None] / 2,
        steps_per_epoch=4,
        parameters=10,
        step_seconds=np.array([1e-300, 5e-324]),
        x=np.zeros((0, 64), np.float32),
        y=np.zeros(0, np.int64),
        region_epoch=np.zeros(0, int),
        region=np.zeros((2, 0, 48, 48), np.uint8),
        moment=np.zeros(0, int),
        path=np.zeros((2, 0, 2), np.float32),
        path_loss=np.zeros((2, 0), np.float32),
        moved=np.zeros((2, 0), np.float32),
        slice_at=np.zeros((0, 2), np.float32),
        slice_loss=np.zeros((0, 0), np.float32),
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def folder(store: Store, key: str = KEY) -> Path:
    return store.root / "runs" / key


def taken(store: Store) -> int:
    """Bytes on a disk with blocks of 4096: of the files of runs and pointers, and a block for every run's folder."""
    found = [path for part in ("runs", "latest") for path in (store.root / part).rglob("*")]
    return sum(4096 * (1 if path.is_dir() else -(-path.stat().st_size // 4096)) for path in found)


def test_bits_come_back(store: Store) -> None:
    assert store.load(KEY) is None and store.state(KEY) is None
    assert store.save(KEY, result(), META | {"note": "ν"}, STATE)
    stored = store.complete(KEY)
    assert stored and same(stored.result, result())
    assert arrays(stored.result)["step_seconds"].tobytes() == result().step_seconds.tobytes()
    assert np.isnan(stored.result.loss).sum() == 2
    assert (stored.result.step, stored.result.total, stored.result.parameters) == (12, 12, 10)
    assert canonical(stored.result.params) == canonical(TINY)
    assert stored.meta["note"] == "ν" and stored.meta["status"] == "complete"
    state = store.state(KEY)
    assert state and all(state[n].tobytes() == STATE[n].tobytes() and state[n].dtype == STATE[n].dtype for n in STATE)
    assert store.usage()["runs"] == 1 and store.usage()["bytes"] > 1000
    assert {path.name for path in folder(store).iterdir()} == {"meta.json", "arrays.npz", "state.safetensors"}


def test_only_complete_runs_are_hits(store: Store) -> None:
    for status in ("running", "stopped", "failed"):
        assert store.save(KEY, result(), META | {"status": status}, setting="s")
        assert store.complete(KEY) is None and store.load(KEY) is not None
        assert store.latest("s") is None
    store.save(KEY, result(), META, setting="s")
    assert store.complete(KEY) is not None
    store.save(KEY, result(fill=0.5), META)  # a later run takes its place
    found = store.load(KEY)
    assert found and found.result.loss[1, 1, 1, 1] == 0.5


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [shortened, flipped, emptied, removed])
@pytest.mark.parametrize("name", ["arrays.npz", "meta.json"])
def test_a_damaged_entry_is_none_and_gone(store: Store, name: str, damage: Callable[[Path], None]) -> None:
    store.save(KEY, result(), META, STATE)
    damage(folder(store) / name)
    assert store.load(KEY) is None and store.complete(KEY) is None
    if damage is not removed:  # another server may just be replacing it
        assert not folder(store).exists()
    assert store.save(KEY, result(), META) and store.complete(KEY)  # computed anew, kept again


@pytest.mark.parametrize("damage", [shortened, flipped, emptied, removed])
def test_a_damaged_state_is_none_and_the_result_stays(store: Store, damage: Callable[[Path], None]) -> None:
    store.save(KEY, result(), META, STATE)
    damage(folder(store) / "state.safetensors")
    assert store.state(KEY) is None and store.load(KEY) is not None


def rewritten(store: Store, change: Callable[[dict], None], *, sign: bool) -> None:
    """Change meta.json, with or without a digest that fits."""
    path = folder(store) / "meta.json"
    meta = json.loads(path.read_bytes())
    change(meta)
    meta.pop("digest")
    path.write_text(json.dumps(meta | {"digest": digest(meta) if sign else OTHER}))


def test_a_digest_that_does_not_fit_is_not_believed(store: Store) -> None:
    store.save(KEY, result(), META)
    rewritten(store, lambda meta: None, sign=True)
    assert store.load(KEY) is not None
    rewritten(store, lambda meta: meta.update(seconds=2.0), sign=False)
    assert store.load(KEY) is None and not folder(store).exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: meta["params"].update(epochs="9999"),  # no longer stands
        lambda meta: meta["params"].update(gone="1"),
        lambda meta: meta["plain"].update(gone=1),  # a field the Result no longer has
        lambda meta: meta["plain"].pop("parameters"),
        lambda meta: meta.update(concept="no_such_concept"),
        lambda meta: meta.update(concept="../../etc"),
        lambda meta: meta.pop("plain"),
        lambda meta: meta.pop("status"),
        lambda meta: meta.update(seconds="1.5"),
        lambda meta: meta.update(device=None),
    ],
)
def test_an_entry_of_another_version_is_none(store: Store, change: Callable[[dict], None]) -> None:
    store.save(KEY, result(), META)
    rewritten(store, change, sign=True)
    assert store.load(KEY) is None and not folder(store).exists()


class Bomb:
    def __reduce__(self) -> tuple:
        return os.mkdir, ("bomb",)


def test_no_pickle_is_read(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store.save(KEY, result(), META)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays(result()) | {"loss": np.array([Bomb()], dtype=object)})
    (folder(store) / "arrays.npz").write_bytes(buffer.getvalue())
    sum_of = hashlib.sha256(buffer.getvalue()).hexdigest()
    rewritten(store, lambda meta: meta["checksums"].update({"arrays.npz": sum_of}), sign=True)
    assert store.load(KEY) is None
    assert not (tmp_path / "bomb").exists()


# A disk that is full or cannot be written


def refuse(*args: object, **named: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["mkdir", "write_bytes", "rename", "replace"])
def test_a_full_disk_is_said_and_harms_nothing(store: Store, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, call, refuse)
        assert not store.save(KEY, result(), META, STATE, setting="s")
        assert store.trouble == "ENOSPC"
        assert store.latest("s") is None
    assert not list(store.root.glob("runs/.*")), "something half written stayed"
    assert store.save(KEY, result(), META, setting="s")
    assert store.trouble == "" and store.complete(KEY) and store.latest("s")


def test_a_store_that_is_no_folder(tmp_path: Path) -> None:
    """Also root cannot make a folder inside a file; a read-only disk says it the same way."""
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "store")
    assert not store.save(KEY, result(), META, setting="s")
    assert store.trouble
    assert store.load(KEY) is None and store.latest("s") is None and store.usage() == {"runs": 0, "bytes": 0}


# A store that can be read only, or belongs to another user


def test_what_cannot_be_touched_is_served(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(KEY, result(), META, STATE, setting="s")
    monkeypatch.setattr(os, "utime", refuse)
    for _ in range(2):
        assert store.complete(KEY) and store.latest("s") and store.state(KEY) and store.status(KEY) == "complete"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES, errno.EIO])
def test_what_cannot_be_read_just_now_is_not_damaged(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store.save(KEY, result(), META)

    def fail(self: Path) -> bytes:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        assert store.load(KEY) is None and store.status(KEY) == ""
    assert store.complete(KEY)


def test_a_damaged_entry_that_cannot_be_removed_is_none_and_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(KEY, result(), META)
    flipped(folder(store) / "arrays.npz")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        for _ in range(2):
            assert store.load(KEY) is None
        assert not store.save(KEY, result(), META)
        assert store.trouble and store.load(KEY) is None
    assert store.save(KEY, result(), META) and store.complete(KEY) and not store.trouble


# Whatever stands where JSON should

JUNK = [b"[]", b"3", b'"complete"', b"null", b"{}", b"[" * 100_000, b'{"status":' * 50_000, b"\xff\xfe", b"NaN", b""]
JUNK += [b'{"status": 3, "digest": []}', b'{"status": {}, "plain": [], "params": 1, "checksums": "x", "digest": "y"}']


@pytest.mark.parametrize("content", JUNK)
def test_any_file_is_read_without_harm(store: Store, tmp_path: Path, content: bytes) -> None:
    store.save(KEY, result(), META, STATE)
    (folder(store) / "meta.json").write_bytes(content)
    assert store.status(KEY) == "" and store.state(KEY) is None and store.load(KEY) is None

    uploads = Uploads(tmp_path / "uploads")
    name = f"sha256:{hashlib.sha256(b'x').hexdigest()}:1x1x1"
    uploads.put("me", name, b"x", "x.csv")
    uploads._file(name, "me").write_bytes(content)
    assert uploads.mine("me") == [] and not uploads.readable(name, "me")
    uploads.sweep()

    history = History(tmp_path / "history", uploads.readable)
    (tmp_path / "history").mkdir()
    history._file("me").write_bytes(content)
    assert history.mine("me") == []

    (tmp_path / "engines.json").write_bytes(content)
    assert engines.remembered(tmp_path / "engines.json", "stamp") == []


@pytest.mark.parametrize("change", [{"overhead": "x"}, {"rate": None}, {"lanes": 1.5}, {"device": 3}, {"more": 1}])
def test_engines_of_other_types_are_measured_anew(tmp_path: Path, change: dict[str, object]) -> None:
    engine = engines.Engine("cpu", 1e-4, 1e9)
    engines.remember(tmp_path / "e.json", "stamp", [engine])
    assert engines.remembered(tmp_path / "e.json", "stamp") == [engine]
    content = json.loads((tmp_path / "e.json").read_bytes())
    content["engines"][0].update(change)
    (tmp_path / "e.json").write_text(json.dumps(content))
    assert engines.remembered(tmp_path / "e.json", "stamp") == []


# Room, names, pointers


def test_the_runs_used_longest_ago_make_room(store: Store) -> None:
    keys = [f"{i:040x}" for i in range(5)]
    for i, key in enumerate(keys[:4]):
        store.save(key, result(), META)
        os.utime(folder(store, key), (1000 + i, 1000 + i))
    one = store.usage()["bytes"] // 4
    store.load(keys[0])  # used now
    store.cap = int(3.5 * one)
    store.save(keys[4], result(), META)
    store.prune()
    assert {path.name for path in store.root.glob("runs/*")} == {keys[0], keys[3], keys[4]}
    store.cap = 1
    store.save(keys[1], result(), META)
    store.prune()
    assert {path.name for path in store.root.glob("runs/*")} == {keys[1]}  # the newest always stays


def test_a_long_life_stays_under_the_cap(store: Store) -> None:
    store.save(KEY, result(), META)
    store.cap = 4 * store.usage()["bytes"]
    for i in range(48):
        store.save(f"{i:040x}", result(), META, setting=f"setting-{i}")
        if store.over:
            store.prune()
        assert taken(store) <= store.cap
    kept = {path.name for path in store.root.glob("runs/*")}
    assert store.usage() == {"runs": len(kept), "bytes": taken(store)} and 0 < len(kept) <= 4
    assert {path.read_text() for path in store.root.glob("latest/*")} == kept


def test_pointers_to_nothing_are_counted_and_go(store: Store) -> None:
    store.save(KEY, result(), META, setting="a")
    one = taken(store)
    for i in range(300):
        (store.root / "latest" / f"old-{i}").write_text(f"{i:040x}")
    (store.root / "latest" / "junk").write_bytes(b"\xff../../etc")
    store.count()
    assert store.usage()["bytes"] == taken(store) == one + 301 * 4096
    store.cap = 2 * one
    assert store.over
    store.prune()
    assert store.complete(KEY) and [path.name for path in store.root.glob("latest/*")] == ["a"]
    assert not store.over and store.usage() == {"runs": 1, "bytes": one}


def test_what_cannot_be_pruned_is_not_tried_for_ever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(4):
        store.save(f"{i:040x}", result(), META)
    store.cap = 1
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        assert store.over
        store.prune()
        assert not store.over and store.usage()["runs"] == 4
    store.save(KEY, result(), META)
    assert store.over
    store.prune()
    assert store.usage()["runs"] == 1


def test_what_is_kept_is_counted_as_it_changes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def counted() -> None:
        assert store.usage()["bytes"] == taken(store)
        assert store.usage()["runs"] == len(list(store.root.glob("runs/[!.]*")))

    for key in (KEY, OTHER, KEY):
        store.save(key, result(), META, STATE, setting=f"of {key}")
        counted()
    store.save(KEY, result(), META)  # smaller than before
    counted()
    flipped(folder(store) / "arrays.npz")
    assert store.load(KEY) is None
    counted()
    store.save(KEY, result(), META)
    store.forget(["sha256:nothing", '"seeds"'])  # whatever says this
    counted()
    assert store.usage()["runs"] == 0
    store.save(KEY, result(), META)
    other = Store(store.root)  # another server
    other.save(OTHER, result(), META)
    store.count()
    other.count()
    counted()
    assert store.usage() == other.usage()

    def walked(*_: object, **__: object) -> None:
        raise AssertionError("looked through the store")

    for name in ("glob", "iterdir", "rglob"):
        monkeypatch.setattr(Path, name, walked)
    for name in ("scandir", "listdir", "walk", "stat"):
        monkeypatch.setattr(os, name, walked)
    assert store.usage()["runs"] == 2 and not store.over


@pytest.mark.parametrize("key", ["", "..", "a" * 39, "A" * 40, "../" + "a" * 37, "a" * 39 + "/", "a" * 41, "g" * 40])
def test_a_key_is_forty_hexadecimal_digits(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="40 hexadecimal digits"):
        store.load(key)
    assert not store.root.exists()


def test_the_latest_run_of_a_setting_is_found_under_a_new_version(store: Store) -> None:
    setting = setting_key("optimizer_race", TINY)
    store.save(KEY, result(), META, setting=setting)
    store.save(OTHER, result(fill=0.5), META, setting=setting)
    found = store.latest(setting)
    assert found and found.result.loss[1, 1, 1, 1] == 0.5
    shutil.rmtree(folder(store, OTHER))
    assert store.latest(setting) is None
    for junk in ("../../etc", "", "x" * 40, "é"):
        (store.root / "latest" / setting).write_text(junk, "utf-8")
        assert store.latest(setting) is None
    (store.root / "latest" / setting).write_bytes(b"\xff\xfe")
    assert store.latest(setting) is None


def test_keys_tell_runs_apart_and_settings_together() -> None:
    keys = {
        run_key("optimizer_race", TINY, "cpu"),
        run_key("optimizer_race", TINY, "cuda:0"),
        run_key("optimizer_race", TINY.replace(data_seed=1), "cpu"),
        run_key("optimizer_race", TINY.replace(weight_seed=1), "cpu"),
    }
    assert len(keys) == 4 and all(len(key) == 40 for key in keys)
    assert run_key("optimizer_race", TINY, "cuda:0") == run_key("optimizer_race", TINY, "cuda:1")
    linear = TINY.replace(depth=0)
    assert run_key("optimizer_race", linear, "cpu") == run_key("optimizer_race", linear.replace(width=9), "cpu")
    idle = TINY.replace(contenders=(Contender(rule="sgd", lr=0.1, rho=0.3), TINY.contenders[1]))
    assert setting_key("optimizer_race", idle) == setting_key("optimizer_race", TINY)


def test_a_key_depends_on_versions_data_and_source(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.runs import key

    digits = TINY.replace(data="digits")
    seen = [run_key("optimizer_race", digits, "cpu")]
    for name, value in (
        ("versions", lambda: {"torch": "0", "numpy": "0"}),
        ("file_digest", lambda package, path: "0"),
        ("source_digest", lambda stem: "0"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(key, name, value)
            seen.append(run_key("optimizer_race", digits, "cpu"))
    assert len(set(seen)) == 4
    assert run_key("optimizer_race", digits, "cpu") == seen[0]
