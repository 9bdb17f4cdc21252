"""IRIs that mean something here: lamlam's own, those of RDF itself, and of usual vocabularies."""

from __future__ import annotations

BASE = "urn:lamlam:"
ENTITY = f"{BASE}entity:"
RELATION = f"{BASE}relation:"
QUANTITY = f"{BASE}quantity"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
ALIAS = "http://www.w3.org/2004/02/skos/core#altLabel"
INVERSE = "http://www.w3.org/2002/07/owl#inverseOf"
IS_A = f"{RDF}type"
STATEMENT = f"{RDF}Statement"
PARTS = {f"{RDF}{name}": name for name in ("subject", "predicate", "object")}
LABELS = frozenset({LABEL, "http://www.w3.org/2004/02/skos/core#prefLabel"})

_DC = ("http://purl.org/dc/terms/", "http://purl.org/dc/elements/1.1/")
_SCHEMA = ("http://schema.org/", "https://schema.org/")
_QUALIFIER = "http://www.wikidata.org/prop/qualifier/"
ANNOTATIONS = (
    {
        f"{BASE}{name}": name
        for name in ("surface", "source", "confidence", "valid_from", "valid_to")
    }
    | {f"{prefix}source": "source" for prefix in _DC}
    | {f"{prefix}startDate": "valid_from" for prefix in _SCHEMA}
    | {f"{prefix}validFrom": "valid_from" for prefix in _SCHEMA}
    | {f"{prefix}endDate": "valid_to" for prefix in _SCHEMA}
    | {f"{prefix}validThrough": "valid_to" for prefix in _SCHEMA}
    | {
        "http://www.w3.org/ns/prov#wasDerivedFrom": "source",
        "http://www.w3.org/ns/prov#hadPrimarySource": "source",
        f"{_QUALIFIER}P580": "valid_from",
        f"{_QUALIFIER}P582": "valid_to",
    }
)
"""What statements about triples say of them, by the field of a fact that it fills."""
