"""The facts that worded documents are written from: of training documents and of a file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from lamlam.errors import BadDocument
from lamlam.trainer.documents import UNREADABLE, Document, name_of, open_text
from lamlam.trainer.settings import DataConfig
from lamlam.trainer.split import is_held_out
from lamlam.trainer.synthetic.worded.known import facts_of_documents, held_entities
from lamlam.trainer.synthetic.worded.worded import WordedWriter

log = logging.getLogger(__name__)


def read_fact_lines(path: Path | str) -> Iterator[tuple[str, str, str]]:
    """Yield entity, relation and value of each line of a file of facts; ``-`` is standard input.

    Raises:
        BadDocument: the file cannot be read, or a line is not a fact.
    """
    try:
        with open_text(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _fact(line, f"{name_of(path)}, line {number}")
    except UNREADABLE as problem:
        why = (problem.strerror if isinstance(problem, OSError) else None) or problem
        raise BadDocument(f"cannot read {name_of(path)}: {why}") from None


def _fact(line: str, where: str) -> tuple[str, str, str]:
    try:
        fields = json.loads(line)
        triple = tuple(fields[name] for name in ("entity", "relation", "value"))
    except (ValueError, TypeError, KeyError, RecursionError):
        triple = ()
    if len(triple) != 3 or not all(isinstance(part, str | int | float) for part in triple):
        raise BadDocument(
            f"{where} is not a fact",
            hint='a line is {"entity": ..., "relation": ..., "value": ...}; '
            "lamlam facts export writes such files",
        )
    entity, relation, value = map(str, triple)
    return entity, relation, value


def worded_writer(data: DataConfig, documents: Sequence[Document]) -> WordedWriter:
    """Return what writes documents from the facts of a training run.

    Facts of the file about titles that are held out are left out.

    Args:
        documents: those to train on.

    Raises:
        BadDocument: the file of facts cannot be read.
    """
    settings = data.worded_text
    if data.worded == 0:
        return WordedWriter([], settings)
    entities = facts_of_documents(documents)
    if settings.facts:
        triples = (
            triple
            for triple in read_fact_lines(settings.facts)
            if not is_held_out(triple[0], data.held_out)
        )
        entities += held_entities(triples)
    log.info("%d entities with facts to write about in anyone's words", len(entities))
    return WordedWriter(entities, settings)
