"""The untrusted side: what runs in a submission's process.

Nothing here may be relied on by what judges.

It imports `autograder.evidence.protocol`, `.trace` and `.limits`, the standard library, torch,
numpy, IPython and msgspec, and nothing else of this package.
"""
