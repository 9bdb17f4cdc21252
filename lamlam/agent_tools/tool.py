"""The memory tools: names, titles, descriptions and hints, in the forms that hosts read.

>>> [tool.name for tool in TOOLS][:3]
['look_up_fact', 'search_facts', 'remember_fact']
>>> TOOLS[0].definition()["function"]["parameters"]["required"]
['entity', 'relation']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamlam.agent_tools.arguments import (
    About,
    Correct,
    Forget,
    LookUp,
    Remember,
    RememberMany,
    Search,
    ToolArguments,
)
from lamlam.agent_tools.results import (
    CorrectResult,
    FactsAboutResult,
    ForgetResult,
    FoundFacts,
    LookUpResult,
    RememberManyResult,
    RememberResult,
    ToolResult,
)
from lamlam.agent_tools.schemas import argument_schema, result_schema, strict_schema


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: what a model reads about it, and what a host may know before it allows a call."""

    name: str
    title: str
    description: str
    arguments: type[ToolArguments]
    result: type[ToolResult]
    reads_only: bool
    destroys: bool = False
    """What it removes cannot be restored."""
    is_idempotent: bool = True
    """A second call with the same arguments changes nothing more."""
    hidden: frozenset[str] = frozenset({"namespace"})
    """Arguments that a model may not give."""
    namespaces: tuple[str, ...] = ()
    """Those that a model may choose from, as one text each, where it may choose only from some."""

    def schema(self, *, strict: bool = False) -> dict[str, Any]:
        """Return the JSON schema of the arguments.

        Args:
            strict: as OpenAI's strict mode wants it: what may be left out is required and may
                be null.
        """
        schema = argument_schema(self.arguments, self.hidden)
        if self.namespaces and "namespace" in schema["properties"]:
            given = schema["properties"]["namespace"]
            given["anyOf"] = [
                {"type": "string", "enum": list(self.namespaces)},
                {"type": "null"},
            ]
        return strict_schema(schema) if strict else schema

    def output_schema(self) -> dict[str, Any]:
        """Return the JSON schema of the answer, as `MemoryTools.call` gives it."""
        return result_schema(self.result)

    def definition(self, *, strict: bool = False) -> dict[str, Any]:
        """Return the definition in the form of OpenAI's function calling; ``strict`` as `schema`."""
        function: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "parameters": self.schema(strict=strict),
        }
        if strict:
            function["strict"] = True
        return {"type": "function", "function": function}

    def mcp_definition(self) -> dict[str, Any]:
        """Return the definition in the form of the Model Context Protocol, hints included."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.schema(),
            "outputSchema": self.output_schema(),
            "annotations": {
                "title": self.title,
                "readOnlyHint": self.reads_only,
                "destructiveHint": self.destroys,
                "idempotentHint": self.is_idempotent,
                "openWorldHint": False,
            },
        }


TOOLS = (
    Tool(
        "look_up_fact",
        "Look up a fact",
        "Look up in memory what one relation of one entity is.",
        LookUp,
        LookUpResult,
        reads_only=True,
    ),
    Tool(
        "search_facts",
        "Search facts",
        "Find facts in memory by a part of a name or of a value, or by the words of a question.",
        Search,
        FoundFacts,
        reads_only=True,
    ),
    Tool(
        "facts_about",
        "Facts about the names in a text",
        "Find what memory holds about every name in a text, such as a message of the user.",
        About,
        FactsAboutResult,
        reads_only=True,
    ),
    Tool(
        "remember_fact",
        "Remember a fact",
        "Add a fact to memory, beside what the relation holds already.",
        Remember,
        RememberResult,
        reads_only=False,
    ),
    Tool(
        "remember_facts",
        "Remember several facts",
        "Add several facts to memory at once, each with the sentence that it came from. What is "
        "refused is told by its index; send only that again.",
        RememberMany,
        RememberManyResult,
        reads_only=False,
    ),
    Tool(
        "correct_fact",
        "Correct a fact",
        "Make a value the only one that the relation holds; the old ones stay in the history.",
        Correct,
        CorrectResult,
        reads_only=False,
    ),
    Tool(
        "forget_fact",
        "Forget facts",
        "Erase an entity, a relation or one value from memory for good, the history included.",
        Forget,
        ForgetResult,
        reads_only=False,
        destroys=True,
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}
