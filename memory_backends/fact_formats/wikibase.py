"""What a dump of Wikidata, or of another Wikibase, has besides facts: left out, and counted.

Facts are its direct properties (``…/prop/direct/P19``), called by the labels of the properties
(``…/entity/P19``). The same statements in full, with their ranks and references, descriptions of
properties and of pages, and unknown values are not facts here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lamlam.memory_backends.fact_formats.rdf_syntax import RdfRow
from lamlam.memory_backends.fact_formats.rdf_vocabulary import IS_A

_ONTOLOGY = ("http://wikiba.se/ontology#", "http://www.wikidata.org/ontology#")
_ABOUT = "http://schema.org/about"
_NAME = "http://schema.org/name"
_ITEM = re.compile(r"https?://[^/]+/entity/[QL]\d+", re.ASCII)
_ENTITY = re.compile(r"https?://[^/]+/entity/[A-Z]\d+\S*", re.ASCII)  # senses, forms, pictures too
_PROPERTY = re.compile(r"https?://[^/]+/(?:entity|prop(?:/[a-z-]+)*)/P\d+", re.ASCII)
_DIRECT = re.compile(r"https?://[^/]+/prop/direct/P\d+", re.ASCII)
_IN_FULL = re.compile(r"https?://[^/]+/prop/(?!direct/)(?:[a-z-]+/)*P\d+", re.ASCII)
_NODE = re.compile(
    r"https?://[^/]+/(?:entity/statement/[qQpPlL]\d+\S*|(?:reference|value)/[0-9a-f]{20,})",
    re.ASCII,
)
_NUMBER = re.compile(r"[PQ]\d+", re.ASCII)

IN_FULL = "statements of Wikibase in full (their direct properties are read)"
RECORDS = "what Wikibase says of its own records"
OF_PROPERTIES = "what is said of properties"
OF_PAGES = "what is said of pages about entities"
UNKNOWN = "unknown values"


def left_out_run(run: Sequence[RdfRow]) -> str | None:
    """Return as what all triples of one subject are left out, or ``None``; not their labels."""
    subject = run[0].subject
    if _NODE.fullmatch(subject):
        return IN_FULL
    if _PROPERTY.fullmatch(subject):
        return OF_PROPERTIES
    if any(row.predicate == _ABOUT and _ITEM.fullmatch(row.text) for row in run):
        return OF_PAGES
    return None


def left_out_row(row: RdfRow) -> str | None:
    """Return as what a triple is left out, or ``None`` if it is a fact."""
    predicate = row.predicate
    if predicate.startswith(_ONTOLOGY) or (predicate == IS_A and row.text.startswith(_ONTOLOGY)):
        return RECORDS
    if "/prop/" in predicate:
        if _IN_FULL.fullmatch(predicate):
            return IN_FULL
        if row.datatype is None and _DIRECT.fullmatch(predicate) and _is_unknown(row.text):
            return UNKNOWN
    # The same as the label, once more.
    return RECORDS if predicate == _NAME and _ITEM.fullmatch(row.subject) else None


def is_address(row: RdfRow) -> bool:
    """Return whether the object of a direct property is an address of the web and no entity.

    Official sites and picture files are IRIs in a dump; named as entities, they would lose the
    address.
    """
    is_direct = row.datatype is None and _DIRECT.fullmatch(row.predicate) is not None
    return is_direct and _ENTITY.fullmatch(row.text) is None


def is_number(name: str) -> bool:
    """Return whether a name is only a number of Wikidata, as "P19": its label is missing."""
    return _NUMBER.fullmatch(name) is not None


def _is_unknown(value: str) -> bool:
    return value.startswith("_:") or "/.well-known/genid/" in value
