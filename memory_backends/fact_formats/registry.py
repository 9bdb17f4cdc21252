"""The list of file formats: a new format is registered here."""

from __future__ import annotations

from lamlam.memory_backends.fact_formats.cypher import CYPHER
from lamlam.memory_backends.fact_formats.jsonl import JSONL
from lamlam.memory_backends.fact_formats.lmlm import LMLM
from lamlam.memory_backends.fact_formats.ntriples import RDF_FORMATS
from lamlam.memory_backends.fact_formats.tables import CSV, TSV

FORMATS = {one.name: one for one in (JSONL, CSV, TSV, *RDF_FORMATS, LMLM, CYPHER)}
"""By name, in the order of help texts."""
