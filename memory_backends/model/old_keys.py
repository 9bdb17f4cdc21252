"""Keys as earlier versions made them, for stores that were written with them.

Version 1 unified all compatibility characters (NFKC): "10²" and "102" were one name, and had one
key. What such a store holds gets the keys of this version from the names as they were written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from lamlam.memory_backends.model.entity_reader import MergeRecord
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.namespaces import scoped, split

REKEYED = 'names whose signs, as in "10²", no longer fall away'
"""What the upgrade does, in a report."""


def key_of_version_1(text: str) -> str:
    """Return the canonical key that version 1 gave a name."""
    folded = text.casefold() if text.isascii() else text
    if not text.isascii():
        for _ in range(3):
            folded = unicodedata.normalize("NFKC", folded).casefold()
        folded = unicodedata.normalize("NFKC", folded)
    words = folded.replace("_", " ").split() if "_" in folded else folded.split()
    return " ".join(words or folded.split()) or folded


def may_differ(text: str) -> bool:
    """Return whether names in the text may have another key now; false of nearly all, and fast."""
    return not text.isascii() and not unicodedata.is_normalized("NFKC", text)


def has_other_codes(name: str) -> bool:
    """Return whether a name was indexed under other codes of near spellings.

    So it is where its key is another one, and where "&" is read as "and".
    """
    return may_differ(name) or " & " in name


def old_scoped_key(scoped_key: str) -> str:
    """Return the scoped key that an entity with this one had in version 1."""
    namespace, key = split(scoped_key)
    return scoped(namespace, key_of_version_1(key)) if may_differ(key) else scoped_key


def rekeyed(fact: StoredFact) -> StoredFact:
    """Return a fact of version 1 with the keys of its relation and of an entity that is its value.

    A value that is an entity refers to the one that it spells.
    """
    if not (may_differ(fact.relation) or may_differ(fact.value)):
        return fact
    key, code = relation_key(fact.relation), fact.code
    if code.startswith("e:") and key_of_version_1(fact.value) == code[2:]:
        code = f"e:{canonical_key(fact.value)}"
    return fact if (key, code) == (fact.key, fact.code) else fact._replace(key=key, code=code)


def as_of_version_1(fact: StoredFact) -> StoredFact:
    """Return a fact with the key that version 1 gave its relation: its id was made from that."""
    if not may_differ(fact.relation):
        return fact
    return fact._replace(key=key_of_version_1(fact.relation))


def rekeyed_event(
    event: Sequence[str], keys: Mapping[str, str], renamed: Mapping[str, str]
) -> tuple[str, ...]:
    """Return what a log says of names or of a rule, with the keys of this version.

    Args:
        event: kind, key, name and other key of a `CommitEvent`, or anything else, which stays.
        keys: new scoped keys of entities, by the old ones.
        renamed: the same of merged entities, which are aliases.
    """
    kind, *about = event
    if kind == "rule":
        return (kind, relation_key(about[1]), *about[1:])
    if kind in ("alias", "no_alias", "merged", "split"):
        key, name, *other = about
        return (kind, keys.get(key, key), name, *(renamed.get(one, one) for one in other))
    return tuple(event)


def new_scoped_key(old_key: str, name: str) -> str:
    """Return the scoped key that an entity of this name has now, which had the other one."""
    namespace, key = split(old_key)
    if may_differ(name) and key_of_version_1(name) == key:
        return scoped(namespace, canonical_key(name))
    return old_key


def rekeyed_merge(
    record: MergeRecord, keys: Mapping[str, str], ids: Mapping[str, str]
) -> MergeRecord:
    """Return the record of a merge with the keys of this version.

    Args:
        record: as version 1 wrote it.
        keys: new scoped keys of entities, by the old ones.
        ids: new ids of facts of the merged entity, by the old ones.
    """
    return record._replace(
        kept=keys.get(record.kept, record.kept),
        merged=new_scoped_key(record.merged, record.merged_name),
        moved=tuple(ids.get(ident, ident) for ident in record.moved),
        shared=tuple(ids.get(ident, ident) for ident in record.shared),
    )
