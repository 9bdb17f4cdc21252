"""Offer a fact store as tools to an agent of any framework.

Prints what the agent's calls return, step by step:

    read: look_up_fact, search_facts, facts_about
    write: remember_fact, remember_facts, correct_fact, forget_fact
    look_up_fact: miss
    remember_fact: remembered
    look_up_fact: hit Lowmere
    correct_fact: corrected
    look_up_fact: hit Highmere
    refused: look_up_fact: relation: Field required
    forget_fact: forgotten
    look_up_fact: miss
"""

import json

import anyio

import lamlam

WHO = {"entity": "Ada Quill", "relation": "birth place"}
# Tool calls of a model, as frameworks pass them on: a name and arguments as JSON text.
CALLS = [
    ("look_up_fact", json.dumps(WHO)),
    ("remember_fact", json.dumps({**WHO, "value": "Lowmere", "source": "a letter"})),
    ("look_up_fact", json.dumps(WHO)),
    ("correct_fact", json.dumps({**WHO, "value": "Highmere"})),
    ("look_up_fact", json.dumps(WHO)),
    ("look_up_fact", json.dumps({"entity": "Ada Quill"})),
    ("forget_fact", json.dumps({"entity": "Ada Quill"})),
    ("look_up_fact", json.dumps(WHO)),
]


async def main() -> None:
    async with lamlam.open_store("memory:") as store:
        tools = lamlam.MemoryTools(store)
        # tools.definitions() goes into the request to the model, tools.mcp_definitions() to MCP.
        print("read:", ", ".join(tool.name for tool in tools.tools if tool.reads_only))
        print("write:", ", ".join(tool.name for tool in tools.tools if not tool.reads_only))
        for name, arguments in CALLS:
            try:
                result = await tools.call(name, arguments)
            except lamlam.LamLamError as error:
                print("refused:", error)  # return this to the model: it may call again
                continue
            values = [found["value"] for found in result.get("values", [])]
            print(f"{name}:", result["status"], *values)


anyio.run(main)
