"""The suite in parts, which `build_support/test.sh` shares out between three processes.

Tests against Neo4j wait for a server much of the time, and those that start servers of their
own wait even longer. Tests of training, which load PyTorch, and tests of the product from outside
are apart so that a process which is through can take them. What needs a container engine runs only
where one answers.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.testing.plugin import MARKER
from tests.paths import ROOT

PARTS = ("others", "training", "programs", "neo4j", "servers", "containers", "cluster")
_CLUSTER = ("tests/cluster",)  # only by name: Ray Data is not in the environment of the others
_ADAPTERS = ("tests/adapters",)  # never here: each has its own, `make test-adapters`
_CONTAINERS = ("tests/containers",)
_STARTS_SERVERS = (
    "tests/memory_backends/neo4j_graph/test_crashes.py",
    "tests/neo4j_server",
    "tests/soak/test_neo4j_soak.py",
    "tests/testing",
)
# They load PyTorch: seconds, and a gigabyte.
_TRAINING = (
    "tests/quant",
    "tests/test_own_texts_example.py",
    "tests/test_tiny_example.py",
    "tests/trainer",
)
# Pages, evaluations, benchmarks, and with them the files beside this one: examples, packages, the
# house. Most start programs.
_PROGRAMS = ("tests/benchmarks", "tests/bundled", "tests/docs", "tests/evaluation", "tests/soak")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--part``."""
    parser.addoption(
        "--part",
        action="append",
        choices=PARTS,
        help="run only this part of the suite; may be given several times",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files that have no test of the part."""
    chosen: list[str] | None = config.getoption("--part")
    if _is_in(collection_path, _CLUSTER):
        return None if chosen and "cluster" in chosen else True
    if _is_in(collection_path, _ADAPTERS):
        return True
    if not chosen or not collection_path.is_file():
        return None
    return None if set(chosen) & _possible(collection_path) else True


@pytest.hookimpl(trylast=True)  # when the tests against Neo4j have their marker
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the part.

    Raises:
        pytest.UsageError: a test against Neo4j is where none is looked for.
    """
    hidden = [
        one for one in items if one.get_closest_marker(MARKER) and _is_in(one.path, _TRAINING)
    ]
    if hidden:
        raise pytest.UsageError(f"{hidden[0].nodeid}: tests/parts.py looks for no Neo4j there")
    chosen: list[str] | None = config.getoption("--part")
    left_out = [one for one in items if chosen and part_of(one) not in chosen]
    if chosen and left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [one for one in items if part_of(one) in chosen]


def part_of(item: pytest.Item) -> str:
    """Return the part of the suite that a test belongs to."""
    if _is_in(item.path, _CLUSTER):
        return "cluster"
    if _is_in(item.path, _CONTAINERS):
        return "containers"
    if _is_in(item.path, _TRAINING):
        return "training"
    if not item.get_closest_marker(MARKER):
        return "programs" if _is_of_programs(item.path) else "others"
    return "servers" if _is_in(item.path, _STARTS_SERVERS) else "neo4j"


def _possible(path: Path) -> set[str]:
    """Return the parts that tests of a file can belong to."""
    if _is_in(path, _CONTAINERS):
        return {"containers"}
    if _is_in(path, _TRAINING):
        return {"training"}
    without = "programs" if _is_of_programs(path) else "others"
    return {without, "servers" if _is_in(path, _STARTS_SERVERS) else "neo4j"}


def _is_of_programs(path: Path) -> bool:
    return path.parent == ROOT / "tests" or _is_in(path, _PROGRAMS)


def _is_in(path: Path, places: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(ROOT / place) for place in places)
