"""Records of runs: what was run on what, and which figures came out. One JSON file each."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from build_support.results.plan import Plan, Run, ShownModel
from lamlam.evaluation.statistics import wilson_interval

ROOT = Path(__file__).parents[2]
RECORDS = Path(__file__).with_name("measured")
BUNDLED = ROOT / "lamlam" / "bundled"
AUDIT_STATES = ("full", "contains", "del_on", "del_off", "L", "R")
ALSO_KEPT = ("memory_scope", "too_long", "class_prior", "more_facts", "names", "seconds")

Record = dict[str, Any]


class RunFailed(Exception):
    """A command of ``lamlam eval`` ended with an error."""


def run(one: Run, folder: Path) -> Record:
    """Run a command in the folder of data and models, and return its record.

    Raises:
        RunFailed: the command failed; the message is its own.
    """
    identity = identity_of(one, folder)
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "lamlam", "eval", *one.arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RunFailed(f"{one.name}: {done.stderr.strip() or 'no message'}")
    return {**identity, **figures(json.loads(done.stdout))}


def identity_of(one: Run, folder: Path) -> Record:
    """Return what says whether a record is of this run: command, hashes and versions."""
    file = model_file(one.model.file, folder)
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


def model_file(named: str, folder: Path) -> Path:
    """Return the file of a model."""
    if named == "bundled":
        (file,) = BUNDLED.glob("*.gguf")
        return file
    return folder / named


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def figures(printed: Mapping[str, Any]) -> Record:
    """Return what is kept of a command's JSON: each share with Wilson's 95% interval."""
    kept: Record = {"n": printed["n"] if "n" in printed else printed["items"]}
    for name in AUDIT_STATES:
        if name in printed:
            kept[name] = _share(printed[name]["value"], kept["n"])
    right = next((printed[name] for name in ("exact", "right") if name in printed), None)
    if isinstance(right, Mapping):
        right = right["value"]
    if right is not None:
        kept["exact"] = _share(right, kept["n"])
    if "false_when_absent" in printed:
        kept["false"] = _share(printed["false_when_absent"], kept["n"])
    kept |= {name: printed[name] for name in ALSO_KEPT if name in printed}
    return kept


def read_records(plan: Plan, records: Path = RECORDS) -> dict[str, Record]:
    """Return the records there are, by the names of their runs, in the order of the plan."""
    there = {one.name: read_json(records / f"{one.name}.json") for one in plan.runs()}
    return {name: record for name, record in there.items() if record is not None}


def outputs_path(model: ShownModel, records: Path = RECORDS) -> Path:
    """Return where the outputs of a model are kept."""
    return records / f"outputs.{model.name}.json"


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


def _share(value: float, n: int) -> dict[str, float]:
    low, high = wilson_interval(round(value * n), n)
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}


def _seed(command: tuple[str, ...]) -> int | None:
    return int(command[command.index("--seed") + 1]) if "--seed" in command else None
