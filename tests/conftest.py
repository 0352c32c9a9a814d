"""What all tests share."""

collect_ignore = ["tiny_course", "variant_course"]  # courses with checks, not tests
