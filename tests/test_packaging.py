"""What is installed: every module, the data beside them, and no bare top-level names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.limits import HANG_S
from tests.paths import ROOT
from tests.programs import run_python

LINKED = ("memory_backends", "quant", "runtime", "trainer")
# What only extras bring. `lamlam.testing.plugin` is read by pytest, so it may import that.
EXTRAS = (
    "torch", "transformers", "tokenizers", "safetensors", "gguf", "neo4j", "testcontainers",
    "pyoxigraph", "rdflib", "matplotlib", "hypothesis", "opentelemetry", "ray", "langgraph", "pydantic_ai",
    "fastapi", "mcp", "prometheus_client", "starlette", "uvicorn",
)  # fmt: skip
ENGINE = ("diskcache", "jinja2", "llama_cpp", "llguidance", "markupsafe", "numpy")
HEAVY = (
    "lamlam.trainer.", "lamlam.quant.", "lamlam.memory_backends.conformance.", "lamlam.adapters.",
    "lamlam.mcp_server", "lamlam.serving.",
)  # fmt: skip
# What computes with a model. The engine itself can be imported, and says what it lacks when it is made.
OF_ENGINE = (
    *HEAVY, "lamlam.runtime.", "lamlam.evaluation.", "lamlam.benchmarks.", "lamlam.pulling.",
)  # fmt: skip
WITHOUT_ENGINE = (
    "lamlam.runtime.engine", "lamlam.runtime.observers.", "lamlam.runtime.sync",
    "lamlam.runtime.wording.",
)  # fmt: skip
BASE = {
    "anyio", "markdown-it-py", "networkx", "platformdirs", "pydantic", "rapidfuzz", "rich", "typer",
}  # fmt: skip


def _modules() -> list[str]:
    """Every module of the package, by its dotted name, as the files lie in the repository."""
    names = []
    for folder in ("lamlam", *LINKED):
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if folder == "lamlam" and len(parts) > 1 and parts[1] in LINKED:
                continue  # seen through a link; the real folder lists it
            if folder != "lamlam":
                parts = ("lamlam", *parts)
            names.append(".".join(part for part in parts if part != "__init__"))
    return sorted(names)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built without a network from a copy of the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("lamlam", *LINKED):
        shutil.copytree(
            ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    built = subprocess.run(
        [*command, "--no-index", "-w", str(folder), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("lamlam-*.whl")
    return zipfile.ZipFile(path)


@pytest.mark.parametrize("name", LINKED)
def test_the_facade_links_to_each_part(name: str) -> None:
    """``lamlam/NAME`` is a relative link to the top-level folder of that name."""
    link = ROOT / "lamlam" / name
    assert link.is_symlink()
    assert link.readlink() == Path("..") / name


def test_the_wheel_holds_every_module(wheel: zipfile.ZipFile) -> None:
    """Each module of the repository is in the wheel as an ordinary file, and no other."""
    packed = sorted(
        ".".join(part for part in Path(name).with_suffix("").parts if part != "__init__")
        for name in wheel.namelist()
        if name.endswith(".py")
    )
    assert packed == _modules()


def test_the_wheel_holds_the_package_data(wheel: zipfile.ZipFile) -> None:
    """Types marker, SQL, the evaluation set, the bundled model, facts and notice travel along."""
    names = set(wheel.namelist())
    expected = {"lamlam/py.typed", "lamlam/bundled/NOTICE", "lamlam/bundled/facts.sqlite.xz"}
    expected |= {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "lamlam/evaluation").glob("*.jsonl*")
    }
    expected |= {
        f"lamlam/{path.relative_to(ROOT).as_posix()}"
        for part in LINKED
        for path in (ROOT / part).rglob("*.sql")
    }
    assert expected <= names
    models = sorted(name.rpartition("/bundled/")[2] for name in names if name.endswith(".gguf"))
    assert models == ["deltas/lamlam-135m.gguf", "lamlam-30m-q4_k_m.gguf"]


def test_the_wheel_installs_one_top_level_name(wheel: zipfile.ZipFile) -> None:
    """Nothing of the wheel lands beside ``lamlam``: other packages own the bare names."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"lamlam"}


def test_the_wheel_metadata(wheel: zipfile.ZipFile) -> None:
    """Licence, notice and the light base: no heavy package without its extra."""
    (metadata_name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(metadata_name).decode())
    assert metadata["License-Expression"] == "MIT"
    assert set(metadata.get_all("License-File", [])) == {"LICENSE", "lamlam/bundled/NOTICE"}
    base = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {Requirement(line).name for line in base} == BASE


_IMPORT_ALL = """
import importlib, sys
from lamlam.errors import MissingExtra

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.partition(".")[0])

sys.meta_path.insert(0, Blocked())
failures = []
for name in {modules!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        # These may need their extra, by name; nothing else may.
        may_fail = name.startswith({heavy!r}) and not name.startswith({light!r})
        if error.name not in {blocked!r} or not may_fail:
            failures.append(f"{{name}}: {{error!r}}")
    except MissingExtra as error:
        if not name.startswith({heavy!r}) or name.startswith({light!r}):
            failures.append(f"{{name}}: {{error!r}}")
    except BaseException as error:
        failures.append(f"{{name}}: {{error!r}}")
bare = [name for name in sys.modules if name.partition(".")[0] in {linked!r}]
print("\\n".join(failures + [f"bare name {{name}}" for name in bare]))
"""


@pytest.mark.parametrize(
    ("blocked", "heavy", "light"),
    [(EXTRAS, HEAVY, ()), ((*EXTRAS, *ENGINE), OF_ENGINE, WITHOUT_ENGINE)],
    ids=["engine", "memory alone"],
)
def test_every_module_imports_without_extras(
    blocked: tuple[str, ...], heavy: tuple[str, ...], light: tuple[str, ...]
) -> None:
    """Outside trainer, quant and servers no import needs an extra but that of the engine, of memory and
    command none needs that one either, and none loads a part by its bare name.
    """
    program = _IMPORT_ALL.format(
        blocked=blocked, heavy=heavy, light=light, modules=_modules(), linked=LINKED
    )
    done = run_python("-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


LLAMA = ("runtime/llama/context.py", "runtime/llama/native_log.py")


def test_llama_cpp_and_torch_have_one_home() -> None:
    """``llama_cpp`` is imported by two files of ``runtime/llama`` and benchmarks, torch by trainer and quant."""
    strays = []
    for folder in ("lamlam/cli", "lamlam/evaluation", "runtime", "memory_backends"):
        for path in (ROOT / folder).rglob("*.py"):
            lines = path.read_text(encoding="utf-8").splitlines()
            imports = {line.split()[1].partition(".")[0] for line in lines if _is_import(line)}
            name = path.relative_to(ROOT).as_posix()
            if "torch" in imports or ("llama_cpp" in imports and name not in LLAMA):
                strays.append(name)
    assert not strays


def _is_import(line: str) -> bool:
    return line.strip().startswith(("import ", "from "))


def test_an_interpreter_that_was_named_is_not_replaced(tmp_path: Path) -> None:
    """The set-up ends before it makes anything."""
    script = tmp_path / "build_support" / "setup.sh"
    script.parent.mkdir()
    shutil.copy(ROOT / "build_support" / "setup.sh", script)
    done = subprocess.run(
        ["bash", str(script), "light"],
        env={**os.environ, "PYTHON": "/absent/python3"},
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 1 and "PYTHON=/absent/python3: no Python" in done.stderr
    assert not (tmp_path / ".venv").exists()
