"""A tiny course of its own folder for each test."""

import shutil

import nbformat
import pytest
from tiny_class import TINY, TinyCourse

from autograder.assignment import open_assignment
from autograder.commands.release.student_version import release_assignment
from autograder.course.results import ResultsFolder


@pytest.fixture(scope="session")
def released(tmp_path_factory, executor):
    """The tiny course, released once: the notebook and the reference's evidence."""
    root = tmp_path_factory.mktemp("released")
    shutil.copytree(TINY, root, dirs_exist_ok=True)
    files = open_assignment(root, "tiny")
    release_assignment(
        files, root / "release", ResultsFolder(root / "results", "tiny").evidence, executor
    )
    return root


@pytest.fixture
def course(released, executor, tmp_path):
    """A course of one's own to spoil."""
    root = tmp_path / "course"
    shutil.copytree(released, root)
    return TinyCourse(root, nbformat.read(root / "release" / "tiny.ipynb", as_version=4), executor)
