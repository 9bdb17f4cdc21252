"""What people ask first: countries, elements, people and films, asked of the facts as they are.

The shipped set was written before anything was measured with it: questions and openings, each
with the values that are right. Memory is a store as it stands, so this measures model, wording
and facts together, and a fact that the store lacks counts as wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamlam.errors import BadDocument
from lamlam.evaluation.asking import can_look_up
from lamlam.evaluation.engines import in_order, open_asked_engine
from lamlam.evaluation.outcomes import item_id
from lamlam.evaluation.prompt_facts import with_facts
from lamlam.evaluation.set_files import read_items
from lamlam.evaluation.statistics import Share
from lamlam.evaluation.word_scores import NEAR
from lamlam.progress_bars import tracked

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.runtime.decoding.completion import Completion

FIRST_QUESTIONS_FILE = Path(__file__).with_name("first_questions.jsonl")
MAX_FIRST_TOKENS = 24
FORMS = ("open", "answer")


@dataclass(frozen=True, slots=True)
class FirstQuestion:
    """One question or opening."""

    id: str
    kind: str
    """What it is about: country, element, person or film."""
    prompt: str
    form: str
    """``open``: a right value is due right behind it; ``answer``: anywhere in the next line."""
    entity: str
    relation: str
    right: tuple[str, ...]
    """Any of them is right; where there is none, what the store holds of the relation."""

    @property
    def key(self) -> str:
        """A short name that is the same in every run."""
        return item_id(self.prompt, self.id)


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """A question, what was right, and what was written."""

    question: FirstQuestion
    right: tuple[str, ...]
    completion: Completion

    @property
    def written(self) -> str:
        """What the model wrote behind the prompt."""
        return self.completion.text[len(self.question.prompt) :]

    @property
    def is_right(self) -> bool:
        """A right value was written where it is due, and not as part of another word or number."""
        line = self.written.lstrip().partition("\n")[0]
        return any(self._stands(value, line) for value in self.right)

    def _stands(self, value: str, line: str) -> bool:
        last = NEAR if self.question.form == "open" else len(line)
        text, wanted = line.casefold(), value.casefold()
        at = text.find(wanted)
        while 0 <= at <= last:
            if _is_whole(text, at, at + len(wanted)):
                return True
            at = text.find(wanted, at + 1)
        return False


def _is_whole(text: str, start: int, end: int) -> bool:
    """Return whether a stretch is no part of a longer word or number: "6" in "6,700"."""
    before, behind = text[:start][-1:], text[end : end + 2]
    if before.isalnum() or behind[:1].isalnum():
        return False
    is_number = text[start:end][-1:].isdigit()
    return not (is_number and behind[:1] in (",", ".") and behind[1:].isdigit())


def read_first_questions(path: Path = FIRST_QUESTIONS_FILE) -> list[FirstQuestion]:
    """Return the questions of a file of JSON lines.

    Raises:
        BadDocument: the file cannot be read, or a line lacks a field.
    """
    found = []
    for line in read_items(path):
        form = line.text("form")
        if form not in FORMS:
            raise BadDocument(f"{line.where}: form must be open or answer, not {form!r}")
        names = ("id", "kind", "prompt")
        id_, kind, prompt = (line.text(name) for name in names)
        entity, relation = line.text("entity"), line.text("relation")
        right = line.texts("right")
        found.append(FirstQuestion(id_, kind, prompt, form, entity, relation, tuple(right)))
    return found


def evaluate_first_questions(
    items_file: Path | None = None,
    *,
    model: str = "bundled",
    memory: str = "bundled",
    policy: str | None = None,
    no_memory: bool = False,
    facts_in_prompt: bool = False,
    details: bool = False,
    show_progress: bool = True,
    namespace: Namespace = (),
) -> dict[str, object]:
    """Return the share of questions that were answered right, in all and by kind.

    Args:
        items_file: JSON lines; by default the shipped set.
        model: a GGUF file, or the bundled model.
        memory: the store that is asked, and only read.
        policy: what follows a miss.
        no_memory: forbid lookups; the store still says what is right.
        facts_in_prompt: for plain models: what the store holds of the entity stands above the
            prompt.
        details: list what was written and asked where it was wrong.
        show_progress: show a bar.
        namespace: whose facts are asked for, alone.
    """
    questions = read_first_questions(items_file or FIRST_QUESTIONS_FILE)
    started = time.monotonic()
    how = _How(model, memory, policy, namespace, no_memory, facts_in_prompt)
    asked = _ask(questions, how)
    shown = tracked(asked, "asking", wanted=show_progress, total=len(questions))
    answered = list(shown)
    kinds = dict.fromkeys(one.kind for one in questions)
    of_kind = {
        kind: _figures([one for one in answered if one.question.kind == kind]) for kind in kinds
    }
    result: dict[str, object] = {
        **_figures(answered),
        "seconds": round(time.monotonic() - started, 2),
        "by_kind": of_kind,
    }
    if details:
        result["details"] = [_told(one) for one in answered if not one.is_right]
    return {**result, "outcomes": {one.question.key: one.is_right for one in answered}}


@dataclass(frozen=True, slots=True)
class _How:
    """How the questions are asked."""

    model: str
    memory: str
    policy: str | None
    namespace: Namespace
    no_memory: bool
    facts_in_prompt: bool

    @property
    def is_plain(self) -> bool:
        """The model makes no lookups, or is not to make any."""
        return self.facts_in_prompt or not can_look_up(self.model)

    @property
    def options(self) -> dict[str, Any]:
        """Of each generation."""
        options: dict[str, Any] = {"max_tokens": MAX_FIRST_TOKENS}
        if self.is_plain or self.no_memory:
            return options
        if self.policy is not None:
            options["policy"] = self.policy
        if self.namespace:
            options |= {"namespace": self.namespace, "shared_namespace": None}
        return options


def _ask(questions: Sequence[FirstQuestion], how: _How) -> Iterator[AnsweredQuestion]:
    from lamlam.memory_backends.sync import SyncFactStore

    url = None if how.is_plain or how.no_memory else how.memory
    plain = {"plain": True} if how.is_plain else {}
    with (
        SyncFactStore(how.memory, read_only=True) as store,
        open_asked_engine(how.model, url, plain) as engine,
    ):
        right, told = {}, {one: one.prompt for one in questions}
        for one in questions:
            kept = store.lookup(one.entity, one.relation, namespace=how.namespace).values
            right[one] = tuple(one.right or kept)
            if how.facts_in_prompt:
                own = store.scan(one.entity, namespace=how.namespace)
                facts = [(fact.entity, fact.relation, fact.surface) for fact in own]
                told[one] = with_facts(one.prompt, facts)

        def answered(one: FirstQuestion) -> AnsweredQuestion:
            done = engine.generate(told[one], **how.options)
            text = one.prompt + done.text[len(told[one]) :]
            return AnsweredQuestion(one, right[one], replace(done, text=text))

        yield from in_order(answered, questions)


def _figures(answered: Sequence[AnsweredQuestion]) -> dict[str, float]:
    right = Share(sum(one.is_right for one in answered), len(answered))
    low, high = right.interval
    return {"n": len(answered), "right": right.value, "low": low, "high": high}


def _told(one: AnsweredQuestion) -> dict[str, Any]:
    return {
        "id": one.question.id,
        "prompt": one.question.prompt,
        "right": list(one.right),
        "written": one.written,
        "lookups": [
            {"entity": lookup.entity, "relation": lookup.relation, "value": lookup.value}
            for lookup in one.completion.lookups
        ],
    }
