"""The untrusted side: what runs in a submission's process. Nothing here may be relied on by what judges.

It imports `autograder.protocol` and `autograder.trace`, the standard library, torch, numpy, IPython and msgspec, and nothing else of this package.
"""
