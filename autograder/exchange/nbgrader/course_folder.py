"""The folder that nbgrader works in: an existing course with its nbgrader_config.py, or our own
results folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.errors import ExchangeError

if TYPE_CHECKING:
    from sqlalchemy import URL

CONFIG = "nbgrader_config.py"


@dataclass(frozen=True, slots=True)
class NbgraderCourse:
    """Paths and gradebook of an nbgrader course.

    The gradebook is a file (SQLite), or has a `url` in SQLAlchemy's form; `config` is what
    nbgrader_config.py sets.
    """

    root: Path
    gradebook_file: Path | None
    url: str = ""
    config: Config = field(default_factory=Config)

    @property
    def course_id(self) -> str:
        """nbgrader's own default where none is set."""
        return str(self._directory("course_id", "")) or "default_course"

    @property
    def submitted(self) -> Path:
        """Folder that holds a folder per student."""
        return self.root / self._directory("submitted_directory", "submitted")

    @property
    def autograded(self) -> Path:
        """Folder that holds a folder per student; formgrader and generate_feedback read there."""
        return self.root / self._directory("autograded_directory", "autograded")

    @property
    def place(self) -> str:
        """The gradebook as a person may read it: without a password."""
        return (
            str(self.gradebook_file)
            if self.gradebook_file
            else str(self.database.render_as_string(hide_password=True))
        )

    @property
    def database(self) -> URL:
        """SQLAlchemy's URL of the gradebook.

        A file's name may hold what has a meaning in a URL's text.

        Raises:
            ExchangeError: if `url` is none.
        """
        from sqlalchemy import URL, make_url  # comes with nbgrader
        from sqlalchemy.exc import ArgumentError

        try:
            return (
                URL.create("sqlite", database=str(self.gradebook_file))
                if self.gradebook_file
                else make_url(self.url)
            )
        except ArgumentError as error:
            message = (
                f"the gradebook's URL can't be read ({error}); expected something like"
                " postgresql+psycopg://user@host/grades"
            )
            raise ExchangeError(message) from error

    @property
    def penalises(self) -> bool:
        """True if the configuration has a say in penalties for late submissions."""
        return "LateSubmissionPlugin" in self.config or "AssignLatePenalties" in self.config

    def _directory(self, name: str, default: str) -> str:
        return (
            str(self.config.CourseDirectory.get(name, default))
            if "CourseDirectory" in self.config
            else default
        )


def open_course(root: Path, url: str = "") -> NbgraderCourse:
    """The nbgrader course at `root`, which may be empty yet.

    `url` comes before what its configuration says; without either, the gradebook is
    `root`/gradebook.db.

    nbgrader_config.py is run, as nbgrader does: it is the instructor's own.

    Raises:
        ExchangeError: if the configuration can't be read, or lays folders out in another way than
            <step>/<student>/<assignment>.
    """
    root = root.resolve()
    config = Config()
    if (root / CONFIG).is_file():
        try:
            config = PyFileConfigLoader(CONFIG, path=str(root)).load_config()
        except Exception as error:  # whatever the file's own code raises
            message = f"{root / CONFIG} can't be read: {type(error).__name__}: {error}"
            raise ExchangeError(message) from error
    layout = (
        config.CourseDirectory.get("directory_structure") if "CourseDirectory" in config else None
    )
    if layout and Path(str(layout)) != Path("{nbgrader_step}/{student_id}/{assignment_id}"):
        message = (
            f"{root / CONFIG} sets CourseDirectory.directory_structure to {layout!r}; only"
            " nbgrader's own <step>/<student>/<assignment> is understood"
        )
        raise ExchangeError(message)
    said = config.CourseDirectory.get("db_url", "") if "CourseDirectory" in config else ""
    url = url or str(said) or "sqlite:///gradebook.db"
    name = url.removeprefix("sqlite:///")
    return (
        NbgraderCourse(root, root / name, "", config)
        if name != url
        else NbgraderCourse(root, None, url, config)
    )


def course_above(path: Path) -> Path | None:
    """Return the nbgrader course that `path` or the folder above it is; None if neither is one.

    It is one if it has an nbgrader_config.py, or a gradebook.db beside submitted/.
    """
    for folder in (path.resolve(), path.resolve().parent):
        if (folder / CONFIG).is_file() or (
            (folder / "gradebook.db").is_file() and (folder / "submitted").is_dir()
        ):
            return folder
    return None
