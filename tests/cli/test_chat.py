"""``lamlam chat``: lines of a pipe and of a terminal, its commands, and what stops an answer."""

from __future__ import annotations

import io
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lamlam
from lamlam.cli.app import run
from lamlam.cli.chat_lines import mentions
from tests.paths import ROOT
from tests.runtime.chat.chat_support import TINY
from tests.tiny_model import write_tiny_model

Chat = Callable[..., tuple[int, str, str]]
ASKED = "The birth place of Ada Quill is"
BASE = (
    '{"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere", "source": "register"}'
)


@pytest.fixture
def chat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Chat:
    """Runs ``lamlam chat`` on lines, with a tiny model and a file of facts."""
    monkeypatch.chdir(tmp_path)
    write_tiny_model(tmp_path / "tiny.gguf")
    with lamlam.SyncFactStore("sqlite:///facts.db") as store:
        fact = lamlam.Fact.model_validate(
            {"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere",
             "sources": ["register"]}
        )  # fmt: skip
        store.apply([lamlam.Assert(fact)])

    def chat_on(*lines: str, options: str = "--memory sqlite:///facts.db") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        given = ["chat", "--model", "tiny.gguf", "--max-tokens", "2", *options.split()]
        capsys.readouterr()
        status = run(given)
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return chat_on


def objects(out: str) -> list[dict[str, Any]]:
    """The objects, one a line."""
    return [json.loads(line) for line in out.splitlines()]


def test_values_are_told_with_their_sources(chat: Chat) -> None:
    """The answer alone is printed; /why and /source say what it rests on."""
    status, out, err = chat(ASKED, "/why", "/source 1", "/source 9")
    assert status == 1 and not err
    answer, *told = out.splitlines()
    assert answer.startswith("Lowmere") and "Ada Quill" not in answer
    assert told[0] == "[1] Ada Quill · birth place → Lowmere" == told[2]
    assert "source: register; fact " in told[1] and "match: exact" in told[1]
    assert told[4] == "no value has the number 9"


def test_what_memory_lacks_is_said(chat: Chat) -> None:
    """Nothing is made up in its place, unless the model may write on by itself."""
    asked = "Who is the spouse of Ada Quill?"
    assert chat(asked)[1] == "not in memory\n"
    goes_on = "--memory sqlite:///facts.db --policy continue"
    assert "not in memory" not in chat(asked, options=goes_on)[1]


def test_each_line_is_an_object(chat: Chat) -> None:
    """With ``--json``, an error too; the spans are those of a completion."""
    json_ = "--memory sqlite:///facts.db --json"
    status, out, err = chat(ASKED, "", "/fact x", "/why", options=json_)
    answer, wrong, why = objects(out)
    assert status == 2 and "did you mean /facts?" in err
    assert answer["line"] == ASKED and answer["answer"].startswith("Lowmere")
    facts = [one for one in answer["spans"] if one["origin"] == "fact"]
    assert [one["source"] for one in facts] == ["register"]
    assert wrong["line"] == "/fact x" and "no command" in wrong["error"]
    assert why["lookups"][0]["fact_id"] == facts[0]["fact_id"]


def test_what_is_set_is_read_at_once_and_taken_back(chat: Chat) -> None:
    """A change shows in the next answer; what ended is named, and /undo brings it back."""
    status, out, err = chat("/set Ada Quill | birth place | Newmere", ASKED, "/undo", ASKED)
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[:2] == [
        "set: Ada Quill | birth place | Newmere",
        "ended: Ada Quill | birth place | Lowmere",
    ]
    assert lines[2].startswith("Newmere") and lines[-1].startswith("Lowmere")
    assert chat("/undo")[0] == 2


def test_forgetting_asks_back_and_erases(chat: Chat, tmp_path: Path) -> None:
    """From a pipe it needs ``--yes``; then fact, history, and what the chat knew of it are gone."""
    status, out, err = chat("/forget Ada Quill")
    assert status == 2 and "1 fact of Ada Quill" in err and "--yes" in err and not out
    url = "--memory sqlite:///facts.db --yes"
    kept = tmp_path / "lamlam-home" / "chat_history"
    kept.parent.mkdir()
    kept.write_text("Who?\nwhere is ada  quill?\nWhere is Ada Quillson?\n")
    status, out, _ = chat(ASKED, "/forget Ada Quill", "/source 1", "/facts Ada Quill", options=url)
    assert "1 fact erased from facts, history" in out
    assert "gone too: 1 line and 1 turn" in out
    assert kept.read_text() == "Who?\nWhere is Ada Quillson?\n"
    assert "Lowmere" not in out.partition("erased")[2]
    assert status == 1 and "memory has nothing of 'Ada Quill'" in out
    with lamlam.SyncFactStore("sqlite:///facts.db") as store:
        assert not list(store.scan("Ada Quill"))


def test_one_value_of_several_is_erased(chat: Chat) -> None:
    """The others stay; a name that is not exactly that is not touched."""
    with lamlam.SyncFactStore("sqlite:///facts.db") as store:
        for value in ("miller", "baker"):
            fact = lamlam.Fact(entity="Ada Quill", relation="profession", value=value)
            store.apply([lamlam.Assert(fact)])
    url = "--memory sqlite:///facts.db --yes"
    lines = ["/forget Ada Quill | profession | baker", "/facts Ada Quill", "/forget Ada Quilll"]
    status, out, _ = chat(*lines, options=url)
    assert status == 1 and "1 fact erased" in out
    assert "profession: miller" in out and "profession: baker" not in out
    assert "by exactly this name; near: 'Ada Quill'" in out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("retract", "it held 'Lowmere', which ended at revision"),
        ("homonym", "may be any of"),
        ("erase", "memory does not know 'Ada Quill'"),
    ],
)
def test_why_something_was_missed(chat: Chat, change: str, said: str) -> None:
    """Ended, ambiguous or not held: as memory is now."""
    with lamlam.SyncFactStore("sqlite:///facts.db") as store:
        if change == "retract":
            trade = lamlam.Fact(entity="Ada Quill", relation="profession", value="miller")
            store.apply([lamlam.Assert(trade), lamlam.Retract("Ada Quill", "birth place")])
        else:
            store.erase("Ada Quill")
        if change == "homonym":
            for kind in ("painter", "sailor"):
                name = f"Ada Quill ({kind})"
                fact = lamlam.Fact(entity=name, relation="birth place", value=f"Town {kind}")
                store.apply([lamlam.Assert(fact)])
    _, out, _ = chat("Where was Ada Quill born?", "/why")
    assert said in out


def test_a_namespace_is_read_and_written(chat: Chat) -> None:
    """The user's fact hides the shared one, and forgetting leaves that alone."""
    mine = "--memory sqlite:///facts.db --namespace users/7 --yes"
    status, out, _ = chat(
        ASKED, "/set Ada Quill | birth place | Town 7", ASKED, "/facts Ada Quill", options=mine
    )
    assert status == 0 and "Ada Quill (of users/7)\n  birth place: Town 7" in out
    assert out.index("Lowmere") < out.index("\nTown 7")
    _, out, _ = chat("/forget Ada Quill", ASKED, options=mine)
    assert out.splitlines()[-1].startswith("Lowmere")


def test_without_a_memory_the_user_s_own_file_is_written(chat: Chat, tmp_path: Path) -> None:
    """The bundled facts stay as they are; /memory own reads what was set."""
    lines = ["/set Ada Quill | birth place | Lowmere", ASKED, "/memory own", ASKED]
    status, out, _ = chat(*lines, options="")
    said, where, without, within = out.splitlines()
    assert status == 0 and said.startswith("set: ") and "/memory own" in where
    assert "Lowmere" not in without and within.startswith("Lowmere")
    assert (tmp_path / "lamlam-home" / "facts.db").exists()
    status, _, err = chat("/set A | b | c", options="--memory bundled")
    assert status == 2 and err.count("\n") == 1 and "read-only" in err
    status, out, err = chat("/memory sqlite:///absent.db", "/memory", options="")
    assert status == 2 and "absent.db" in err and out == "read: the bundled facts\n"


def test_facts_in_a_json_file_are_shared_with_the_model(chat: Chat, tmp_path: Path) -> None:
    """A store of this process is one for the model and the commands; it is written at the end."""
    (tmp_path / "base.jsonl").write_text(f"{BASE}\n")
    assert run(["facts", "import", "base.jsonl", "--memory", "memory:///kept.json"]) == 0
    url = "--memory memory:///kept.json"
    _, out, _ = chat("/set Ada Quill | birth place | Newmere", "/facts", ASKED, options=url)
    assert "1 fact of 1 entity in memory:///kept.json" in out
    assert "when this chat ends" in out and "\nNewmere" in out
    assert "birth place: Newmere" in chat("/facts Ada Quill", options=url)[1]


def test_nothing_of_a_store_controls_the_terminal(chat: Chat) -> None:
    """Escape sequences are replaced wherever a value or a message is shown."""
    with lamlam.SyncFactStore("sqlite:///facts.db") as store:
        fact = lamlam.Fact(entity="Ada Quill", relation="motto", value="\x1b]0;owned\x07\x9b31m")
        store.apply([lamlam.Assert(fact)])
    shown = chat("The motto of Ada Quill is", "/why", "/source", "/facts Ada Quill", "/\x1b[2J")
    said = "".join(map(str, shown))
    assert "owned" in said and not {"\x1b", "\x07", "\x9b"} & set(said)


def test_a_chat_model_has_the_talk_so_far(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """System text and turns are given on; the oldest make room, which is said."""
    metadata: dict[str, Any] = {"tokenizer.chat_template": TINY}
    write_tiny_model(tmp_path / "tiny.gguf", context=512, metadata=metadata)
    given: list[list[dict[str, Any]]] = []
    original = lamlam.SyncEngine.stream_chat

    def seen(self: Any, messages: list[dict[str, Any]], **options: Any) -> Any:
        given.append(messages)
        return original(self, messages, **options)

    monkeypatch.setattr(lamlam.SyncEngine, "stream_chat", seen)
    long = "long " * 40
    lines = ["one", "two", "/new", "three", f"{long} 1", f"{long} 2", f"{long} 3"]
    status, out, err = chat(*lines, "/save talk.json", "/save talk.json", options="--system Be")
    assert status == 2 and "exists already" in err and "left out: the model's context" in err
    asked = [[one["content"] for one in talk if one["role"] != "assistant"] for talk in given]
    assert asked[0] == ["Be", "one"] and asked[1] == ["Be", "one", "two"]
    assert asked[2] == ["Be", "three"] and asked[3] == ["Be", "three", f"{long} 1"]
    assert asked[-1][0] == "Be" and "three" not in asked[-1] and asked[-1][-1] == f"{long} 3"
    saved = json.loads((tmp_path / "talk.json").read_text())
    assert saved["system"] == "Be" and saved["turns"][-1]["message"] == f"{long} 3"
    assert saved["turns"][-1]["completion"]["spans"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--memory sqlite:///absent.db", "absent.db"),
        ("--max-tokens 0", "--max-tokens"),
        ("--policy perhaps", "perhaps"),
        ("--system Be", "chat template"),
    ],
)
def test_what_cannot_begin_is_one_line(chat: Chat, options: str, said: str) -> None:
    """Status 2, and no line is read."""
    status, out, err = chat("/help", options=options)
    assert status == 2 and said in err and err.count("\n") == 1 and not out


def test_a_line_that_fails_does_not_end_the_chat(chat: Chat) -> None:
    """Each has one line of error; those after /quit are not read."""
    wrong = {
        "/set Ada | born": "/set ENTITY | RELATION | VALUE",
        "/set  | born | 1902": "/set ENTITY | RELATION | VALUE",
        "/source x": "/source takes",
        "/why": "no answer yet",
        "/save /absent/file": "No such file",
        "/system Be": "chat template",
        "/unto": "did you mean /undo?",
        "word " * 2000: "context",
    }
    status, out, err = chat(*wrong, "/quit", "/help")
    errors = err.splitlines()
    assert status == 2 and not out and len(errors) == len(wrong)
    assert all(said in error for said, error in zip(wrong.values(), errors, strict=True))


def test_names_are_whole_words() -> None:
    """However they are spaced; part of another word is no mention."""
    assert mentions("/set ADA  quill | job | miller", "Ada Quill")
    assert not mentions("Adam asked", "Ada") and mentions("Ada's", "ada")


_SCRIPT = """
import fcntl, os, sys, termios, threading
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from contextlib import contextmanager
from lamlam.lookup_tokens import ENTITY
from lamlam.memory_backends.model.lookups import LookupStatus
from lamlam.runtime.decoding.events import Finished, LookupAnswered, Text
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.spans import LookupRecord

class Scripted:
    context, metadata = 512, {"general.name": "scripted", "tokenizer.ggml.tokens": [ENTITY]}
    def __init__(self, **options): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass
    @contextmanager
    def stream(self, message, **options):
        yield self.events(message)
    def events(self, message):
        record = LookupRecord("Ada Quill", "birth place", LookupStatus.HIT, "Lowmere", "f1", "book")
        yield Text("She came from", "parametric")
        yield LookupAnswered(record)
        yield Text(" Lowmere", "fact", "f1", "book")
        if "stop" in message:
            yield Text(" and", "parametric")
            threading.Event().wait()
        yield Finished(Completion(message, (), (record,), "stop", 1, 1, 1))

import lamlam.runtime.sync
lamlam.runtime.sync.SyncEngine = Scripted
sys.argv = ["lamlam", "chat", *sys.argv[1:]]
from lamlam.__main__ import main
main()
"""


_PATIENCE = 0.2
"""Seconds of silence after which a chat is woken."""


class Terminal:
    """A chat in a pseudo-terminal, with an engine that writes one text."""

    def __init__(self, folder: Path, before: str = "") -> None:
        self.home = folder / "lamlam-home"
        self._fd, side = os.openpty()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "LAMLAM_HOME": str(self.home)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + _SCRIPT],
            cwd=folder,
            env=environment | {"TERM": "xterm", "NO_COLOR": "1"},
            stdin=side,
            stdout=side,
            stderr=side,
        )
        os.close(side)

    def wake(self) -> None:
        """Send a signal that changes nothing, so that one before it is noticed.

        A signal between the last step of ``input()``, or of a lock, and its sleep is lost to it:
        Python looks for signals when the next one ends the sleep.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGWINCH)

    def says(self, text: str, then: str) -> str:
        """Type a text, and return what is shown up to what is waited for."""
        os.write(self._fd, text.encode())
        shown = ""
        while then not in shown:  # ends with an OSError where the chat does
            while not select.select([self._fd], [], [], _PATIENCE)[0]:
                self.wake()
            shown += os.read(self._fd, 4096).decode()
        return re.sub(r"\x1b\[[0-9;?]*[a-z]", "", shown)

    def ends(self) -> int:
        """Return the exit status."""
        while True:
            try:
                return self.process.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                self.wake()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._fd)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal")
def test_a_chat_at_a_terminal(tmp_path: Path) -> None:
    """Values show as they come; Ctrl-C stops the text, empties a line, and leaves when repeated."""
    terminal = Terminal(tmp_path)
    try:
        assert "scripted reads the bundled facts" in terminal.says("", "\r\n> ")
        shown = terminal.says("please stop\n", "and")  # the answer has no end
        assert "She came from Lowmere[1] and" in shown
        assert "[stopped]" in terminal.says("\x03", "\r\n> ")
        assert "source: book; fact f1" in terminal.says("/why\n", "\r\n> ")
        assert "She came from Lowmere[1]\r\n" in terminal.says("Ada Quill?\n", "\r\n> ")
        terminal.says("/set Bob | job | miller\n", "\r\n> ")
        assert "1 fact of Bob" in terminal.says("/forget Bob\n", "[y/N] ")
        assert "2 lines" in terminal.says("y\n", "\r\n> ")
        terminal.says("half", "half")
        assert "again" not in terminal.says("\x03", "\r\n> ")
        assert "Ctrl-C again leaves" in terminal.says("\x03", "\r\n> ")
        os.write(terminal._fd, b"\x03")
        assert terminal.ends() == 0
        kept = terminal.home / "chat_history"
        assert kept.read_text() == "please stop\n/why\nAda Quill?\n"
        assert kept.stat().st_mode & 0o777 == 0o600
    finally:
        terminal.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal")
def test_earlier_lines_come_back_and_a_signal_ends_it(tmp_path: Path) -> None:
    """The arrow up writes the last line of the chat before; SIGTERM is no Ctrl-C."""
    (tmp_path / "lamlam-home").mkdir()
    (tmp_path / "lamlam-home" / "chat_history").write_text("Ada Quill?\n")
    terminal = Terminal(tmp_path)
    try:
        terminal.says("", "\r\n> ")
        assert "Lowmere[1]" in terminal.says("\x1b[A\n", "\r\n> ")
        terminal.says("stop\n", "and")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ends() == 143
    finally:
        terminal.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal")
def test_ctrl_c_stops_a_text_where_it_was_ignored_before(tmp_path: Path) -> None:
    """As a shell without job control starts what it puts into the background."""
    ignored = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    terminal = Terminal(tmp_path, before=ignored)
    try:
        terminal.says("", "\r\n> ")
        terminal.says("stop\n", "and")
        assert "[stopped]" in terminal.says("\x03", "\r\n> ")
    finally:
        terminal.close()
