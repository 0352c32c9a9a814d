"""Grades and assignments for other systems: ``autograder export FORMAT``."""

from __future__ import annotations

import typer

export = typer.Typer(name="export", help="Write grades or an assignment for another system.", no_args_is_help=True)
