"""How long the soak tests run: a small share with every run, all of it with ``--soak``.

``LAMLAM_SOAK=1`` says the same; the option is known where this folder is named on the
command line: ``pytest tests/soak --soak``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from tests.limits import HANG_S


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is done."""

    operations: int
    kills: int
    timeout_s: float


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--soak``: the long form."""
    parser.addoption("--soak", action="store_true", help="run the soak tests at full length")


def pytest_configure(config: pytest.Config) -> None:
    """The marker is known without the project's settings."""
    config.addinivalue_line("markers", "soak: many operations, processes or kills")


@pytest.fixture(scope="session")
def amount(pytestconfig: pytest.Config) -> Amount:
    """A hundred thousand operations and two hundred kills, or the usual share."""
    is_long = pytestconfig.getoption("--soak", default=False) or os.environ.get("LAMLAM_SOAK")
    return Amount(100_000, 200, 7200.0) if is_long else Amount(2_000, 5, HANG_S)
