"""The suite in parts, four of which `build_support/test.sh` runs beside each other.

Tests against Neo4j wait for a server much of the time, and those that start servers of their
own wait even longer. What needs a container engine runs only where one answers.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.testing.plugin import MARKER
from tests.paths import ROOT

PARTS = ("others", "neo4j", "servers", "containers", "cluster")
_CLUSTER = ("tests/cluster",)  # only by name: Ray Data is not in the environment of the others
_ADAPTERS = ("tests/adapters",)  # never here: each has its own, `make test-adapters`
_CONTAINERS = ("tests/containers",)
_STARTS_SERVERS = (
    "tests/memory_backends/neo4j_graph/test_crashes.py",
    "tests/neo4j_server",
    "tests/soak/test_neo4j_soak.py",
    "tests/testing",
)
_WITHOUT_NEO4J = ("tests/quant", "tests/trainer")  # would load PyTorch: seconds, and a gigabyte


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--part``."""
    parser.addoption("--part", choices=PARTS, help="run only this part of the suite")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files that have no test of the part."""
    part = config.getoption("--part")
    if part == "neo4j" and _is_in(collection_path, _WITHOUT_NEO4J):
        return True
    if _is_in(collection_path, _ADAPTERS):
        return True
    if _is_in(collection_path, _CLUSTER):
        return None if part == "cluster" else True
    is_other = collection_path.is_file() and not _is_in(collection_path, _STARTS_SERVERS)
    is_container = _is_in(collection_path, _CONTAINERS)
    if part is not None and collection_path.is_file() and is_container != (part == "containers"):
        return True
    return True if part == "servers" and is_other else None


@pytest.hookimpl(trylast=True)  # when the tests against Neo4j have their marker
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the part.

    Raises:
        pytest.UsageError: a test against Neo4j is where none is looked for.
    """
    hidden = [
        one for one in items if one.get_closest_marker(MARKER) and _is_in(one.path, _WITHOUT_NEO4J)
    ]
    if hidden:
        raise pytest.UsageError(f"{hidden[0].nodeid}: tests/parts.py looks for no Neo4j there")
    part = config.getoption("--part")
    left_out = [one for one in items if part and part_of(one) != part]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [one for one in items if part_of(one) == part]


def part_of(item: pytest.Item) -> str:
    """Return the part of the suite that a test belongs to."""
    if _is_in(item.path, _CLUSTER):
        return "cluster"
    if _is_in(item.path, _CONTAINERS):
        return "containers"
    if not item.get_closest_marker(MARKER):
        return "others"
    return "servers" if _is_in(item.path, _STARTS_SERVERS) else "neo4j"


def _is_in(path: Path, places: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(ROOT / place) for place in places)
