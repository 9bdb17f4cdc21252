"""The command as a user meets it: help, exit statuses, one-line errors, JSON."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from lamlam.cli import app as command_module
from lamlam.cli.app import run
from lamlam.cli.process_clock import seconds_since_process_start
from lamlam.errors import LamLamError, TrainingStopped
from lamlam.extras import EXTRAS
from tests.paths import ROOT

Command = Callable[..., "subprocess.CompletedProcess[str]"]

EXPECTED = {
    "annotate", "ask", "chat", "demo", "doctor", "prepare", "train", "export", "quantise", "inspect",
    "facts import", "facts get", "facts set", "facts forget", "facts search", "facts stats",
    "eval completion", "eval invented", "eval perplexity", "eval audit", "eval forgetting",
    "eval pararel", "eval trex", "eval questions", "eval lre",
    "bench asking", "bench decode", "bench lookup", "bench resolve",
}  # fmt: skip


def _commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # Any: typer's click
    for name, child in getattr(command, "commands", {}).items():
        below = f"{path} {name}".strip()
        if hasattr(child, "commands"):
            yield from _commands(child, below)
        else:
            yield below, child


COMMANDS = dict(_commands(typer.main.get_command(command_module.app)))


def test_the_commands_that_are_promised_exist() -> None:
    """Every name that the documentation fixes is a command."""
    assert set(COMMANDS) >= EXPECTED


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--help`` says what the command does and shows a line that starts with its own name."""
    assert run([*path.split(), "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Example" in shown
    assert f"lamlam {path}" in shown.partition("Example")[2]
    command = COMMANDS[path]
    assert command.help and len(command.help) > 20
    undocumented = [
        option.name
        for option in command.params
        if option.param_type_name == "option" and not option.help
    ]
    assert not undocumented


def test_without_arguments_it_shows_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    """``lamlam`` alone prints its help and ends well."""
    assert run([]) == 0
    assert "lamlam demo" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints name and version."""
    from lamlam import __version__

    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"lamlam {__version__}\n"


def _is_one_error_line(done: subprocess.CompletedProcess[str]) -> bool:
    lines = done.stderr.splitlines()
    return len(lines) == 1 and lines[0].startswith("error: ") and done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "frobnicate"),
        (["facts", "frobnicate"], "frobnicate"),
        (["ask"], "PROMPT"),
        (["ask", "x", "--frobnicate"], "--frobnicate"),
        (["ask", "x", "--max-tokens", "many"], "--max-tokens"),
        (["ask", "x", "--policy", "perhaps"], "perhaps"),
        (["ask", "x", "--verbalise", "loudly"], "loudly"),
        (["ask", "x", "--memory", "gopher://facts"], "gopher"),
        (["ask", "x", "--memory", "sqlite:///absent.db"], "absent.db"),
        (["ask", "x", "--memory", "sqlite:///note.txt"], "note.txt"),
        (["ask", "x", "--memory", "sqlite:///."], "."),
        (["ask", "x", "--model", "absent.gguf"], "absent.gguf"),
        (["ask", "x", "--model", "note.txt"], "note.txt"),
        (["ask", "x", "--model", "empty.gguf"], "empty.gguf"),
        (["ask", "x", "--model", "."], "."),
        (["ask", "word " * 20_000], "context"),
        (["facts", "import", "absent.jsonl", "--memory", "sqlite:///new.db"], "absent.jsonl"),
        (
            ["facts", "import", "note.txt", "--memory", "sqlite:///new.db"],
            "does not say its format",
        ),
        (
            ["facts", "import", "note.txt", "--format", "jsonl", "--memory", "sqlite:///new.db"],
            "line 1",
        ),
        (["eval", "completion", "--documents", "absent.jsonl"], "absent.jsonl"),
        (["train", "absent.toml"], "absent.toml"),
        (["ask", ""], "the prompt is empty"),
        (["ask", "  "], "the prompt is empty"),
        (["ask", "x", "--no-memory", "--memory", "bundled"], "exclude"),
        (["ask", "x", "--memory", "neo4j://[::1"], "names no Neo4j server"),
        (["ask", "x", "--memory", ""], "known are"),
        (["facts", "delete", "x"], "lamlam facts forget"),
        (["facts", "list"], "lamlam facts search"),
        (["facts", "add", "x"], "lamlam facts set --add"),
        (["import", "x"], "No such command 'import' (use lamlam facts import)"),
        (["set", "x"], "lamlam facts set"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    arguments: list[str], said: str, lamlam_command: Command, tmp_path: Path
) -> None:
    """No traceback, nothing on standard output, and the line names what was wrong."""
    (tmp_path / "note.txt").write_text("This is no database, no model and no fact.\n" * 200)
    (tmp_path / "empty.gguf").write_bytes(b"")
    done = lamlam_command(*arguments)
    assert done.returncode == 2, done.stderr
    assert _is_one_error_line(done), done.stderr
    assert said in done.stderr


def test_asking_creates_no_file(lamlam_command: Command, tmp_path: Path) -> None:
    """A store that is missing stays missing when it is only read."""
    lamlam_command("ask", "x", "--memory", "sqlite:///absent.db")
    lamlam_command("facts", "get", "x", "y", "--memory", "sqlite:///absent.db")
    assert not list(tmp_path.glob("absent*"))


def test_what_memory_lacks_is_status_1(lamlam_process: Command, tmp_path: Path) -> None:
    """Not found is 1, told apart from an error."""
    store = ["--memory", "sqlite:///facts.db"]
    assert (
        lamlam_process("facts", "set", "Ada Quill", "birth place", "Lowmere", *store).returncode
        == 0
    )
    assert lamlam_process("facts", "get", "Ada Quill", "birth place", *store).returncode == 0
    assert lamlam_process("facts", "get", "Bob Ferris", "birth place", *store).returncode == 1


def _raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """``lamlam doctor`` raises ``error`` as soon as it runs."""

    def examine() -> Iterator[object]:
        raise error
        yield  # a generator, as the original is

    monkeypatch.setattr("lamlam.cli.doctor._examine", examine)


def test_an_error_with_a_hint_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Message and hint stand on one line, though the message had two."""
    _raising(monkeypatch, LamLamError("no\nsuch thing", hint="try another"))
    assert run(["doctor"]) == 2
    assert capsys.readouterr().err == "error: no such thing (try another)\n"


def test_an_unexpected_error_names_its_class(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A defect is one line too, and says how to see the traceback."""
    _raising(monkeypatch, ZeroDivisionError("division by zero"))
    assert run(["doctor"]) == 2
    assert capsys.readouterr().err == (
        "error: ZeroDivisionError: division by zero (set LAMLAM_DEBUG=1 for the traceback)\n"
    )


def test_debug_lets_the_traceback_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``LAMLAM_DEBUG=1`` the error itself leaves the command."""
    monkeypatch.setenv("LAMLAM_DEBUG", "1")
    _raising(monkeypatch, ZeroDivisionError("division by zero"))
    with pytest.raises(ZeroDivisionError):
        run(["doctor"])


def test_an_interrupt_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control-C ends with 128 + SIGINT and no traceback."""
    _raising(monkeypatch, KeyboardInterrupt())
    assert run(["doctor"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_stopped_run_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its one line has the place of the state; "interrupted" does not follow."""
    _raising(monkeypatch, TrainingStopped("stopped", hint="continue with --resume", number=2))
    assert run(["doctor"]) == 130
    assert capsys.readouterr().err == "error: stopped (continue with --resume)\n"


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    """``lamlam --help | true`` prints no complaint."""
    import sys

    lamlam = [sys.executable, "-m", "lamlam", "--help"]
    with subprocess.Popen(
        lamlam,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()
    assert complaint == b""


def test_the_process_clock_counts_the_interpreter_too() -> None:
    """The clock stands beyond zero before anything was done and only goes on."""
    first = seconds_since_process_start()
    assert 0 < first <= seconds_since_process_start()


def test_ask_prints_one_json_object(lamlam_process: Command) -> None:
    """Text, spans and lookups fit together, and offsets are those of the text."""
    lamlam_process(
        "facts", "set", "Ada Quill", "birth place", "Lowmere", "--memory", "sqlite:///a.db"
    )
    done = lamlam_process(
        "ask", "Ada Quill was born in", "--memory", "sqlite:///a.db", "--json", "--max-tokens", "20"
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["text"].startswith("Ada Quill was born in Lowmere")
    (fact, *_) = (span for span in answer["spans"] if span["origin"] == "fact")
    assert answer["text"][fact["start"] : fact["end"]].strip() == "Lowmere"
    (lookup, *_) = answer["lookups"]
    assert (lookup["status"], lookup["value"]) == ("hit", "Lowmere")
    assert lookup["fact_id"] == fact["fact_id"]
    assert answer["tokens"] > 0
    assert 0 < answer["time_to_first_token_s"] <= answer["seconds"] + 100


def test_ask_lists_how_likely_each_token_was(lamlam_command: Command) -> None:
    """With ``--json``: the list is the text after the prompt; without, it is refused."""
    asked = ("ask", "Elvis Presley was born in", "--max-tokens", "8")
    done = lamlam_command(*asked, "--json", "--logprobs", "2")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    listed = answer["logprobs"]
    assert answer["text"] == asked[1] + "".join(one["text"] for one in listed)
    assert {one["origin"] for one in listed if one["logprob"] is None} <= {"fact", "parametric"}
    assert all(len(one["top"]) == 2 for one in listed if one["logprob"] is not None)
    refused = lamlam_command(*asked, "--logprobs", "2")
    assert (refused.returncode, refused.stdout) == (2, "") and "--json" in refused.stderr


def test_ask_without_memory_looks_nothing_up(lamlam_command: Command) -> None:
    """``--no-memory`` forbids lookups."""
    done = lamlam_command("ask", "Ada Quill was born in", "--no-memory", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["lookups"] == []


def test_ask_for_people_marks_the_value_and_names_its_source(lamlam_command: Command) -> None:
    """The text ends in a list of lookups with source and match."""
    store = ["--memory", "sqlite:///a.db"]
    lamlam_command(
        "facts", "set", "Ada Quill", "birth place", "Lowmere", *store, "--source", "parish"
    )
    done = lamlam_command("ask", "Ada Quill was born in", "--max-tokens", "20", *store)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Ada Quill was born in Lowmere")
    listing = done.stdout.partition("\n\n")[2]
    assert "birth place" in listing and "parish" in listing and "exact" in listing


def test_doctor_finds_this_installation_healthy(lamlam_process: Command) -> None:
    """Every required check passes, and the trial writes."""
    done = lamlam_process("doctor", "--json")
    report = json.loads(done.stdout)
    assert [check for check in report["checks"] if check["required"] and not check["ok"]] == []
    assert report["ok"] and done.returncode == 0


@pytest.mark.parametrize("columns", ["40", "120"])
def test_demo_changes_a_fact_and_forgets_it(columns: str, lamlam_process: Command) -> None:
    """The new value appears after the change, and neither value after forgetting."""
    done = lamlam_process("demo", "--json", COLUMNS=columns)
    assert done.returncode == 0, done.stderr
    story = json.loads(done.stdout)
    assert len(story["texts"]) == 3
    assert all(text["lookups"] for text in story["texts"])
    assert story["old_value"] in story["before"]["text"]
    assert story["new_value"] in story["changed"]["text"]
    assert story["old_value"] not in story["changed"]["text"]
    assert story["old_value"] not in story["forgotten"]["text"]
    assert story["new_value"] not in story["forgotten"]["text"]


@pytest.mark.parametrize("columns", ["40", "120"])
def test_demo_fits_the_terminal(columns: str, lamlam_command: Command) -> None:
    """Nothing but the lines to be copied is wider than the terminal; no escapes without colour."""
    done = lamlam_command("demo", COLUMNS=columns)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    to_copy = [line for line in done.stdout.splitlines() if line.startswith("python -m lamlam ")]
    assert len(to_copy) == 3
    others = [line for line in done.stdout.splitlines() if line not in to_copy]
    assert max(map(len, others)) <= int(columns)


def test_every_command_that_is_meant_exists() -> None:
    """What is suggested for unknown commands are commands, and those are none."""
    for tried, meant in command_module._MEANT.items():
        assert tried.removeprefix("lamlam ") not in COMMANDS
        suggested = [name for name in COMMANDS if f"lamlam {name}" in meant]
        assert suggested, meant


def test_a_plain_model_says_that_it_writes_without_memory(
    lamlam_command: Command, tmp_path: Path
) -> None:
    """Where a memory was named; else nobody expects one."""
    from tests.tiny_model import write_tiny_model

    write_tiny_model(tmp_path / "plain.gguf", with_lookup_tokens=False)
    asked = ("ask", "Ada", "--model", "plain.gguf", "--max-tokens", "2")
    lamlam_command("facts", "set", "Ada", "job", "miller", "--memory", "sqlite:///a.db")
    named = lamlam_command(*asked, "--memory", "sqlite:///a.db", "--json")
    assert named.returncode == 0 and "text" in json.loads(named.stdout)
    assert named.stderr == "this model has no lookup tokens and writes without memory\n"
    unnamed = lamlam_command(*asked)
    assert (unnamed.returncode, unnamed.stderr) == (0, "")


def test_an_error_does_not_stand_on_the_line_of_the_text(lamlam_process: Command) -> None:
    """Where the text breaks off, its line ends first."""
    lamlam_process("facts", "set", "Ada Quill", "job", "miller", "--memory", "sqlite:///a.db")
    done = lamlam_process(
        "ask", "Bob Ferris was born in", "--memory", "sqlite:///a.db", "--policy", "raise"
    )
    assert done.returncode == 2 and done.stderr.startswith("error: memory has no")
    assert done.stdout.startswith("Bob Ferris was born in") and done.stdout.endswith("\n")


def test_inspect_knows_the_bundled_model(capsys: pytest.CaptureFixture[str]) -> None:
    """By the name that ``--model`` takes."""
    assert run(["inspect", "bundled", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lookups_are_safe"]


def test_doctor_lists_every_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of pyproject.toml, each missing one with what to type."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    del extras["all"]
    assert {name: tuple(re.split("[>=]", one)[0] for one in extras[name]) for name in extras} == (
        EXTRAS
    )
    monkeypatch.setattr("lamlam.cli.doctor._is_installed", lambda package: False)
    monkeypatch.setattr("lamlam.cli.doctor._writing", lambda: "")
    assert run(["doctor"]) == 0
    shown = capsys.readouterr().out
    for name, packages in EXTRAS.items():
        assert f"pip install 'lamlam[{name}]'; in a clone: .venv/bin/python -m pip install" in shown
        assert f" {shlex.join(packages)}\n" in shown


def test_a_missing_file_is_named_once(lamlam_command: Command, tmp_path: Path) -> None:
    """By the system's message alone, or by lamlam's."""
    done = lamlam_command("eval", "completion", "--documents", "absent.jsonl")
    assert done.stderr == "error: cannot read absent.jsonl: No such file or directory\n"
    done = lamlam_command("export", ".", "out.gguf")
    assert done.stderr == (
        "error: cannot read config.json: No such file or directory"
        " (name the folder that training has written)\n"
    )


def test_standard_input_is_named_and_may_not_be_empty(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a prompt, and as documents."""
    for arguments, said in (
        (["ask", "-"], "the prompt is empty"),
        (["eval", "completion", "--documents", "-"], "standard input has no structured fact"),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
        assert run(arguments) == 2
        shown = capsys.readouterr()
        assert shown.out == "" and said in shown.err
