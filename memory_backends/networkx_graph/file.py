"""A `GraphStore` as one JSON file: the graph in NetworkX's node-link form, our tables beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import networkx as nx

from lamlam.errors import BadStore, LamLamError, SchemaMismatch, StoreMissing, Unavailable
from lamlam.memory_backends.commits.changes import CommitEvent, ErasedFacts
from lamlam.memory_backends.commits.idempotency import KeptOperations
from lamlam.memory_backends.model.entity_reader import MergeRecord
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.keys import KEY_VERSION
from lamlam.memory_backends.model.lookups import PastVersion, StoredFact
from lamlam.memory_backends.model.old_keys import REKEYED
from lamlam.memory_backends.model.operations import Commit, Revision
from lamlam.memory_backends.model.relation_rules import RelationRule, RelationRules
from lamlam.memory_backends.model.values import ValueType
from lamlam.memory_backends.networkx_graph.commit_log import CommitLog, LoggedCommit
from lamlam.memory_backends.networkx_graph.key_migration import rekeyed_state
from lamlam.memory_backends.networkx_graph.state import Graph, GraphState, Node
from lamlam.special_files import what_else
from lamlam.unfinished_files import part_beside

SCHEMA_VERSION = 1
_FORMAT = "lamlam memory"

FileState = tuple[int, int, int]
"""Time, size and inode: differs after each write of a file."""


@dataclass(slots=True)
class FileContents:
    """What a store in memory is made of."""

    secret: bytes
    revision: int
    state: GraphState
    log: CommitLog
    steps: tuple[str, ...] = ()
    """What was done to the contents of an older file when it was read."""


def read_file(path: Path) -> tuple[FileContents, FileState]:
    """Return what a file holds.

    Raises:
        StoreMissing: there is none.
        BadStore: it is another kind of file, or damaged.
        SchemaMismatch: a newer version wrote it.
        Unavailable: it cannot be read.
    """
    if (what := what_else(path)) is not None:
        raise BadStore(f"{path} is {what}, not a memory of lamlam")
    try:
        with path.open("rb") as file:
            state = _state(os.fstat(file.fileno()))
            given = json.load(file)
    except FileNotFoundError:
        raise StoreMissing(
            f"there is no memory {path}", hint="lamlam facts import or facts set makes one"
        ) from None
    except (ValueError, RecursionError):
        raise BadStore(f"{path} is not a memory of lamlam: not JSON, or cut off") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from error
    if not isinstance(given, Mapping) or given.get("format") != _FORMAT:
        raise BadStore(f"{path} is not a memory of lamlam")
    for name, known in (("schema", SCHEMA_VERSION), ("keys", KEY_VERSION)):
        if isinstance(found := given.get(name), int) and found > known:
            raise SchemaMismatch(
                f"{path} has {name} version {found}, this lamlam knows {known}",
                hint="install the newer version that wrote it",
            )
    try:
        return _contents(given), state
    except (
        KeyError, TypeError, ValueError, AttributeError, IndexError, LamLamError,
    ) as error:  # fmt: skip
        raise BadStore(f"{path} is damaged: {type(error).__name__}") from error


def write_file(path: Path, contents: FileContents) -> FileState:
    """Write the contents to a file: all of them, or leave what it held before.

    Raises:
        Unavailable: it cannot be written.
    """
    path = Path(os.path.realpath(path))  # a link goes on pointing to its file
    if (what := what_else(path)) is not None:
        raise Unavailable(f"cannot write {path}: it is {what}", hint="name a file")
    text = json.dumps(_as_json(contents), ensure_ascii=False, separators=(",", ":"))
    # Opened plainly, so that who may read a new file is as for other files (the umask).
    temporary = part_beside(path)
    try:
        with temporary.open("x", encoding="utf-8") as file:
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        return _state(path.stat())
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise Unavailable(f"cannot write {path}: {error.strerror}") from error
        raise


def state_of(path: Path) -> FileState | None:
    """Return the state of the file, which differs after each write; ``None`` where it is missing."""
    try:
        return _state(path.stat())
    except OSError:
        return None


def _state(stat: os.stat_result) -> FileState:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _as_json(contents: FileContents) -> dict[str, Any]:  # Any: JSON
    state, log = contents.state, contents.log
    return {
        "format": _FORMAT,
        "schema": SCHEMA_VERSION,
        "keys": KEY_VERSION,
        "revision": int(contents.revision),
        "secret": contents.secret.hex(),
        "graph": _node_link(state.graph),
        "past": {
            key: {"name": name, "versions": [[list(old.fact), old.retracted] for old in versions]}
            for key, (name, versions) in state.past.items()
        },
        "aliases": state.holders,
        "merges": [list(record) for record in state.merge_records],
        "rules": [asdict(rule) for rule in state.rules.all()],
        "commits": [asdict(commit) for commit in log.commits],
        "idempotency": {key: [int(c.revision), c.facts] for key, c in log.by_key.items()},
        "operations": {key: list(kept) for key, kept in log.operations.items()},
    }


def _contents(given: Mapping[str, Any]) -> FileContents:
    secret = bytes.fromhex(given["secret"])
    state = GraphState(FactIds(secret))
    state.graph = _graph(given["graph"])
    state.index()
    for key in state.keys():
        state.record(key)  # a fact that cannot be read is found now, not at some lookup
    state.past = {
        key: (past["name"], [PastVersion(_fact(fact), int(end)) for fact, end in past["versions"]])
        for key, past in given["past"].items()
    }
    state.name({str(alias): str(key) for alias, key in given["aliases"].items()})
    state.merge_records = [
        # Files of the first days have no revisions there.
        MergeRecord(kept, merged, name, tuple(moved), tuple(shared), tuple(aliases), *more)
        for kept, merged, name, moved, shared, aliases, *more in given["merges"]
    ]
    state.rules = RelationRules(
        RelationRule(
            rule["name"],
            rule["cardinality"],
            ValueType(rule["value_type"]) if rule["value_type"] else None,
            rule["inverse"],
        )
        for rule in given["rules"]
    )
    log = CommitLog(
        [_commit(commit) for commit in given["commits"]],
        {key: Commit(Revision(made), facts) for key, (made, facts) in given["idempotency"].items()},
        {
            key: KeptOperations(str(digest), None if names is None else tuple(names))
            for key, (digest, names) in given.get("operations", {}).items()
            if key in given["idempotency"]
        },
    )
    steps: tuple[str, ...] = ()
    if given.get("keys", KEY_VERSION) < KEY_VERSION:
        state, steps = rekeyed_state(state, log, FactIds(secret)), (REKEYED,)
    return FileContents(secret, int(given["revision"]), state, log, steps)


def _node_link(graph: Graph) -> dict[str, Any]:
    """Return the form of `networkx.node_link_data` (with ``edges="edges"``: its defaults changed)."""
    return {
        "directed": True,
        "multigraph": True,
        "graph": {},
        "nodes": [{**data, "id": node} for node, data in graph.nodes(data=True)],
        "edges": [
            {**data, "source": start, "target": end, "key": key}
            for start, end, key, data in graph.edges(keys=True, data=True)
        ],
    }


def _graph(given: Mapping[str, Any]) -> Graph:
    graph: Graph = nx.MultiDiGraph()
    for attributes in given["nodes"]:
        node = _node(attributes.pop("id"))
        graph.add_node(node, **attributes)
    for attributes in given["edges"]:
        start, end = (_node(attributes.pop(which)) for which in ("source", "target"))
        if start not in graph or end not in graph:
            raise BadStore("an edge has a node that does not exist")
        if "sources" in attributes:
            attributes["sources"] = tuple(attributes["sources"])
        graph.add_edge(start, end, key=attributes.pop("key"), **attributes)
    return graph


def _node(given: Any) -> Node:
    return tuple(given) if isinstance(given, list) else str(given)


def _fact(fields: list[Any]) -> StoredFact:
    fact = StoredFact(*fields)
    return fact._replace(sources=tuple(fact.sources))


def _commit(given: Mapping[str, Any]) -> LoggedCommit:
    return LoggedCommit(
        int(given["revision"]),
        given["time"],
        given["actor"],
        tuple(given["touched"]),
        tuple(CommitEvent(*event) for event in given["events"]),
        tuple(
            ErasedFacts(tuple(space), ident, tuple(ids)) for space, ident, ids in given["erased"]
        ),
    )
