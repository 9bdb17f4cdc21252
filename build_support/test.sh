#!/usr/bin/env bash
# Runs the tests in three processes: two of them wait for Neo4j servers much of the time.
# Arguments go to each: `build_support/test.sh -x -k erase`.
set -uo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
parts=(others neo4j servers) # tests/parts.py says what each holds
process=()
status=()

echo "[test] tests against Neo4j run beside the others; their output follows at the end"
for n in 1 2; do
  "$python" -m pytest --part "${parts[n]}" --require-neo4j "$@" \
    >".venv/${parts[n]}-tests.log" 2>&1 &
  process[n]=$!
done
trap 'kill "${process[@]}" 2>/dev/null' EXIT # Ctrl-C does not reach what runs in the background

"$python" -m pytest --part "${parts[0]}" "$@"
status[0]=$?

for n in 1 2; do
  log=".venv/${parts[n]}-tests.log"
  if kill -0 "${process[n]}" 2>/dev/null; then
    echo "[test] waiting for the part \"${parts[n]}\" (its output so far: $log)"
  fi
  wait "${process[n]}"
  status[n]=$?
  cat "$log"
done

failed=()
for n in 0 1 2; do
  ((status[n] == 5 && $# > 0)) && continue # pytest: no test chosen, which arguments may do
  # Statuses beyond 5 are not pytest's: 128 and more tell the signal that ended it.
  ((status[n] == 0)) || failed+=("the part \"${parts[n]}\" (status ${status[n]})")
done
((${#failed[@]} == 0)) && exit
printf '[test] failed: %s\n' "${failed[@]}"
exit 1
