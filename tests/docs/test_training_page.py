"""docs/training.md: its table of settings, its settings files and its commands are true."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from lamlam.cli.app import app
from lamlam.trainer.settings import Settings, load_settings
from tests.docs.settings_table import HEAD, settings_of, table
from tests.pages import fences, page
from tests.paths import ROOT

PAGE = page("training.md")
FILES = [*fences(PAGE, "toml"), *fences(page("token-files.md"), "toml")]


def test_the_table_has_every_setting_as_it_is() -> None:
    now = table()
    assert now in PAGE, "run: python -m tests.docs.settings_table"
    assert PAGE.count(HEAD[0]) == 1


def test_every_setting_has_a_meaning() -> None:
    rows = list(settings_of(Settings))
    assert len(rows) > 45
    assert not [name for name, _, meaning in rows if not meaning.endswith(".")]


@pytest.mark.parametrize("number", range(len(FILES)))
def test_its_settings_files_load(number: int, tmp_path: Path) -> None:
    """With what every run needs: documents, and an end."""
    text = FILES[number]
    given = tomllib.loads(text)
    data, run = given.get("data", {}), given.get("run", {})
    changes = [] if {"steps", "minutes"} & run.keys() else ["run.steps=1"]
    changes += [] if {"documents", "tokens", "mixture"} & data.keys() else ['data.documents="x"']
    file = tmp_path / "page.toml"
    file.write_text(text, encoding="utf-8")
    load_settings(file, changes)


def test_its_commands_exist_with_their_options() -> None:
    command = typer.main.get_command(app)
    lines = [
        line.partition("#")[0].replace("$ ", "").strip()
        for fence in (*fences(PAGE, ""), *fences(PAGE, "sh"))
        for line in fence.splitlines()
    ]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("lamlam ")]
    assert len(commands) >= 6
    for words in commands:
        found = command
        while words and words[0] in getattr(found, "commands", {}):
            found = found.commands[words.pop(0)]  # type: ignore[attr-defined]  # a group
        assert found is not command, words
        known = {name for option in found.params for name in option.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, words


@pytest.mark.parametrize(
    "name", ["training.md", "watching-a-run.md", "many-gpus.md", "token-files.md"]
)
def test_modules_and_settings_that_the_pages_name_exist(name: str) -> None:
    """In commands (``-m lamlam.…``), and in the text (`run.steps`)."""
    text = page(name)
    modules = re.findall(r"-m (lamlam\.[\w.]+)", text)
    for module in modules:
        path = ROOT.joinpath(*module.split(".")[1:])
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
    known = {setting for setting, _, _ in settings_of(Settings)} | {"data.mixture", "model.preset"}
    known |= {setting.rpartition(".")[0] for setting in known}
    named = set(re.findall(r"`((?:data|model|optimiser|run)\.[a-z_.]+)\b", text))
    assert named
    assert named <= known | {"run.png", "model.gguf"}
