#!/usr/bin/env bash
# Gradescope runs this as root when it builds the autograder's image. The image's own python3 gets no package: its harness needs it as it is.
set -euo pipefail
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P) # /autograder/source
own=$here/gradstep
home=/opt/gradstep # what students' code may read: Python, PyTorch and the grader, no part of the assignment

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends ca-certificates libseccomp2 python3 python3-venv

mkdir -p "$home"
python3 -m venv "$home/tools"
"$home/tools/bin/python" -m pip install --disable-pip-version-check --no-cache-dir "uv==@uv@"
uv() { UV_PYTHON_INSTALL_DIR=$home/python UV_NO_CACHE=1 UV_LINK_MODE=copy "$home/tools/bin/uv" "$@"; }

# The Python that the checks were tested with: the image's, or one that uv fetches where the image has another (22.04 has 3.10).
if python3 -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@python@")'; then
    uv venv --python "$(command -v python3)" "$home/venv"
else
    uv python install @python@
    uv venv --managed-python --python @python@ "$home/venv"
fi
python=$home/venv/bin/python

# PyTorch for the CPU comes from its own index, everything else from the usual one, in the versions that the checks were tested with.
uv pip install --python "$python" --index-url https://download.pytorch.org/whl/cpu "torch==@torch@"
uv pip install --python "$python" --constraint "$own/constraints.txt" --requirement "$own/requirements.txt"

cp -R "$own/package" "$home/package"
chmod -R a+rX "$home"
printf '%s\n' "$python" "$home/package" > "$own/where"

# Run the reference once: the image keeps its numbers, and a fault shows here instead of at the first submission.
start='import sys; sys.path.insert(0, sys.argv.pop(1)); from autograder.commands.container.gradescope_run import main; main()'
"$python" -I -c "$start" "$home/package" prepare "$(dirname "$here")"
chmod -R go= "$here"
