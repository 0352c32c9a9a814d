"""Running submissions on this machine: the layers of the sandbox, the warm forkserver, the executor
that talks to it.
"""
