"""Every error that GradStep raises on purpose.

Student faults are outcomes, never exceptions that reach the command line.
"""


class AutograderError(Exception):
    """Base of all errors raised on purpose; the command line prints its message without a
    traceback.
    """


class AssignmentError(AutograderError):
    """The instructor's own files are wrong: assignment.toml, the template, the checks, the
    solution.
    """


class SubmissionError(AutograderError):
    """A submission can't be read at all; the pipeline turns it into an outcome."""


class SandboxError(AutograderError):
    """The sandbox or its forkserver failed: our fault or the machine's, never the student's."""


class CalibrationError(AutograderError):
    """A tolerance can't be set: spread of right programs and nearest mistake lie too close
    together.
    """


class ExchangeError(AutograderError):
    """A gradebook, export or download can't be read or written."""
