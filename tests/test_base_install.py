"""The base install, without any extra: the command and facts work, each other part names its extra."""

from __future__ import annotations

import json
import shlex
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from lamlam.bundled import model_path
from lamlam.extras import EXTRAS
from tests.paths import ROOT
from tests.programs import run_python

# Modules of what the extras bring, and of what only these bring in turn.
HIDDEN = (
    "diskcache", "docker", "fastapi", "gguf", "huggingface_hub", "hypothesis", "jinja2", "llama_cpp",
    "llguidance", "markupsafe", "matplotlib", "mcp", "mcp_types", "neo4j", "numpy", "opentelemetry",
    "prometheus_client", "pyoxigraph", "pytest", "rdflib", "safetensors", "starlette",
    "testcontainers", "tokenizers", "torch", "transformers", "uvicorn",
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
    *(["facts", "export", f"facts.{end}", *MEMORY] for end in ("nt", "csv", "tsv", "cypher")),
    ["facts", "import", "facts.csv", "--memory", "memory:///table.json"],
    ["facts", "import", "facts.jsonl", "--memory", "sqlite:///again.db"],
    ["facts", "copy", "sqlite:///facts.db", "memory:///copy.json"],
    ["facts", "forget", "Ada Quill", *MEMORY],
    ["inspect", "bundled"],
    ["doctor"],
    ["bench", "resolve"],
    *(
        [*path.split(), "--help"]
        for path in ("ask", "train", "export", "eval", "bench", "facts import")
    ),
]
NEEDS: list[tuple[str, str, list[str]]] = [
    *(
        ("engine", "llama-cpp-python", str(line).split())
        for line in (
            "ask Ada", "demo", "annotate t.txt --model m.gguf --out e.jsonl", "eval invented", "eval basics",
            "eval perplexity --documents d.jsonl",
            "bench decode", "bench concurrency", "quantise m.gguf q.gguf --type Q4_K_M",
            "facts forget Ada --audit --memory sqlite:///again.db",
        )
    ),
    ("rdf", "pyoxigraph", ["facts", "import", "facts.nt", "--memory", "sqlite:///again.db"]),
    ("graph", "matplotlib", ["facts", "graph", "Ada Quill", "--out", "a.svg", "--memory", "sqlite:///again.db"]),
    ("mcp", "mcp", ["mcp", "--memory", "sqlite:///facts.db"]),
    ("neo4j", "the driver of Neo4j", ["facts", "get", "a", "b", "--memory", "neo4j://localhost:1"]),
    ("neo4j", "the driver of Neo4j", ["bench", "lookup", "--memory", "neo4j://localhost:1"]),
    ("cluster", "Ray Data", ["annotate", "t.txt", "--rules", "--ray", "auto", "--out", "d.jsonl"]),
    ("serve", "fastapi", ["serve"]),
    ("train", "torch", ["train", "run.toml"]),
    ("train", "numpy", ["export", "checkpoint", "m.gguf"]),
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
    (tmp_path / "d.jsonl").write_text("")
    (tmp_path / "m.gguf").symlink_to(model_path())
    (tmp_path / "run.toml").write_text("[run]\nsteps = 1\n[data]\ndocuments = 'd.jsonl'\n")
    answers = _run_in(tmp_path, [*WORKS, *(line for _, _, line in NEEDS)])
    for line, (status, out, err) in zip(WORKS, answers, strict=False):
        assert (status, err) == (0, ""), line
        assert out or line[1] in ("export", "forget"), line
    for (extra, package, line), answer in zip(NEEDS, answers[len(WORKS) :], strict=True):
        hint = f"run: pip install 'lamlam[{extra}]'; in a clone: .venv/bin/python -m pip install"
        expected = f"error: {package} is not installed ({hint} {shlex.join(EXTRAS[extra])})\n"
        assert answer == (2, "", expected), line


MEMORY_ALONE = """
import anyio, lamlam
from lamlam import Assert, Fact, SyncFactStore

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Blocked())
async def use(url):
    async with lamlam.open_store(url) as store:
        tools = lamlam.MemoryTools(store)
        await tools.call("remember_fact", dict(entity="Ada", relation="work", value="x"))
        found = await tools.call("look_up_fact", dict(entity="Ada", relation="work"))
        assert found["values"][0]["value"] == "x"

for url in ("memory:", "sqlite:///a.db"):
    anyio.run(use, url)
    with SyncFactStore(url) as store:
        names = [f"Mill {{n}} of Lowmere" for n in range(100)]
        store.apply([Assert(Fact(entity=name, relation="work", value=f"of {{name}}"))
                     for name in names])
        store.apply([lamlam.MergeEntities(names[0], name) for name in names[1:60]])
        assert store.lookup("the MILL 70 of Lowmere", "work").value == "of Mill 70 of Lowmere"
        replica = lamlam.Replica(bytes(16))
        replica.apply_changes(store.changes(0))
        assert replica.describe_nowait("Mill 70 of Lowmere").relations == ("work",)
        receipt = store.erase(names[0])
        assert receipt.facts == 119 and receipt.verified == url.startswith("sqlite")
print(sorted(name for name in sys.modules if name.partition(".")[0] in {blocked!r}))
"""


def test_memory_alone_loads_nothing_of_the_engine(tmp_path: Path) -> None:
    """Every backend, the tools, a replica and an erasure of many names work where NumPy, Jinja
    and llama.cpp cannot be imported.
    """
    blocked = ("jinja2", "llama_cpp", "llguidance", "markupsafe", "numpy")
    program = "import sys\n" + MEMORY_ALONE.format(blocked=blocked)
    done = run_python("-c", program, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


MOST_MB = 62
"""Of all packages that the base brings; lamlam itself, without what is bundled, takes 11."""


def test_the_base_is_small() -> None:
    """What `pip install lamlam` brings is of a bounded size, and has none of what models need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted, found = list(map(Requirement, project["dependencies"])), set[str]()
    while wanted:
        name = wanted.pop().name.lower()
        if name not in found:
            found.add(name)
            required = map(Requirement, distribution(name).requires or ())
            wanted += [
                one for one in required if not one.marker or one.marker.evaluate({"extra": ""})
            ]
    files = [Path(str(file.locate())) for name in found for file in distribution(name).files or ()]
    assert len(files) > 1000
    assert sum(one.stat().st_size for one in files if one.exists()) < MOST_MB * 1e6
    assert not found & {"jinja2", "llama-cpp-python", "llguidance", "numpy", "torch"}


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
    ("from lamlam.quant.export import export_gguf; export_gguf('checkpoint', 'm')", ["train", "numpy"]),
    ("from lamlam.memory_backends.conformance import AllLaws", ["testing", "pytest"]),
    ("from lamlam import SyncFactStore\nwith SyncFactStore('neo4j://localhost:1'): pass", ["neo4j", "the driver of Neo4j"]),
    ("from lamlam.mcp_server.app import mcp_app", ["mcp", "mcp"]),
    ("from lamlam import Engine; Engine()", ["engine", "llama-cpp-python"]),
    ("from lamlam import SyncEngine\nwith SyncEngine(): pass", ["engine", "llama-cpp-python"]),
    ("from lamlam import SyncEngine\nwith SyncEngine(telemetry=True): pass", ["otel", "opentelemetry-api"]),
    ("from lamlam.quant.quantise import quantise; quantise('m.gguf', 'q.gguf')", ["engine", "llama-cpp-python"]),
    ("from lamlam.trainer.annotation.local_model import LocalModel; import pathlib; LocalModel(pathlib.Path('m.gguf'))", ["engine", "llama-cpp-python"]),
]  # fmt: skip


def test_python_without_extras(tmp_path: Path, narrow_checkpoint: Path) -> None:
    """Every public name is there, and each part raises ``MissingExtra`` where it is used."""
    (tmp_path / "checkpoint").symlink_to(narrow_checkpoint)
    (tmp_path / "m.gguf").symlink_to(model_path())
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
