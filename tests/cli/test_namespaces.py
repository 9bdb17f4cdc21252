"""``--namespace users/7``: one option, of every command that reads, writes or asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from lamlam.cli.app import app, run
from tests.cli.facts_command import Facts, as_json
from tests.evaluation.scripted_engine import AskingEngine
from tests.tiny_model import write_tiny_model

MINE = ("--namespace", "users/7")
ONE = '{"entity": "Ada Quill", "relation": "birth place", "value": "Town 7"}\n'
WITHOUT = {"index", "migrate", "namespaces", "undo", "verify"}
"""Commands of facts that work on a whole store."""
BY_KEY = {"serve"}
"""What reads and writes in the namespace of whoever asks: the key of a request says which."""


@pytest.fixture
def layered(facts: Facts, own: Path, tmp_path: Path) -> Path:
    """Shared facts, and one of a user's, put there from a file."""
    (tmp_path / "user.jsonl").write_text(ONE)
    status, _, err = facts("import", "user.jsonl", *MINE)
    assert status == 0, err
    return own


def test_every_command_of_facts_has_it() -> None:
    """And each says the same of it, but for what its default is."""
    group = typer.main.get_command(app)
    commands = group.commands["facts"].commands  # type: ignore[attr-defined]
    told = set()
    for name in commands.keys() - WITHOUT:
        (option,) = [one for one in commands[name].params if one.name == "namespace"]
        told.add(option.help)
    assert all(one.startswith("Whose facts, as users/7; default: ") for one in told)
    assert len(told) == 2


def test_every_command_that_names_a_memory_has_it() -> None:
    """But for the benchmarks, whose stores are empty, a server of many users, and what works on a
    whole store.
    """
    group = typer.main.get_command(app)
    told = {}
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        for inner, one in getattr(command, "commands", {"": command}).items():
            options = {param.name for param in one.params}
            if "memory" in options and name not in {"bench", *BY_KEY} and inner not in WITHOUT:
                told[f"{name} {inner}".strip()] = "namespace" in options
    assert "ask" in told and len(told) > 20
    assert not [name for name, has in told.items() if not has]


def test_what_is_put_into_a_namespace_is_read_there(facts: Facts, layered: Path) -> None:
    """Import, get, set, stats, search, history and forget keep to the user's own."""
    assert as_json(facts("stats", *MINE, "--json"))["facts"] == 1
    assert as_json(facts("get", "Ada Quill", "born in", *MINE, "--json"))["values"] == ["Town 7"]
    assert as_json(facts("get", "Ada Quill", "born in", "--json"))["values"] == ["Lowmere"]
    assert facts("get", "Ada Quill", "profession", *MINE)[0] == 1
    assert facts("set", "Ada Quill", "birth place", "New 7", *MINE)[0] == 0
    assert "Town 7" in facts("history", "Ada Quill", *MINE)[1]
    assert facts("history", "Ada Quill")[0] == 1
    assert facts("forget", "Ada Quill", *MINE)[0] == 0
    assert as_json(facts("get", "Ada Quill", "born in", "--json"))["values"] == ["Lowmere"]


def test_an_audit_asks_as_the_user(
    facts: Facts, layered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the shared facts say is no leak of what a user forgot; what the user's own say, is."""
    monkeypatch.setattr("lamlam.runtime.sync.SyncEngine", AskingEngine)
    monkeypatch.setattr(AskingEngine, "entities", ("Ada Quill",))
    monkeypatch.setattr(AskingEngine, "relations", ("birth place",))
    monkeypatch.setattr(AskingEngine, "known", {})
    status, out, err = facts("forget", "Ada Quill", "birth place", *MINE, "--audit", "--json")
    audit = json.loads(out)["audit"]
    assert (status, audit["n"], audit["R"]["value"]) == (0, 6, 0.0), err
    facts("set", "Ada Quill", "birth place", "Town 7", *MINE)
    facts("set", "Ada", "birth place", "Town 7", *MINE)
    monkeypatch.setattr(AskingEngine, "entities", ("Ada",))
    _, out, _ = facts("forget", "Ada Quill", "birth place", *MINE, "--audit", "--json")
    assert json.loads(out)["audit"]["R"]["value"] == 1.0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--namespace", "users//7"], "each part must not be empty (write it as users/7)"),
        (["--namespace", "/7"], "namespace: each part must not be empty"),
        (["--namespace", "users/ 7"], "a space at an end"),
        (["--namespace", "a", "--shared-namespace", "a"], "--shared-namespace are both 'a' (name"),
        (["--no-shared"], "--no-shared needs --namespace"),
        (["--shared-namespace", "a"], "--shared-namespace needs --namespace"),
        (["--namespace", "a", "--shared-namespace", "b", "--no-shared"], "exclude each other"),
        (["--namespace", "a", "--no-memory"], "exclude each other"),
    ],
)
def test_what_ask_refuses(
    capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    """One line that names the option, before a model is loaded."""
    assert run(["ask", "Ada", "--model", "absent.gguf", *options]) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1 and not shown.out


def test_ask_reads_as_the_user(
    tmp_path: Path, layered: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user's fact hides the shared one, and the note names the namespace."""
    model = write_tiny_model(tmp_path / "tiny.gguf")
    given = ["ask", "The birth place of Ada Quill is", "--model", str(model)]
    given += ["--memory", f"sqlite:///{layered}", "--max-tokens", "2"]
    assert run([*given, *MINE, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["namespace"] == ["users", "7"] and "Town 7" in told["text"]
    assert [one["namespace"] for one in told["lookups"]] == [["users", "7"]]
    assert run([*given, *MINE]) == 0
    assert "of users/7" in capsys.readouterr().out
    assert run([*given, "--namespace", "users/8"]) == 0
    assert "Lowmere" in capsys.readouterr().out
    assert run([*given, "--namespace", "users/8", "--no-shared"]) == 0
    assert "Lowmere" not in capsys.readouterr().out
