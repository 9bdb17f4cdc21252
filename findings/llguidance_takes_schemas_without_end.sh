#!/bin/sh
# llguidance takes a JSON schema that no finite text fits, and its masks never let the text end.
#
# Versions: llguidance 1.9.1.
# Valid input: a schema that requires a property which has the schema itself, as a tree without
#   leaves; a slip that is easy to make, since the property only has to be left optional.
# Expected: "Unsatisfiable schema", as for a minLength above the maxLength or an empty enum.
# Seen: no error and no warning. A model opens one object inside the other until it has no tokens
#   left: the end of the text is allowed nowhere.
# Way around: look for the schemas that some finite value fits, before compiling: begin with those
#   that need no other, and add what needs only these.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet llguidance==1.9.1
seen=$("$folder/venv/bin/python" - <<'END'
import json

from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper


class Bytes:
    eos_token_id, bos_token_id = 256, None
    tokens = [bytes([byte]) for byte in range(256)] + [b"\xff<end>"]
    special_token_ids = []

    def __call__(self, text):
        return list(text)


def fault(schema):
    found = LLMatcher.validate_grammar("start: %json " + json.dumps(schema))
    return found.partition("JSON schema: ")[2].partition(" schema:")[0] or "no fault"


endless = {
    "type": "object",
    "properties": {"n": {"enum": [1, 2]}, "x": {"$ref": "#"}},
    "required": ["n", "x"],
    "additionalProperties": False,
    "x-guidance": {"whitespace_flexible": False},
}
print("an empty enum:", fault({"enum": []}))
print("itself:", fault(endless))
matcher = LLMatcher(LLTokenizer(TokenizerWrapper(Bytes())), "start: %json " + json.dumps(endless))
written = b""
while len(written) < 32:
    mask = matcher.compute_logit_bias()
    token = max(range(257), key=lambda one: (mask[one], one))
    matcher.consume_token(token)
    written += Bytes.tokens[token]
print(written.decode())
END
)
expected='an empty enum: Unsatisfiable
itself: no fault
{"n":2,"x":{"n":2,"x":{"n":2,"x"'
echo "$seen"
test "$seen" = "$expected" || { echo "this behaviour has changed" >&2; exit 1; }
