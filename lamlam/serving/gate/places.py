"""The namespace of a request, as its key allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamlam.errors import BadFact
from lamlam.memory_backends.model.namespaces import parsed
from lamlam.serving.answers.refusals import Refusal

if TYPE_CHECKING:
    from lamlam.access_keys import Access
    from lamlam.memory_backends.model.facts import Namespace


def place_of(access: Access, text: str | None) -> Namespace:
    """Return the namespace that a request names, or the client's own.

    Raises:
        NamespaceRefused, Refusal: the client does not reach it, or there can be none.
    """
    try:
        return access.place(None if text is None else parsed(text))
    except BadFact as error:
        raise Refusal(403, str(error), "namespace_refused", "namespace") from None
