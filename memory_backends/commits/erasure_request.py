"""What a caller asks `erase` to remove, checked, and the receipt for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from lamlam.errors import BadFact
from lamlam.memory_backends.commits.erasure_plan import entities_meant
from lamlam.memory_backends.commits.erasure_reach import is_one_of
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.commits.whole_namespace import NAME_STAYS
from lamlam.memory_backends.model.entity_reader import EntityHistory, EntityReader
from lamlam.memory_backends.model.facts import Namespace, check_namespace, check_text
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.operations import (
    OUT_OF_REACH,
    ErasureReceipt,
    MentionChoice,
    Revision,
)
from lamlam.memory_backends.model.plain_forms import make_plain
from lamlam.memory_backends.model.values import (
    MAX_NAME_CHARACTERS,
    Value,
    as_value,
    text_fault,
)

DEFAULT_PLACEHOLDER = "[erased]"
_CHOICES = get_args(MentionChoice)


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """One call of `erase`, or of `erase_namespace`."""

    entity: str | None
    """As the caller named it; ``None``, with ``is_whole``: everything in the namespace."""
    relation: str | None = None
    """Erase facts of this relation, or of its synonyms, only."""
    namespace: Namespace = ()
    reason: str | None = None
    authority: str | None = None
    """Who asked for it."""
    value: Value | None = None
    """Erase only this value of the relation."""
    mentions: MentionChoice = "leave"
    """What becomes of facts of others, in the same namespace, whose value is the entity."""
    placeholder: str | None = None
    """What they state instead; with "replace" alone."""
    is_whole: bool = False

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            BadFact: no entity is named, a field is not text, there can be no such namespace or
                value, or the fields do not go together.
        """
        if self.is_whole:
            self._check_namespace()
        elif self.entity is None:
            raise BadFact(
                "invalid erasure: entity must be a string, got NoneType",
                hint="name the entity to erase",
            )
        check_text(
            entity=self.entity,
            relation=self.relation,
            reason=self.reason,
            authority=self.authority,
        )
        check_namespace(self.namespace)
        make_plain(self, "entity", "relation", "reason", "authority", "placeholder")
        self._check_value()
        self._check_mentions()

    def _check_namespace(self) -> None:
        if not check_namespace(self.namespace):
            raise BadFact(
                "erase_namespace needs a namespace, got the unnamed one, ()",
                hint="erase its entities one by one: store.entities(namespace=()) lists them",
            )

    def _check_value(self) -> None:
        if self.value is None:
            return
        if self.relation is None:
            raise BadFact(
                "invalid erasure: value needs a relation", hint="name the relation that has it"
            )
        object.__setattr__(self, "value", as_value(self.value))

    def _check_mentions(self) -> None:
        if self.mentions not in _CHOICES:
            raise BadFact(
                f"invalid erasure: mentions must be {', '.join(map(repr, _CHOICES))},"
                f" got {str(self.mentions)[:40]!r}"
            )
        if self.mentions != "leave" and self.relation is not None:
            raise BadFact(
                f"invalid erasure: mentions={self.mentions!r} needs a whole entity, got a relation",
                hint="leave out the relation, or mentions",
            )
        if self.placeholder is not None and self.mentions != "replace":
            raise BadFact(
                f"invalid erasure: placeholder needs mentions='replace', got {self.mentions!r}"
            )
        if self.mentions != "replace":
            return
        if self.placeholder is None:
            object.__setattr__(self, "placeholder", DEFAULT_PLACEHOLDER)
        if fault := text_fault(self.placeholder, MAX_NAME_CHARACTERS):
            raise BadFact(f"invalid erasure: placeholder {fault}")

    def check_placeholder(self, keys: Iterable[str]) -> None:
        """Raise unless the placeholder says nothing of what is erased.

        Args:
            keys: scoped keys of all that the erasure takes.

        Raises:
            BadFact: it is one of these names.
        """
        if self.placeholder is None:
            return
        if canonical_key(self.placeholder) in {split(key)[1] for key in keys}:
            raise BadFact(
                "invalid erasure: placeholder is a name of the entity that is erased",
                hint="choose another text",
            )

    @property
    def key(self) -> str:
        """Scoped canonical key of the entity that is named."""
        return scoped(check_namespace(self.namespace), canonical_key(self.entity or ""))

    def receipt(
        self,
        facts: int,
        revision: int,
        *,
        covered: tuple[str, ...],
        pending: tuple[str, ...] = (),
        verified: bool = False,
        log_entries: int = 0,
        mentions: Mentions | None = None,
        finished: tuple[int, ...] = (),
        unfinished: tuple[int, ...] = (),
        as_value: int = 0,
    ) -> ErasureReceipt:
        """Return the receipt.

        Args:
            facts: how many versions of facts are gone.
            revision: that of the store afterwards.
            covered: places that hold nothing of it any more.
            pending: places that may still hold it, with the reason.
            verified: the bytes of the covered places were searched, and held none of it.
            log_entries: entries of the commit log that no longer name it.
            mentions: what else still mentions the name.
            finished: revisions of earlier erasures whose clean-up is done now.
            unfinished: revisions of erasures, this one's too, whose clean-up is left over.
            as_value: how many of ``facts`` were facts of others, whose value the entity was.
        """
        return ErasureReceipt(
            facts=facts,
            entity=self.entity,
            relation=self.relation,
            covered=covered,
            pending=pending,
            verified=verified,
            revision=Revision(revision) if type(revision) is int else revision,
            reason=self.reason,
            authority=self.authority,
            uncovered=(*OUT_OF_REACH, NAME_STAYS) if self.is_whole else OUT_OF_REACH,
            namespace=check_namespace(self.namespace),
            log_entries=log_entries,
            mentions=mentions.found if mentions is not None else (),
            n_mentions=mentions.total if mentions is not None else 0,
            unlisted=mentions.unlisted if mentions is not None else (),
            finished=finished,
            unfinished=unfinished,
            as_value=as_value,
        )


def keys_meant(request: ErasureRequest, reader: EntityReader, known: Iterable[str]) -> list[str]:
    """Return the scoped keys of what an erasure reaches, the entity itself first.

    Args:
        request: what is asked for.
        reader: of the store.
        known: the scoped keys of all names of the store: for an erasure of a whole namespace.
    """
    if request.is_whole:
        space = check_namespace(request.namespace)
        return [key for key in dict.fromkeys(known) if split(key)[0] == space]
    return entities_meant(reader, request.key)


def owners_among(
    entities: Mapping[str, EntityHistory], keys: Collection[str], request: ErasureRequest
) -> list[str]:
    """Return the entities that have, or had, what is erased as a value, and are to lose it.

    Args:
        entities: by scoped key, all that the store has.
        keys: of what the erasure reaches.
        request: what is asked for.

    Raises:
        BadFact: the placeholder is a name of what is erased.
    """
    if request.mentions == "leave":
        return []
    request.check_placeholder(keys)
    names = {split(key)[1] for key in keys}
    space = check_namespace(request.namespace)
    return [
        key
        for key, history in entities.items()
        if split(key)[0] == space and any(is_one_of(fact, names) for fact in history.facts())
    ]
