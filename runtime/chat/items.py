"""Items of a conversation, as the Responses API has them: what each part of an answer is by itself.

`read_messages` joins the items of one answer to one message.
"""

from __future__ import annotations

from typing import Any


def answer_item(text: str) -> dict[str, Any]:
    """Return what the model said."""
    return {"type": "message", "role": "assistant", "content": text}


def thought_item(text: str) -> dict[str, Any]:
    """Return what the model thought."""
    return {"type": "reasoning", "content": [{"type": "reasoning_text", "text": text}]}


def called_item(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """Return a call of a tool; ``arguments``: JSON text of an object."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def result_item(call_id: str, output: str) -> dict[str, Any]:
    """Return what a call gave."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}
