"""``lamlam demo``: write with facts, change one and write again, forget it and write again."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.model_options import Model
from lamlam.cli.output import command_name, print_json, stdout_console

if TYPE_CHECKING:
    from rich.console import Console

    from lamlam.cli.demo_story import Edit
    from lamlam.runtime.decoding.completion import Completion

_MAX_TOKENS = 36
_NEXT_STEPS = (
    'ask "Citizen Kane is a"',
    'facts set "Ada Quill" "birth place" Lowmere --memory sqlite:///mine.db',
    'ask "Ada Quill was born at" --memory sqlite:///mine.db --max-tokens 3',
)


def register(app: typer.Typer) -> None:
    """Add the command ``demo``."""
    app.command(epilog="Example: lamlam demo")(demo)


def demo(
    model: Model = "bundled",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write texts with facts, change one fact and write again, forget it and write once more.

    It works on a temporary copy of the bundled facts: nothing is changed for good.
    """
    import anyio

    from lamlam.bundled import facts_path

    with tempfile.TemporaryDirectory(prefix="lamlam-demo-") as folder:
        copy = Path(folder) / "facts.sqlite"
        shutil.copyfile(facts_path(), copy)
        anyio.run(_play, f"sqlite:///{copy}", model, as_json)


async def _play(url: str, model: str, as_json: bool) -> None:
    from lamlam.cli.demo_story import OPENINGS, DemoFailed, edit_and_forget, write_about
    from lamlam.memory_backends.open import open_store
    from lamlam.runtime.engine import Engine

    started = time.perf_counter()
    console = stdout_console()
    console.quiet = as_json
    async with open_store(url) as store, Engine(model=model, memory=store) as engine:

        async def write(prompt: str) -> Completion:
            return await engine.generate(prompt, max_tokens=_MAX_TOKENS)

        facts = (await store.info()).facts
        _heading(console, f"1. A small model writes; its {facts:,} facts are in a file")
        texts = []
        for kind in OPENINGS:
            completion = await write_about(kind, store, write)
            if completion is not None:
                texts.append(completion)
                _show(console, completion)
        if not texts:
            raise DemoFailed(
                "the model looked nothing up", hint="lamlam doctor checks the installation"
            )
        _legend(console)
        edit = await edit_and_forget(texts, store, write)
        _show_edit(console, edit)
    seconds = time.perf_counter() - started
    if as_json:
        print_json(_as_json(texts, edit, seconds))
    else:
        _show_next_steps(console, seconds)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(text, style="bold")


def _legend(console: Console) -> None:
    from rich.text import Text

    from lamlam.cli.marking import FACT_STYLE, NOTE_STYLE, PROMPT_STYLE

    console.print()
    console.print(
        Text.assemble(
            ("the prompt", PROMPT_STYLE),
            " · the model's own words · ",
            ("a value from memory", FACT_STYLE),
            ("[its number]", NOTE_STYLE),
        )
    )


def _show(console: Console, completion: Completion, key: tuple[str, str] | None = None) -> None:
    """Print the text to its last full sentence, then a note for each value, or for ``key`` alone."""
    from rich.padding import Padding

    from lamlam.cli.marking import lookup_notes, marked_text

    completion = _to_last_sentence(completion)
    console.print()
    console.print(marked_text(completion))
    # Misses are left out but for the key in question: the model asks for much that
    # no memory holds.
    for note in lookup_notes(completion, key=key, misses=key is not None, exact=False):
        console.print(Padding(note, (0, 0, 0, 2), expand=False))


def _show_edit(console: Console, edit: Edit) -> None:
    from rich.text import Text

    from lamlam.cli.demo_story import SAID_BY
    from lamlam.cli.marking import FACT_STYLE, MISS_STYLE

    _heading(console, "2. One fact is changed, and the same prompt is written again")
    console.print(f"{edit.entity} · {edit.relation}:")
    old_source, arrow = edit.old_source or "no source given", "→"
    console.print(Text.assemble("  ", (edit.old_value, MISS_STYLE), f"  (said by: {old_source})"))
    console.print(
        Text.assemble(f"{arrow} ", (edit.new_value, FACT_STYLE), f"  (said by: {SAID_BY})")
    )
    _show(console, edit.changed, (edit.entity, edit.relation))
    _heading(console, "3. The fact is forgotten, and the same prompt is written once more")
    console.print(f"{edit.entity} · {edit.relation}: {edit.receipt}")
    _show(console, edit.forgotten, (edit.entity, edit.relation))


def _show_next_steps(console: Console, seconds: float) -> None:
    _heading(console, "Now with your own facts")
    for step in _NEXT_STEPS:
        # Not wrapped: a line that is copied must stay one line.
        console.print(f"{command_name()} {step}", soft_wrap=True)
    console.print()
    console.print(
        f"({seconds:.1f} s; all of it on a temporary copy of the bundled facts)", style="dim"
    )


def _to_last_sentence(completion: Completion) -> Completion:
    """Return the completion up to the end of its last full sentence."""
    prompt_end = completion.spans[0].end if completion.spans else 0
    ends = [m.end() for m in re.finditer(r"[.!?](?=\s|$)", completion.text)]
    end = max((end for end in ends if end > prompt_end), default=len(completion.text))
    return replace(
        completion,
        text=completion.text[:end],
        spans=tuple(
            replace(span, end=min(span.end, end)) for span in completion.spans if span.start < end
        ),
        lookups=tuple(lookup for lookup in completion.lookups if lookup.at < end),
    )


def _as_json(texts: list[Completion], edit: Edit, seconds: float) -> dict[str, Any]:
    from lamlam.cli.ask import completion_as_json

    return {
        "texts": [completion_as_json(text) for text in texts],
        "entity": edit.entity,
        "relation": edit.relation,
        "old_value": edit.old_value,
        "new_value": edit.new_value,
        "before": completion_as_json(edit.before),
        "changed": completion_as_json(edit.changed),
        "forgotten": completion_as_json(edit.forgotten),
        "receipt": str(edit.receipt),
        "seconds": round(seconds, 3),
    }
