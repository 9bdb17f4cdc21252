"""The command that erases facts: ``forget``."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.facts_options import (
    InNamespace,
    Json,
    MaybeRelation,
    WriteMemory,
    namespace_of,
)
from lamlam.cli.facts_stores import hint_at_name, own_store, url_of_own
from lamlam.cli.output import saying_what_is_done
from lamlam.cli.receipts import print_receipt

if TYPE_CHECKING:
    from lamlam.evaluation.erasure_audit import ErasureAudit
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.memory_backends.model.operations import ErasureReceipt
    from lamlam.memory_backends.sync import SyncFactStore

NOT_FOUND = 1


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(
        epilog='Example: lamlam facts forget "Ada Quill" "birth place" --reason "she asked"'
    )(forget)


def forget(
    entity: Annotated[
        str | None, typer.Argument(help="The entity, by its exact name or an alias.")
    ] = None,
    relation: MaybeRelation = None,
    memory: WriteMemory = None,
    namespace: InNamespace = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every entity of --namespace, instead of ENTITY.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why; stands in the receipt.")
    ] = None,
    authority: Annotated[
        str | None, typer.Option("--authority", help="Who asked for it; is written in the receipt.")
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="Afterwards ask a model for it, in six wordings.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", help="Of --audit: a GGUF file; default: the bundled.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Erase facts, their history included, and print the receipt. Exit status 1 if none.

    Without RELATION the name goes from the commit log too, as the actor of commits. What else
    mentions it is listed. Repeat the command to finish what the receipt calls pending. With --all
    and --namespace everything in that namespace goes, also what only the history has. With
    --audit the receipt says how often a model still states what was erased, without its values.
    """
    from lamlam.errors import UsageError

    if everything == (entity is not None):
        raise UsageError("forget takes either ENTITY or --all", hint="--all needs --namespace")
    space = namespace_of(namespace)
    if audit and entity is None:
        raise UsageError("--audit asks for one ENTITY", hint="leave out --audit or --all")
    if model is not None and not audit:
        raise UsageError("--model is of --audit", hint="add --audit")
    receipt: ErasureReceipt | None = None
    figures: dict[str, Any] | None = None
    try:
        with saying_what_is_done(), ExitStack() as stack:
            asking = stack.enter_context(_audit_by(model)) if audit else None
            gone: list[Fact] = []
            with own_store(memory) as store:
                if entity is None:
                    receipt = store.erase_namespace(space, reason=reason, authority=authority)
                else:
                    held = _held(store, entity, relation, space) if audit else {}
                    receipt = store.erase(
                        entity, relation, namespace=space, reason=reason, authority=authority
                    )
                    if receipt.is_empty:
                        lacks = repr(relation) if relation else "facts"
                        hint_at_name(store, entity, space, lacks=lacks)
                    elif audit:
                        left = _held(store, entity, relation, space)
                        gone = [fact for one, fact in held.items() if one not in left]
            if asking is not None and not receipt.is_empty:
                figures = asking.asked_of(memory or url_of_own(), gone, namespace=space)
    finally:  # also where the store cannot be closed: what was erased is erased
        if receipt is not None:
            print_receipt(receipt, as_json, figures)
    if receipt is not None and receipt.is_empty:
        raise typer.Exit(NOT_FOUND)


def _held(
    store: SyncFactStore, entity: str, relation: str | None, namespace: Namespace
) -> dict[str | None, Fact]:
    """Return what the store holds, by id: an erasure may take less than a name may mean."""
    return {fact.id: fact for fact in store.scan(entity, relation, namespace=namespace)}


def _audit_by(model: str | None) -> ErasureAudit:
    from lamlam.evaluation.erasure_audit import ErasureAudit

    return ErasureAudit(model or "bundled")
