"""The receipt of an erasure, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from lamlam.cli.output import print_json, printable, shortened, stderr_console

if TYPE_CHECKING:
    from lamlam.memory_backends.model.operations import ErasureReceipt


def print_receipt(
    receipt: ErasureReceipt, as_json: bool, audit: dict[str, Any] | None = None
) -> None:
    """Print what was erased and from where, what is left to do, and what still mentions the name.

    Args:
        audit: what the model still stated of it, if it was asked.
    """
    if as_json:
        print_json({**asdict(receipt), **({"audit": audit} if audit is not None else {})})
        return
    if not receipt.is_empty:
        for line in _of_erasure(receipt):
            typer.echo(printable(line))
        if audit is not None:
            for line in _of_audit(audit):
                typer.echo(line)
    if receipt.n_mentions:
        lines = list(_of_mentions(receipt))
        for line in lines:
            if receipt.is_empty:
                stderr_console().print(printable(line), soft_wrap=True)
            else:
                typer.echo(printable(line))


def _of_erasure(receipt: ErasureReceipt) -> Iterator[str]:
    facts = "1 fact" if receipt.facts == 1 else f"{receipt.facts} facts"
    yield f"{facts} erased at revision {receipt.revision}"
    if receipt.as_value:
        yield f"of others:    {receipt.as_value} of these, facts about others with it as the value"
    if receipt.log_entries:
        yield f"log:          {receipt.log_entries} entries no longer name it"
    for revision in receipt.finished:
        yield f"finished:     clean-up of the erasure at revision {revision}"
    for revision in receipt.unfinished:
        yield f"unfinished:   clean-up of the erasure at revision {revision}: repeat the command"
    yield from (f"erased from:  {place} ({receipt.confirmation})" for place in receipt.covered)
    yield from (f"pending:      {place}" for place in receipt.pending)
    yield from (f"out of reach: {place}" for place in receipt.uncovered)
    for what, text in (("reason", receipt.reason), ("authority", receipt.authority)):
        if text:
            yield f"{f'{what}:':<13} {text}"


def _of_audit(audit: dict[str, Any]) -> Iterator[str]:
    if not audit["n"]:
        yield "audit:        nothing that held was erased: there was nothing to ask for"
        return
    weights, memory = audit["L"]["value"], audit["R"]["value"]
    yield (
        f"audit:        asked {audit['n']} times: L {weights:.3f} (the weights state it),"
        f" R {memory:.3f} (memory still leads to it)"
    )
    if audit["wordings"]:
        styles = (
            f"{style} (lookups on {found['on']}, off {found['off']})"
            for style, found in audit["wordings"].items()
        )
        yield f"still stated: {'; '.join(styles)}"


def _of_mentions(receipt: ErasureReceipt) -> Iterator[str]:
    from lamlam.memory_backends.model.operations import MENTIONS_HINT, MENTIONS_SHOWN

    shown = receipt.mentions[:MENTIONS_SHOWN]
    for one in shown:
        # Beside the same name in a namespace that was erased, what stands outside is told apart.
        outside = " without a namespace" if receipt.namespace and not one.namespace else ""
        yield f"mentioned in: {shortened(str(one))}{outside}"
    if receipt.n_mentions > len(shown):
        listed = "; --json lists them" if receipt.n_mentions <= len(receipt.mentions) else ""
        yield f"mentioned in: {receipt.n_mentions - len(shown)} more{listed}"
    yield f"to do:        {MENTIONS_HINT}"
