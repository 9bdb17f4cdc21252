"""The set-up says before a large download that a disk has too little room for it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.limits import HANG_S
from tests.paths import ROOT

GB = 10**9


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "build_support" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


ROOM: Any = _module("disk_room")
PARTS: Any = _module("torch_parts")


@pytest.fixture(autouse=True)
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each need is the whole of it."""
    monkeypatch.setattr(ROOM.sys, "platform", "linux")
    need = ROOM.Need(environment=6_000, temporary=2_000, beside=1_000, cache=3_000)
    monkeypatch.setattr(ROOM, "NEEDS", {"dev": need})
    monkeypatch.setattr(ROOM, "MARGIN", 1.0)


def plan(tmp_path: Path, **free_gb: float) -> tuple[str | None, bool]:
    """Judge disks with so much free; folders that are not named lie on the disk of ``all``."""
    names = list(free_gb)

    def disk_of(folder: Path) -> tuple[int, int]:
        name = folder.name if folder.name in free_gb else "all"
        return names.index(name), int(free_gb[name] * GB)

    for name in ("cache", "temporary"):
        (tmp_path / name).mkdir(exist_ok=True)
    venv = tmp_path / ".venv"
    return ROOM.plan("dev", venv, tmp_path / "cache", tmp_path / "temporary", disk_of)  # type: ignore[no-any-return]


def test_with_room_for_all_pip_keeps_copies(tmp_path: Path) -> None:
    """Environment, temporary files and copies fit just so."""
    assert plan(tmp_path, all=10.0) == (None, True)
    assert plan(tmp_path, all=7.0, cache=3.0) == (None, True)


def test_without_room_for_copies_pip_keeps_none(tmp_path: Path) -> None:
    """On one disk with the rest, or on a small one of their own."""
    assert plan(tmp_path, all=9.9) == (None, False)
    assert plan(tmp_path, all=7.0) == (None, False)
    assert plan(tmp_path, all=50.0, cache=2.9) == (None, False)


def test_too_little_room_is_said_with_figures_places_and_ways_out(tmp_path: Path) -> None:
    """The sum counts where both folders lie on one disk, of temporary files those of the end."""
    why, _ = plan(tmp_path, all=6.9)
    assert why == (
        f"too little room: {tmp_path}/.venv and {tmp_path}/temporary (one disk) will take 7.0 GB, "
        "6.9 GB are free; free 0.1 GB there, or set TMPDIR to a folder on another disk, "
        "or use a checkout on another disk"
    )


@pytest.mark.parametrize(
    ("free", "said", "unsaid"),
    [
        ({"all": 50.0, "temporary": 0.5}, "temporary will take 2.0 GB, 0.5 GB", "checkout"),
        ({"all": 5.0, "temporary": 50.0}, ".venv will take 6.0 GB, 5.0 GB are free", "TMPDIR"),
    ],
)
def test_the_disk_that_is_too_small_is_named(
    free: dict[str, float], said: str, unsaid: str, tmp_path: Path
) -> None:
    """And no way out that would not help."""
    why, _ = plan(tmp_path, **free)
    assert why and said in why and unsaid not in why


def test_what_is_there_already_needs_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set-up that ended half-way goes on; a complete one is not asked for room again."""
    (tmp_path / ".venv" / "lib").mkdir(parents=True)
    (tmp_path / ".venv" / "lib" / "half").write_bytes(bytes(3_000_000))
    here = ROOM.bytes_in(tmp_path / ".venv")
    assert 3_000_000 <= here < 3_100_000
    monkeypatch.setattr(ROOM, "NEEDS", {"dev": ROOM.Need(6, 2, 1)})
    assert plan(tmp_path, all=(7_000_000 - here) / GB + 1e-9) == (None, True)
    why, _ = plan(tmp_path, all=(7_000_000 - here) / GB - 1e-6)
    assert why
    monkeypatch.setattr(ROOM, "NEEDS", {"dev": ROOM.Need(3, 2, 1)})
    assert plan(tmp_path, all=0.0) == (None, True)


def test_large_parts_of_torch_are_those_still_to_come() -> None:
    """Neither small packages nor extras; requirements are passed on whole, markers included."""
    cudnn = 'nvidia-cudnn-cu13==9.2; platform_system == "Linux"'
    toolkit = 'cuda-toolkit[cublas,nvtx]==13.2; platform_system == "Linux"'
    stated = ["filelock", cudnn, toolkit, "triton~=3.9", 'nvidia-x; extra == "x"', "jinja2"]
    assert PARTS.parts(stated, lambda name: False) == [cudnn, toolkit, "triton~=3.9"]
    assert PARTS.parts(stated, lambda name: name == "cuda-toolkit") == [cudnn, "triton~=3.9"]


PYTHON = """#!/bin/sh
# Stands for the environment's Python: pip only writes down what it was asked for.
case "$*" in
  *"pip cache dir"*) echo "$CACHE" ;;
  *"pip --version"*) ;;
  *torch_parts*) echo "cuda-toolkit[nvtx]==13"; echo "triton~=3.9"; echo 'nvidia-nccl-cu13==2; platform_system == "Linux"' ;;
  *disk_room*) exec "$REAL_PYTHON" "$@" ;;
  *pip*) echo "${PIP_NO_CACHE_DIR:-0} ${*##*pip}" >>asked.txt; echo "$PIP_SAYS"; exit "$PIP_STATUS" ;;
esac
"""


def run_setup(
    tmp_path: Path, kind: str, needs: str = "", environment: bool = True, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the script in a folder of its own, with a Python that installs nothing."""
    support = tmp_path / "build_support"
    shutil.copytree(ROOT / "build_support", support)
    if needs:
        script = support / "disk_room.py"
        script.write_text(script.read_text().replace("NEEDS = {", f"NEEDS = {needs}\n_OLD = {{"))
    if environment:
        fake = tmp_path / ".venv" / "bin" / "python"
        fake.parent.mkdir(parents=True)
        fake.write_text(PYTHON)
        fake.chmod(0o755)
    (tmp_path / "bin").mkdir()
    quick = tmp_path / "bin" / "sleep"
    quick.write_text("#!/bin/sh\n")
    quick.chmod(0o755)
    given = {
        "REAL_PYTHON": sys.executable, "PYTHON": sys.executable, "CACHE": str(tmp_path),
        "PIP_SAYS": "", "PIP_STATUS": "0", "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    }  # fmt: skip
    usual = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        ["bash", str(support / "setup.sh"), kind],
        env=usual | given | variables,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )


NOTHING = '{"light": Need(0, 0, 0), "dev": Need(0, 0, 0), "floors": Need(0, 0, 0)}'
TOO_MUCH = NOTHING.replace("Need(0, 0, 0)", "Need(10**9, 0, 0)")


def test_a_set_up_without_room_makes_nothing(tmp_path: Path) -> None:
    """Neither an environment nor a download; one line, status 1."""
    done = run_setup(tmp_path, "light", TOO_MUCH, environment=False)
    assert done.returncode == 1 and not (tmp_path / ".venv").exists()
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"[setup] too little room: {tmp_path}/.venv")
    assert " will take 1100000.0 GB, " in line


def test_a_set_up_for_development_without_room_downloads_nothing(tmp_path: Path) -> None:
    """Before the first of its packages."""
    done = run_setup(tmp_path, "dev", TOO_MUCH)
    assert done.returncode == 1 and not (tmp_path / "asked.txt").exists()
    assert [line[:23] for line in done.stderr.splitlines()] == ["[setup] too little room"]


def test_large_packages_come_one_after_the_other(tmp_path: Path) -> None:
    """PyTorch alone, then what it brings, then the rest; with pip's cache where it has room."""
    done = run_setup(tmp_path, "dev", '{"dev": Need(1, 0, 0)}')
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked.txt").read_text().splitlines()
    parts = [
        "torch",
        "cuda-toolkit[nvtx]==13",
        "triton~=3.9",
        'nvidia-nccl-cu13==2; platform_system == "Linux"',
        "--group dev",
    ]
    for line, end in zip(asked, parts, strict=False):
        assert line.endswith(end) and line.startswith("0 ")
    assert "[setup]   nvidia-nccl-cu13\n" in done.stderr
    # What one brings of another is held to what PyTorch asks for.
    pins = (tmp_path / ".venv" / "torch-pins.txt").read_text().splitlines()
    assert pins == ["cuda-toolkit==13", *parts[2:4]]


def test_copies_without_room_are_not_kept(tmp_path: Path) -> None:
    """The line says where they would have gone."""
    done = run_setup(tmp_path, "dev", '{"dev": Need(1, 0, 0, 10**9)}')
    assert done.returncode == 0, done.stderr
    assert f"no copies of the downloads: too little room for them in {tmp_path}" in done.stderr
    asked = (tmp_path / "asked.txt").read_text().splitlines()
    assert asked and all(line.startswith("1 ") for line in asked)


def test_a_disk_that_fills_all_the_same_is_called_full(tmp_path: Path) -> None:
    """Other programs write, too."""
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    done = run_setup(tmp_path, "dev", NOTHING, PIP_SAYS=said, PIP_STATUS="1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "[setup] failed: PyTorch (large downloads): a disk is full; free some room, or set TMPDIR to "
        "a folder on another disk (all output: .venv/setup.log)"
    )
