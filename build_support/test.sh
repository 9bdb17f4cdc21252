#!/usr/bin/env bash
# Runs the tests in three processes side by side: those of Neo4j mostly wait for its servers. A
# process that is through with its own part goes on with what is left, so that no core is idle.
# Arguments go to each: `build_support/test.sh -x -k erase`.
#
# A container engine that answers is used. LAMLAM_TEST_CONTAINERS=1 starts one where none does,
# and ends it afterwards; LAMLAM_TEST_CONTAINERS=only runs nothing but the tests that need one.
set -uo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
containers=build_support/containers.sh
wanted=${LAMLAM_TEST_CONTAINERS:-}
# What each process begins with; tests/parts.py says what the parts hold.
own=("others" "neo4j" "servers")
rest="training programs" # for whichever process comes first
arguments=("$@")
process=()
taken=$(mktemp -d) # a folder for each part that was begun, with its status

clean_up() { # neither Ctrl-C nor the end of this script reaches what runs beside it
  trap '' INT TERM
  local pid
  for pid in ${process[@]+"${process[@]}"}; do kill -- "-$pid" 2>/dev/null; done
  [[ -z $wanted ]] || "$containers" down
  rm -rf "$taken"
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
      own[1]+=" containers" # both have a container all the time, and two cores are busy enough
      ;;
    3) [[ $wanted != only ]] || exit 1 ;; # its line says why; the servers then run by Java
    *)
      echo "[test] failed: the images of the container engine"
      exit 1
      ;;
  esac
fi

run_in_turn() { # each part that no other process has begun
  local part options result
  for part in "$@"; do
    mkdir "$taken/$part" 2>/dev/null || continue
    options=(--part "$part")
    [[ $part != neo4j && $part != servers && $part != containers ]] || options+=(--require-neo4j)
    "$python" -m pytest "${options[@]}" ${arguments[@]+"${arguments[@]}"}
    result=$?
    ((result == 5 && ${#arguments[@]} > 0)) && result=0 # no test chosen, which arguments may do
    echo "$result" >"$taken/$part/status"
  done
}

if [[ $wanted == only ]]; then
  run_in_turn containers
  exit "$(<"$taken/containers/status")"
fi

log_of() { printf '.venv/%s-tests.log' "${own[$1]%% *}"; }

echo "[test] three processes share the tests; the output of two of them follows at the end"
for n in 1 2; do
  set -m # a process group of its own, to end it with what it has started
  # shellcheck disable=SC2086 # names of parts
  run_in_turn ${own[n]} $rest >"$(log_of "$n")" 2>&1 </dev/null &
  process[n]=$!
  set +m
done

# shellcheck disable=SC2086
run_in_turn ${own[0]} $rest

for n in 1 2; do
  if kill -0 "${process[n]}" 2>/dev/null; then
    echo "[test] waiting for another process (its output so far: $(log_of "$n"))"
  fi
  wait "${process[n]}"
  cat "$(log_of "$n")"
done

failed=()
# shellcheck disable=SC2086
for part in ${own[*]} $rest; do
  # Statuses beyond 5 are not pytest's: 128 and more tell the signal that ended it.
  result=$(cat "$taken/$part/status" 2>/dev/null || echo "it did not end")
  [[ $result == 0 ]] || failed+=("the part \"$part\" (status $result)")
done
((${#failed[@]} == 0)) && exit
printf '[test] failed: %s\n' "${failed[@]}"
exit 1
