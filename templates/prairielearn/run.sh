#!/bin/sh
# PrairieLearn starts this as root in a container of its own for each submission. Written by `autograder export prairielearn`.
# Everything of the job is closed to the user that the student's code runs as, before any of it runs.
job=${1:-/grade}
mkdir -p "$job/results"
printf '%s\n' '{"gradable": false, "format_errors": ["The grader did not start. It costs no attempt: tell your instructor."]}' > "$job/results/results.json"
chmod -R go-rwx "$job"
exec python3 -P -c 'import sys; from autograder.commands.container.prairielearn_job import main; main(sys.argv[1])' "$job"
