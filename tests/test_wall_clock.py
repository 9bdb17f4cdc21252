"""No test passes or fails by how fast the machine is: limits of time only end what hangs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamlam.memory_backends.conformance.samples import RANDOM
from tests.limits import HANG_S
from tests.paths import ROOT

_FOLDERS = ("tests", "memory_backends/conformance")
_LEAST_S = 60.0
_OF_SETTINGS = {"deadline", "suppress_health_check"}
_PROFILES = {
    "tests/conftest.py",
    "memory_backends/conformance/samples.py",
    "tests/test_wall_clock.py",
}


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in tests and laws, with the file and line that it stands in."""
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield f"{name}:{node.lineno}", node


def _module(where: str) -> str:
    return where.partition(":")[0]


def test_examples_have_no_deadline() -> None:
    """The profile of the suite and the settings of the laws know no time at all."""
    for chosen in (settings.default, RANDOM):
        assert chosen is not None and chosen.deadline is None
        assert HealthCheck.too_slow in chosen.suppress_health_check


@given(st.none())
def test_a_test_inherits_the_profile(nothing: None) -> None:
    """What a decorated test runs with is the profile, without a word in its own decorator."""
    current = settings()
    assert current.deadline is None and HealthCheck.too_slow in current.suppress_health_check


def test_no_test_sets_a_deadline() -> None:
    """Only the profiles name a deadline or a health check; a decorator that does replaces theirs."""
    assert not [
        f"{where}: {keyword.arg}"
        for where, call in _calls()
        for keyword in call.keywords
        if keyword.arg in _OF_SETTINGS and _module(where) not in _PROFILES
    ]


def test_every_random_law_uses_the_settings_of_the_kit() -> None:
    """Laws run in projects that load no profile of ours."""
    for path in sorted((ROOT / "memory_backends" / "conformance").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                words = [ast.unparse(one) for one in node.decorator_list]
                if any(word.startswith("given(") for word in words):
                    assert "RANDOM" in words, f"{path.name}: {node.name}"


def test_the_limit_of_pytest_is_the_longer_one(pytestconfig: pytest.Config) -> None:
    """What hangs is named by the test that waits for it, before pytest ends the test."""
    assert float(pytestconfig.getini("timeout")) > HANG_S


def test_a_limit_of_time_only_ends_what_hangs() -> None:
    """Waits for an event, a thread or a process have room for a machine that is busy."""
    short = [
        f"{where}: {ast.unparse(call)[:60]}"
        for where, call in _calls()
        for limit in _limits(call)
        if 0 < limit < _LEAST_S
    ]
    assert not short, "\n".join(short)


def _limits(call: ast.Call) -> Iterator[float]:
    """The seconds after which a call gives up."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    given = [one.value for one in call.keywords if one.arg == "timeout"]
    if name in {"fail_after", "join", "wait"}:
        given += call.args[:1]
    for one in given:
        if isinstance(one, ast.Constant) and isinstance(one.value, int | float):
            yield one.value
