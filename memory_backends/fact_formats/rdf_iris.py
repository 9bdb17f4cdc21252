"""IRIs and the names that they stand for: lamlam's own, and those of other people.

An entity is ``urn:lamlam:entity:NAME``, a relation ``urn:lamlam:relation:NAME``, every name
percent-encoded; the parts of a namespace stand before the name, each with a slash.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.rdf_vocabulary import BASE, ENTITY, RELATION
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.keys import canonical_key

_STEMS = re.compile(r"/(?:resource|entity|wiki)/+(?=[^/])")
"""Parts of paths behind which a name begins that may have slashes itself."""
_NAMES_AT_ROOT = frozenset({"schema.org"})
_OF_THE_PAGE = frozenset({"me", "this", "it", "i", "id", "self", "thing", "_"})
"""Fragments that stand for what a page is about."""
MOST_QUALIFIERS = 5
_LONGEST_QUALIFIER = 200
_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(?:#(.*))?", re.S)
_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_UNRESERVED = re.compile(rb"[A-Za-z0-9._~\x80-\xff-]+")


def is_own(iri: str) -> bool:
    """Return whether lamlam makes such IRIs."""
    return iri.startswith(BASE)


def entity_iri(name: str, namespace: Namespace) -> str:
    """Return the IRI of an entity."""
    return ENTITY + "/".join(quote(part, safe="") for part in (*namespace, name))


def relation_iri(name: str) -> str:
    """Return the IRI of a relation."""
    return RELATION + quote(name, safe="")


def own_entity(iri: str) -> tuple[Namespace, str]:
    """Undo `entity_iri`.

    Raises:
        BadFact: the name in it is not text.
    """
    *namespace, name = (_own_text(part) for part in iri.removeprefix(ENTITY).split("/"))
    return tuple(namespace), name


def own_relation(iri: str) -> str:
    """Undo `relation_iri`.

    Raises:
        BadFact: the name in it is not text.
    """
    return _own_text(iri.removeprefix(RELATION))


@lru_cache(maxsize=4096)
def normal_iri(iri: str) -> str:
    """Return the IRI with letters as they are, where they are percent-encoded.

    >>> normal_iri("http://x.org/Caf%C3%A9%2F%7e")
    'http://x.org/Café%2F~'
    """
    return _ENCODED.sub(_with_letters, iri)


class IriParts(NamedTuple):
    """What an IRI says about the thing that it stands for."""

    name: str
    """``_`` as spaces; never blank."""
    before: str
    """The part before it, such as "planet" of ``…/planet/Mercury``; may be empty."""
    host: str
    """May be empty."""


def iri_parts(iri: str) -> IriParts:
    """Return name and surroundings of an IRI that is not lamlam's own.

    >>> iri_parts("http://dbpedia.org/resource/Volt/Amp").name
    'Volt/Amp'
    >>> iri_parts("http://x.org/planet/Mercury")[:2]
    ('Mercury', 'planet')
    """
    match = _PARTS.fullmatch(iri)
    if match is None:
        return IriParts(iri, "", "")
    _, authority, path, query, fragment = match.groups(default="")
    host = _host_name(authority)
    if not authority and not path.startswith("/"):
        return _opaque_parts(iri, path, query, fragment)
    segments = [part for part in path.split("/") if part]
    whole = ""
    if stem := _STEMS.search(path):
        whole = path[stem.end() :].rstrip("/")
    elif host in _NAMES_AT_ROOT:
        whole = path.strip("/")
    if whole:
        name = _plain(whole + query + (f"#{fragment}" if fragment else ""))
        return IriParts(name or iri, "", host)
    last = _plain(segments[-1] + query) if segments else ""
    before = _plain(segments[-2]) if len(segments) > 1 else ""
    if fragment and (fragment.casefold() not in _OF_THE_PAGE or not last):
        return IriParts(_plain(fragment) or iri, last, host)
    return IriParts(last or _plain(host + query) or iri, before, host)


def qualified_names(iri: str, name: str) -> list[str]:
    """Return names for an IRI, each for where the one before stands for something else too.

    Args:
        iri: of an entity.
        name: its label, or what its IRI says.
    """
    parts = iri_parts(iri)
    key = canonical_key(name)
    digest = blake2b(iri.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    whole = iri if len(iri) <= _LONGEST_QUALIFIER else ""
    qualifiers = [parts.name, parts.before, parts.host, whole, digest]
    used: dict[str, str] = {}
    for qualifier in qualifiers:
        if qualifier and canonical_key(qualifier) != key:
            used.setdefault(canonical_key(qualifier), qualifier)
    return [name, *(f"{name} ({qualifier})" for qualifier in used.values())]


def _opaque_parts(iri: str, path: str, query: str, fragment: str) -> IriParts:
    """Return the parts of an IRI without host, such as ``urn:planet:Mercury``."""
    # A colon before a space belongs to a title.
    segments = [part for part in re.split(r":(?![_ ]|%20)", path) if part]
    last = _plain(segments[-1] + query) if segments else ""
    before = _plain(segments[-2]) if len(segments) > 1 else ""
    if fragment:
        return IriParts(_plain(fragment) or iri, last, "")
    return IriParts(last or iri, before, "")


def _host_name(authority: str) -> str:
    host = authority.rpartition("@")[2].casefold().removeprefix("www.")
    if "xn--" in host:
        try:
            host = host.encode("ascii").decode("idna")
        except UnicodeError:
            return host
    return host


def _plain(text: str) -> str:
    """Return a part of an IRI as people write it."""
    if "%" in text:
        try:
            text = unquote_to_bytes(text).decode()
        except UnicodeDecodeError:
            pass  # of another encoding, which is not known: it stays as it is
    return " ".join(text.replace("_", " ").split())


def _with_letters(match: re.Match[str]) -> str:
    raw = unquote_to_bytes(match[0])
    parts: list[str] = []
    at = 0
    for letters in _UNRESERVED.finditer(raw):
        try:
            text = letters[0].decode()
        except UnicodeDecodeError:
            return match[0]
        parts += [_encoded(raw[at : letters.start()]), text]
        at = letters.end()
    return "".join([*parts, _encoded(raw[at:])])


def _encoded(raw: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in raw)


def _own_text(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise BadFact(f"invalid fact: {text[:60]!r} is not percent-encoded UTF-8") from None
