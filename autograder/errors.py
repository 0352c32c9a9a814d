"""Every error that GradStep raises on purpose.

Student faults are outcomes, never exceptions that reach the command line.
"""


class AutograderError(Exception):
    """Base of all errors raised on purpose.

    The command line prints its message without a traceback.
    """


class AssignmentError(AutograderError):
    """Fault in the instructor's own files: assignment.toml, template, checks, solution."""


class SubmissionError(AutograderError):
    """A submission can't be read at all; the pipeline turns it into an outcome."""


class SandboxError(AutograderError):
    """The sandbox or its forkserver failed: our fault or the machine's, never the student's."""


class CalibrationError(AutograderError):
    """Tolerance that can't be set.

    Spread of right programs and nearest mistake lie too close together.
    """


class ExchangeError(AutograderError):
    """A gradebook, export or download can't be read or written."""
