#!/bin/sh
# pydantic reads the ISO 8601 date 20240101 as a number of seconds: 23 August 1970.
#
# Versions: pydantic 2.14.4.
# Valid input: "20240101", the basic format of ISO 8601, for a field of type datetime.
# Expected: 2024-01-01, as datetime.fromisoformat of Python 3.11 and newer reads it, or an error.
# Seen: 1970-08-23 06:15:01 UTC, without an error; also a year alone, "2024", is a moment in 1970.
#   The same text with a time, "20240101T101112", is refused.
# Way around: parse the text with datetime.fromisoformat in a validator that runs before.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pydantic==2.14.4
seen=$("$folder/venv/bin/python" - <<'END'
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

moments = TypeAdapter(datetime)
for text in ("2024-01-01", "20240101", "2024"):
    print(text, moments.validate_python(text))
try:
    moments.validate_python("20240101T101112")
except ValidationError:
    print("20240101T101112 refused")
END
)
expected='2024-01-01 2024-01-01 00:00:00
20240101 1970-08-23 06:15:01+00:00
2024 1970-01-01 00:33:44+00:00
20240101T101112 refused'
echo "$seen"
test "$seen" = "$expected" || { echo "this behaviour has changed" >&2; exit 1; }
