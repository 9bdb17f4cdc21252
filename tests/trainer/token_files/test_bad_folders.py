"""A folder of token files that cannot be used is refused in one line that says what to do."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamlam.errors import BadSettings, BadTokenFiles
from lamlam.trainer import prepare as command
from lamlam.trainer.__main__ import main as train_main
from lamlam.trainer.token_files import preparation
from lamlam.trainer.token_files.preparation import PreparationProgress, prepare
from lamlam.trainer.token_files.shard_files import ShardPaths, write_shard
from lamlam.trainer.tokenizer import LmlmTokenizer
from tests.full_disk import largest_file
from tests.trainer_processes import configuration

SHARD = 30
"""Documents of a shard here."""


@pytest.fixture(scope="module")
def made(
    corpus: Path, tokenizer: LmlmTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Path]]:
    """A configuration and a whole folder of two epochs."""
    folder = tmp_path_factory.mktemp("made")
    config = configuration(corpus, folder / "run")
    tokenizer.save(folder / "tokenizer.json")
    config.write_text(
        config.read_text().replace("[data]", f"[data]\ntokenizer = '{folder / 'tokenizer.json'}'")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lamlam.trainer.data_loader.SHARD", SHARD)
        assert command.main([str(config), "--out", str(folder / "tokens"), "--epochs", "2"]) == 0
        yield config, folder / "tokens"


@pytest.fixture
def folder(made: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(made[1], tmp_path / "tokens"))


def trains(config: Path, folder: Path, *changes: str) -> int:
    given = [f"data.tokens='{folder}'", f"run.output='{folder.parent / 'out'}'", *changes]
    return train_main([str(config), *(part for one in given for part in ("--set", one))])


def _edit(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        raw = json.loads((folder / name).read_text())
        change(raw)
        (folder / name).write_text(json.dumps(raw))

    return edit


def _flip(folder: Path) -> None:
    path = folder / "epoch-0000" / "00001.tokens.npy"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def _lie(folder: Path) -> None:
    """Write a token that the vocabulary does not have, with a hash that is right."""
    paths = ShardPaths(folder, 0, 0)
    tokens = np.load(paths.files[0])
    tokens[3] = 60_000
    np.save(paths.files[0], tokens)
    _edit("manifest.json", lambda raw: raw["epochs"][0][0].update(hash=paths.hash()))(folder)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "missing": (shutil.rmtree, "is not a folder", "lamlam prepare CONFIG.toml"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "has no manifest.json", "prepare"),
    "unfinished": (
        lambda f: (f / "manifest.json").rename(f / "unfinished.json"),
        "is unfinished", "goes on where it was",
    ),
    "foreign": (lambda f: (f / "manifest.json").write_text("[]"), "does not describe", "prepare"),
    "not JSON": (lambda f: (f / "manifest.json").write_text("{"), "cannot read", "again"),
    "deep": (lambda f: (f / "manifest.json").write_text("[" * 10**5), "cannot read", "again"),
    "newer": (_edit("manifest.json", lambda raw: raw.update(format=2)), "has format 2", "version"),
    "hollow": (_edit("manifest.json", lambda raw: raw.update(epochs=[])), "is damaged", "again"),
    "odd sizes": (
        _edit("manifest.json", lambda raw: raw["epochs"][0][0].update(bytes=[-1, 2, 3])),
        "is damaged", "again",
    ),
    "cut": (
        lambda f: os.truncate(f / "epoch-0001" / "00002.mask.npy", 140),
        "epoch-0001/00002 .* is damaged: 00002.mask.npy is of 140 bytes instead of", "again",
    ),
    "a file away": (
        lambda f: (f / "epoch-0001" / "00002.tokens.npy").unlink(), "tokens.npy is missing", "again"
    ),
    "flipped": (_flip, "shard epoch-0000/00001 .* not as they were written", "makes the shard"),
    "lying": (_lie, "do not fit together", "makes the shard"),
    "other tokenizer": (
        _edit("tokenizer.json", lambda raw: raw.update(normalizer={"type": "NFC"})),
        "was made with another tokenizer", "again",
    ),
    "held-out documents": (
        lambda f: (f / "held-out.jsonl").write_text("{}\n"), "held-out.jsonl is damaged", "again"
    ),
    "no tokenizer": (lambda f: (f / "tokenizer.json").write_text("x"), "damaged", "again"),
}  # fmt: skip


@pytest.mark.parametrize("how", DAMAGE)
def test_what_is_damaged_is_named(
    how: str, made: tuple[Path, Path], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, message, hint = DAMAGE[how]
    change(folder)
    # The tokenizer of the folder, where it is the only one.
    own = ["data.tokenizer=''"] if "tokenizer" in how else []
    assert trains(made[0], folder, *own) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: ")
    assert re.search(message, line) and hint in line, line


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["model.context=64"], "made for model.context = 128.*say 64.*documents of up to"),
        (["data.rows='stream'"], "made with data.rows = 'documents'"),
        (["data.plain=true"], "made with data.plain = False, and the settings say True"),
        (["data.held_out=0.3"], "made with data.held_out = 0.01"),
        (["data.variation.unknown=0.5"], "made with data.variation.unknown = 0.02"),
        (["data.replay='x.txt'", "data.replay_share=0.3"], ""),
    ],
)
def test_other_settings_are_named(
    changes: list[str], message: str, made: tuple[Path, Path], folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert trains(made[0], folder, *changes) == (2 if message else 0)
    line = capsys.readouterr().err.splitlines()[-1]
    assert re.search(message, line), line


def test_documents_that_changed_since_are_named(
    made: tuple[Path, Path], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "changed.jsonl"
    changed.write_text("{}")
    assert trains(made[0], folder, f"data.documents='{changed}'") == 2
    assert "is not the file that" in capsys.readouterr().err
    changed.unlink()  # a machine that trains may have the tokens alone
    assert trains(made[0], folder, f"data.documents='{changed}'") == 0


def test_a_longer_context_is_refused_where_documents_were_parted(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["--set", "model.context=48"]
    assert command.main([str(made[0]), "--out", str(tmp_path / "tokens"), *short]) == 0
    assert trains(made[0], tmp_path / "tokens") == 2
    assert "documents that would now fit were parted" in capsys.readouterr().err
    # Of a folder in which none was, another context makes the same.
    long = ["--set", "model.context=512"]
    assert command.main([str(made[0]), "--out", str(tmp_path / "whole"), *long]) == 0
    assert trains(made[0], tmp_path / "whole", "model.context=600", "run.steps=1") == 0


def test_verifying_names_the_damaged_shard_and_preparing_again_mends_it(
    made: tuple[Path, Path], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--verify", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["damaged"] == 0
    _flip(folder)
    os.truncate(folder / "epoch-0001" / "00002.mask.npy", 140)
    assert command.main(["--verify", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "2 of 8 shards" in said and "epoch-0000/00001, epoch-0001/00002" in said
    assert command.main([str(made[0]), "--out", str(folder), "--epochs", "2"]) == 0
    assert command.main(["--verify", str(folder)]) == 0
    _same(folder, made[1])
    (folder / "held-out.jsonl").write_text("{}\n")
    assert command.main(["--verify", str(folder)]) == 2
    assert "held-out.jsonl is damaged" in capsys.readouterr().err


def _same(folder: Path, other: Path) -> None:
    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
    assert files == {path.relative_to(other): path.read_bytes() for path in other.rglob("*.*")}


def test_a_stopped_preparation_keeps_its_shards(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Whatever stops it, the folder is no whole one, and the same command draws the rest alone."""
    drawn: list[str] = []
    most = 3

    def counted(paths: ShardPaths, *rest: Any) -> Any:
        if len(drawn) == most:
            raise KeyboardInterrupt
        drawn.append(paths.stem)
        return write_shard(paths, *rest)

    monkeypatch.setattr(preparation, "write_shard", counted)
    wanted = [str(made[0]), "--out", str(tmp_path / "tokens"), "--epochs", "2", "--workers", "1"]
    assert command.main(wanted) == 130
    assert "goes on from the shards that are whole" in capsys.readouterr().err
    assert trains(made[0], tmp_path / "tokens") == 2
    assert "is unfinished" in capsys.readouterr().err
    # One of the three is damaged meanwhile.
    os.truncate(tmp_path / "tokens" / "epoch-0000" / "00001.tokens.npy", 100)
    drawn.clear()
    most = 99
    assert command.main(wanted) == 0
    assert drawn == ["epoch-0000/00001", *[f"epoch-{e:04d}/{s:05d}" for e, s in
                     ((0, 3), (1, 0), (1, 1), (1, 2), (1, 3))]]  # fmt: skip
    _same(tmp_path / "tokens", made[1])


def test_more_epochs_are_added(made: tuple[Path, Path], tmp_path: Path) -> None:
    wanted = [str(made[0]), "--out", str(tmp_path / "tokens"), "--epochs"]
    assert command.main([*wanted, "1"]) == 0
    assert command.main([*wanted, "2"]) == 0
    _same(tmp_path / "tokens", made[1])


def test_a_full_disk_loses_nothing(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [str(made[0]), "--out", str(tmp_path / "tokens"), "--epochs", "2", "--workers", "1"]
    assert command.main([*wanted[:-3], "1"]) == 0
    before = (tmp_path / "tokens" / "manifest.json").read_bytes()
    capsys.readouterr()
    with largest_file(1500):
        assert command.main(wanted) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "cannot write into" in line and "make room and run the same command again" in line
    assert (tmp_path / "tokens" / "manifest.json").read_bytes() == before
    assert not list((tmp_path / "tokens").rglob(".*"))
    assert command.main(["--verify", str(tmp_path / "tokens")]) == 0
    assert command.main(wanted) == 0
    _same(tmp_path / "tokens", made[1])


def test_a_folder_that_cannot_be_written_needs_no_room(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(preparation, "_begin", refuse)
    assert command.main([str(made[0]), "--out", str(tmp_path / "tokens")]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.endswith("Permission denied (name a folder that can be written)")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("data.held_out=0.5", "the content of data.documents was"),
        ("data.plain=true", "data.plain was False"),
        ("run.seed=3", "run.seed was 0 .* is 3 now"),
        ("model.context=256", "model.context was 128"),
        ("data.tokenizer=''", "data.vocabulary was None .* is 600 now"),
    ],
)
def test_a_folder_is_not_continued_with_other_settings(
    change: str, named: str, made: tuple[Path, Path], folder: Path
) -> None:
    from lamlam.trainer.settings import load_settings

    before = (folder / "manifest.json").read_bytes()
    with pytest.raises(BadTokenFiles, match=named):
        prepare(load_settings(made[0], [change]), folder)
    assert (folder / "manifest.json").read_bytes() == before


def test_what_cannot_be_prepared(made: tuple[Path, Path], tmp_path: Path) -> None:
    from lamlam.trainer.settings import load_settings

    settings = load_settings(made[0])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(BadTokenFiles, match="is not empty"):
        prepare(settings, tmp_path / "full")
    with pytest.raises(BadTokenFiles, match="is a file"):
        prepare(settings, tmp_path / "full" / "letter.txt")
    with pytest.raises(BadSettings, match="tokens are made of documents"):
        prepare(load_settings(made[0], [f"data.tokens='{made[1]}'"]), tmp_path / "new")
    of_tokens = f"data.mixture=[{{tokens='{made[1]}'}}]"
    with pytest.raises(BadSettings, match=r"\[\[data.mixture\]\] number 1 names token files"):
        prepare(load_settings(made[0], [of_tokens, "data.documents=''"]), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    for wrong in (["--verify", "a", "--out", "b"], [str(made[0])], ["--out", "a"]):
        assert command.main(wrong) == 2


def test_progress_says_rate_and_time_left() -> None:
    progress = PreparationProgress(shards=10, done=4, kept=2, tokens=1_000, seconds=4.0)
    assert str(progress) == "shard 4 of 10 (2 kept), 250 tokens/s, 12 s left"
