"""What all tests share."""

collect_ignore = ["tiny_course"]  # a course with checks, not tests
