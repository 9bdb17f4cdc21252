"""The laws can fail: each fault of a memory is found by the law about it; and the report."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lamlam.memory_backends.conformance import SUITES, AllLaws, report
from lamlam.memory_backends.conformance.table import BEGIN, END, law_table
from lamlam.memory_backends.networkx_graph.store import GraphStore
from tests.memory_backends.conformance.mutants import MUTANTS
from tests.paths import ROOT
from tests.programs import run_python

FAULTLESS = "Faultless"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report on every mutant with its law."""
    folder = tmp_path_factory.mktemp("mutants")
    file = folder / "test_mutants.py"
    # Each has the suite of its law alone: of all laws together pytest would make a test for each
    # mutant first, which takes longer than to run those that are wanted.
    lines = [
        "from lamlam.memory_backends.conformance import SUITES",
        "from tests.memory_backends.conformance import mutants",
    ]
    for make, law in MUTANTS.items():
        module, name = make.__module__, make.__name__
        (number,) = [n for n, suite in enumerate(SUITES) if law in vars(suite)]
        lines += [
            f"import {module}",
            f"class Test{name}(SUITES[{number}]):",
            f"    backend = mutants.MutantBackend({module}.{name})",
        ]
    file.write_text("\n".join(lines) + "\n")
    chosen = [f"{file}::Test{make.__name__}::{law}" for make, law in MUTANTS.items()]
    path = folder / "report.json"
    options = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(folder)]
    pytest.main(
        [*options, "--import-mode=importlib", report.OPTION, str(path), *chosen], plugins=[report]
    )
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return held


@pytest.mark.parametrize(
    ("fault", "law"),
    [(make.__name__, law) for make, law in MUTANTS.items()],
)
def test_a_fault_is_found_by_its_law(outcomes: dict[str, Any], fault: str, law: str) -> None:
    """A memory with this fault breaks this law."""
    backend = outcomes["backends"][fault]
    (entry,) = [laws[law] for laws in backend["suites"].values() if law in laws]
    assert entry["outcome"] == "failed"
    assert not backend["passed_all"]


def test_no_law_hides_another() -> None:
    """No two suites have a law of the same name, and each law is a sentence."""
    names = [name for suite in SUITES for name in vars(suite) if name.startswith("test_")]
    assert sorted(names) == sorted(set(names))
    for name in names:
        law = report.law_of(getattr(AllLaws, name))
        assert law.endswith("."), name
        assert law[0].isupper() or law[0] in "`\"'", name


def test_the_report_says_what_is_not_declared(tmp_path: Path) -> None:
    """A law whose capability is missing is in the report, as not declared, and is not a failure."""
    file = tmp_path / "test_reading.py"
    file.write_text(
        "from lamlam.memory_backends.conformance.laws.merges import MergeLaws\n"
        "from lamlam.memory_backends.networkx_graph.store import GraphStore\n"
        "from tests.memory_backends.conformance.mutants import MutantBackend\n"
        "def make(read_only=False):\n"
        "    return GraphStore(read_only=True)\n"
        "class TestReading(MergeLaws):\n"
        "    backend = MutantBackend(make)\n"
    )
    path = tmp_path / "report.json"
    options = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(tmp_path)]
    status = pytest.main(
        [*options, "--import-mode=importlib", report.OPTION, str(path), str(file)],
        plugins=[report],
    )
    assert status == 0
    (backend,) = json.loads(path.read_text(encoding="utf-8"))["backends"].values()
    assert set(backend["counts"]) == {"not declared"}
    assert not backend["passed_all"]  # nothing was kept, as nothing could be tried
    law = backend["suites"]["merges"]["test_two_entities_become_one"]
    assert law["reason"] == "write"
    assert law["law"].startswith("The kept entity has the facts and aliases of both")


def test_the_memory_behind_the_mutants_is_faultless() -> None:
    """The fault is the mutant's own: `test_conformance.py` runs all laws on what it is made of."""
    assert all(issubclass(make, GraphStore) for make in MUTANTS if isinstance(make, type))


def test_the_table_of_laws_is_current() -> None:
    """The document holds what the docstrings say."""
    document = ROOT / "docs" / "writing-a-backend.md"
    text = document.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == law_table()


def test_any_url_can_be_tried_from_the_command_line(tmp_path: Path) -> None:
    """The command runs laws by URL, writes a report, and says what is wrong with a URL."""
    path = tmp_path / "report.json"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        module = "lamlam.memory_backends.conformance"
        return run_python("-m", module, *arguments, folder=tmp_path)

    done = run("sqlite:///{folder}/facts.db", "-k", "sibling", "--json", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TestBackend::test_one_sibling_goes_the_others_stay PASSED" in done.stdout
    (report_of,) = json.loads(path.read_text(encoding="utf-8"))["backends"].items()
    assert report_of[0] == "sqlite"
    assert (report_of[1]["passed_all"], report_of[1]["counts"]) == (True, {"passed": 1})
    wrong = run("sqlite:///facts.db")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("error: invalid url: 'sqlite:///facts.db' names the same store")
