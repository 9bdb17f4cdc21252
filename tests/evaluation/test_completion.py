"""Completion and perplexity are counted as the docs say, on the bundled model."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
import pytest

from lamlam.bundled import model_path
from lamlam.errors import BadDocument
from lamlam.evaluation.completion import choose_items, evaluate_completion
from lamlam.evaluation.perplexity import evaluate_perplexity
from lamlam.runtime.llama.model_file import check_file
from lamlam.trainer.documents import read_documents
from lamlam.trainer.synthetic.documents import invent


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty invented documents whose facts count as structured."""
    rng = random.Random(11)
    lines = []
    for document in (invent(rng) for _ in range(40)):
        facts = [[f.entity, f.relation, f.value] for f in document.facts]
        lines.append(
            {
                "title": document.title,
                "text": document.text,
                "facts": facts,
                "at": [f.at for f in document.facts],
                "by": "s" * len(facts),
                "source": "invented",
            }
        )
    path = tmp_path_factory.mktemp("documents") / "invented.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def test_items_are_chosen_by_the_protocol(documents: Path) -> None:
    """Structured facts behind the 20th character, shuffled by the seed, the first N."""
    lines = [json.loads(line) for line in documents.read_text(encoding="utf-8").splitlines()]
    slow = [
        (line["text"][:at].rstrip(" "), value)
        for line in lines
        for (_, _, value), at, by in zip(line["facts"], line["at"], line["by"], strict=True)
        if by == "s" and at > 20
    ]
    random.Random(3).shuffle(slow)
    fast = choose_items(list(read_documents(documents)), 10, 3)
    assert [(item.prompt, item.fact.value) for item in fast] == slow[:10]


def test_facts_of_unseen_documents_are_completed(documents: Path) -> None:
    """With memory most values are right, without it hardly any."""
    result = evaluate_completion(documents, items=25, show_progress=False)
    assert result["items"] == 25
    assert result["verbalise"] == "copy"
    assert {"exact_other_way", "memory_scope", "by_source", "seconds"} <= result.keys()
    exact, right, issued = (
        float(str(result[key])) for key in ("exact", "right_value", "lookup_issued")
    )
    assert exact >= 0.8
    assert issued >= right
    off = evaluate_completion(documents, items=25, no_memory=True, show_progress=False)
    assert off["memory_scope"] == "off"
    assert float(str(off["exact"])) <= 0.2
    assert off["lookup_issued"] == 0


def test_a_file_without_structured_facts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"title": "Ada", "text": "Ada, 1815.", "facts": [["Ada", "Born", "1815"]], "at": [5]}'
    )
    with pytest.raises(BadDocument, match="no structured fact"):
        evaluate_completion(path, show_progress=False)
    with pytest.raises(BadDocument, match="no document"):
        evaluate_perplexity(Path("/dev/null"), show_progress=False)


def test_perplexities_count_the_same_text(documents: Path) -> None:
    """Given lookups predict best; what the model must learn costs more than the text alone."""
    result = evaluate_perplexity(documents, items=6, show_progress=False)
    static, normalised, dynamic = (
        float(str(result[key])) for key in ("static", "normalised", "dynamic")
    )
    assert 1 < static < normalised
    assert static < dynamic
    assert 0 < float(str(result["per_byte"])) < 8


def test_scores_of_a_batch_equal_scores_token_by_token() -> None:
    """`Context.score` is the sum that one would take by hand."""
    from lamlam.runtime.llama.context import open_context, open_model

    path = model_path()
    with open_model(check_file(path)) as model:
        tokens = [model.bos, *model.tokenize(b"Oslo is the capital of Norway.", special=False)]
        with open_context(
            model, context=64, n_sequences=1, n_batch=16, threads=1, all_outputs=True
        ) as context:
            fast = context.score(tokens)
        with open_context(model, context=64, n_sequences=1, n_batch=16, threads=1) as context:
            slow = []
            for position, token in enumerate(tokens[:-1]):
                row = context.add(0, [token], position, is_last=True)
                context.decode()
                assert row is not None
                logits = context.logits(row).astype(np.float64)
                total = math.log(np.exp(logits - logits.max()).sum()) + logits.max()
                slow.append(float(logits[tokens[position + 1]] - total))
    # llama.cpp multiplies quantised weights in other blocks for a batch than for one token.
    assert np.allclose(fast, slow, atol=0.3)
    assert abs(fast.sum() - sum(slow)) < 0.02 * abs(sum(slow))


def test_a_model_without_lookup_tokens_runs_plain(documents: Path, tmp_path: Path) -> None:
    """Its figures need no memory, with the document's facts in the prompt or without."""
    from tests.tiny_model import write_tiny_model

    plain = tmp_path / "plain.gguf"
    write_tiny_model(plain, with_lookup_tokens=False, context=1024)
    for in_prompt in (False, True):
        result = evaluate_completion(
            documents, items=3, model=str(plain), facts_in_prompt=in_prompt, show_progress=False
        )
        assert result["lookup_issued"] == 0
        assert ("in the prompt" in str(result["memory_scope"])) is in_prompt
    perplexity = evaluate_perplexity(documents, items=2, model=str(plain), show_progress=False)
    assert perplexity["dynamic"] is None and float(str(perplexity["per_byte"])) > 0


def test_documents_longer_than_the_context_are_counted(tmp_path: Path) -> None:
    """Their beginnings are scored, and a fact too far behind is left out, not an error."""
    from tests.tiny_model import write_tiny_model

    model = tmp_path / "tiny.gguf"
    write_tiny_model(model, context=1024)
    text = "Ada Quill was born in Lowmere. " + "She sang in the choir of the town. " * 200
    long_one = {
        "title": "Ada Quill", "text": text + "She died in Dunholt.", "by": "ss",
        "facts": [["Ada Quill", "Birth Place", "Lowmere"], ["Ada Quill", "Death Place", "Dunholt"]],
        "at": [text.index("Lowmere"), len(text) + len("She died in ")],
    }  # fmt: skip
    short = {**long_one, "text": "Ada Quill was born in Lowmere.", "by": "s"}
    short |= {"facts": long_one["facts"][:1], "at": long_one["at"][:1]}
    path = tmp_path / "long.jsonl"
    path.write_text("\n".join(map(json.dumps, [long_one, short])), encoding="utf-8")
    result = evaluate_completion(path, model=str(model), show_progress=False)
    assert (result["items"], result["too_long"]) == (2, 1)
    perplexity = evaluate_perplexity(path, model=str(model), show_progress=False)
    assert (perplexity["documents"], perplexity["shortened"]) == (2, 1)
    path.write_text(json.dumps({**long_one, "by": "rs"}), encoding="utf-8")
    with pytest.raises(BadDocument, match="fits the model's context"):
        evaluate_completion(path, model=str(model), show_progress=False)
