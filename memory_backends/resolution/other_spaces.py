"""Names of scripts without spaces between words: "김 연아" is also written "김연아".

Where such a name is parted is a matter of taste, and a part more or less may be another name: so
what differs in its spaces alone is a candidate, and never an answer.
"""

from __future__ import annotations

import re

_LETTER = (
    "\u0e00-\u0edf"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"  # Hangul
    "\u1780-\u17df"  # Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # kana and marks of repetition
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # Han
)
_NAME = re.compile(f"[{_LETTER}]+(?: [{_LETTER}]+)*")
_MOST_LETTERS = 32


def other_spacings(folded: str) -> tuple[str, ...]:
    """Return a folded name with its spaces elsewhere: with none, or with one in any place.

    Empty for names of other scripts, in which spaces say what the words are.

    >>> other_spacings("김연아"), other_spacings("김 연아")[:2], other_spacings("new york")
    (('김 연아', '김연 아'), ('김연아', '김연 아'), ())
    """
    if folded.isascii() or _NAME.fullmatch(folded) is None:
        return ()
    whole = folded.replace(" ", "")
    if not 1 < len(whole) <= _MOST_LETTERS:
        return () if whole == folded else (whole,)
    forms = (whole, *(f"{whole[:at]} {whole[at:]}" for at in range(1, len(whole))))
    return tuple(form for form in forms if form != folded)
