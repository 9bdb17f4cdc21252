"""``lamlam ask``: continue a text, with values looked up and marked."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.facts_options import (
    AsOf,
    InNamespace,
    NoShared,
    SharedNamespace,
    texts_namespaces,
)
from lamlam.cli.model_options import Model, Seed, Temperature, Threads
from lamlam.cli.output import print_json, printable, stderr_console, stdout_console
from lamlam.cli.process_clock import seconds_since_process_start
from lamlam.errors import UsageError
from lamlam.standard_input import read_standard_input

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.engine import Engine
    from lamlam.runtime.observers.trace import Trace


def register(app: typer.Typer) -> None:
    """Add the command ``ask``."""
    app.command(epilog='Example: lamlam ask "Elvis Presley was born in" --max-tokens 40')(ask)


def ask(
    prompt: Annotated[
        str,
        typer.Argument(metavar="PROMPT", help="The beginning of a text; - reads standard input."),
    ],
    model: Model = "bundled",
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="URL",
            help="Where facts are, e.g. sqlite:///mine.db; default: the bundled ones.",
        ),
    ] = None,
    no_memory: Annotated[bool, typer.Option("--no-memory", help="Forbid lookups.")] = False,
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            help="What a miss does: continue, ask_again, unknown, nearest, stop, raise, memory_only"
            " (no value but those of memory) or paper.",
        ),
    ] = "continue",
    verbalise: Annotated[
        str | None,
        typer.Option(
            "--verbalise",
            help="Write values by copy or by model. Default: as the model was trained.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Ask only for names of the text, and for relations that memory has."
        ),
    ] = False,
    no_words: Annotated[
        bool,
        typer.Option(
            "--no-words",
            help="Do not read what the words of PROMPT ask: the model alone decides, as one that"
            " was trained on its memory's relations can.",
        ),
    ] = False,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", help="How many tokens of text to write; 1 or more.")
    ] = 64,
    temperature: Temperature = 0.0,
    threads: Threads = None,
    seed: Seed = None,
    logprobs: Annotated[
        int | None,
        typer.Option(
            "--logprobs",
            metavar="N",
            help="With --json: each token's log probability, and the N (0 to 20) likeliest there.",
        ),
    ] = None,
    as_of: AsOf = None,
    namespace: InNamespace = None,
    shared_namespace: SharedNamespace = None,
    no_shared: NoShared = False,
    trace: Annotated[
        str | None,
        typer.Option(
            "--trace",
            metavar="FILE",
            help="Add what happens, and when, to a file, as lines of JSON with prompt and text.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Continue PROMPT, asking memory where a fact is due.

    With --namespace users/7 the text has the facts of that user, and where the user has none those
    without a namespace: a fact of the user hides the shared one.
    """
    import anyio

    if logprobs is not None and not as_json:
        raise UsageError("--logprobs is printed as JSON only", hint="add --json")
    if no_memory and memory is not None:
        raise UsageError("--no-memory and --memory exclude each other")
    if no_memory and namespace is not None:
        raise UsageError("--no-memory and --namespace exclude each other")
    text = read_standard_input().rstrip("\n") if prompt == "-" else prompt
    options = {
        "policy": policy,
        "verbalise": verbalise,
        "max_tokens": max_tokens,
        "temperature": temperature,
        "seed": seed,
        "logprobs": logprobs,
        "as_of": as_of,
        **texts_namespaces(namespace, shared_namespace, no_shared),
    }
    _check(text, options, threads)
    from lamlam.runtime.decoding.constraint import Constraint
    from lamlam.runtime.memory import DefaultMemory

    constraint = Constraint(strict=strict, only_named=strict, by_words=not no_words)

    async def answer(trace: Trace | None) -> None:
        await _answer(
            text,
            engine_options={
                "model": model,
                "memory": None if no_memory else DefaultMemory.OWN if memory is None else memory,
                "constrain": constraint,
                "threads": threads,
                "trace": trace,
                "max_sequences": 1,  # each has its cache: 10 MB for the bundled model
            },
            options=options,
            as_json=as_json,
        )

    # Closed last: where the trace cannot be written, the answer has been printed all the same.
    with _opened(trace) if trace is not None else nullcontext() as opened:
        anyio.run(answer, opened)


def _check(prompt: str, options: dict[str, Any], threads: int | None) -> None:
    """Refuse what the engine would refuse, before the model is loaded."""
    from lamlam.runtime.decoding.settings import check_prompt

    check_prompt(prompt)
    check_options(options, threads)


def check_options(options: dict[str, Any], threads: int | None) -> None:
    """Refuse options that the engine would refuse, under the names that the command has.

    Raises:
        LamLamError: as of the engine.
    """
    from lamlam.runtime.decoding.settings import text_settings
    from lamlam.runtime.engine import Engine

    try:
        text_settings(dict(options), verbalise="copy", lookup_bias=0.0)
        Engine(memory=None, threads=threads)  # checks its options, and opens nothing
    except UsageError as error:
        name, _, rest = str(error).partition(" ")
        if name not in {*options, "threads"}:
            raise
        raise UsageError(f"--{name.replace('_', '-')} {rest}", hint=error.hint) from None


def _remark_on_plain(engine: Engine) -> None:
    """Print a line on standard error if the model cannot ask the memory that was named."""
    from lamlam.lookup_tokens import ENTITY

    # What the open engine has read: to read the file's vocabulary again takes 70 ms.
    if ENTITY not in engine.metadata["tokenizer.ggml.tokens"]:
        said = "this model has no lookup tokens and writes without memory"
        stderr_console().print(said, soft_wrap=True)


def _opened(trace: str) -> Trace:
    from lamlam.errors import UsageError
    from lamlam.runtime.observers.trace import Trace

    if trace == "-":
        raise UsageError(
            "--trace needs a file: standard output is the answer's",
            hint="write --trace FILE, or --trace /dev/stderr to see it",
        )
    return Trace(trace)


async def _answer(
    prompt: str,
    *,
    engine_options: dict[str, Any],  # Any: names and types are checked by the engine
    options: dict[str, Any],
    as_json: bool,
) -> None:
    """Write the text, word by word for people, or as one JSON object."""
    from lamlam.cli.marking import FACT_STYLE, PROMPT_STYLE, lookup_notes
    from lamlam.runtime.decoding.events import Finished, Text
    from lamlam.runtime.engine import Engine

    console = stdout_console()
    console.quiet = as_json
    first_token_s: float | None = None
    completion: Completion | None = None
    has_begun = False
    async with Engine(**engine_options) as engine:
        if isinstance(engine_options["memory"], str):
            _remark_on_plain(engine)
        began = time.perf_counter()
        async with engine.stream(prompt, **options) as events:
            try:
                async for event in events:
                    if not has_begun:
                        # Not earlier: a prompt that is refused leaves standard output empty.
                        console.out(printable(prompt), style=PROMPT_STYLE, end="", highlight=False)
                        has_begun = True
                    match event:
                        case Text(text=text, origin=origin):
                            first_token_s = first_token_s or seconds_since_process_start()
                            style = FACT_STYLE if origin == "fact" else None
                            console.out(printable(text), style=style, end="", highlight=False)
                        case Finished():
                            completion = event.completion
                        case _:
                            pass  # lookups are listed below the text
            finally:
                if has_begun:  # an error is on a separate line
                    console.print()
    assert completion is not None, "a stream ends with Finished"
    if as_json:
        answer = completion_as_json(completion)
        answer["seconds"] = round(time.perf_counter() - began, 4)
        answer["time_to_first_token_s"] = first_token_s
        print_json(answer)
        return
    if completion.lookups:
        console.print()
    for note in lookup_notes(completion):
        console.print(note)


def completion_as_json(completion: Completion) -> dict[str, Any]:
    """Return the completion under the command's documented keys."""
    answer = completion.as_dict()
    answer["tokens"] = answer.pop("n_tokens")
    return answer
