"""Rows of token files are those that the loader draws of the documents."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamlam.trainer import data_loader, training_data
from lamlam.trainer.augmentation import Augmentation
from lamlam.trainer.data_loader import Batch, BatchLoader
from lamlam.trainer.documents import Document, StatedFact
from lamlam.trainer.packing import PackedRows, fit_whole
from lamlam.trainer.settings import (
    DataConfig,
    MixtureSource,
    ModelConfig,
    OptimiserConfig,
    RunConfig,
    Settings,
)
from lamlam.trainer.synthetic.worded.worded import WordedText
from lamlam.trainer.token_files.held_out_file import (
    as_lines,
    hash_of,
    read_held_out,
    write_held_out,
)
from lamlam.trainer.token_files.preparation import prepare
from lamlam.trainer.token_files.shard_files import MappedShard
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.training_data import read_training_data

SHAPE = ModelConfig(width=16, layers=1, heads=2, kv_heads=1, feed_forward=32, context=128)
LINES = "\n".join(f"Zebras number {n} graze quietly, and nobody counts them." for n in range(40))


@pytest.fixture(autouse=True)
def vocabulary(tokenizer: LmlmTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn the vocabulary once for all."""
    monkeypatch.setattr(training_data, "train_tokenizer", lambda texts, size: tokenizer)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_loader, "SHARD", 30)


def settings(context: int = 128, seed: int = 0, **data: Any) -> Settings:
    return Settings(
        data=DataConfig(vocabulary=600, **data),
        model=dataclasses.replace(SHAPE, context=context),
        optimiser=OptimiserConfig(batch_rows=8),
        run=RunConfig(steps=1, seed=seed, device="cpu"),
    )


def mapped(made: Settings, folder: Path, **run: Any) -> Settings:
    """The same settings, with the token files instead of the documents."""
    data = dataclasses.replace(
        DataConfig(), tokens=str(folder), rows=made.data.rows, vocabulary=600
    )
    return dataclasses.replace(made, data=data, run=dataclasses.replace(made.run, **run))


def loader(chosen: Settings) -> BatchLoader:
    data = read_training_data(chosen)
    return BatchLoader(data.settings, data, data.tokenizer())


def assert_same(found: PackedRows, expected: PackedRows) -> None:
    assert np.array_equal(found.inputs, expected.inputs)
    assert np.array_equal(found.labels, expected.labels)
    assert found.inputs.dtype == found.labels.dtype == np.int32


@pytest.fixture
def replay(tmp_path: Path) -> str:
    path = tmp_path / "plain.txt"
    path.write_text(LINES)
    return str(path)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"context": 48},  # many documents are read in parts
        {"rows": "stream", "context": 48},
        {"plain": True, "held_out": 0.2},
        {"invented": 0.3, "variation": Augmentation(1.0, 1.0, 0.3), "seed": 3},
        {"worded": 0.5, "worded_text": WordedText(absent=0.3), "seed": 3},
        {"replay": "yes", "replay_share": 0.3, "within_documents": False},
    ],
    ids=lambda given: "-".join(given) or "usual",
)
def test_the_rows_are_those_of_the_documents(
    given: dict[str, Any], corpus: Path, tmp_path: Path, replay: str
) -> None:
    if "replay" in given:
        given = given | {"replay": replay}
    made = settings(documents=str(corpus), **given)
    prepare(made, tmp_path / "tokens", epochs=2)
    with loader(made) as slow, loader(mapped(made, tmp_path / "tokens")) as fast:
        for epoch in (1, 0):
            assert_same(fast.epoch(epoch), slow.epoch(epoch))
        for found, expected in zip(_taken(fast, 9), _taken(slow, 9), strict=True):
            assert (found.epoch, found.number) == (expected.epoch, expected.number)
            assert_same(found.rows, expected.rows)


def _taken(rows: BatchLoader, n: int, epoch: int = 0, first: int = 3) -> list[Batch]:
    batches: Iterator[Batch] = rows.batches(epoch, first)
    # The third epoch is not on disk.
    return [batch for batch, _ in zip(batches, range(n), strict=False) if batch.epoch < 2]


def test_workers_write_what_one_process_writes(corpus: Path, tmp_path: Path) -> None:
    made = settings(documents=str(corpus))
    alone = prepare(made, tmp_path / "alone", workers=1)
    together = prepare(made, tmp_path / "together", workers=2)
    assert alone == together
    assert (tmp_path / "alone" / "manifest.json").read_bytes() == (
        tmp_path / "together" / "manifest.json"
    ).read_bytes()


def test_epochs_on_disk_come_again_in_another_order(corpus: Path, tmp_path: Path) -> None:
    made = settings(documents=str(corpus), held_out=0.0)
    prepare(made, tmp_path / "tokens", epochs=2)
    chosen = mapped(made, tmp_path / "tokens")
    with loader(chosen) as rows:
        found = [_documents(rows.epoch(number)) for number in range(5)]
        assert found[0] != found[1]  # drawn anew
        assert sorted(found[2]) == sorted(found[4]) == sorted(found[0])
        assert sorted(found[3]) == sorted(found[1])
        assert len({tuple(found[i]) for i in (0, 2, 4)}) == 3
        assert_same(rows.epoch(3), rows.epoch(3))
    with loader(mapped(made, tmp_path / "tokens", seed=5)) as rows:
        other = _documents(rows.epoch(0))
    assert other != found[0] and sorted(other) == sorted(found[0])


def _documents(rows: PackedRows) -> list[tuple[int, ...]]:
    """The documents of rows, in order; padding is none."""
    found = []
    for row in rows.inputs:
        starts = [*np.flatnonzero(row == 0), len(row)]
        pairs = zip(starts, starts[1:], strict=False)
        found += [tuple(map(int, row[a:b])) for a, b in pairs if b > a + 1]
    return found


def test_a_batch_reads_its_own_tokens_alone(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a run begins, it takes the tokens of its batch and maps shards of one epoch."""
    made = settings(documents=str(corpus))
    prepare(made, tmp_path / "tokens", epochs=3)
    taken: list[int] = []
    opened: list[str] = []
    take, init = MappedShard.take, MappedShard.__init__

    def taking(self: MappedShard, places: Any) -> Any:
        taken.append(len(places))
        return take(self, places)

    def counted(self: MappedShard, paths: Any, *rest: Any) -> None:
        opened.append(paths.stem)
        init(self, paths, *rest)

    monkeypatch.setattr(MappedShard, "__init__", counted)
    monkeypatch.setattr(MappedShard, "take", taking)
    with loader(mapped(made, tmp_path / "tokens")) as rows:
        batch = next(rows.batches(1, 4))
        assert (batch.epoch, batch.number) == (1, 4)
        assert 0 < sum(taken) <= 8 * 128
    # The next epoch is planned while this one trains; none before is touched.
    assert {stem.partition("/")[0] for stem in opened} <= {"epoch-0001", "epoch-0002"}
    assert opened[0].startswith("epoch-0001")


def _fit_slowly(lengths: list[int], seq_len: int) -> list[list[int]]:
    full: list[list[int]] = []
    rows: list[tuple[int, list[int]]] = []
    for i, length in enumerate(lengths):
        need = min(length, seq_len)
        fits = [k for k, (room, _) in enumerate(rows) if room >= need]
        room, group = rows.pop(min(fits, key=lambda k: rows[k][0])) if fits else (seq_len, [])
        group.append(i)
        if room - need < 16:
            full.append(group)
        else:
            rows.append((room - need, group))
        if len(rows) > 32:
            full.append(rows.pop(min(range(len(rows)), key=lambda k: rows[k][0]))[1])
    return full + [group for _, group in rows]


@pytest.mark.parametrize("seed", range(8))
def test_documents_share_rows_as_the_obvious_search_puts_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    longest = int(rng.integers(20, 300))
    lengths = [int(n) for n in rng.integers(1, longest, size=400)]
    assert fit_whole(lengths, 256) == _fit_slowly(lengths, 256)


def test_a_mixture_of_one_is_that_source(corpus: Path, tmp_path: Path) -> None:
    alone = settings(documents=str(corpus))
    one = settings(mixture=(MixtureSource(documents=str(corpus)),))
    with loader(alone) as expected, loader(one) as found:
        assert_same(found.epoch(1), expected.epoch(1))
    prepare(alone, tmp_path / "tokens", epochs=2)
    mixed = settings(mixture=(MixtureSource(tokens=str(tmp_path / "tokens")),))
    with loader(alone) as expected, loader(mixed) as found:
        assert_same(found.epoch(1), expected.epoch(1))


def test_a_weight_says_how_often_each_document_is_seen(
    corpus: Path, tmp_path: Path, replay: str
) -> None:
    made = settings(documents=str(corpus), variation=Augmentation(0, 0, 0), held_out=0.0)
    prepare(made, tmp_path / "tokens", epochs=2)
    with loader(mapped(made, tmp_path / "tokens")) as rows:
        once = sorted(_documents(rows.epoch(0)))
    halves = settings(
        mixture=(
            MixtureSource(tokens=str(tmp_path / "tokens"), weight=0.5),
            MixtureSource(replay=replay, weight=2.5),
        ),
        held_out=0.0,
    )
    with loader(halves) as rows:
        epochs = [_documents(rows.epoch(number)) for number in range(2)]
        tokenizer = read_training_data(halves).tokenizer()
    is_text = ["Zebras" in tokenizer.decode(document) for document in epochs[0] + epochs[1]]
    both = [
        document for document, text in zip(epochs[0] + epochs[1], is_text, strict=True) if not text
    ]
    assert sum(is_text) == 5 * 40
    assert len(both) == len(once)
    assert sorted(both) == once  # each document once in two epochs
    assert sum(is_text[: len(epochs[0])]) == 2.5 * 40


def test_a_mixture_can_be_prepared(corpus: Path, tmp_path: Path, replay: str) -> None:
    mixed = settings(
        mixture=(
            MixtureSource(documents=str(corpus), weight=1.5), MixtureSource(replay=replay),
        )
    )  # fmt: skip
    prepare(mixed, tmp_path / "tokens", epochs=2)
    with loader(mixed) as slow, loader(mapped(mixed, tmp_path / "tokens")) as fast:
        assert_same(fast.epoch(1), slow.epoch(1))


def test_held_out_documents_are_kept_and_held_out_of_a_mixture(
    corpus: Path, tmp_path: Path
) -> None:
    """A machine that trains evaluates as it would with the documents."""
    made = settings(documents=str(corpus), held_out=0.2)
    expected = read_training_data(made).held_out
    prepare(made, tmp_path / "tokens")
    found = read_training_data(mapped(made, tmp_path / "tokens")).held_out
    assert list(found) == list(expected) and len(found) > 3
    # The texts again, under other titles: near-copies of what the token files hold out.
    renamed = tmp_path / "renamed.jsonl"
    lines = [json.loads(line) for line in corpus.read_text().splitlines()]
    renamed.write_text(
        "".join(json.dumps(line | {"title": f"Text {i}"}) + "\n" for i, line in enumerate(lines))
    )
    mixture = (
        MixtureSource(tokens=str(tmp_path / "tokens")),
        MixtureSource(documents=str(renamed)),
    )
    data = read_training_data(settings(mixture=mixture, held_out=0.2))
    texts = {document.text for document in data.documents[0].documents}
    assert texts and texts.isdisjoint(document.text for document in expected)


def test_any_document_comes_back_from_the_file_of_the_held_out(tmp_path: Path) -> None:
    odd = Document(
        "Half \ud800 title", "A\u2028B\x85C, born in Łódź.", (StatedFact("a", "b", "Łódź", 15),),
        (("a", "c", "d"),), "s", True, False,
    )  # fmt: skip
    content = as_lines([odd, odd])
    write_held_out(tmp_path, content)
    assert read_held_out(tmp_path, hash_of(content)) == [odd, odd]
