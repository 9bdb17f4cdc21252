"""A model without a memory is told above its prompts what memory would hold, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.errors import UsageError
from lamlam.evaluation.audit import evaluate_audit
from lamlam.evaluation.first_questions import evaluate_first_questions, read_first_questions
from lamlam.evaluation.invented import evaluate_invented, load_invented
from lamlam.evaluation.other_words import WordSettings, evaluate_other_words
from lamlam.evaluation.prompt_facts import IN_PROMPT
from lamlam.evaluation.wordings import evaluate_wordings
from lamlam.memory_backends.sync import SyncFactStore
from tests.evaluation.scripted_engine import AskingEngine
from tests.evaluation.test_audit import files
from tests.evaluation.word_sets import CAPITALS, TONGUES, pararel_lines, question_lines, write_set

__all__ = ["files"]
TOLD = WordSettings(facts_in_prompt=True, show_progress=False)


def test_facts_of_the_entity_stand_above_an_open_sentence(
    engine: type[AskingEngine], tmp_path: Path
) -> None:
    """Each in a line; no memory is opened, and items keep the names that other runs give them."""
    path = write_set(tmp_path, pararel_lines())
    told = evaluate_other_words("pararel", path, items=6, settings=TOLD)
    assert set(engine.opened) == {None}
    entity = next(name for name in CAPITALS if engine.asked[0].startswith(name))
    above, _, prompt = engine.asked[0].partition("\n\n")
    assert above.splitlines() == [
        f"{entity}, capital: {CAPITALS[entity]}",
        f"{entity}, official language: {TONGUES[entity]}",
    ]
    assert entity in prompt
    assert told["memory_scope"] == IN_PROMPT
    off = WordSettings(memory_off=True, show_progress=False)
    plain = evaluate_other_words("pararel", path, items=6, settings=off)
    assert told["outcomes"].keys() == plain["outcomes"].keys()  # type: ignore[attr-defined]


def test_a_question_ends_where_its_answer_is_due(
    engine: type[AskingEngine], tmp_path: Path
) -> None:
    path = write_set(tmp_path, question_lines())
    evaluate_other_words("questions", path, items=1, settings=TOLD)
    assert "\n\nQuestion: " in engine.asked[0]
    assert engine.asked[0].endswith("?\nAnswer:")


def test_our_own_sets_are_told_alike(engine: type[AskingEngine]) -> None:
    """Wordings, invented entities and first questions have their facts above the prompt, too."""
    evaluate_wordings(items=2, settings=TOLD)
    evaluate_invented(items=1, facts_in_prompt=True, verbalise="copy", show_progress=False)
    evaluate_first_questions(facts_in_prompt=True, show_progress=False)
    facts, items = load_invented()
    own = [one for one in facts if one.entity == items[0].fact.entity]
    wordings, invented, first = engine.asked[:2], engine.asked[2], engine.asked[3]
    assert all("\n\n" in prompt for prompt in wordings)
    assert invented == (
        "".join(f"{one.entity}, {one.relation}: {one.value}\n" for one in own)
        + f"\n{items[0].prompt}"
    )
    entity = first.partition(",")[0]
    with SyncFactStore("bundled", read_only=True) as store:
        assert len(list(store.scan(entity))) == first.partition("\n\n")[0].count("\n") + 1


@pytest.mark.parametrize("facts_in_prompt", [False, True])
def test_a_first_question_is_asked_once(
    engine: type[AskingEngine], *, facts_in_prompt: bool
) -> None:
    """And alone, where no facts are told."""
    evaluate_first_questions(facts_in_prompt=facts_in_prompt, show_progress=False)
    questions = read_first_questions()
    assert len(engine.asked) == len(questions)
    for asked, one in zip(engine.asked, questions, strict=True):
        above, _, own = asked.rpartition("\n\n")
        assert facts_in_prompt or not above
        own = own.removeprefix("\n")  # of a name that memory does not have
        assert own in (one.prompt, f"Question: {one.prompt}\nAnswer:")
        assert facts_in_prompt or own == one.prompt


def test_a_deleted_fact_stands_above_no_prompt(
    files: tuple[Path, list[Path]], engine: type[AskingEngine]
) -> None:
    """FULL has all facts of the subject, DEL-ON all but the target's, DEL-OFF none."""
    figures = evaluate_audit(*files, facts_in_prompt=True, show_progress=False)
    full, del_on, del_off = engine.asked[:4], engine.asked[4:8], engine.asked[8:]
    assert "Lowmere, Seat: Ostrand" in full[0] and "Lowmere, Seat: Vell" in full[0]
    assert "Ostrand" not in del_on[0] and "Lowmere, Seat: Vell" in del_on[0]
    assert not any("\n\n" in prompt for prompt in del_off)
    assert figures["n"] == 4


def test_it_excludes_what_needs_a_memory() -> None:
    with pytest.raises(UsageError, match="facts_in_prompt and curve"):
        WordSettings(facts_in_prompt=True, curve=True)
