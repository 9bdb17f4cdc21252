"""What models write around their thoughts and calls: the marks of the families that are in use.

In many files these are control tokens, which have no text: a plain model must be able to write
them all the same, and whoever reads its text must see them.
"""

from __future__ import annotations

THOUGHT_MARKS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<|think|>", "<|/think|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<|channel>thought", "<channel|>"),
)
"""Where a thought begins, and where it ends."""

CHANNEL, MESSAGE = "<|channel|>", "<|message|>"
HEADERS = (CHANNEL, "<|start|>")
"""What the header of a text begins with."""
ENDS_OF_MESSAGE = ("<|end|>", "<|start|>", "<|call|>", "<|return|>", CHANNEL)
"""Marks of texts in channels (Harmony): a header, the text, and what may follow it."""

IGNORED_MARKS = (
    *("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"),
    *("<|begin_of_solution|>", "<|end_of_solution|>"),
)
"""Marks around an answer, which are no part of it."""

CALL_OPENINGS = (
    *("<tool_call>", "<TOOLCALL>", "[TOOL_CALLS]", "<|python_tag|>", "<|tool_call|>"),
    *("<|tool_call_start|>", "<|START_ACTION|>", "<|tool_calls_section_begin|>"),
    *("<|tool_call_begin|>", "<|tool_call>", "<|tools_prefix|>", "<|function_call|>"),
    *("<seed:tool_call>", "<minimax:tool_call>", "<function_call>", "<function_calls>"),
    *("<\uff5ctool\u2581calls\u2581begin\uff5c>", "<\uff5ctool\u2581call\u2581begin\uff5c>"),
    *("<function=", "<invoke ", "functools[", ">>>"),
)
"""Where a call begins."""

CALL_CLOSINGS = (
    *("</tool_call>", "</TOOLCALL>", "<|/tool_call|>", "<|tool_call_end|>", "<|END_ACTION|>"),
    *("<|tool_calls_section_end|>", "<|tool_call_argument_begin|>", "<tool_call|>"),
    *("<|tools_suffix|>", "</seed:tool_call>", "</minimax:tool_call>", "</function_call>"),
    *("[ARGS]", "[CALL_ID]", "</function_calls>"),
    *("<\uff5ctool\u2581sep\uff5c>", "<\uff5ctool\u2581call\u2581end\uff5c>"),
    "<\uff5ctool\u2581calls\u2581end\uff5c>",
)

_TOKENS = (
    *(mark for pair in THOUGHT_MARKS for mark in pair),
    *(CHANNEL, MESSAGE, *ENDS_OF_MESSAGE, "<|constrain|>"),
    *(*IGNORED_MARKS, *CALL_OPENINGS, *CALL_CLOSINGS),
    *("<|channel>", '<|"|>'),
)
TOKENS = tuple(dict.fromkeys(_TOKENS))
"""All that may be a token of its own."""
