"""Formats of fact files, one module each: bytes to operations, and operations to bytes.

``jsonl`` keeps all that a store holds, ``cypher`` and ``ntriples`` too, whose modules ``rdf_*`` read all syntaxes of RDF; ``tables`` keeps facts
without aliases and rules, ``lmlm`` entity, relation and text.
"""
