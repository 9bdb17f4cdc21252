"""Generate with the bundled model and facts, and show where each value came from.

    python examples/write_with_facts.py

Values in brackets come from the memory, the rest from the model. Prints something like
(values and sources depend on the version of the bundled facts):

    Elvis Presley was born in [Tupelo, Mississippi] ...
        birth place of Elvis Presley: Tupelo, Mississippi (from ...)
"""

from __future__ import annotations

import lamlam

PROMPTS = ("Elvis Presley was born in", "Marie Curie (born", "Casablanca is a")


def marked(completion: lamlam.Completion) -> str:
    """Return the text with brackets around values from the memory."""
    parts = []
    for span in completion.spans:
        text = completion.text[span.start : span.end]
        if span.origin == "fact":
            # The space before a value belongs to its span.
            bare = text.lstrip(" ")
            text = f"{text[: len(text) - len(bare)]}[{bare}]"
        parts.append(text)
    return "".join(parts)


def main() -> None:
    """Print the completions and the sources of their values."""
    with lamlam.SyncEngine() as engine:
        for prompt in PROMPTS:
            completion = engine.generate(prompt, max_tokens=40)
            print(marked(completion))
            for lookup in completion.lookups:
                source = f" (from {lookup.source})" if lookup.source else ""
                answer = lookup.value or "not in memory"
                print(f"    {lookup.relation} of {lookup.entity}: {answer}{source}")
            print()


if __name__ == "__main__":
    main()
