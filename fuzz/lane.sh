#!/bin/sh
# lane.sh SECONDS TARGET...: fuzzes each target for that long in turn, at the lowest priority; goes on after a hang or too much memory.
# PYTHON, FUZZ_OUT: the interpreter with atheris; where corpus, findings and logs go.
seconds=$1; shift
here=$(dirname "$0")
mkdir -p "$FUZZ_OUT/logs"
for target in "$@"; do
  until=$(($(date +%s) + seconds))
  while left=$((until - $(date +%s))); [ "$left" -gt 3 ]; do
    nice -n 19 "$PYTHON" "$here/fuzz_$target.py" -max_total_time="$left" >"$FUZZ_OUT/logs/$target-$(date +%s).log" 2>&1
    sleep 1
  done
done
