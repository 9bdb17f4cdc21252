"""The table of docs/how-it-works.md: what each policy writes after each kind of miss.

    python -m tests.docs.miss_policy_table

prints it, with what the bundled model writes, greedily, in a memory of a few invented facts.
"""

from __future__ import annotations

import sys
import tempfile

import lamlam
from lamlam.errors import LookupFailed, UsageError
from lamlam.runtime.decoding.miss_policies import MISS_POLICIES, PolicyName

FACTS = (
    ("Ada Quill", "occupation", "weaver"),
    ("Ada Quill", "child", "Ivo Quill"),
    ("Bo Stane (sailor)", "birth place", "Lowmere"),
    ("Bo Stane (miner)", "birth place", "Highmere"),
)
KINDS = {
    "the model's own lookup": "Ada Quill (born",
    "a relation that the words name": "Ada Quill was born in",
    "an ambiguous name": "Bo Stane was born in",
    "a question": "Where was Ada Quill born?",
    "a question that names nothing known": "What is the capital of Atlantis?",
}
MEMORY_OFF = "Ada Quill was born in"
MOST_TOKENS = 4


def table() -> str:
    """Return the table, one line a policy."""
    heads = ["policy", *KINDS, "memory off"]
    lines = [_line(heads), _line(["---"] * len(heads))]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/facts.db"
        with lamlam.SyncFactStore(url) as store:
            store.apply(
                [lamlam.Assert(lamlam.Fact(entity=e, relation=r, value=v)) for e, r, v in FACTS]
            )
        with (
            lamlam.SyncEngine(memory=url, threads=1) as engine,
            lamlam.SyncEngine(memory=None, threads=1) as off,
        ):
            for policy in MISS_POLICIES:
                cells = [_written(engine, prompt, policy) for prompt in KINDS.values()]
                lines.append(_line([f"`{policy}`", *cells, _written(off, MEMORY_OFF, policy)]))
    return "\n".join(lines)


def _written(engine: lamlam.SyncEngine, prompt: str, policy: PolicyName) -> str:
    """Return what follows the prompt, facts in bold."""
    try:
        done = engine.generate(prompt, policy=policy, max_tokens=MOST_TOKENS)
    except (LookupFailed, UsageError) as error:
        return f"`{type(error).__name__}`"
    written = ""
    for span in done.spans:
        text = done.text[span.start : span.end]
        if span.origin != "prompt":
            written += f"**{text}**" if span.origin == "fact" else text
    written = " ".join(written.split()).replace("|", "\\|")
    return f"{written} ∎" if done.finish_reason != "length" else written


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
