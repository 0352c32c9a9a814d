"""Mistakes made on purpose: operators on the syntax tree of one function of the reference, one
mistake one function.

An operator recognises what it works on by structure (a loop whose body calls `.backward()`, a
`torch.optim.X(...)`, what feeds a backward pass), never by a name that one assignment happens to
use, and yields nothing where it makes no sense.
"""
