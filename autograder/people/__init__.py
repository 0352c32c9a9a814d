"""Who is who: the roster, the names that submissions are kept under, and whose each submission
is.
"""
