"""The command that erases facts: ``forget``."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from lamlam.cli.facts_options import (
    InNamespace,
    Json,
    MaybeRelation,
    ValueType,
    WriteMemory,
    namespace_of,
    value_of,
)
from lamlam.cli.facts_stores import hint_at_name, own_store, url_of_own
from lamlam.cli.output import printable_line, saying_what_is_done, stderr_console
from lamlam.cli.receipts import print_receipt

if TYPE_CHECKING:
    from lamlam.evaluation.erasure_audit import ErasureAudit
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.memory_backends.model.operations import ErasureReceipt, MentionChoice
    from lamlam.memory_backends.sync import SyncFactStore

NOT_FOUND = 1


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(
        epilog='Example: lamlam facts forget "Ada Quill" "birth place" --reason "she asked";'
        " lamlam facts forget --everything --namespace users/7"
    )(forget)


def forget(
    entity: Annotated[
        str | None, typer.Argument(help="The entity, by its exact name or an alias.")
    ] = None,
    relation: MaybeRelation = None,
    value: Annotated[
        str | None, typer.Argument(help="One value of the relation; default: all of them.")
    ] = None,
    memory: WriteMemory = None,
    namespace: InNamespace = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="All of --namespace, instead of ENTITY; asks back.")
    ] = False,
    at_once: Annotated[bool, typer.Option("--all", help="The same as --everything --yes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask back.")] = False,
    mentions: Annotated[
        str,
        typer.Option(
            metavar="leave|retract|replace",
            help="What becomes of facts of others whose value is ENTITY.",
        ),
    ] = "leave",
    placeholder: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Of --mentions replace: the new value; default: \\[erased]."
        ),
    ] = None,
    type: ValueType = None,
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
        str | None, typer.Option("--model", help="Of --audit: a model; default: bundled.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Erase facts, their history included, and print the receipt. Exit status 1 if none.

    Without RELATION the name goes from the commit log too, as the actor of commits. With VALUE
    the other values stay, with their history. What else mentions the entity is listed; --mentions
    takes the facts of the same namespace whose value it is, with their history, or puts a
    placeholder there. Repeat the command to finish what the receipt calls pending. With
    --everything and --namespace all in that namespace goes, also what only the history has. With
    --audit the receipt says how often a model still states what was erased, without its values.
    """
    from lamlam.errors import UsageError

    is_whole = everything or at_once
    if is_whole == (entity is not None):
        raise UsageError(
            "forget takes either ENTITY or --everything", hint="--everything needs --namespace"
        )
    space = namespace_of(namespace)
    if is_whole and not space:
        raise UsageError(
            "--everything needs --namespace",
            hint="facts without a namespace go one ENTITY at a time",
        )
    if is_whole and (mentions != "leave" or placeholder is not None):
        raise UsageError(
            "--mentions is of one ENTITY: other namespaces state nothing of --namespace",
            hint="leave it out; the receipt lists what mentions its names",
        )
    if placeholder is not None and mentions != "replace":
        raise UsageError("--placeholder is of --mentions replace", hint="add --mentions replace")
    if audit and entity is None:
        raise UsageError("--audit asks for one ENTITY", hint="leave out --audit or --everything")
    if model is not None and not audit:
        raise UsageError("--model is of --audit", hint="add --audit")
    if type is not None and value is None:
        raise UsageError("--type is of a VALUE", hint="name the value, or leave out --type")
    given = None if value is None else value_of(value, type)
    receipt: ErasureReceipt | None = None
    figures: dict[str, Any] | None = None
    try:
        with saying_what_is_done(), ExitStack() as stack:
            asking = stack.enter_context(_audit_by(model)) if audit else None
            gone: list[Fact] = []
            with own_store(memory) as store:
                if entity is None:
                    if space and not (yes or at_once):
                        _ask_back(store, space)
                    receipt = store.erase_namespace(space, reason=reason, authority=authority)
                    if receipt.is_empty:
                        said = f"nothing is held in the namespace {'/'.join(space)}"
                        stderr_console().print(printable_line(said), soft_wrap=True)
                else:
                    held = _held(store, entity, relation, space) if audit else {}
                    receipt = store.erase(
                        entity,
                        relation,
                        given,
                        namespace=space,
                        reason=reason,
                        authority=authority,
                        mentions=cast("MentionChoice", mentions),
                        placeholder=placeholder,
                    )
                    if receipt.is_empty:
                        lacks = repr(relation) if relation else "facts"
                        if relation and value is not None:
                            lacks = f"{relation} {value!r}"
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


def _ask_back(store: SyncFactStore, space: Namespace) -> None:
    """Ask whether all of a namespace is to go; end the command if it is not.

    Raises:
        UsageError: nobody is there to answer.
    """
    from lamlam.errors import UsageError

    name = "/".join(space)
    held = next((one for one in store.namespaces(space) if one.namespace == space), None)
    if held is None:
        return
    counts = (held.entities, "entity", "entities"), (held.facts, "fact", "facts")
    said = [f"{n:,} {one if n == 1 else more}" for n, one, more in counts]
    what = f"all of {name}: {', '.join(said)}, {held.past:,} of the past"
    if not sys.stdin.isatty():
        raise UsageError(f"forget --everything would erase {what}", hint="add --yes")
    sys.stderr.write(f"{printable_line(f'Erase {what}? This cannot be undone. [y/N]')} ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        sys.stderr.write("nothing was erased\n")
        raise typer.Exit(NOT_FOUND)


def _held(
    store: SyncFactStore, entity: str, relation: str | None, namespace: Namespace
) -> dict[str | None, Fact]:
    """Return what the store holds, by id: an erasure may take less than a name may mean."""
    facts = store.scan(entity, relation, namespace=namespace, include_expired=True)
    return {fact.id: fact for fact in facts}


def _audit_by(model: str | None) -> ErasureAudit:
    from lamlam.evaluation.erasure_audit import ErasureAudit

    return ErasureAudit(model or "bundled")
