"""Records of runs: what was run on what, and which figures came out. One JSON file each."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from build_support.results.plan import Plan, Run, ShownModel
from lamlam.bundled.model_names import BUNDLED, deltas
from lamlam.bundled.model_names import model_file as named_file
from lamlam.evaluation.statistics import wilson_interval

ROOT = Path(__file__).parents[2]
RECORDS = Path(__file__).with_name("measured")
AUDIT_STATES = ("full", "contains", "del_on", "del_off", "L", "R")
ALSO_KEPT = ("memory_scope", "too_long", "class_prior", "more_facts", "names", "policy", "seconds")

Record = dict[str, Any]
Files = Mapping[str, Path]
"""Files to take for models, by their names, in place of what the plan says."""
NO_FILES: Files = {}


class RunFailed(Exception):
    """A command of ``lamlam eval`` ended with an error."""


def run(one: Run, folder: Path, files: Files = NO_FILES) -> Record:
    """Run a command in the folder of data and models, and return its record.

    Raises:
        RunFailed: the command failed; the message is its own.
    """
    identity = identity_of(one, folder, files)
    file = str(model_file(one.model, folder, files).resolve())
    load, started = os.getloadavg()[0], time.monotonic()
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "lamlam", "eval", *one.arguments_for(file)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = done.stderr.strip() or f"it ended with status {done.returncode}"
        raise RunFailed(f"{one.name}: {why}")
    measured = figures(json.loads(done.stdout))
    wall = {"wall_seconds": round(time.monotonic() - started, 1), "load_before": round(load, 1)}
    return {**identity, **measured, **wall}


def identity_of(one: Run, folder: Path, files: Files = NO_FILES) -> Record:
    """Return what says whether a record is of this run: command, hashes and versions."""
    file = model_file(one.model, folder, files)
    return {
        "model": one.model.name,
        "set": one.set.name,
        "facts": one.facts,
        "command": ["lamlam", "eval", *one.arguments],
        "seed": _seed(one.set.command),
        "model_bytes": file.stat().st_size,
        "model_sha256": digest(file),
        "data_sha256": {name: digest(folder / name) for name in one.set.data},
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of what a figure depends on."""
    return {
        "lamlam": version("lamlam"),
        "llama-cpp-python": version("llama-cpp-python"),
        "python": platform.python_version(),
    }


def model_file(model: ShownModel, folder: Path, files: Files = NO_FILES) -> Path:
    """Return the file of a model: one that is given for its name, or what the plan says.

    Raises:
        ModelMissing: a pulled model is not on this machine.
    """
    if model.name in files:
        return files[model.name]
    if model.file == BUNDLED or model.file in deltas():
        return named_file(model.file)
    return folder / model.file


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def figures(printed: Mapping[str, Any]) -> Record:
    """Return what is kept of a command's JSON: each share with Wilson's 95% interval."""
    kept: Record = {"n": printed["n"] if "n" in printed else printed["items"]}
    for name in AUDIT_STATES:
        if name in printed:
            kept[name] = share_of(printed[name]["value"], kept["n"])
    right = next((printed[name] for name in ("exact", "right") if name in printed), None)
    if isinstance(right, Mapping):
        right = right["value"]
    if right is not None:
        kept["exact"] = share_of(right, kept["n"])
    if "false_when_absent" in printed:
        kept["false"] = share_of(printed["false_when_absent"], kept["n"])
    kept |= {name: printed[name] for name in ALSO_KEPT if name in printed}
    return kept


def read_records(plan: Plan, records: Path = RECORDS) -> dict[str, Record]:
    """Return the records there are, by the names of their runs, in the order of the plan."""
    there = {one.name: read_json(records / f"{one.name}.json") for one in plan.runs()}
    return {name: record for name, record in there.items() if record is not None}


def outputs_path(model: ShownModel, records: Path = RECORDS) -> Path:
    """Return where the outputs of a model are kept."""
    return records / f"outputs.{model.name}.json".replace(" ", "-").lower()


def read_json(path: Path) -> Record | None:
    """Return a record, None where there is none."""
    if not path.exists():
        return None
    record: Record = json.loads(path.read_text(encoding="utf-8"))
    return record


def write_json(path: Path, content: object) -> None:
    """Write a record; a run that is stopped leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def is_of(record: Mapping[str, Any] | None, identity: Mapping[str, Any]) -> bool:
    """Say whether a record has the same command, model, data and versions."""
    return record is not None and all(record.get(key) == v for key, v in identity.items())


def share_of(value: float, n: int) -> dict[str, float]:
    """Return a share with Wilson's 95% interval."""
    low, high = wilson_interval(round(value * n), n)
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}


def _seed(command: tuple[str, ...]) -> int | None:
    return int(command[command.index("--seed") + 1]) if "--seed" in command else None
