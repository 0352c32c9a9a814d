"""GradStep: auto-graded deep-learning assignments that judge the training itself."""

__version__ = "0.1.0"
