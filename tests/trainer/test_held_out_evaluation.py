"""Evaluation inside a run: right by a slow count, the same for several processes, and no trace."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lamlam.trainer.augmentation import NO_AUGMENTATION
from lamlam.trainer.documents import Document, read_documents
from lamlam.trainer.held_out_evaluation import HeldOutEvaluation, find_lookups, sample_documents
from lamlam.trainer.loop import train
from lamlam.trainer.model import build_model, next_token_loss
from lamlam.trainer.packing import IGNORED, augment_and_encode, pack
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.run_records.figures import HeldOutFigures
from lamlam.trainer.run_records.metrics_log import METRICS, read_metrics
from lamlam.trainer.settings import Settings, load_settings
from lamlam.trainer.split import is_held_out
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.training_state import STATE
from tests.trainer_processes import configuration

CPU = torch.device("cpu")
HELD_OUT = "data.held_out=0.2"


def chosen(corpus: Path, folder: Path, *changes: str, steps: int = 4) -> Settings:
    return load_settings(configuration(corpus, folder, steps), [HELD_OUT, *changes])


def by_hand(
    model: Any, documents: list[Document], tokenizer: LmlmTokenizer, context: int
) -> dict[str, float]:
    """Each document by itself, each lookup by a walk over its tokens."""
    ids = tokenizer.ids
    loss = learnt = 0.0
    counts = dict.fromkeys(
        ("openings", "lookups", "opened", "named", "keys", "entities", "relations"), 0
    )
    encoded = augment_and_encode(documents, tokenizer, NO_AUGMENTATION, {}, 0, longest=context)
    for one in encoded:
        tokens = torch.from_numpy(one.tokens.astype(np.int64))
        with torch.no_grad():
            logits = model(input_ids=tokens[None]).logits[0].float()
        after = torch.cat([tokens[1:], torch.tensor([ids.end_of_text])])
        is_learnt = [*one.loss_mask[1:].tolist(), one.end_in_loss]
        for place, token in enumerate(after.tolist()):
            if is_learnt[place]:
                loss -= float(logits[place].log_softmax(-1)[token])
                learnt += 1
        right = (logits.argmax(-1) == after).tolist()
        openings = (logits.argmax(-1) == ids.entity).tolist()
        counts["openings"] += sum(a and b for a, b in zip(openings, is_learnt, strict=True))
        after_list = after.tolist()
        for place, token in enumerate(after_list):
            if token != ids.entity:
                continue
            middle = after_list.index(ids.relationship, place)
            end = after_list.index(ids.return_, place)
            named = all(is_learnt[place + 1 : middle])
            entity, relation = all(right[place + 1 : middle + 1]), all(right[middle + 1 : end + 1])
            counts["lookups"] += 1
            counts["opened"] += right[place]
            counts["named"] += named
            counts["keys"] += named and entity and relation
            counts["entities"] += named and entity
            counts["relations"] += relation
    return counts | {"loss": loss / learnt}


@pytest.fixture(scope="module")
def trained(
    corpus: Path, tokenizer: LmlmTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, Any, LmlmTokenizer]:
    """A model that has its documents by heart, more or less: otherwise every share would be 0."""
    settings = chosen(corpus, tmp_path_factory.mktemp("trained") / "run", "model.width=64")
    torch.manual_seed(0)
    model = build_model(settings.model, tokenizer.size, tokenizer.ids.end_of_text)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-2)
    documents = held_out(corpus)[:6]
    encoded = augment_and_encode(documents, tokenizer, NO_AUGMENTATION, {}, 0, longest=128)
    rows = pack(encoded, 128, tokenizer.ids.end_of_text)
    inputs, labels = (torch.from_numpy(part).long() for part in (rows.inputs, rows.labels))
    for _ in range(60):
        optimiser.zero_grad()
        (next_token_loss(model, inputs, labels) / (labels != IGNORED).sum()).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return settings, model, tokenizer


def held_out(corpus: Path) -> list[Document]:
    return [d for d in read_documents(corpus) if is_held_out(d.title, 0.2)]


def evaluated(
    trained: tuple[Settings, Any, LmlmTokenizer], documents: list[Document], **more: Any
) -> HeldOutFigures:
    settings, model, tokenizer = trained
    figures = HeldOutEvaluation(documents, tokenizer, settings, model, CPU, **more)(7, 70)
    assert figures is not None
    return figures


def test_it_counts_what_a_walk_over_each_document_counts(
    corpus: Path, trained: tuple[Settings, Any, LmlmTokenizer]
) -> None:
    settings, model, tokenizer = trained
    documents = held_out(corpus)
    figures = evaluated(trained, documents)
    expected = by_hand(model, documents, tokenizer, settings.model.context)
    assert figures.n_documents == len(documents) > 10
    assert figures.n_lookups == expected["lookups"] and figures.n_keys == expected["named"]
    assert figures.held_out_loss == pytest.approx(expected["loss"], rel=1e-4)
    assert figures.lookups_opened == expected["opened"] / expected["lookups"]
    assert figures.openings_due == expected["opened"] / expected["openings"]
    assert figures.relations_right == expected["relations"] / expected["lookups"]
    assert figures.entities_right == expected["entities"] / expected["named"]
    assert figures.keys_right == expected["keys"] / expected["named"]
    assert all(0 < expected[name] < expected["lookups"] for name in ("opened", "keys", "relations"))
    assert expected["entities"] >= expected["keys"]
    assert figures.step == 7 and figures.tokens == 70


def test_several_processes_count_what_one_counts(
    corpus: Path, trained: tuple[Settings, Any, LmlmTokenizer]
) -> None:
    """Each takes every n-th batch; the sums of all are agreed on."""
    settings, _, _ = trained
    documents = held_out(corpus)
    small = dataclasses.replace(
        settings, optimiser=dataclasses.replace(settings.optimiser, batch_rows=3)
    )
    parts: list[list[float]] = []

    class Recording(Ranks):
        def sum(self, figure: torch.Tensor) -> torch.Tensor:
            parts.append(figure.tolist())
            return figure

    for rank in range(3):
        evaluated((small, *trained[1:]), documents, ranks=Recording(rank, 3))
    alone = Recording()
    evaluated(trained, documents, ranks=alone)
    assert np.sum(parts[:3], axis=0) == pytest.approx(parts[3], rel=1e-5)
    assert all(part[3] > 0 for part in parts)


def test_the_sample_depends_on_the_documents_alone(corpus: Path) -> None:
    documents = list(read_documents(corpus))
    chosen_ones = sample_documents(documents, 10)
    assert len(chosen_ones) == 10
    assert sample_documents(documents[::-1], 10) == chosen_ones
    assert set(map(id, chosen_ones)) <= set(map(id, documents))
    assert sample_documents(documents, 11)[:10] == chosen_ones


def test_a_lookup_that_is_cut_off_is_not_counted(tokenizer: LmlmTokenizer) -> None:
    ids = tokenizer.ids
    e, r, v, n = ids.entity, ids.relationship, ids.return_, ids.end
    targets = np.array([9, e, 7, r, 8, v, 9, n, r, v, e, 7, e, 7, 7, r, 6, v, 5, e, 7, r, 8])
    labels = targets.copy()
    labels[13] = IGNORED  # a name that the text does not have
    places = [
        (p.opened, p.relationship, p.return_, p.is_named)
        for p in find_lookups(targets, labels, ids)
    ]
    assert places == [(1, 3, 5, True), (12, 15, 17, False)]


def test_evaluating_changes_no_weight(corpus: Path, tmp_path: Path) -> None:
    """Neither the random state nor the order of the data; and the last figures are kept."""
    often = chosen(corpus, tmp_path / "often", "run.evaluate_every=2")
    never = chosen(corpus, tmp_path / "never", "run.evaluate_documents=0")
    folders = [train(settings) for settings in (often, never)]
    states = [torch.load(folder / STATE, weights_only=True) for folder in folders]
    for name, weight in states[0]["model"].items():
        assert torch.equal(weight, states[1]["model"][name]), name
    assert torch.equal(states[0]["random"], states[1]["random"])
    records = [list(read_metrics(folder / METRICS)) for folder in folders]
    assert [r["step"] for r in records[0] if r["kind"] == "evaluation"] == [2, 4]
    assert {r["kind"] for r in records[1]} == {"training"}
    about = [json.loads((f / "lamlam.json").read_text())["training"] for f in folders]
    assert about[0]["evaluation"]["step"] == 4 and about[0]["evaluation"]["n_lookups"] > 0
    assert about[1]["evaluation"] is None
    last = records[0][-1]
    assert last["held_out_loss"] == pytest.approx(about[0]["evaluation"]["held_out_loss"], rel=1e-5)


def test_the_baseline_is_evaluated_by_its_loss(corpus: Path, tmp_path: Path) -> None:
    folder = train(chosen(corpus, tmp_path / "plain", "data.plain=true", steps=1))
    figures = json.loads((folder / "lamlam.json").read_text())["training"]["evaluation"]
    assert figures["keys_right"] is None and figures["n_lookups"] == 0
    assert 5 < figures["held_out_loss"] < 8
    assert HeldOutFigures(**figures).in_words() == f"loss {figures['held_out_loss']:.3f}"


def test_the_end_of_a_run_is_evaluated_once(corpus: Path, tmp_path: Path) -> None:
    settings = chosen(corpus, tmp_path / "run", "run.evaluate_every=2", steps=2)
    folder = train(settings)
    train(settings, resume=True)  # it is over already
    assert [r["step"] for r in read_metrics(folder / METRICS) if r["kind"] == "evaluation"] == [2]
