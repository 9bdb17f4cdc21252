"""How a model is shown what it asked memory, and what that answered.

In the form of calls and results where its template has tools, else in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamlam.runtime.chat.instructions import written_call
from lamlam.runtime.chat.tool_calls import LOOK_UP

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Lookup, LookupResult

_MAX_SHOWN_CHARACTERS = 2_000
"""How much of the values of one lookup the model is shown."""


def shown(result: LookupResult) -> dict[str, Any]:
    """Return what the model is shown of a result; a miss as a miss."""
    if str(result.status) != "hit":
        if str(result.status) == "ambiguous":
            apart = {near.entity: near.told_apart for near in result.candidates[:5]}
            told = {"values": [], "note": "several entities have this name", "entities": [*apart]}
            return {**told, "facts": apart} if any(apart.values()) else told
        return {"values": [], "note": "memory does not hold this fact"}
    values: list[str] = []
    left = _MAX_SHOWN_CHARACTERS
    for value in result.values:
        left -= len(value)
        if left < 0:
            break
        values.append(value)
    n_more = len(result.values) - len(values)
    if not values:
        return {"values": [], "note": "memory holds a value that is too long to be shown here"}
    return {"values": values, **({"more": n_more} if n_more else {})}


def in_words(call: Lookup, shown: dict[str, Any]) -> str:
    """Return it as a sentence, for templates without tools: small models would copy JSON."""
    asked = f"the {call.relation} of {call.entity}"
    if shown["values"]:
        more = f", and {shown['more']} more" if "more" in shown else ""
        return f"Memory says of {asked}: {'; '.join(shown['values'])}{more}."
    facts = shown.get("facts", {})
    entities = [f"{n} [{facts[n]}]" if facts.get(n) else n for n in shown.get("entities", ())]
    names = f": {'; '.join(entities)}" if entities else ""
    return f"Memory has no answer on {asked} ({shown['note']}{names})."


def lookup_message(call: Lookup, call_id: str) -> dict[str, Any]:
    """Return a lookup as an entry of ``tool_calls``."""
    function = {"name": LOOK_UP.name, "arguments": _arguments(call)}
    return {"id": call_id, "type": "function", "function": function}


def written_lookup(call: Lookup) -> str:
    """Return a lookup as a model without a form of its own writes it."""
    return written_call(LOOK_UP.name, _arguments(call))


def _arguments(call: Lookup) -> dict[str, Any]:
    return {"entity": call.entity, "relation": call.relation}
