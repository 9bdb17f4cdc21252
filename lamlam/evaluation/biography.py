"""Does a text about an entity state facts that are right?

For each entity a text is written from an opening that names it. Every value that the text then
states, fetched or not, is checked by rule against what the store holds of the entity: right, wrong
or unsupported. What the rule can see is said in `stated_values` and `fact_checking`.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lamlam.errors import BadDocument, UsageError
from lamlam.evaluation.asking import can_look_up
from lamlam.evaluation.fact_checking import Subject, Verdict, judge_fetched, judge_parametric
from lamlam.evaluation.outcomes import item_id, share_fields
from lamlam.evaluation.stated_values import StatedValue, stated_values, words_of
from lamlam.evaluation.statistics import Share
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.standard_input import read_standard_input

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.decoding.spans import LookupRecord, Span

NAME = "{name}"
OPENING = NAME
VERDICTS: tuple[Verdict, ...] = ("right", "wrong", "unsupported")


@dataclass(frozen=True, slots=True)
class Statement:
    """A value that a text states, and whether it is right."""

    value: str
    verdict: Verdict
    origin: Literal["fact", "parametric"]
    relation: str | None
    """The relation that it was checked by: of the lookup or named by words; ``None`` for any."""
    start: int
    end: int


def evaluate_biography(
    *,
    memory: str = "bundled",
    items: int = 100,
    seed: int = 0,
    names: Path | None = None,
    opening: str = OPENING,
    max_tokens: int = 128,
    model: str = "bundled",
    no_memory: bool = False,
    namespace: Namespace = (),
    show_progress: bool = True,
    **engine_options: Any,  # passed on to Engine: experiments vary its settings
) -> dict[str, object]:
    """Return how many of the stated facts are right, wrong and unsupported by the store.

    Args:
        memory: URL of the store that texts are written with and checked against.
        items: how many entities.
        seed: which entities of the store; of a file of names the first ones are taken.
        names: a file of names, one a line.
        opening: the prompt, with ``{name}`` where the name goes.
        max_tokens: of each text.
        no_memory: write without lookups; the texts are checked against the store all the same.
        namespace: whose facts the texts are written with and checked against, alone.

    Returns:
        ``n`` entities, ``unknown`` of them without facts in the store, ``statements``,
        ``right``, ``wrong``, ``unsupported`` (shares of the statements), ``precision`` (the
        share of right ones, as a number), ``from_memory`` and ``parametric`` (counts by
        origin), ``per_text`` (means), ``outcomes`` and ``texts``.

    Raises:
        UsageError: the opening does not say where the name goes.
        BadDocument: there is no name to write about.
    """
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.progress_bars import tracked
    from lamlam.runtime.sync import SyncEngine

    if NAME not in opening:
        raise UsageError(
            f"the opening {opening!r} does not name the entity",
            hint="put {name} where the name goes",
        )
    with SyncFactStore(memory, create=False, read_only=True) as store:
        subjects = _chosen(store, items, seed, names, namespace)
    options = dict(engine_options)
    if not can_look_up(model):
        options["plain"] = True
        no_memory = True
    whose: dict[str, Any] = {}
    if namespace and not no_memory:
        whose = {"namespace": namespace, "shared_namespace": None}
    started = time.monotonic()
    texts: list[tuple[Subject, str, list[Statement]]] = []
    with SyncEngine(model=model, memory=None if no_memory else memory, **options) as engine:
        for subject in tracked(subjects, "writing", wanted=show_progress):
            prompt = opening.replace(NAME, subject.name).rstrip(" ")
            completion = engine.generate(prompt, max_tokens=max_tokens, **whose)
            found = statements(completion, len(prompt), subject)
            texts.append((subject, completion.text, found))
    return {
        "n": len(subjects),
        "unknown": sum(not subject.held for subject in subjects),
        **summarise([found for _, _, found in texts]),
        "seconds": round(time.monotonic() - started, 2),
        "outcomes": {
            item_id(opening, subject.name): is_right(found) for subject, _, found in texts
        },
        "texts": [
            {
                "name": subject.name,
                "text": text,
                "statements": [asdict(one) for one in found],
            }
            for subject, text, found in texts
        ],
    }


def statements(completion: Completion, start: int, subject: Subject) -> list[Statement]:
    """Return the values that a text states from an offset on, each checked; repeats count once."""
    text = completion.text
    spans = {span.start: span for span in completion.spans if span.origin == "fact"}
    known = {word for name in (*subject.names, text[:start]) for word in words_of(name)}
    fetched = [StatedValue(s.start, s.end, text[s.start : s.end], "name") for s in spans.values()]
    free = [
        one
        for one in stated_values(text, start, known)
        if not any(one.start < span.end and span.start < one.end for span in spans.values())
        and not (one.end == len(text) and completion.finish_reason == "length")  # half a word
    ]
    found: list[Statement] = []
    before: StatedValue | None = None
    seen: set[tuple[str, str | None]] = set()
    for one in sorted([*fetched, *free], key=lambda value: value.start):
        span = spans.get(one.start)
        if span is None:
            verdict, relation = judge_parametric(text, one, before, subject)
        else:
            one = _with_kind(one)
            verdict, relation = _check_fetched(completion, span, one, before, subject)
        before = one
        said = one.text.casefold(), relation if relation in subject.held else None
        if said not in seen:
            seen.add(said)
            origin: Literal["fact", "parametric"] = "parametric" if span is None else "fact"
            found.append(Statement(one.text, verdict, origin, relation, one.start, one.end))
    return found


def is_right(found: Sequence[Statement]) -> bool:
    """Return whether a text states something right and nothing wrong."""
    verdicts = {one.verdict for one in found}
    return "right" in verdicts and "wrong" not in verdicts


def summarise(texts: Sequence[Sequence[Statement]]) -> dict[str, object]:
    """Return counts and shares over the statements of all texts."""
    everything = [one for found in texts for one in found]
    n = len(everything)
    counts = Counter(one.verdict for one in everything)
    share = {verdict: Share(counts[verdict], n) for verdict in VERDICTS}
    shares = {verdict: share_fields(share[verdict]) for verdict in VERDICTS}
    means = {verdict: round(counts[verdict] / max(len(texts), 1), 3) for verdict in VERDICTS}
    return {
        "statements": n,
        **{str(verdict): fields for verdict, fields in shares.items()},
        "precision": round(share["right"].value, 4),
        "from_memory": _by_origin(everything, "fact"),
        "parametric": _by_origin(everything, "parametric"),
        "per_text": {
            "statements": round(n / max(len(texts), 1), 3),
            **{str(verdict): mean for verdict, mean in means.items()},
            "without_statement": sum(not found for found in texts),
        },
    }


def _by_origin(everything: Iterable[Statement], origin: str) -> dict[str, int]:
    counts = Counter(one.verdict for one in everything if one.origin == origin)
    return {"statements": counts.total(), **{verdict: counts[verdict] for verdict in VERDICTS}}


def _check_fetched(
    completion: Completion,
    span: Span,
    stated: StatedValue,
    before: StatedValue | None,
    subject: Subject,
) -> tuple[Verdict, str | None]:
    """Return the verdict on a fetched value, by its lookup.

    A value of another entity is right where the text has named that entity (it is then taken for a
    statement about it), otherwise wrong.
    """
    lookup = _lookup_of(completion.lookups, span)
    if lookup is None:
        return judge_parametric(completion.text, stated, before, subject)
    relation = relation_key(lookup.relation)
    if lookup.match is not None and lookup.match.relation.matched:
        relation = relation_key(lookup.match.relation.matched)
    asked = {canonical_key(lookup.entity)}
    if lookup.match is not None and lookup.match.entity.matched:
        asked = {canonical_key(lookup.match.entity.matched)}
    if asked & subject.names:
        return judge_fetched(completion.text, stated, before, subject, relation)
    is_named = canonical_key(lookup.entity) in canonical_key(completion.text[: span.start])
    return ("right" if is_named else "wrong"), relation


def _lookup_of(lookups: Sequence[LookupRecord], span: Span) -> LookupRecord | None:
    """Return the lookup that wrote a span: the last with its fact before it."""
    near = [one for one in lookups if one.value is not None and one.at <= span.start]
    same = [one for one in near if one.fact_id == span.fact_id]
    return same[-1] if same else None


def _with_kind(value: StatedValue) -> StatedValue:
    """Return a fetched value as the kind that its text has."""
    for one in stated_values(value.text):
        if one.text == value.text:
            return StatedValue(value.start, value.end, value.text, one.kind)
    is_number = value.text[:1].isdigit()
    return StatedValue(value.start, value.end, value.text, "number" if is_number else "name")


def _chosen(
    store: SyncFactStore, items: int, seed: int, names: Path | None, namespace: Namespace
) -> list[Subject]:
    """Return the entities to write about: the first of a file, or some of the store."""
    if names is not None:
        wanted = _names_in(names)[:items]
        if not wanted:
            raise BadDocument(f"{names} has no name", hint="write one name a line")
        return [_subject(store, name, namespace) for name in wanted]
    known = [one.name for one in store.entities(namespace=namespace) if one.facts]
    random.Random(seed).shuffle(known)
    if not known:
        raise BadDocument(
            "the memory holds no fact to check a text against",
            hint="name one with facts: --memory URL",
        )
    return [_subject(store, name, namespace) for name in known[:items]]


def _subject(store: SyncFactStore, name: str, namespace: Namespace) -> Subject:
    held: dict[str, list[str]] = {}
    names = {canonical_key(name)}
    for fact in store.scan(name, namespace=namespace, include_expired=True):
        names.add(canonical_key(fact.entity))
        held.setdefault(relation_key(fact.relation), []).append(fact.surface or str(fact.value))
    if held:
        names.update(store.aliases(name, namespace=namespace))
    return Subject(name, {key: tuple(values) for key, values in held.items()}, frozenset(names))


def _names_in(file: Path) -> list[str]:
    try:
        text = read_standard_input() if str(file) == "-" else file.read_text("utf-8-sig", "replace")
    except OSError as error:
        raise BadDocument(
            f"cannot read {file}: {error.strerror}", hint="give a file with one name a line"
        ) from None
    return [name for line in text.splitlines() if (name := line.strip())]
