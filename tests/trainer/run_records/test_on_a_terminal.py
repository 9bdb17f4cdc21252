"""The command shows a view where a terminal is, and lines elsewhere."""

from __future__ import annotations

import json
import os
import pty
import sys
import threading
from pathlib import Path

import pytest

from lamlam.cli.app import app
from tests.trainer_processes import configuration


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["train", *arguments])
    assert ended.value.code in (0, None)


@pytest.fixture
def config(corpus: Path, tmp_path: Path) -> str:
    path = configuration(corpus, tmp_path / "a", steps=2)
    path.write_text(path.read_text().replace("[data]", "[data]\nheld_out = 0.2"))
    return str(path)


def test_elsewhere_there_are_lines(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(config, "--json")
    out, err = capsys.readouterr()
    assert "step 2 epoch 0 loss" in err and "step 2 held out: keys" in err and "\x1b" not in err
    figures = json.loads(out)
    assert figures["evaluation"]["step"] == 2 and figures["evaluation"]["n_keys"] > 0


def test_on_a_terminal_there_is_a_view(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 40 columns, without colours where nobody wants them."""
    for name, value in {"NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "40", "LINES": "24"}.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux says that the other side is closed
                return
            if not part:
                return
            seen.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with os.fdopen(theirs, "w", encoding="utf-8") as stream:
            monkeypatch.setattr(sys, "stderr", stream)
            run(config)
            monkeypatch.undo()
    finally:
        reader.join()
        os.close(ours)
    text = b"".join(seen).decode()
    assert "run: step 2 of 2" in text and "held out" in text and "tokens/s" in text
    assert "\x1b[3" not in text  # no colour
    out = capsys.readouterr().out
    assert "2 steps" in out and "held out: keys" in out and "next: lamlam export" in out
