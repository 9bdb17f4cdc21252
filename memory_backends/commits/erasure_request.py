"""What a caller asks `erase` to remove, checked, and the receipt for it."""

from __future__ import annotations

from dataclasses import dataclass

from lamlam.errors import BadFact
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.model.facts import Namespace, check_namespace, check_text
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.model.operations import OUT_OF_REACH, ErasureReceipt, Revision
from lamlam.memory_backends.model.plain_forms import make_plain


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """One call of `erase`."""

    entity: str
    """As the caller named it."""
    relation: str | None = None
    """Erase facts of this relation, or of its synonyms, only."""
    namespace: Namespace = ()
    reason: str | None = None
    authority: str | None = None
    """Who asked for it."""

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            BadFact: no entity is named, a field is not text, or there can be no such namespace.
        """
        if self.entity is None:
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
        make_plain(self, "entity", "relation", "reason", "authority")

    @property
    def key(self) -> str:
        """Scoped canonical key of the entity that is named."""
        return scoped(check_namespace(self.namespace), canonical_key(self.entity))

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
            uncovered=OUT_OF_REACH,
            namespace=check_namespace(self.namespace),
            log_entries=log_entries,
            mentions=mentions.found if mentions is not None else (),
            n_mentions=mentions.total if mentions is not None else 0,
            finished=finished,
            unfinished=unfinished,
        )
