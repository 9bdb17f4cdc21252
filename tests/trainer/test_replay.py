"""Ordinary text is mixed in by tokens, without lookups, and all of it is learnt."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import numpy as np
import pytest

from lamlam.errors import BadDocument, BadSettings
from lamlam.trainer.data_loader import BatchLoader
from lamlam.trainer.documents import Document
from lamlam.trainer.loop import train
from lamlam.trainer.packing import IGNORED
from lamlam.trainer.replay import draw_replay, read_replay
from lamlam.trainer.settings import DataConfig, ModelConfig, OptimiserConfig, RunConfig, Settings
from lamlam.trainer.split import is_held_out
from lamlam.trainer.tokenizer import LmlmTokenizer

SHAPE = ModelConfig(width=16, layers=1, heads=2, kv_heads=1, feed_forward=32, context=128)
LINES = [f"Zebras number {n} graze quietly, and nobody counts them twice." for n in range(40)]


def settings(corpus: Path, output: Path, replay: Path | str, share: float = 0.25) -> Settings:
    return Settings(
        data=DataConfig(
            documents=str(corpus), vocabulary=600, held_out=0.0, replay=str(replay), replay_share=share
        ),
        model=SHAPE,
        optimiser=OptimiserConfig(batch_rows=4),
        run=RunConfig(output=str(output), steps=2, device="cpu"),
    )  # fmt: skip


@pytest.fixture
def replay(tmp_path: Path) -> Path:
    path = tmp_path / "plain.txt"
    path.write_text("\n\n".join(LINES))
    return path


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("workers", [0, 2])
def test_the_share_is_of_the_tokens(
    share: float, workers: int, corpus: Path, replay: Path, tmp_path: Path,
    documents: list[Document], tokenizer: LmlmTokenizer,
) -> None:  # fmt: skip
    chosen = settings(corpus, tmp_path, replay, share)
    with BatchLoader(chosen, documents, tokenizer, workers=workers) as loader:
        rows, again, other = loader.epoch(0), loader.epoch(0), loader.epoch(1)
    assert np.array_equal(rows.inputs, again.inputs)
    assert not np.array_equal(rows.inputs[:3], other.inputs[:3])
    n_replayed = n_tokens = 0
    for inputs, labels in zip(rows.inputs, rows.labels, strict=True):
        starts = [*np.flatnonzero(inputs == 0), len(inputs)]
        for begin, end in zip(starts, starts[1:], strict=False):
            tokens = inputs[begin:end]
            text = tokenizer.decode(tokens)
            n_tokens += len(tokens) if len(tokens) > 1 else 0
            if "Zebras" in text:
                n_replayed += len(tokens)
                assert "<|db_" not in text and "count" in text
                assert (labels[begin : end - 1] != IGNORED).all()
    assert n_replayed / n_tokens == pytest.approx(share, abs=0.02)


def test_few_texts_come_again(tokenizer: LmlmTokenizer) -> None:
    texts = [Document("", LINES[0], ()), Document("", LINES[1], ())]
    drawn = draw_replay(texts, 0.5, 1000, tokenizer, 3, longest=64)
    assert 950 < sum(len(one.tokens) for one in drawn) < 1050


def test_what_a_file_may_be(tmp_path: Path) -> None:
    def texts(path: Path, held_out: float = 0.0) -> list[str]:
        data = DataConfig(replay=str(path), held_out=held_out)
        return [document.text for document in read_replay(data)]

    plain = tmp_path / "a.txt"
    plain.write_text("\ufeffOne text.\n\n  Another.  \r\n{not json\n")
    assert texts(plain) == ["One text.", "Another.", "{not json"]
    lines = [
        json.dumps({"title": f"T{n}", "text": f"text {n}", "facts": [], "at": []})
        for n in range(50)
    ]
    packed = tmp_path / "a.jsonl.xz"
    packed.write_bytes(lzma.compress("\n".join([*lines, '{"text": "no title"}']).encode()))
    assert texts(packed) == [*(f"text {n}" for n in range(50)), "no title"]
    kept = texts(packed, 0.3)
    assert kept == [f"text {n}" for n in range(50) if not is_held_out(f"T{n}", 0.3)] + ["no title"]
    assert len(kept) < 51


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no text"),
        (b"\n \n", "has no text"),
        (b'{"text": "a"}\n{"txt": "b"}', "line 2 of data.replay"),
        (b'{"text": "a"}\nplain', "line 2 of data.replay"),
        (b"\xff\xfe\x00", "cannot read data.replay"),
        (None, "cannot read data.replay"),
    ],
)
def test_bad_files_are_named(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadDocument, match=message):
        read_replay(DataConfig(replay=str(path)))


@pytest.mark.parametrize("share", [0.0, 1.0, 1.5, -0.1])
def test_a_share_must_leave_room_for_both(share: float, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="data.replay_share must be between 0 and 1"):
        settings(tmp_path, tmp_path, "a", share)


def test_a_run_with_another_file_is_not_resumed(corpus: Path, replay: Path, tmp_path: Path) -> None:
    chosen = settings(corpus, tmp_path / "run", replay)
    folder = train(chosen)
    about = json.loads((folder / "lamlam.json").read_text())
    assert about["training"]["settings"]["data"]["replay"] == "plain.txt"
    replay.write_text("Something else.")
    with pytest.raises(BadSettings, match="the content of data.replay was"):
        train(chosen, resume=True)
