#!/usr/bin/env bash
# Runs the tests in two processes: those against Neo4j wait for its server much of the time.
# Arguments go to both: `build_support/test.sh -x -k erase`.
set -uo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
neo4j_log=.venv/neo4j-tests.log

echo "[test] tests against Neo4j run beside the others; their output follows at the end"
"$python" -m pytest -m lamlam_neo4j --require-neo4j "$@" >"$neo4j_log" 2>&1 &
neo4j=$!
trap 'kill "$neo4j" 2>/dev/null' EXIT # Ctrl-C does not reach what runs in the background

"$python" -m pytest -m "not lamlam_neo4j" "$@"
others_status=$?

if kill -0 "$neo4j" 2>/dev/null; then
  echo "[test] waiting for the tests against Neo4j (their output so far: $neo4j_log)"
fi
wait "$neo4j"
neo4j_status=$?
cat "$neo4j_log"

failed=()
# Other statuses than 0 to 5 are not pytest's: 128 and more tell the signal that ended it.
((others_status == 0)) || failed+=("the tests without Neo4j (status $others_status)")
((neo4j_status == 0)) || failed+=("the tests against Neo4j (status $neo4j_status)")
((${#failed[@]} == 0)) && exit
printf '[test] failed: %s\n' "${failed[@]}"
exit 1
