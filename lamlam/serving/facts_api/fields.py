"""Names, values and moments in requests: checked as in calls of the memory tools, and described.

The patterns describe what is accepted, for programs that read the description; the rules
themselves are those of facts.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from lamlam.agent_tools.hostile_text import (
    MAX_NAME,
    MAX_VALUE,
    name_in_call_fault,
    text_in_call_fault,
)

_UNSEEN = "\u2028\u2029\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f"
_NO_SURROGATES = "\ud800-\udfff"
NAME_PATTERN = f"^[^\\x00-\\x1f\\x7f-\\x9f{_UNSEEN}]*[^\\s\\x00-\\x1f\\x7f-\\x9f{_UNSEEN}]+$"
TEXT_PATTERN = (
    f"^[^\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f{_UNSEEN}]*[^\\s\\x00-\\x1f\\x7f-\\x9f{_UNSEEN}]+$"
)
_DAY = (
    "(-((0[13578]|1[02])(-(0[1-9]|[12][0-9]|3[01]))?|(0[469]|11)(-(0[1-9]|[12][0-9]|30))?"
    "|02(-(0[1-9]|1[0-9]|2[0-8]))?))?"
)
DATE_PATTERN = f"^[0-9]{{3}}[1-9]{_DAY}$"
VALUE_PATTERNS = {
    "integer": "^-?[1-9][0-9]{0,17}$",
    "decimal": "^-?[1-9][0-9]{0,11}[.][0-9]{1,6}$",
    "boolean": "^(yes|no|true|false)$",
    "date": DATE_PATTERN,
    "quantity": "^-?[1-9][0-9]{0,11}([.][0-9]{1,6})? [a-zA-Z]{1,20}$",
    "entity": NAME_PATTERN,
}


def _name(text: str) -> str:
    if fault := name_in_call_fault(text):
        raise ValueError(fault)
    return text


def _text(text: str) -> str:
    if fault := text_in_call_fault(text):
        raise ValueError(fault)
    return text


def _described(most: int, pattern: str, description: str) -> Any:  # Any: an annotation
    schema = {
        "type": "string", "minLength": 1, "maxLength": most, "pattern": pattern,
        "description": description,
    }  # fmt: skip
    return WithJsonSchema(schema)


EntityName = Annotated[
    str,
    Field(description="Whom or what the facts are about."),
    AfterValidator(_name),
    _described(MAX_NAME, NAME_PATTERN, "Whom or what the facts are about."),
]
RelationName = Annotated[
    str,
    Field(description="What is asked or said of it, such as 'birth place'."),
    AfterValidator(_name),
    _described(MAX_NAME, NAME_PATTERN, "What is asked or said of it, such as 'birth place'."),
]
ValueText = Annotated[
    str,
    AfterValidator(_text),
    _described(MAX_VALUE, TEXT_PATTERN, "The value, as a text would have it."),
]
SearchedText = Annotated[
    str,
    Field(description="A part of a name or of a value, or a question."),
    AfterValidator(_name),
    _described(MAX_NAME, NAME_PATTERN, "A part of a name or of a value, or a question."),
]
ReasonText = Annotated[
    str,
    AfterValidator(_name),
    _described(MAX_NAME, NAME_PATTERN, "Why, for the receipt."),
]
SpaceText = Annotated[
    str, Field(max_length=1000, description="The set of entities that is meant, such as 'users/7'.")
]
LimitNumber = Annotated[int, Field(ge=1, le=1000, description="Most facts of the answer.")]
