"""The table of docs/how-it-works.md: what each policy writes after each kind of miss.

    python -m tests.docs.miss_policy_table

prints it, with what the bundled model writes, greedily, in a memory of a few invented facts.
Releases of llama.cpp round differently: a token that leads by little would be another one with
some of them, so that prompts with such a token are refused.
"""

from __future__ import annotations

import math
import sys
import tempfile

import lamlam
from lamlam.errors import LookupFailed, UsageError
from lamlam.runtime.decoding.miss_policies import MISS_POLICIES, PolicyName

FACTS = (
    ("Ada Quill", "occupation", "weaver"),
    ("Ada Quill", "child", "Ivo Quill"),
    ("John Stane (sailor)", "death place", "Lowmere"),
    ("John Stane (miner)", "death place", "Highmere"),
)
KINDS = {
    "the model's own lookup": "Ada Quill (born",
    "a relation that the words name": "Ada Quill died in",
    "an ambiguous name": "John Stane died in",
    "a question": "Where did Ada Quill die?",
    "a question that names nothing known": "What is the capital of Atlantis?",
}
MEMORY_OFF = "Ada Quill died in"
MOST_TOKENS = 2
SMALLEST_LEAD = 0.4  # natural logarithms; of two releases they differed by up to 0.3


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
        done = engine.generate(prompt, policy=policy, max_tokens=MOST_TOKENS, logprobs=20)
    except (LookupFailed, UsageError) as error:
        return f"`{type(error).__name__}`"
    for token in done.logprobs or ():
        assert _lead(token) >= SMALLEST_LEAD, f"{prompt!r}, {policy}: no clear choice: {token}"
    written = ""
    for span in done.spans:
        text = done.text[span.start : span.end]
        if span.origin != "prompt":
            written += f"**{text}**" if span.origin == "fact" else text
    written = " ".join(written.split()).replace("|", "\\|")
    return f"{written} ∎" if done.finish_reason != "length" else written


def _lead(token: lamlam.TokenLogprob) -> float:
    """Return by how much a token of the model's own was likelier than the next that is no lookup."""
    if token.origin != "parametric" or token.logprob is None:
        return math.inf
    after = [
        other.logprob
        for other in token.top
        if other.logprob is not None
        and other.logprob < token.logprob
        and not other.text.startswith("<|")
    ]
    return token.logprob - max(after, default=-math.inf)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
