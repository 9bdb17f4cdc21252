"""What a language model is asked for: the text again, with a call before each value.

The shape is the paper's: text in, text with ``[dblookup('E', 'R') -> V] V`` out.
"""

from __future__ import annotations

VERSION = 1
"""Of the prompt: replies to another one are not used again."""
_RULES = """\
You annotate texts for training a language model that looks facts up in a database.
Copy the text word for word. Directly before each value of a fact, insert a call:
[dblookup('ENTITY', 'Relation') -> VALUE] VALUE
ENTITY is the full name of whom or what the fact is about, as the text writes it, and must have
been named before. Relation is one to four words, such as Birth Date. VALUE is the exact next
words of the text. Annotate names, dates, places, numbers, titles and roles that one must know
and cannot guess: as many as the text states. Change nothing else, add nothing, explain nothing."""
_EXAMPLES = (
    (
        "Acme Robotics",
        "Acme Robotics was founded in 1987 by Ada Quill, a Norland engineer. It makes harvesters in"
        " Lowmere.",
        "Acme Robotics was founded in [dblookup('Acme Robotics', 'Founded') -> 1987] 1987 by"
        " [dblookup('Acme Robotics', 'Founder') -> Ada Quill] Ada Quill, a"
        " [dblookup('Ada Quill', 'Nationality') -> Norland] Norland"
        " [dblookup('Ada Quill', 'Occupation') -> engineer] engineer. It makes"
        " [dblookup('Acme Robotics', 'Product') -> harvesters] harvesters in"
        " [dblookup('Acme Robotics', 'Location') -> Lowmere] Lowmere.",
    ),
    ("The rain", "It rained all day, and nobody came.", "It rained all day, and nobody came."),
)


def messages_for(title: str, text: str) -> list[dict[str, str]]:
    """Return the conversation that asks a model to annotate one text.

    The text is data: it stands alone in the last message, and what comes back is checked
    against it word for word.
    """
    messages = [{"role": "system", "content": _RULES}]
    for example_title, plain, annotated in _EXAMPLES:
        messages.append({"role": "user", "content": _asked(example_title, plain)})
        messages.append({"role": "assistant", "content": annotated})
    messages.append({"role": "user", "content": _asked(title, text)})
    return messages


def _asked(title: str, text: str) -> str:
    return f"Title: {' '.join(title.split())}\n\n{text}"
