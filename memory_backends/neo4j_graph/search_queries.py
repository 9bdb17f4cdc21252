"""Cypher about the search index: what the store node says of it, and the terms of entities."""

from __future__ import annotations

SEARCH_STATE = "[s.search, s.search_at, s.search_by, s.search_version]"
"""Column of a store node ``s``: fields that are indexed, up to which revision, who makes it."""
TOUCHED = (
    "CALL () {"
    " MATCH (f:@Fact) WHERE f.asserted > $since MATCH (f)-[:ABOUT]->(e) RETURN e.id AS id"
    " UNION MATCH (f:@Past) WHERE f.asserted > $since MATCH (f)-[:ABOUT]->(e) RETURN e.id AS id"
    " UNION MATCH (f:@Past) WHERE f.retracted > $since MATCH (f)-[:ABOUT]->(e) RETURN e.id AS id"
    " UNION MATCH (v:@Event) WHERE v.revision > $since"
    " UNWIND [v.entity_id, v.other_id] AS id RETURN id"
    " UNION MATCH (c:@Commit) WHERE c.revision > $since UNWIND c.erased AS id RETURN id"
    " } WITH DISTINCT id WHERE id IS NOT NULL RETURN id"
)
"""Ids of entities that commits after a revision changed, or may have."""
SET_TERMS = "UNWIND $rows AS row MATCH (e:@Entity {id: row.id}) SET e.terms = row.terms"
DROP_TERMS = "UNWIND $ids AS id MATCH (e:@Entity {id: id}) SET e.terms = null"
IN_STEP = "MATCH (s:@Store {id: 'store'}) SET s.search_at = $revision"
BEGIN = (
    "MATCH (s:@Store {id: 'store'}) SET s.search = $fields, s.search_at = s.revision,"
    " s.search_by = $token, s.search_version = $version"
)
END = "MATCH (s:@Store {id: 'store'}) REMOVE s.search_by"
FORGET = (
    "MATCH (s:@Store {id: 'store'}) REMOVE s.search, s.search_at, s.search_by, s.search_version"
)
STATE = f"MATCH (s:@Store {{id: 'store'}}) RETURN s.revision, s.rules_at, {SEARCH_STATE}"
FIND = "CALL db.index.fulltext.queryNodes($index, $asked, {limit: $most}) YIELD node RETURN node.id"
NAMES_OF = (
    "UNWIND $ids AS id MATCH (e:@Entity {id: id}) WHERE EXISTS { (e)<-[:ABOUT]-(:@Fact) }"
    " RETURN e.id, e.key, e.name"
)
NAMES_AFTER = (
    "MATCH (e:@Entity) WHERE e.id > $after AND EXISTS { (e)<-[:ABOUT]-(:@Fact) }"
    " WITH e ORDER BY e.id LIMIT $batch RETURN e.id, e.key, e.name ORDER BY e.id"
)
WITH_TERMS_AFTER = (
    "MATCH (e:@Entity) WHERE e.id > $after WITH e ORDER BY e.id LIMIT $batch"
    " WITH e, e.id AS id SET e.terms = null RETURN max(id)"
)
