"""The facts that worded documents are written from: of training documents and of a file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from lamlam.errors import BadDocument, BadFact
from lamlam.memory_backends.model.values import from_json, surface_of
from lamlam.trainer.documents import UNREADABLE, Document, name_of, open_text
from lamlam.trainer.settings import DataConfig
from lamlam.trainer.split import is_held_out
from lamlam.trainer.synthetic.worded.known import facts_of_documents, held_entities
from lamlam.trainer.synthetic.worded.worded import WordedWriter

log = logging.getLogger(__name__)


def read_fact_lines(path: Path | str) -> Iterator[tuple[str, str, str]]:
    """Yield entity, relation and value of each fact in a file of facts; ``-`` is standard input.

    Values are the texts that a model writes for them. Aliases and rules of relations, which
    an export has too, are passed over.

    Raises:
        BadDocument: the file cannot be read, or a line is not a fact.
    """
    try:
        with open_text(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip() and (fact := _fact(line, f"{name_of(path)}, line {number}")):
                    yield fact
    except UNREADABLE as problem:
        why = (problem.strerror if isinstance(problem, OSError) else None) or problem
        raise BadDocument(f"cannot read {name_of(path)}: {why}") from None


def _fact(line: str, where: str) -> tuple[str, str, str] | None:
    try:
        fields = _JSON.decode(line)
        if "value" not in fields and fields.keys() & _OTHER_LINES:
            return None
        entity, relation = fields["entity"], fields["relation"]
        value = fields.get("surface") or surface_of(from_json(fields["value"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, BadFact) as problem:
        raise _not_a_fact(where) from problem
    if not all(isinstance(part, str) for part in (entity, relation, value)):
        raise _not_a_fact(where)
    return entity, relation, value


_JSON = json.JSONDecoder(parse_float=Decimal)
_OTHER_LINES = {"alias", "cardinality"}


def _not_a_fact(where: str) -> BadDocument:
    return BadDocument(
        f"{where} is not a fact",
        hint='a line is {"entity": ..., "relation": ..., "value": ...}; '
        "lamlam facts export writes such files",
    )


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
