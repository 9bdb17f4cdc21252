#!/bin/sh
# A failed load or save of torch.distributed.checkpoint passes by `except Exception`.
#
# Versions: torch 2.15.0, numpy 2.4.6.
# Valid input: dcp.load from a folder without a checkpoint, in one process, inside a try block.
# Expected: an Exception, as every other error of a read or a write in torch is, so that a program
#   that tries the newest checkpoint and falls back to an older one goes on.
# Seen: CheckpointException, which derives from BaseException. The program ends as if it had been
#   interrupted; so does one that cleans up after errors of a save, such as a full disk.
# Way around: name CheckpointException beside Exception; its `failures` holds the real errors.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6
seen=$("$folder/venv/bin/python" - "$folder" 2>/dev/null <<'END'
import sys

import torch
import torch.distributed.checkpoint as dcp

try:
    try:
        dcp.load({"weight": torch.zeros(2)}, checkpoint_id=f"{sys.argv[1]}/no-checkpoint")
    except Exception:
        print("an Exception")
except BaseException as problem:
    print("passed by:", type(problem).__name__)
END
)
echo "$seen"
test "$seen" = "passed by: CheckpointException" || { echo "this behaviour has changed" >&2; exit 1; }
