"""Which tools an answer may call, as options of a chat: agents have tools of two kinds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any


def offer_options(
    tools: Iterable[dict[str, Any]],
    chosen: str | Collection[str] | None,
    allows_text: bool = True,
    ending: Collection[str] = (),
) -> dict[str, Any]:
    """Return `tools` and `tool_choice` of `Engine.chat`; nothing where no tool is left.

    Args:
        tools: definitions in the form of OpenAI's function calling.
        chosen: "auto" or ``None``, "none", "required", or the names of which one is to be called.
            The first two leave tools that end the run, "required" leaves them out.
        allows_text: the answer may be a text, where tools are not asked for by name.
        ending: names of tools whose call is the answer, and ends the run of an agent.

    >>> tools = [{"type": "function", "function": {"name": name}} for name in ("read", "answer")]
    >>> offer_options(tools, "none", False, ["answer"])
    {'tools': [{'type': 'function', 'function': {'name': 'answer'}}], 'tool_choice': 'required'}
    """
    given = {one["function"]["name"]: one for one in tools}
    must = not allows_text
    if chosen is None or chosen == "auto":
        names: Collection[str] = given
    elif chosen == "none" or not chosen:
        names = ending
    elif chosen == "required":
        must, names = True, given.keys() - set(ending)
    else:
        must, names = True, chosen
    offered = [one for name, one in given.items() if name in names]
    return {"tools": offered, "tool_choice": "required" if must else "auto"} if offered else {}
