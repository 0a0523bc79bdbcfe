"""Every concept's exported script and notebook in one clean environment, against the lab's own run.

`make export-check` makes `.venv-export` once: it has the packages that the scripts name, with their dependencies, and
nothing of the project. Scripts and notebooks run there in an empty folder, isolated (`python -I`). On the CPU, where
script and lab train with the same stacked torch, every number must be the same bit for bit.

The fused kernel adds in another order, and training makes much of a last bit: a deep network that hardly learns may
learn in one engine and not in the other. So what must agree are final means over seeds, of every contender, depth and
split, within TOLERANCE or within what single seeds explain; and the mean over all of these, within TOLERANCE alone.
The differences measured are printed. (tests/test_fused.py holds the kernel to the bits of short runs.)
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from core import console
from core.concept.catalog import CONCEPTS
from core.concept.params import BaseParams
from core.concept.parts import experiment, load
from core.takeaway import export, records

ROOT = Path(__file__).resolve().parent.parent
CLEAN = ROOT / ".venv-export"
SECONDS = 1800  # that a run may take

# Defaults are run as they are, except where they take minutes: then fewer steps, and nothing else is changed.
SHORTER: dict[str, dict[str, int]] = {"text_generation": {"steps": 40}}

# How far the fused kernel may be from stacked torch at the end of training.
LUCK = 4.0  # standard errors of the paired differences over seeds
TOLERANCE = {
    "accuracy": 0.02,  # a share
    "loss": 0.05,  # nats
    "on": 0.05,  # nats: training loss with units left out
    "memorised": 0.05,  # a share of few examples
}

# Runs a notebook's cells as Jupyter does, in one namespace, and keeps the arrays of its `result`.
RUN_NOTEBOOK = """
import codeop, dataclasses, json, sys
import numpy as np
names, compiled = {"__name__": "__main__"}, codeop.Compile()
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec(compiled("".join(cell["source"]), cell["id"], "exec"), names)
found = names["result"]
arrays = [f.name for f in dataclasses.fields(found) if "axes" in f.metadata]
np.savez(sys.argv[2], **{name: getattr(found, name) for name in arrays})
"""


def main(stems: list[str]) -> int:
    console.tolerant()
    params = {e.stem: checked(e.stem) for e in CONCEPTS if e.stem in stems or not stems}
    python = environment(params)
    failed: list[str] = []
    for stem, present in params.items():
        shorter = "".join(f", {name}={value}" for name, value in SHORTER.get(stem, {}).items())
        print(f"{stem} (defaults{shorter})", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            wrong = differences(stem, present, python, Path(folder))
        print("".join(f"    DIFFERS: {line}\n" for line in wrong), end="", flush=True)
        failed += [stem] if wrong else []
    print(f"{', '.join(failed)}: not what the lab gives." if failed else f"All {len(params)} concepts agree.")
    return int(bool(failed))


def checked(stem: str) -> BaseParams:
    return load(stem).Params().replace(**SHORTER.get(stem, {}))


def environment(params: dict[str, BaseParams]) -> Path:
    """Python of an environment with the packages that these scripts and notebooks name; made anew when they change."""
    files = [make(stem, p) for stem, p in params.items() for make in (export.script, export.notebook)]
    wanted = {line for file in files for line in named(file)}
    stamp, python = CLEAN / "packages.json", CLEAN / "bin" / "python"
    try:
        there = set(json.loads(stamp.read_text()))
    except (OSError, ValueError):
        there = set()
    if wanted <= there:
        return python
    print(f"A clean environment with {' '.join(sorted(wanted))} …", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(CLEAN)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *sorted(wanted)], check=True)
    stamp.write_text(json.dumps(sorted(wanted)))
    return python


def named(file: str) -> list[str]:
    """What a script or notebook says is to be installed."""
    return file.split("pip install ", 1)[1].split("\\n")[0].split("\n")[0].strip('",').split()


def differences(stem: str, params: BaseParams, python: Path, folder: Path) -> list[str]:
    """What differs, a line each; nothing where all is well."""
    ours = folder / "lab.npz"
    settings = folder / "settings.json"
    settings.write_text(records.settings(stem, params), "utf-8")
    lab = [sys.executable, "-m", "core.cli", stem, "--settings", str(settings)]
    wrong = run("lab", [*lab, "--save", str(ours)], ROOT)
    (folder / "run.py").write_text(export.script(stem, params), "utf-8")
    (folder / "run.ipynb").write_text(export.notebook(stem, params), "utf-8")
    (folder / "notebook.py").write_text(RUN_NOTEBOOK, "utf-8")
    clean = [str(python), "-I"]
    wrong += run("script", [*clean, "run.py", "--save", "script.npz"], folder)
    wrong += run("notebook", [*clean, "notebook.py", "run.ipynb", "notebook.npz"], folder)
    if wrong:
        return wrong
    for form in ("script", "notebook"):
        wrong += [f"{form}: {line}" for line in bits(stem, ours, folder / f"{form}.npz")]
    if "fused" in load(stem).devices:
        other = folder / "fused.npz"
        failed = run("fused kernel", [*lab, "device=fused", "--save", str(other)], ROOT)
        wrong += failed or [f"fused kernel: {line}" for line in means(stem, ours, other)]
    return wrong


def run(what: str, command: list[str], folder: Path) -> list[str]:
    """Run one of them; why it failed, if it did."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "OMP"))}
    begin = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)
    print(f"    {what}: {time.monotonic() - begin:.0f} s", flush=True)
    return [f"{what} ended with {done.returncode}: {done.stderr.strip()[-600:]}"] if done.returncode else []


def bits(stem: str, ours: Path, theirs: Path) -> list[str]:
    """Which arrays are not the same bit for bit, and by how much; measured times may differ."""
    kinds = {f.name: f.metadata for f in dataclasses.fields(experiment(stem).Result) if "axes" in f.metadata}
    wrong, digest = [], hashlib.sha256()
    with np.load(ours, allow_pickle=False) as a, np.load(theirs, allow_pickle=False) as b:
        if set(a) != set(b):
            return [f"other arrays: {sorted(set(a) ^ set(b))}"]
        for name in sorted(set(a) - {name for name, kind in kinds.items() if kind["measured"]}):
            digest.update(a[name].tobytes())
            if (a[name].dtype, a[name].shape) != (b[name].dtype, b[name].shape):
                wrong.append(f"{name} is {b[name].dtype} {b[name].shape}, not {a[name].dtype} {a[name].shape}")
            elif a[name].tobytes() != b[name].tobytes():
                apart = np.nanmax(np.abs(a[name].astype(float) - b[name].astype(float)))
                wrong.append(f"{name} differs by up to {apart:.3g}")
    if not wrong:
        print(f"    {theirs.stem}: {len(kinds)} arrays, the same bits ({digest.hexdigest()[:12]})", flush=True)
    return wrong


def means(stem: str, ours: Path, theirs: Path) -> list[str]:
    """Which metrics are further apart at the end of training than is allowed."""
    wrong = []
    kinds = {f.name: f.metadata for f in dataclasses.fields(experiment(stem).Result) if "axes" in f.metadata}
    with np.load(ours, allow_pickle=False) as a, np.load(theirs, allow_pickle=False) as b:
        for name, allowed in TOLERANCE.items():
            if name not in kinds:
                continue
            one, other = (final(kept[name], kinds[name]["axes"]) for kept in (a, b))
            if (np.isnan(one) != np.isnan(other)).any():
                wrong.append(f"{name}: other seeds diverge")
                continue
            difference = (one - other)[:, ~np.isnan(one).any(0)]  # [seeds, places]
            if not difference.size:
                continue
            apart, error = np.abs(difference.mean(0)), difference.std(0, ddof=1) / len(difference) ** 0.5
            beyond = (apart > allowed) & (apart > LUCK * error)
            all_in_all = abs(float(difference.mean()))
            there = f"{apart.max():.2g} ± {error[apart.argmax()]:.2g} at most in {len(apart)} places"
            print(f"    fused kernel: {name} is {all_in_all:.2g} apart, {there}; {allowed:g} is allowed", flush=True)
            if all_in_all > allowed or beyond.any():
                wrong.append(f"{name}: {beyond.sum()} of {len(apart)} places and {all_in_all:.2g} in the mean")
    return wrong


def final(values: np.ndarray, axes: tuple[str, ...]) -> np.ndarray:
    """The last moment, [seeds, places]: a place is a contender, depth, split …"""
    growing = next(i for i, axis in enumerate(axes) if axis.endswith("+"))
    last = values.take(-1, axis=growing).astype(float)
    seed = [axis for axis in axes if axis != axes[growing]].index("seed")
    return np.moveaxis(last, seed, 0).reshape(values.shape[axes.index("seed")], -1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
