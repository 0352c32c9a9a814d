"""Classroom 50 runs this once per submission, in the student's checkout. Written by `autograder export github`.

Put it into your classroom50 repository as CLASSROOM/autograders/ASSIGNMENT/autograder.py, with @slug@.checks from the release beside it: the student's own copy is not used.
It writes result.json and release-body.md, and exits with 0 if the checks could be made, whatever came out.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = @requirement_list@
RESULT = Path("result.json")
CHECKS = Path(__file__).resolve().parent / "@slug@.checks"

if importlib.util.find_spec("autograder") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable, "--torch-backend", "cpu"]
    subprocess.run([*install, *REQUIREMENTS], check=True)

RESULT.unlink(missing_ok=True)  # of the student's own making
check = [sys.executable, "-m", "autograder.cli", "check", "@slug@.ipynb", "--checks", str(CHECKS), "--format", "github"]
done = subprocess.run([*check, "--summary", "release-body.md", "--classroom50", "result.json"], check=False)
sys.exit(0 if done.returncode in (0, 1) and RESULT.is_file() else 1)
