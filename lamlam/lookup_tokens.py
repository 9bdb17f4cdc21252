"""The tokens that mark a lookup in text, and the one that ends a text.

``was born in<|db_entity|> Marie Curie<|db_relationship|> birth place<|db_return|>
Warsaw<|db_end|> Warsaw``. Trainer, export, runtime and evaluation read them here.
"""

from __future__ import annotations

ENTITY = "<|db_entity|>"
RELATIONSHIP = "<|db_relationship|>"
RETURN = "<|db_return|>"
END = "<|db_end|>"
LOOKUP_TOKENS = (ENTITY, RELATIONSHIP, RETURN, END)
END_OF_TEXT = "<|endoftext|>"
