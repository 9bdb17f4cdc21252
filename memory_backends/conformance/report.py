"""``--lamlam-report FILE``: which laws each backend keeps, as JSON; a pytest plugin.

Asked for by ``-p lamlam.memory_backends.conformance.report``.
"""

from __future__ import annotations

import inspect
import json
import platform
from collections.abc import Generator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from lamlam.memory_backends.conformance.laws.base import DOES_NOT_APPLY, NOT_DECLARED, Laws

OPTION = "--lamlam-report"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(OPTION, metavar="FILE", help="write which laws each backend keeps, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Record the laws of this run, if a report was asked for."""
    if path := config.getoption(OPTION):
        config.pluginmanager.register(ReportPlugin(Path(path)), "lamlam-report-of-run")


def law_of(test: Any) -> str:  # Any: a test function
    """Return the sentence of a law, on one line."""
    return " ".join((inspect.getdoc(test) or "").split())


class ReportPlugin:
    """Records how each law ended, and writes the report at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.backends: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
        """Backend, suite, name of the law."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record how a phase of a law ended; the worst counts."""
        report = yield
        suite = getattr(item, "cls", None)
        if isinstance(suite, type) and issubclass(suite, Laws):
            self._note(item, suite, report)
        return report

    def _note(self, item: pytest.Item, suite: type[Laws], report: pytest.TestReport) -> None:
        arguments = getattr(item, "funcargs", {})
        backend = arguments.get("conformance_backend") or getattr(suite, "backend", None)
        test = item.function  # type: ignore[attr-defined]  # laws are functions
        owner = next(
            base for base in suite.__mro__ if issubclass(base, Laws) and test.__name__ in vars(base)
        )
        laws = self.backends.setdefault(getattr(backend, "name", suite.__name__), {})
        known = laws.setdefault(owner.suite, {})
        outcome, reason = _outcome(report)
        if report.when == "call" or outcome != "passed":
            before = known.get(item.name, {}).get("outcome")
            if before != "failed":
                known[item.name] = {"law": law_of(test), "outcome": outcome} | (
                    {"reason": reason} if reason else {}
                )

    def pytest_sessionfinish(self) -> None:
        """Write the report."""
        self.path.write_text(
            json.dumps(self.summary(), indent=2, ensure_ascii=False) + "\n", "utf-8"
        )

    def summary(self) -> dict[str, Any]:  # Any: JSON
        """Return the report."""
        return {
            "lamlam": _version(),
            "python": platform.python_version(),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "backends": {
                name: {
                    "passed_all": _passed_all(suites),
                    "counts": _counts(suites),
                    "suites": suites,
                }
                for name, suites in self.backends.items()
            },
        }


def _outcome(report: pytest.TestReport) -> tuple[str, str]:
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        for beginning, outcome in (
            (NOT_DECLARED, "not declared"),
            (DOES_NOT_APPLY, "does not apply"),
        ):
            if reason.startswith(beginning):
                return outcome, reason.removeprefix(beginning)
        return "skipped", reason
    return report.outcome, ""


def _counts(suites: dict[str, dict[str, dict[str, str]]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for laws in suites.values():
        for law in laws.values():
            counts[law["outcome"]] = counts.get(law["outcome"], 0) + 1
    return counts


def _passed_all(suites: dict[str, dict[str, dict[str, str]]]) -> bool:
    """Return whether every law that applies passed; one that was skipped for another reason did not."""
    counts = _counts(suites)
    return bool(counts.get("passed")) and not (counts.get("failed") or counts.get("skipped"))


def _version() -> str:
    try:
        return version("lamlam")
    except PackageNotFoundError:
        return "unknown"
