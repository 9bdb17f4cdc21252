#!/usr/bin/env bash
# Runs the tests in processes side by side: some of them wait for Neo4j servers much of the time.
# Arguments go to each: `build_support/test.sh -x -k erase`.
#
# A container engine that answers is used. LAMLAM_TEST_CONTAINERS=1 starts one where none does,
# and ends it afterwards; LAMLAM_TEST_CONTAINERS=only runs nothing but the tests that need one.
set -uo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
containers=build_support/containers.sh
wanted=${LAMLAM_TEST_CONTAINERS:-}
# What the processes run, in turn; tests/parts.py says what each part holds. The servers' own
# tests are over soon, and those of training take as long again as they do.
queues=("others" "neo4j" "servers training")
process=()
status=()

clean_up() { # neither Ctrl-C nor the end of this script reaches what runs beside it
  trap '' INT TERM
  local pid
  for pid in ${process[@]+"${process[@]}"}; do kill -- "-$pid" 2>/dev/null; done
  [[ -z $wanted ]] || "$containers" down
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [[ -n $wanted ]]; then
  variables=$("$containers" up)
  case $? in
    0)
      eval "$variables"
      export LAMLAM_REQUIRE_CONTAINERS=1
      queues[1]+=" containers" # both have a container all the time, and two cores are busy enough
      ;;
    3) [[ $wanted != only ]] || exit 1 ;; # its line says why; the servers then run by Java
    *)
      echo "[test] failed: the images of the container engine"
      exit 1
      ;;
  esac
fi

run_in_turn() {
  local part result=0 worst=0 server
  for part in "$@"; do
    server=(--require-neo4j)
    [[ $part != training ]] || server=()
    "$python" -m pytest --part "$part" ${server[@]+"${server[@]}"} ${arguments[@]+"${arguments[@]}"}
    result=$?
    ((result == 5 && ${#arguments[@]} > 0)) && continue # no test chosen, which arguments may do
    ((result == 0)) || worst=$result
  done
  return "$worst"
}
arguments=("$@")

if [[ $wanted == only ]]; then
  run_in_turn containers
  exit
fi

log_of() { printf '.venv/%s-tests.log' "${queues[$1]%% *}"; }

echo "[test] tests against Neo4j and of training run beside the others; their output follows at the end"
for n in 1 2; do
  set -m # a process group of its own, to end it with what it has started
  # shellcheck disable=SC2086 # one or two parts
  run_in_turn ${queues[n]} >"$(log_of "$n")" 2>&1 </dev/null &
  process[n]=$!
  set +m
done

"$python" -m pytest --part "${queues[0]}" "$@"
status[0]=$?
((status[0] == 5 && $# > 0)) && status[0]=0

for n in 1 2; do
  log=$(log_of "$n")
  if kill -0 "${process[n]}" 2>/dev/null; then
    echo "[test] waiting for the part \"${queues[n]}\" (its output so far: $log)"
  fi
  wait "${process[n]}"
  status[n]=$?
  cat "$log"
done

failed=()
for n in 0 1 2; do
  # Statuses beyond 5 are not pytest's: 128 and more tell the signal that ended it.
  ((status[n] == 0)) || failed+=("the part \"${queues[n]}\" (status ${status[n]})")
done
((${#failed[@]} == 0)) && exit
printf '[test] failed: %s\n' "${failed[@]}"
exit 1
