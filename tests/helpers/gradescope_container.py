"""A scratch folder laid out as /autograder, set up as setup.sh leaves it, in which the zip's own
run_autograder runs.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import nbformat

START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from"
    " autograder.commands.container.gradescope_run import main; main()"
)


@dataclass
class Autograder:
    """`root` stands for /autograder, `package` for /opt/gradstep/package."""

    root: Path
    package: Path

    @classmethod
    def unpack(cls, archive, folder):
        """What Gradescope and setup.sh do with the zip, but for the installation: this interpreter
        stands for the environment.
        """
        made = cls(folder / "autograder", folder / "package")
        source = made.root / "source"
        with zipfile.ZipFile(archive) as file:
            for entry in file.infolist():
                path = Path(file.extract(entry, source))
                path.chmod((entry.external_attr >> 16) & 0o777)
        shutil.copytree(source / "gradstep" / "package", made.package)
        (source / "gradstep" / "where").write_text(f"{sys.executable}\n{made.package}\n")
        shutil.copy2(source / "run_autograder", made.root / "run_autograder")
        return made

    def prepare(self):
        """The last step of setup.sh."""
        return subprocess.run(
            [sys.executable, "-I", "-c", START, str(self.package), "prepare", str(self.root)],
            text=True,
            capture_output=True,
            timeout=120,
            check=False,
        )

    @property
    def results(self):
        return self.root / "results" / "results.json"

    def hand_in(self, files, metadata=None):
        """Lay out a submission: `files` by name, and its metadata."""
        shutil.rmtree(self.root / "submission", ignore_errors=True)
        shutil.rmtree(self.root / "results", ignore_errors=True)
        for folder in ("submission", "results"):  # the harness makes both, open to all
            (self.root / folder).mkdir()
            (self.root / folder).chmod(0o755)
        for name, content in files.items():
            path = self.root / "submission" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        text = metadata if isinstance(metadata, str) else json.dumps(metadata or described())
        (self.root / "submission_metadata.json").write_text(text)
        (self.root / "submission_metadata.json").chmod(0o644)

    def start(self, prefix=()):
        """run_autograder, as the harness starts it: from /autograder, with an environment of the
        image's own. `prefix` are words before the command.
        """
        return subprocess.Popen(
            [*prefix, str(self.root / "run_autograder")],
            cwd=self.root,
            env={"PATH": os.environ["PATH"], "HOME": "/root"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def grade(self, files, metadata=None, prefix=()):
        """Hand in, run; the result and what the staff reads."""
        self.hand_in(files, metadata)
        process = self.start(prefix)
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
        return json.loads(self.results.read_text()), said


def described(created_at="2026-11-25T10:00:00.123456-08:00", previous=(), **more):
    """submission_metadata.json as Gradescope's documentation shows it."""
    return {
        "id": 123456,
        "created_at": created_at,
        "assignment": {
            "due_date": "2026-12-06T23:59:00.000000-08:00",
            "group_size": 4,
            "group_submission": True,
            "id": 25828,
            "course_id": 1234,
            "late_due_date": None,
            "release_date": "2026-11-02T00:00:00.000000-08:00",
            "title": "Tiny",
            "total_points": "10.0",
        },
        "submission_method": "upload",
        "users": [{"email": "student@example.com", "id": 1234, "name": "Student User"}],
        "previous_submissions": list(previous),
        **more,
    }


def earlier(submission_time, score=0.0, **more):
    """One previous submission."""
    return {"submission_time": submission_time, "score": score, "autograder_error": False, **more}


def notebook(release, *, extra=(), **cells):
    """`release` with `cells` (by id) filled in and `extra` code cells at the end, as text."""
    made = nbformat.from_dict(release)
    for cell in made.cells:
        cell.source = cells.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    made.cells += [nbformat.v4.new_code_cell(source) for source in extra]
    return nbformat.writes(made)
