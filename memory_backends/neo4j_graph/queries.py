"""All Cypher of the store. Names of labels are put in once; all else is a parameter.

The subset that Neo4j 5.26 and the calendar releases share, in Cypher 5 and in Cypher 25.

The model. Each version of a fact is a node (``Fact`` while it holds, ``Past`` afterwards),
``ABOUT`` its ``Entity``; a value that is an entity is also an edge ``VALUE``. A fact is seen at a
revision ``r`` where ``asserted <= r < retracted``: a reader that fixes ``r`` first sees one state
whatever is committed meanwhile, which the isolation of Neo4j alone would not give. An entity
without facts that history or values still name is ``Bare`` too.
"""

from __future__ import annotations

from dataclasses import dataclass

from lamlam.memory_backends.neo4j_graph.commit_queries import MADE
from lamlam.memory_backends.neo4j_graph.search_queries import SEARCH_STATE

FACT_COLUMNS = (
    "relation", "key", "value", "sources", "asserted", "confidence", "code", "valid_from",
    "valid_to", "seq",
)  # fmt: skip
_FACT = FACT_ROW = "[" + ", ".join(f"f.{column}" for column in FACT_COLUMNS) + "]"
# The first stores had merges without revisions.
_MERGE = (
    "[m.kept, m.merged, m.merged_name, m.moved, m.shared, m.aliases,"
    " coalesce(m.since, 0), m.until, coalesce(m.stands, true)]"
)
# Written out: `SET f = fact` looks every name up again for every row.
_NEW_FACTS = (
    "UNWIND row.facts AS fact CREATE (:@Fact {"
    + ", ".join(f"{name}: fact.{name}" for name in ("id", "fact_id", *FACT_COLUMNS))
    + "})-[:ABOUT]->(e)"
)
HELD = "f.asserted <= at AND coalesce(f.retracted, at + 1) > at"


@dataclass(frozen=True, slots=True)
class Queries:
    """The statements for one prefix of labels."""

    prefix: str

    def _(self, text: str) -> str:
        """Put the prefix before labels, which are written ``:@Name``."""
        return text.replace("@", self.prefix)

    # Reading: every answer begins with the store's revision -----------------------------------------

    @property
    def state(self) -> str:
        """Schema, revision, secret, version of keys and what is on, of the store node."""
        return self._(
            "MATCH (s:@Store {id: 'store'})"
            " RETURN s.schema, s.revision, s.secret, s.keys, coalesce(s.edges, false)"
        )

    @property
    def revision(self) -> str:
        """The store's revision."""
        return self._("MATCH (s:@Store {id: 'store'}) RETURN s.revision")

    @property
    def entities(self) -> str:
        """Entities of ``$ids`` as held at ``$at`` (or now), those behind aliases, near names."""
        facts = (
            "COLLECT { MATCH (e)<-[:ABOUT]-(f)"
            f" WHERE {HELD} RETURN {_FACT} ORDER BY f.seq, f.asserted }}"
        )
        return self._(
            "MATCH (s:@Store {id: 'store'})"
            " WITH s.revision AS revision, s.rules_at AS rules_at"
            " WITH revision, rules_at, coalesce($at, revision) AS at"
            " RETURN revision, rules_at,"
            " COLLECT { UNWIND $ids AS id MATCH (e:@Entity {id: id})"
            f" RETURN [e.key, e.name, {facts}] }},"
            " COLLECT { UNWIND $alias_ids AS id MATCH (a:@Alias {id: id})-[:NAMES]->(e:@Entity)"
            f" RETURN [a.key, e.key, e.name, {facts}] }}"
        )

    @property
    def candidates(self) -> str:
        """Keys of the entities indexed under each of ``$codes``."""
        return (
            "UNWIND $codes AS code"
            f" CALL db.index.fulltext.queryNodes('{self.near_index}', code) YIELD node"
            " RETURN code, collect(node.key)"
        )

    @property
    def referring(self) -> str:
        """Facts held at ``$at`` whose value is an entity of ``$ids``, each with its owner.

        Or has one of its other names, unless that was an entity itself at ``$at``.
        """
        return self._(
            "WITH $at AS at UNWIND $ids AS id"
            " CALL (id, at) { MATCH (v:@Entity {id: id}) RETURN v"
            " UNION MATCH (a:@Alias)-[:NAMES]->(:@Entity {id: id})"
            " MATCH (v:@Entity {id: a.id})"
            f" WHERE NOT EXISTS {{ MATCH (v)<-[:ABOUT]-(f) WHERE {HELD} }} RETURN v }}"
            " MATCH (v)<-[:VALUE]-(f)"
            f" WHERE {HELD} MATCH (f)-[:ABOUT]->(e:@Entity)"
            f" RETURN id, e.key, e.name, {_FACT} ORDER BY e.key, f.seq"
        )

    @property
    def rules(self) -> str:
        """All rules, in the order of definition."""
        return self._(
            "MATCH (r:@Rule) RETURN r.name, r.cardinality, r.value_type, r.inverse"
            " ORDER BY r.number"
        )

    @property
    def entities_after(self) -> str:
        """A batch of entities by id, with the facts that they held at ``$at``."""
        return self._(
            "MATCH (e:@Entity) WHERE e.id > $after"
            " WITH e ORDER BY e.id LIMIT $batch WITH e, $at AS at"
            " RETURN e.id, e.key, e.name, COLLECT { MATCH (e)<-[:ABOUT]-(f)"
            f" WHERE {HELD} RETURN {_FACT} ORDER BY f.seq, f.asserted }},"
            " COLLECT { MATCH (a:@Alias)-[:NAMES]->(e) RETURN a.key ORDER BY a.key }"
        )

    @property
    def past(self) -> str:
        """Name and ended versions of the entities of ``$ids``."""
        return self._(
            "UNWIND $ids AS id MATCH (e:@Entity {id: id})<-[:ABOUT]-(f)"
            " WHERE f.retracted IS NOT NULL"
            f" RETURN e.key, e.name, f.retracted, {_FACT}"
            " ORDER BY f.retracted, f.asserted, f.seq"
        )

    @property
    def aliases_of(self) -> str:
        """Keys of the aliases of an entity."""
        return self._("MATCH (a:@Alias)-[:NAMES]->(:@Entity {id: $id}) RETURN a.key ORDER BY a.key")

    @property
    def counts(self) -> str:
        """How many facts hold, and how many entities have facts: from the server's counters."""
        return self._("RETURN COUNT { (:@Fact) }, COUNT { (:@Entity) } - COUNT { (:@Bare) }")

    # Writing: always behind the lock ----------------------------------------------------------------

    @property
    def lock(self) -> str:
        """Lock the store until the end of the transaction; the first commit of ``$token``."""
        return self._(
            "MATCH (s:@Store {id: 'store'}) SET s.writers = $token"
            " WITH s OPTIONAL MATCH (c:@Commit {id: $token})"
            " RETURN s.schema, s.revision, s.rules_at, coalesce(s.edges, false),"
            f" c.revision, c.facts, c.operations, {SEARCH_STATE}"
        )

    @property
    def named_entities(self) -> str:
        """All that an `apply` needs of the entities of ``$ids`` and of those behind aliases."""
        return self._(
            "UNWIND $ids AS id"
            " OPTIONAL MATCH (a:@Alias {id: id})-[:NAMES]->(holder:@Entity)"
            " WITH id, a.key AS alias, holder"
            " OPTIONAL MATCH (own:@Entity {id: id})"
            " UNWIND [own, holder] AS e WITH alias, holder, e WHERE e IS NOT NULL"
            " RETURN e.key, e.name,"
            " CASE WHEN e = holder THEN alias END,"
            " COLLECT { MATCH (e)<-[:ABOUT]-(f) WHERE f.retracted IS NULL"
            f" RETURN {_FACT} ORDER BY f.seq }},"
            " COLLECT { MATCH (b:@Alias)-[:NAMES]->(e) RETURN b.key ORDER BY b.number },"
            " COLLECT { MATCH (m:@Merge)-[:INTO]->(e) WHERE coalesce(m.stands, true)"
            f" RETURN {_MERGE} ORDER BY m.number }}"
        )

    @property
    def begin_entities(self) -> str:
        """Entities of ``$rows`` have facts now, these facts among them; they are found by codes."""
        return self._(
            "UNWIND $rows AS row MERGE (e:@Entity {id: row.id})"
            " SET e.key = row.key, e.name = row.name, e.namespace = row.namespace,"
            f" e.codes = row.codes REMOVE e:@Bare WITH e, row {_NEW_FACTS}"
        )

    @property
    def end_entities(self) -> str:
        """Entities of ``$ids`` have no facts any more."""
        return self._(
            "UNWIND $ids AS id MATCH (e:@Entity {id: id})"
            " SET e.codes = null, e.terms = null SET e:@Bare"
        )

    @property
    def begin_facts(self) -> str:
        """Versions of facts: ``$rows`` of an entity's id and the properties of its facts."""
        return self._(f"UNWIND $rows AS row MATCH (e:@Entity {{id: row.id}}) {_NEW_FACTS}")

    @property
    def begin_values(self) -> str:
        """Facts of ``$rows`` lead to the entity that is their value."""
        return self._(
            "UNWIND $rows AS row MATCH (f:@Fact {id: row.fact})"
            " MERGE (v:@Entity {id: row.id})"
            " ON CREATE SET v:@Bare, v.key = row.key, v.name = row.name,"
            " v.namespace = row.namespace"
            " CREATE (f)-[:VALUE]->(v)"
        )

    @property
    def change_facts(self) -> str:
        """Versions that began in this very transaction have other properties."""
        return self._("UNWIND $rows AS row MATCH (f:@Fact {id: row.id}) SET f = row")

    @property
    def end_facts(self) -> str:
        """Versions of ``$ids`` have ended; how many were found."""
        return self._(
            "UNWIND $ids AS id MATCH (f:@Fact {id: id})"
            " SET f.retracted = $revision SET f:@Past REMOVE f:@Fact RETURN count(f)"
        )

    @property
    def set_aliases(self) -> str:
        """Aliases of ``$rows`` name an entity, and no other."""
        return self._(
            "UNWIND $rows AS row MATCH (e:@Entity {id: row.entity})"
            " MERGE (a:@Alias {id: row.id}) SET a.key = row.key, a.number = row.number"
            " WITH a, e OPTIONAL MATCH (a)-[old:NAMES]->() DELETE old"
            " WITH DISTINCT a, e CREATE (a)-[:NAMES]->(e)"
        )

    @property
    def drop_aliases(self) -> str:
        """Remove the aliases of ``$ids``."""
        return self._("UNWIND $ids AS id MATCH (a:@Alias {id: id}) DETACH DELETE a")

    @property
    def add_merges(self) -> str:
        """Records of merges; what was kept may have come and gone in this very commit."""
        return self._(
            "UNWIND $rows AS row MERGE (e:@Entity {id: row.entity})"
            " ON CREATE SET e.key = row.record.kept, e.name = row.name,"
            " e.namespace = row.namespace, e:@Bare"
            " MERGE (m:@Merge {id: row.id}) SET m += row.record"
            " MERGE (m)-[:INTO]->(e)"
        )

    @property
    def end_merges(self) -> str:
        """Merges of ``$rows`` stand no longer."""
        return self._(
            "UNWIND $rows AS row MATCH (m:@Merge)-[:INTO]->(:@Entity {id: row.entity})"
            " WHERE m.merged = row.merged AND coalesce(m.stands, true)"
            " SET m.stands = false, m.until = row.until"
        )

    @property
    def drop_merges(self) -> str:
        """Remove records of merges."""
        return self._("UNWIND $ids AS id MATCH (m:@Merge {id: id}) DETACH DELETE m")

    @property
    def set_rules(self) -> str:
        """``$rows`` are all rules of the store."""
        return self._(
            "MATCH (s:@Store {id: 'store'}) SET s.rules_at = $revision"
            " WITH s OPTIONAL MATCH (old:@Rule) WHERE NOT old.id IN $ids DETACH DELETE old"
            " WITH DISTINCT s UNWIND $rows AS row MERGE (r:@Rule {id: row.id}) SET r = row"
        )

    @property
    def add_events(self) -> str:
        """Add events for the change log."""
        return self._("UNWIND $rows AS row CREATE (v:@Event) SET v = row")

    @property
    def commit(self) -> str:
        """The store has the revision; the commit is in the log."""
        return self._(
            "MATCH (s:@Store {id: 'store'}) SET s.revision = $revision"
            " CREATE (c:@Commit {id: $token}) SET c.revision = $revision, c.facts = $facts,"
            " c.at = datetime(), c.actor = $actor,"
            " c.operations = $operations, c.entities = $entities"
        )

    @property
    def remember(self) -> str:
        """A key of idempotency stands for a commit that changed nothing."""
        return self._(
            "CREATE (c:@Commit {id: $token}) SET c.facts = 0, c.revision = $revision,"
            " c.empty = true, c.at = datetime(), c.actor = $actor,"
            " c.operations = $operations, c.entities = $entities"
        )

    # Changes ----------------------------------------------------------------------------------------

    @property
    def commits(self) -> str:
        """Commits after a revision, oldest first."""
        return self._(
            "MATCH (c:@Commit) WHERE c.revision > $since AND c.revision <= $upto"
            " AND c.empty IS NULL"
            f" RETURN {MADE}, c.erased, c.erased_spaces, c.erased_facts"
            " ORDER BY c.revision LIMIT $batch"
        )

    @property
    def events(self) -> str:
        """Events of a range of commits."""
        return self._(
            "MATCH (v:@Event) WHERE v.revision > $since AND v.revision <= $upto"
            " RETURN v.revision, v.kind, v.key, v.name, v.other ORDER BY v.revision, v.number"
        )

    @property
    def touched(self) -> str:
        """Entities whose facts a range of commits changed."""
        return self._(
            "CALL () {"
            " MATCH (f:@Fact) WHERE f.asserted > $since AND f.asserted <= $upto"
            " MATCH (f)-[:ABOUT]->(e) RETURN f.asserted AS revision, e.key AS key"
            " UNION MATCH (f:@Past) WHERE f.asserted > $since AND f.asserted <= $upto"
            " MATCH (f)-[:ABOUT]->(e) RETURN f.asserted AS revision, e.key AS key"
            " UNION MATCH (f:@Past) WHERE f.retracted > $since AND f.retracted <= $upto"
            " MATCH (f)-[:ABOUT]->(e) RETURN f.retracted AS revision, e.key AS key"
            " } RETURN DISTINCT revision, key ORDER BY revision, key"
        )

    @property
    def versions(self) -> str:
        """Versions of the entities of ``$ids`` that began or ended in ``$revision``."""
        return self._(
            "UNWIND $ids AS id MATCH (e:@Entity {id: id})<-[:ABOUT]-(f)"
            " WHERE f.asserted = $revision OR f.retracted = $revision"
            f" RETURN e.key, e.name, f.retracted, {_FACT} ORDER BY f.seq, f.asserted"
        )

    # Erasing ----------------------------------------------------------------------------------------

    @property
    def all_versions(self) -> str:
        """Every version of the facts of the entities of ``$ids``, with the node's id."""
        return self._(
            "UNWIND $ids AS id MATCH (e:@Entity {id: id})<-[:ABOUT]-(f)"
            f" RETURN e.key, f.id, f.retracted, {_FACT}"
        )

    @property
    def merges_with(self) -> str:
        """Records of merges into entities of ``$keys`` and of them into others."""
        return self._(
            "MATCH (m:@Merge) WHERE m.kept IN $keys OR m.merged IN $keys"
            f" RETURN m.id, {_MERGE} ORDER BY m.number"
        )

    @property
    def thin_merges(self) -> str:
        """Records of merges of ``$rows`` have so much left."""
        return self._("UNWIND $rows AS row MATCH (m:@Merge {id: row.id}) SET m += row.record")

    @property
    def forget_merged_names(self) -> str:
        """Remove the names ``$keys`` from the records of merges."""
        return self._(
            "MATCH (m:@Merge) WHERE any(alias IN m.aliases WHERE alias IN $keys)"
            " SET m.aliases = [alias IN m.aliases WHERE NOT alias IN $keys]"
        )

    @property
    def erase_facts(self) -> str:
        """Remove the versions of ``$ids``, and entities that only their values named."""
        return self._(
            "UNWIND $ids AS id"
            " CALL (id) { MATCH (f:@Fact {id: id}) RETURN f UNION MATCH (f:@Past {id: id}) RETURN f }"
            " OPTIONAL MATCH (f)-[:VALUE]->(v) DETACH DELETE f"
            " WITH DISTINCT v WHERE v:@Bare AND NOT EXISTS { (v)<--() } DETACH DELETE v"
        )

    @property
    def erase_aliases(self) -> str:
        """Remove the aliases of the entities of ``$ids``, and return them."""
        return self._(
            "UNWIND $ids AS id MATCH (e:@Entity {id: id})"
            " CALL (e) { MATCH (a:@Alias)-[:NAMES]->(e)"
            " WITH a, {id: a.id, key: a.key} AS alias DETACH DELETE a"
            " RETURN collect(alias) AS aliases }"
            " RETURN aliases"
        )

    @property
    def free_names(self) -> str:
        """Other names that events give entities of ``$ids``, and ``$names``, where now free.

        Free: neither an entity, nor a former one, nor an alias.
        """
        return self._(
            "CALL () { UNWIND $ids AS id MATCH (v:@Event {entity_id: id})"
            " RETURN v.other AS key, v.other_id AS id"
            " UNION UNWIND $names AS name RETURN name.key AS key, name.id AS id }"
            " WITH DISTINCT key, id WHERE NOT id IN $ids"
            " AND NOT EXISTS { (:@Alias {id: id}) }"
            " AND NOT EXISTS { (:@Entity {id: id})<-[:ABOUT]-() }"
            " RETURN key, id"
        )

    @property
    def erase_events(self) -> str:
        """Remove events that name any of ``$ids``, as an entity or as another name of one."""
        return self._(
            "UNWIND $ids AS id"
            " CALL (id) { MATCH (v:@Event {entity_id: id}) DETACH DELETE v }"
            " CALL (id) { MATCH (v:@Event {other_id: id}) DETACH DELETE v }"
        )

    @property
    def erase_entities(self) -> str:
        """Remove entities of ``$ids``; where values of others name one, keep so much of it."""
        return self._(
            "UNWIND $ids AS id MATCH (e:@Entity {id: id})"
            " WITH e, [(e)<-[:VALUE]-(f) | f.value][0] AS named"
            " FOREACH (_ IN CASE WHEN named IS NULL THEN [1] ELSE [] END | DETACH DELETE e)"
            " FOREACH (_ IN CASE WHEN named IS NULL THEN [] ELSE [1] END |"
            " SET e.codes = null, e.terms = null SET e.name = named SET e:@Bare)"
        )

    @property
    def erase_unnamed(self) -> str:
        """Remove entities of ``$ids`` that nothing names any more."""
        return self._(
            "UNWIND $ids AS id MATCH (e:@Entity&@Bare {id: id})"
            " WHERE NOT EXISTS { (e)<--() } AND NOT EXISTS { (e)-->() } DELETE e"
        )

    @property
    def commit_erasure(self) -> str:
        """The store has the revision; the log says that something was erased, not what."""
        return self._(
            "MATCH (s:@Store {id: 'store'}) SET s.revision = $revision"
            " CREATE (c:@Commit {id: $token}) SET c.revision = $revision, c.facts = $facts,"
            " c.at = datetime(), c.actor = $actor, c.erased = $erased,"
            " c.erased_spaces = $spaces, c.erased_facts = $erased_facts"
        )

    # Names of the schema ----------------------------------------------------------------------------

    @property
    def near_index(self) -> str:
        """Name of the full-text index over the codes of near spellings."""
        return f"{self.prefix.lower()}_entity_codes"
