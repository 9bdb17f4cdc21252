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
parts=(others neo4j servers) # tests/parts.py says what each holds
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
      parts+=(containers)
      ;;
    3) [[ $wanted != only ]] || exit 1 ;; # its line says why; the servers then run by Java
    *)
      echo "[test] failed: the images of the container engine"
      exit 1
      ;;
  esac
fi
[[ $wanted != only ]] || parts=(containers)

# One after the other: both have a container all the time, and two cores are busy enough.
run_in_turn() {
  local part result=0 worst=0
  for part in "$@"; do
    "$python" -m pytest --part "$part" --require-neo4j ${arguments[@]+"${arguments[@]}"}
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

echo "[test] tests against Neo4j run beside the others; their output follows at the end"
names=("${parts[0]}" "${parts[*]:1:1} ${parts[*]:3}" "${parts[2]}")
for n in 1 2; do
  set -m # a process group of its own, to end it with what it has started
  # shellcheck disable=SC2086 # one or two parts
  run_in_turn ${names[n]} >".venv/${parts[n]}-tests.log" 2>&1 </dev/null &
  process[n]=$!
  set +m
done

"$python" -m pytest --part "${parts[0]}" "$@"
status[0]=$?
((status[0] == 5 && $# > 0)) && status[0]=0

for n in 1 2; do
  log=".venv/${parts[n]}-tests.log"
  if kill -0 "${process[n]}" 2>/dev/null; then
    echo "[test] waiting for the part \"${names[n]}\" (its output so far: $log)"
  fi
  wait "${process[n]}"
  status[n]=$?
  cat "$log"
done

failed=()
for n in 0 1 2; do
  # Statuses beyond 5 are not pytest's: 128 and more tell the signal that ended it.
  ((status[n] == 0)) || failed+=("the part \"${names[n]}\" (status ${status[n]})")
done
((${#failed[@]} == 0)) && exit
printf '[test] failed: %s\n' "${failed[@]}"
exit 1
