"""What all tests share."""

import autograder.notebooks.libraries  # noqa: F401  (first, since it imports nbformat without what takes seconds)

collect_ignore = ["tiny_course", "variant_course"]  # courses with checks, not tests
