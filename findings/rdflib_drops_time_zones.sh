#!/bin/sh
# rdflib drops the time zone of a date while it reads N-Triples, and two facts become one.
#
# Versions: rdflib 7.6.0.
# Valid input: two N-Triples lines with xsd:date values of different time zones, which are
#   different values by XML Schema. The same happens to xsd:gYear and xsd:gYearMonth.
# Expected: two triples, written back as they were read.
# Seen: one triple, "2024-05-01" without a time zone; no warning, no error. The value is
#   converted to a Python date, which has no zone, and written anew from it.
# Way around: rdflib.NORMALIZE_LITERALS = False before the file is read.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet rdflib==7.6.0
cat > "$folder/facts.nt" <<'END'
<http://example.org/a> <http://example.org/opened> "2024-05-01+02:00"^^<http://www.w3.org/2001/XMLSchema#date> .
<http://example.org/a> <http://example.org/opened> "2024-05-01-08:00"^^<http://www.w3.org/2001/XMLSchema#date> .
END
seen=$("$folder/venv/bin/python" - "$folder/facts.nt" <<'END'
import sys
import rdflib

print(rdflib.Graph().parse(sys.argv[1], format="nt").serialize(format="nt").strip())
rdflib.NORMALIZE_LITERALS = False
print(len(rdflib.Graph().parse(sys.argv[1], format="nt")))
END
)
expected='<http://example.org/a> <http://example.org/opened> "2024-05-01"^^<http://www.w3.org/2001/XMLSchema#date> .
2'
echo "$seen"
test "$seen" = "$expected" || { echo "this behaviour has changed" >&2; exit 1; }
