"""Python as our own code would find it where there is no Linux: on PYTHONPATH, this file makes
every process of a test so, as far as that can be played.

Left to play: file systems with other rules, pipes of Windows, real libraries of those systems.
"""

import builtins
import ctypes
import os
import sys
import sysconfig

LINUX_ONLY = {"fcntl", "resource", "landlockpy", "pyseccomp", "pwd", "grp"}
_import, _open, _cdll = builtins.__import__, builtins.open, ctypes.CDLL


def _importing(name, globals_=None, locals_=None, fromlist=(), level=0):
    if name.partition(".")[0] in LINUX_ONLY and (globals_ or {}).get("__name__", "").startswith(
        "autograder"
    ):
        message = f"No module named {name!r}"
        raise ModuleNotFoundError(message)
    return _import(name, globals_, locals_, fromlist, level)


def _library(name=None, *args, **settings):
    if name is None and sys._getframe(1).f_globals.get("__name__", "").startswith("autograder"):
        message = "there is no such library here"
        raise TypeError(message)
    return _cdll(name, *args, **settings)


def _no_fork(*_):
    message = "os.fork"
    raise AttributeError(message)


builtins.__import__ = _importing
ctypes.CDLL = _library
os.fork = _no_fork
for missing in ("pidfd_open", "sched_getaffinity", "setresuid", "prlimit", "memfd_create"):
    if hasattr(os, missing):
        delattr(os, missing)
sysconfig.get_config_vars()  # reads a file that is named after the platform
# under the names of macOS and Windows the standard library looks for parts that are not here
sys.platform = "freebsd14"
