"""``lamlam doctor``: is this installation complete, and does it write?"""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from lamlam.cli.output import print_json
from lamlam.errors import MissingExtra
from lamlam.extras import EXTRAS, how_to_install
from lamlam.installed import need
from lamlam.usable_cpus import usable_cpus

_TRIAL_S = 2.0
_TRIAL_PROMPT = "Paris is the capital of"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; only a required one decides the exit status."""

    name: str
    ok: bool
    detail: str
    required: bool = True


def register(app: typer.Typer) -> None:
    """Add the command ``doctor``."""
    app.command(epilog="Example: lamlam doctor --json")(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check this installation: Python, llama.cpp, model, facts, and a short generation."""
    checks = []
    for check in _examine():
        checks.append(check)
        if not as_json:
            mark = "ok  " if check.ok else ("FAIL" if check.required else "-   ")
            typer.echo(f"{mark} {check.name:<14} {check.detail}")
    healthy = all(check.ok for check in checks if check.required)
    if as_json:
        print_json({"ok": healthy, "checks": [asdict(check) for check in checks]})
    if not healthy:
        raise typer.Exit(2)


def _examine() -> Iterator[Check]:
    yield Check(
        "python", sys.version_info >= (3, 11), f"{platform.python_version()} {sys.executable}"
    )
    yield Check(
        "system", True, f"{platform.system()} {platform.machine()}, {usable_cpus()} usable CPUs"
    )
    lacking = _lacking_engine()
    yield lacking or _attempt("llama.cpp", _llama_cpp)
    yield _attempt("model", _model)
    yield from _pulled_models()
    yield _attempt("facts", _facts)
    yield _attempt("data folder", _data_folder)
    for extra, packages in EXTRAS.items():
        is_whole = all(map(_is_installed, packages))
        detail = "installed" if is_whole else f"run: {how_to_install(extra)}"
        yield Check(f"extra {extra}", is_whole, detail, required=False)
    if lacking is None:
        yield _attempt("writing", _writing)


def _lacking_engine() -> Check | None:
    """Return what an installation of memory alone says of models; it lacks nothing else."""
    try:
        need("engine")
    except MissingExtra as error:
        detail = f"not installed, memory alone works ({error.hint})"
        return Check("llama.cpp", False, detail, required=False)
    return None


def _attempt(name: str, examine: Callable[[], str]) -> Check:
    """Return a check that passes unless ``examine`` raises, so that the other checks still run."""
    try:
        return Check(name, True, examine())
    except Exception as error:
        return Check(name, False, " ".join(str(error).split()) or type(error).__name__)


def _is_installed(package: str) -> bool:
    try:
        version(package.partition("[")[0])
    except PackageNotFoundError:
        return False
    return True


def _llama_cpp() -> str:
    api = import_module("lamlam.runtime.llama.context").api  # the only import of llama.cpp
    try:
        binding = version("llama-cpp-python")
    except PackageNotFoundError:
        binding = "of unknown version"
    features = api.llama_print_system_info().decode(errors="replace")
    names = re.findall(r"(\w+) = 1\b", features)
    return f"llama-cpp-python {binding}, compiled with {', '.join(names) or 'no CPU features'}"


def _model() -> str:
    from lamlam.bundled import model_path

    path = model_path()
    return f"{path.name}, {path.stat().st_size / 1e6:.1f} MB"


def _pulled_models() -> Iterator[Check]:
    """Yield whether each model that can be pulled is there; none of them has to be."""
    from lamlam.bundled.model_names import deltas
    from lamlam.pulling.state import state_of

    for name in deltas():
        found = state_of(name)
        detail = f"{found.state} (run: {found.command})"
        if not found.command:
            detail = f"{found.path}, {found.path.stat().st_size / 1e6:.1f} MB"
        yield Check(name, not found.command, detail, required=False)


def _facts() -> str:
    from lamlam.bundled import facts_path
    from lamlam.memory_backends.sync import SyncFactStore

    path = facts_path()
    with SyncFactStore("bundled") as store:
        return f"{store.info().facts:,} facts, {path.stat().st_size / 1e6:.1f} MB"


def _data_folder() -> str:
    from lamlam.memory_backends.open import data_folder

    folder = data_folder()
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(nearest, os.W_OK):
        raise PermissionError(f"{folder} cannot be written; LAMLAM_HOME names another")
    return f"{folder}{'' if folder.exists() else ' (made when first needed)'}"


def _writing() -> str:
    from lamlam.runtime.sync import SyncEngine

    with SyncEngine() as engine:
        engine.generate(_TRIAL_PROMPT, max_tokens=4)  # the first generation also pays for loading
        n_tokens = 0
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < _TRIAL_S:
            n_tokens += engine.generate(_TRIAL_PROMPT, max_tokens=32).n_tokens
    return f"{n_tokens / elapsed:.0f} tokens/s"
