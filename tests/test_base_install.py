"""The base install, without any extra: the command and facts work, each other part names its extra."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from lamlam.extras import EXTRAS
from tests.programs import run_python

# Modules of what the extras bring, and of what only these bring in turn.
HIDDEN = (
    "docker", "gguf", "huggingface_hub", "hypothesis", "matplotlib", "neo4j", "opentelemetry",
    "pyoxigraph", "pytest", "rdflib", "safetensors", "testcontainers", "tokenizers", "torch",
    "transformers",
)  # fmt: skip

# Looks as if the modules were not installed: the finders find nothing, rather than fail.
HIDING = f"""
import sys

class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        hidden = name.partition(".")[0] in {HIDDEN!r}
        return None if hidden else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Hiding, sys.meta_path)
"""

COMMANDS = """
import contextlib, io, json
from lamlam.cli.app import run

answers = []
for line in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(line)
    answers.append([status, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""

MEMORY = ["--memory", "sqlite:///facts.db"]
WORKS = [
    ["--help"],
    ["--version"],
    ["facts", "set", "Ada Quill", "birth place", "Lowmere", *MEMORY],
    ["facts", "get", "Ada Quill", "birth place", *MEMORY],
    ["facts", "search", "Ada", *MEMORY],
    ["facts", "stats", *MEMORY],
    ["facts", "graph", "Ada Quill", *MEMORY],
    ["facts", "export", "facts.jsonl", *MEMORY],
    ["facts", "export", "facts.nt", *MEMORY],
    ["facts", "import", "facts.jsonl", "--memory", "sqlite:///again.db"],
    ["facts", "copy", "sqlite:///facts.db", "memory:///copy.json"],
    ["facts", "forget", "Ada Quill", *MEMORY],
    ["inspect", "bundled"],
    *(
        [*path.split(), "--help"]
        for path in ("ask", "train", "export", "eval", "bench", "facts import")
    ),
]
NEEDS: list[tuple[str, str, list[str]]] = [
    ("rdf", "pyoxigraph", ["facts", "import", "facts.nt", "--memory", "sqlite:///again.db"]),
    ("graph", "matplotlib", ["facts", "graph", "Ada Quill", "--out", "a.svg", "--memory", "sqlite:///again.db"]),
    ("neo4j", "the driver of Neo4j", ["facts", "get", "a", "b", "--memory", "neo4j://localhost:1"]),
    ("neo4j", "the driver of Neo4j", ["bench", "lookup", "--memory", "neo4j://localhost:1"]),
    ("cluster", "Ray Data", ["annotate", "t.txt", "--rules", "--ray", "auto", "--out", "d.jsonl"]),
    ("train", "torch", ["train", "run.toml"]),
    ("train", "torch", ["export", "checkpoint", "m.gguf"]),
]  # fmt: skip


def _run_in(folder: Path, lines: list[list[str]]) -> list[tuple[int, str, str]]:
    done = run_python(
        "-c", HIDING + COMMANDS, json.dumps(lines), folder=folder, LAMLAM_HOME=str(folder / "home")
    )
    assert done.returncode == 0, done.stderr
    return [(status, out, err) for status, out, err in json.loads(done.stdout)]


def test_the_command_without_extras(tmp_path: Path, narrow_checkpoint: Path) -> None:
    """Help, facts and inspection work; every other part ends with one line that names its extra."""
    (tmp_path / "checkpoint").symlink_to(narrow_checkpoint)
    (tmp_path / "t.txt").write_text("Acme was founded in 1987.")
    (tmp_path / "run.toml").write_text("[run]\nsteps = 1\n[data]\ndocuments = 'd.jsonl'\n")
    answers = _run_in(tmp_path, [*WORKS, *(line for _, _, line in NEEDS)])
    for line, (status, out, err) in zip(WORKS, answers, strict=False):
        assert (status, err) == (0, ""), line
        assert out or line[1] in ("export", "forget"), line
    for (extra, package, line), answer in zip(NEEDS, answers[len(WORKS) :], strict=True):
        hint = f"run: pip install 'lamlam[{extra}]'; in a clone: .venv/bin/python -m pip install"
        expected = f"error: {package} is not installed ({hint} {shlex.join(EXTRAS[extra])})\n"
        assert answer == (2, "", expected), line


PYTHON = """
import json
from lamlam.errors import MissingExtra

answers = []
for statement in json.loads(sys.argv[1]):
    try:
        exec(statement, {})
        answers.append("no error")
    except MissingExtra as error:
        answers.append([error.extra, str(error)])
    except Exception as error:
        answers.append(repr(error))
print(json.dumps(answers))
"""
STATEMENTS: list[tuple[str, Any]] = [
    ("import lamlam; [getattr(lamlam, name) for name in lamlam.__all__]", "no error"),
    ("import lamlam.trainer, lamlam.quant, lamlam.testing", "no error"),
    ("from lamlam.trainer.loop import train", ["train", "torch"]),
    ("from lamlam.quant.export import export_gguf; export_gguf('checkpoint', 'm')", ["train", "torch"]),
    ("from lamlam.memory_backends.conformance import AllLaws", ["testing", "pytest"]),
    ("from lamlam import SyncFactStore\nwith SyncFactStore('neo4j://localhost:1'): pass", ["neo4j", "the driver of Neo4j"]),
    ("from lamlam import SyncEngine\nwith SyncEngine(telemetry=True): pass", ["otel", "opentelemetry-api"]),
]  # fmt: skip


def test_python_without_extras(tmp_path: Path, narrow_checkpoint: Path) -> None:
    """Every public name is there, and each part raises ``MissingExtra`` where it is used."""
    (tmp_path / "checkpoint").symlink_to(narrow_checkpoint)
    statements = [statement for statement, _ in STATEMENTS]
    done = run_python("-c", HIDING + PYTHON, json.dumps(statements), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    for (statement, expected), answer in zip(STATEMENTS, json.loads(done.stdout), strict=True):
        wanted = (
            expected if expected == "no error" else [expected[0], f"{expected[1]} is not installed"]
        )
        assert answer == wanted, statement


@pytest.mark.parametrize(
    ("module", "extra"),
    [("lamlam.trainer", "train"), ("lamlam.memory_backends.conformance", "testing")],
)
def test_programs_without_extras(module: str, extra: str, tmp_path: Path) -> None:
    """``python -m`` of a part that needs one says so, with status 2."""
    program = (
        f"{HIDING}\nimport runpy\nrunpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    (tmp_path / "run.toml").write_text("[run]\nsteps = 1\n[data]\ndocuments = 'd.jsonl'\n")
    done = run_python("-c", program, "run.toml", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"is not installed (run: pip install 'lamlam[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1
