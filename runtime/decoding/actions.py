"""The actions that a decoder asks of its driver, and how the driver reports back:

====================  ==============================================================
action                then
====================  ==============================================================
`Sample`              choose a token by the choice, `Decoder.sampled`
`Force`               append the tokens to the sequence, `Decoder.forced`
`Look`                look up in memory, `Decoder.answered`
`Rewind`              truncate the sequence, `Decoder.rewound`
`Done`                nothing: the generation is complete
====================  ==============================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lamlam.runtime.decoding.completion import FinishReason
from lamlam.runtime.decoding.sampling import Choice

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Lookup


@dataclass(frozen=True, slots=True)
class Sample:
    """Choose the next token."""

    choice: Choice


@dataclass(frozen=True, slots=True)
class Force:
    """Append these tokens; only the logits after the last are needed."""

    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Look up in memory."""

    lookup: Lookup


@dataclass(frozen=True, slots=True)
class Rewind:
    """Truncate the sequence to its first ``to`` tokens."""

    to: int


@dataclass(frozen=True, slots=True)
class Done:
    """The generation is complete, or (``lookup_failed``) must not go on."""

    reason: FinishReason | Literal["lookup_failed"]


Action = Sample | Force | Look | Rewind | Done
