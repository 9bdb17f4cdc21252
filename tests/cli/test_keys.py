"""``lamlam keys``: make, list and revoke."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lamlam.access_keys import AccessKeys
from lamlam.cli.app import run
from lamlam.memory_backends.model.clock import clock_at

Keys = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keys(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Keys:
    """Runs ``lamlam keys`` with a file of its own; status, output, errors."""
    monkeypatch.setenv("LAMLAM_HOME", str(tmp_path))

    def run_keys(*arguments: str) -> tuple[int, str, str]:
        status = run(["keys", *arguments])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run_keys


def test_a_key_is_printed_once_and_alone(keys: Keys, tmp_path: Path) -> None:
    """So that a shell can take it; a remark says where its hash is."""
    status, out, err = keys("new", "laptop", "--namespace", "users/7", "--rights", "read")
    assert status == 0 and str(tmp_path / "keys.json") in err
    access = AccessKeys(tmp_path / "keys.json").access(out.rstrip("\n"))
    assert (access.namespace, access.shared_namespace) == (("users", "7"), ())
    assert access.rights == {"read"}
    status, listed, _ = keys("list")
    assert "laptop" in listed and "users/7" in listed and out.strip() not in listed


def test_forgetting_must_be_named(keys: Keys) -> None:
    """What is usual reads and writes."""
    _, out, _ = keys("new", "a", "--json")
    assert json.loads(out)["rights"] == ["read", "write"]


def test_expiry_in_days(keys: Keys) -> None:
    """Counted from now."""
    with clock_at(datetime(2026, 5, 1, 12, tzinfo=UTC)):
        _, out, _ = keys("new", "a", "--expires", "31d", "--no-shared", "--json")
    made = json.loads(out)
    assert made["expires"] == "2026-06-01T12:00:00+00:00"
    assert made["shared_namespace"] is None


def test_revoked_is_gone(keys: Keys, tmp_path: Path) -> None:
    """The exit status says whether there was one."""
    keys("new", "laptop")
    assert keys("revoke", "laptop")[0] == 0
    assert keys("revoke", "laptop")[0] == 1
    status, out, _ = keys("list", "--json")
    assert (status, json.loads(out)["keys"]) == (1, [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("new", "a", "--rights", "reed"), "'reed' is not a right"),
        (("new", "a", "--rights", ""), "at least one right"),
        (("new", "a", "--expires", "soon"), "--expires: 'soon' is not a moment"),
        (("new", "a", "--expires", "2020-01-01"), "is past"),
        (("new", "a", "--namespace", "x//y"), "write it as users/7"),
        (("new", "a", "--no-shared", "--shared-namespace", "x"), "exclude each other"),
        (("list", "--keys", "none.json"), "none.json: there is no such file"),
    ],
)
def test_mistakes_are_one_line(keys: Keys, arguments: tuple[str, ...], says: str) -> None:
    """Exit status 2, and nothing is made."""
    status, out, err = keys(*arguments)
    assert status == 2 and out == ""
    assert says in err and err.count("\n") == 1
