#!/bin/sh
# LangGraph's stores in memory and in SQLite forget when an item was created as soon as it is put again.
#
# Versions: langgraph-checkpoint 4.3.2, langgraph-checkpoint-sqlite 3.1.2.
# Valid input: an item that is put twice under one key, the second time with another value.
# Expected: `created_at`, "Timestamp of item creation" and "When the item was first created", stays
#   that of the first put, and `updated_at` is that of the second.
# Seen: both are those of the second put.
# Way around: keep the time in the value, and copy it when the item is put again.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet langgraph-checkpoint==4.3.2 langgraph-checkpoint-sqlite==3.1.2
seen=$("$folder/venv/bin/python" - <<'END'
import time

from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore


def is_created_again(store):
    store.put(("notes",), "a", {"text": "first"})
    created = store.get(("notes",), "a").created_at
    time.sleep(1.1)  # SQLite counts whole seconds
    store.put(("notes",), "a", {"text": "second"})
    return store.get(("notes",), "a").created_at > created


print("in memory:", is_created_again(InMemoryStore()))
with SqliteStore.from_conn_string(":memory:") as store:
    store.setup()
    print("in SQLite:", is_created_again(store))
END
)
echo "$seen"
expected='in memory: True
in SQLite: True'
test "$seen" = "$expected" || { echo "this behaviour has changed" >&2; exit 1; }
