"""Attacks that want something which is not theirs: files, memory, processes, the network, the
kernel. Each prints HOLE where it gets it.
"""

from .attack import Attack

FILES = ("own uid", "landlock", "bubblewrap")
SOCKETS = ("seccomp",)
_LIBC = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
_SCAN = """import re
pattern = re.compile(rb'{pattern}')
with open('/proc/self/mem', 'rb', 0) as memory:
    for line in open('/proc/self/maps'):
        span, rights = line.split()[:2]
        if 'r' in rights and '[v' not in line:
            start, end = (int(x, 16) for x in span.split('-'))
            try:
                memory.seek(start)
                if pattern.search(memory.read(min(end - start, 1 << 26))): print('{found}')
            except (OSError, ValueError, OverflowError, MemoryError): pass
"""
"""Its own memory, searched with a pattern that does not match itself."""


def reads(
    name: str,
    path: str,
    twin: str = "open('mine', 'w').write('x')\nprint('FINE', open('mine').read())",
) -> Attack:
    """Reading one file."""
    return Attack(
        name,
        "read expected values or hidden tests",
        f"print('HOLE', len(open({path!r}, 'rb').read(100)))",
        twin,
        layers=FILES,
    )


def calls(
    name: str, row: str, number: int, arguments: str, layers: tuple[str, ...] = ("seccomp",)
) -> Attack:
    """A system call by number (x86-64) that must be refused."""
    code = (
        f"{_LIBC}import platform\nif platform.machine() == 'x86_64' and libc.syscall({number},"
        f" {arguments}) >= 0: print('HOLE')"
    )
    return Attack(name, row, code, f"{_LIBC}print('FINE', libc.syscall(39) > 0)", layers=layers)


def connects(
    name: str,
    code: str,
    twin: str = "import socket\na, b = socket.socketpair()\na.send(b'x')\nprint('FINE', b.recv(1))",
    layers: tuple[str, ...] = SOCKETS,
) -> Attack:
    """A socket that must not be had."""
    return Attack(
        name,
        "network: reverse shell, exfiltration",
        f"import socket\n{code}\nprint('HOLE')",
        twin,
        layers=layers,
    )


REACHING = (
    reads("read_solution", "{course}/solutions/tiny/solution.py"),
    reads("read_checks", "{course}/assignments/tiny/test_tiny.py"),
    reads("read_toml", "{course}/assignments/tiny/assignment.toml"),
    reads("read_neighbour", "{course}/submitted/bystander/tiny/tiny.ipynb"),
    reads("read_evidence", "{evidence}"),
    reads("read_shadow", "/etc/shadow"),
    reads("read_memory_of_grader", "/proc/{pid}/maps"),
    Attack(
        "read_by_another_program",
        "read expected values or hidden tests",
        "import subprocess\nif subprocess.run(['cat', '{course}/solutions/tiny/solution.py'],"
        " capture_output=True).stdout: print('HOLE')",
        "import subprocess\nprint('FINE', subprocess.run(['cat', '/proc/self/comm'],"
        " capture_output=True).stdout)",
        layers=FILES,
    ),
    Attack(
        "read_by_a_link",
        "read expected values or hidden tests",
        "import os\nos.symlink('{course}/solutions/tiny/solution.py', 'link')\nprint('HOLE',"
        " len(open('link').read()))",
        "import os\nopen('mine', 'w').write('x')\nos.symlink('mine', 'link')\nprint('FINE',"
        " open('link').read())",
        layers=FILES,
    ),
    Attack(
        "read_by_a_hard_link",
        "read expected values or hidden tests",
        "import os\nos.link('{course}/solutions/tiny/solution.py', 'link')\nprint('HOLE',"
        " len(open('link').read()))",
        "import os\nopen('mine', 'w').write('x')\nos.link('mine', 'link')\nprint('FINE',"
        " open('link').read())",
    ),
    Attack(
        "walk_for_solutions",
        "read expected values or hidden tests",
        "import os\nfor folder, _, files in os.walk('{course}'):\n    for name in files:\n       "
        " print('HOLE', open(os.path.join(folder, name), 'rb').read(1))\n        break",
        "import os\nos.makedirs('a/b')\nprint('FINE', len(list(os.walk('.'))))",
        layers=FILES,
    ),
    Attack(
        "through_the_root_of_others",
        "read expected values or hidden tests",
        "import glob\nfor root in glob.glob('/proc/[0-9]*/root') + glob.glob('/proc/[0-9]*/cwd'):\n"
        "    try: print('HOLE', open(root + '{course}/solutions/tiny/solution.py').read(9))\n   "
        " except OSError: pass",
        "import os\nprint('FINE', os.readlink('/proc/self/cwd'))",
        layers=FILES,
    ),
    Attack(
        "environ_of_others",
        "read expected values or hidden tests",
        "print('HOLE', 'ADVERSARY_SECRET' in open('/proc/{pid}/environ').read())",
        "import os\nprint('FINE', os.environ['PATH'])",
        layers=("own uid", "bubblewrap"),
    ),
    Attack(
        "own_environment",
        "read expected values or hidden tests",
        "import os\nif 'ADVERSARY_SECRET' in str(dict(os.environ)) +"
        " open('/proc/self/environ').read(): print('HOLE')",
        "import os\nprint('FINE', os.environ['LANG'])",
    ),
    Attack(
        "inherited_descriptors",
        "read expected values or hidden tests",
        "import os\nfor number in os.listdir('/proc/self/fd'):\n    try: target ="
        " os.readlink(f'/proc/self/fd/{{number}}')\n    except OSError: continue\n    if '{course}'"
        " in target or target.endswith(('.py', '.ipynb', '.msgpack', '.db', '.lock')):"
        " print('HOLE', target)",
        "import os\nprint('FINE', len(os.listdir('/proc/self/fd')))",
    ),
    Attack(
        "modules_and_line_cache",
        "read expected values or hidden tests",
        "import linecache, sys\nfor name in [*sys.modules, *linecache.cache]:\n    if 'test_tiny'"
        " in name or 'solution' in name or 'docket' in name or 'judgement' in name: print('HOLE',"
        " name)",
        "import linecache\nprint('FINE', len(linecache.cache) >= 0)",
    ),
    Attack(
        "garbage_collector",
        "read expected values or hidden tests",
        "import gc\nwanted = 'Any opti' + 'mizer'\nfor one in gc.get_objects():\n    if type(one)"
        " is dict and any(type(v) is str and wanted in v and v != wanted for v in"
        " list(one.values())[:50] if type(v) is str and len(v) < 200): print('HOLE',"
        " list(one)[:3])",
        "import gc\nprint('FINE', len(gc.get_objects()) > 0)",
    ),
    Attack(
        "frames_of_callers",
        "read expected values or hidden tests",
        "import sys\nframe = sys._getframe()\nwhile frame:\n    for name in ('reference',"
        " 'expected', 'checks', 'calls', 'CallBatch'):\n        if name in frame.f_locals:"
        " print('HOLE', name)\n    frame = frame.f_back",
        "import sys\nprint('FINE', sys._getframe().f_lineno)",
    ),
    Attack(
        "own_memory",
        "read expected values or hidden tests",
        _SCAN.format(pattern="Marker-of-the-[s]olution", found="HOLE"),
        "kept = b'Marker-of-mine' * 2\n" + _SCAN.format(pattern="Marker-of-[m]ine", found="FINE"),
    ),
    Attack(
        "calls_before_their_time",
        "read expected values or hidden tests",
        "import os, stat\nfor number in os.listdir('/proc/self/fd'):\n    number = int(number)\n   "
        " try:\n        if number > 2 and stat.S_ISSOCK(os.fstat(number).st_mode):\n           "
        " os.set_blocking(number, False)\n            try:\n                if os.read(number,"
        " 4096): print('HOLE')\n            except BlockingIOError: pass\n           "
        " os.set_blocking(number, True)\n    except OSError: pass",
        "import os\nprint('FINE', os.fstat(1).st_mode)",
    ),
    Attack(
        "write_grade",
        "write or later overwrite results.json",
        "open('{course}/results/note', 'x').close()\nprint('HOLE')",
        "open('note', 'x').close()\nprint('FINE')",
        layers=FILES,
    ),
    Attack(
        "write_neighbour",
        "write or later overwrite results.json",
        "open('{course}/submitted/bystander/tiny/tiny.ipynb', 'a').close()\nprint('HOLE')",
        layers=FILES,
    ),
    Attack(
        "write_store",
        "write or later overwrite results.json",
        "open('{evidence}', 'a').close()\nprint('HOLE')",
        layers=FILES,
    ),
    Attack(
        "trace_grader",
        "read expected values or hidden tests",
        f"{_LIBC}if libc.ptrace(0x4206, {{pid}}, 0, 0) == 0: print('HOLE')",
        layers=("own uid", "landlock", "seccomp", "bubblewrap"),
    ),
    Attack(
        "signal_grader",
        "os._exit, sys.exit, kill the parent",
        "import os\nos.kill({pid}, 0)\nprint('HOLE')",
        "import os\nos.kill(os.getpid(), 0)\nprint('FINE')",
        layers=("own uid", "landlock", "bubblewrap"),
    ),
    Attack(
        "signal_forkserver",
        "os._exit, sys.exit, kill the parent",
        "import os\nos.kill(os.getppid(), 0)\nprint('HOLE')",
        layers=("own uid", "landlock"),
    ),
    Attack(
        "kill_forkserver",
        "os._exit, sys.exit, kill the parent",
        "import os\nos.kill(os.getppid(), 9)",
    ),
    connects(
        "tcp",
        "socket.create_connection(('127.0.0.1', {tcp}), 1)",
        layers=("seccomp", "landlock", "bubblewrap"),
    ),
    connects(
        "udp", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))"
    ),
    connects("udp_v6", "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)"),
    connects("netlink", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0))"),
    connects(
        "raw_packets",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)",
        layers=("own uid", "seccomp"),
    ),
    connects("vsock", "socket.socket(40, socket.SOCK_STREAM)"),
    connects(
        "abstract_socket",
        "socket.socket(socket.AF_UNIX).connect({abstract!r})",
        layers=("landlock", "bubblewrap"),
    ),
    connects(
        "socket_in_a_folder",
        "socket.socket(socket.AF_UNIX).connect({unix!r})",
        layers=("own uid", "landlock", "bubblewrap"),
    ),
    connects(
        "listen_for_others",
        "socket.create_server(('127.0.0.1', 0))",
        layers=("seccomp", "landlock"),
    ),
    Attack(
        "curl",
        "network: reverse shell, exfiltration",
        "import subprocess\nif subprocess.run(['/bin/bash', '-c', 'exec"
        " 3<>/dev/tcp/127.0.0.1/{tcp}'], capture_output=True).returncode == 0: print('HOLE')",
        "import subprocess\nprint('FINE', subprocess.run(['/bin/echo', 'x'],"
        " capture_output=True).stdout)",
        layers=("seccomp", "landlock", "bubblewrap"),
    ),
    calls("user_namespace", "endless loop, fork bomb, descriptors", 272, "0x10000000"),
    calls(
        "io_uring",
        "network: reverse shell, exfiltration",
        425,
        "8, ctypes.create_string_buffer(120)",
    ),
    calls("key_ring", "leave something for the next", 248, "b'user', b'note', b'x', 1, -3"),
    calls("userfaultfd", "read expected values or hidden tests", 323, "1"),
    calls("shared_memory_segment", "leave something for the next", 29, "0, 4096, 0o600"),
    calls("message_queue", "leave something for the next", 68, "0, 0o600"),
    calls("semaphores", "leave something for the next", 64, "0, 1, 0o600"),
    calls("personality", "endless loop, fork bomb, descriptors", 135, "0x0040000"),
    Attack(
        "mount",
        "read expected values or hidden tests",
        f"{_LIBC}import os\nos.mkdir('over')\nif libc.mount(b'none', b'over', b'tmpfs', 0, None) =="
        " 0: print('HOLE', libc.umount(b'over'))",
        layers=("own uid", "seccomp", "bubblewrap"),
    ),
    Attack(
        "become_root",
        "read expected values or hidden tests",
        "import os\nos.setuid(0)\nprint('HOLE')",
        "import os\nos.setuid(os.getuid())\nprint('FINE')",
        layers=("own uid",),
    ),
    Attack(
        "sudo",
        "read expected values or hidden tests",
        "import subprocess\nfor words in (['sudo', '-n', 'true'], ['su', '-c', 'true']):\n   "
        " try:\n        if subprocess.run(words, capture_output=True, timeout=3,"
        " stdin=subprocess.DEVNULL).returncode == 0: print('HOLE')\n    except OSError: pass",
        layers=("own uid",),
    ),
    Attack(
        "device_node",
        "read expected values or hidden tests",
        "import os, stat\nos.mknod('disk', 0o600 | stat.S_IFBLK, os.makedev(8, 0))\nprint('HOLE')",
        "import os\nos.mkfifo('pipe')\nprint('FINE')",
        layers=("own uid", "landlock"),
    ),
    Attack(
        "kernel_settings",
        "endless loop, fork bomb, descriptors",
        "open('/proc/sys/kernel/core_pattern', 'a').close()\nprint('HOLE')",
        "print('FINE', open('/proc/sys/kernel/ostype').read())",
        layers=("own uid", "landlock"),
    ),
    Attack(
        "note_in_tmp",
        "leave something for the next",
        "open('{shared}/note', 'x').close()\nprint('HOLE')",
        "import tempfile\nprint('FINE', tempfile.NamedTemporaryFile().name)",
        layers=("landlock", "bubblewrap"),
    ),
    Attack(
        "note_in_shared_memory",
        "leave something for the next",
        "open('/dev/shm/adversary', 'w').write('x')",
        "open('/dev/shm/mine', 'w').write('x')\nprint('FINE')",
    ),
    Attack(
        "note_in_scratch",
        "leave something for the next",
        "open('adversary', 'w').write('x')\nimport os\nos.makedirs('.hidden/adversary')",
        "open('mine', 'w').write('x')\nprint('FINE')",
    ),
    Attack(
        "find_notes",
        "leave something for the next",
        "import glob, os\nif glob.glob('/dev/shm/*') or os.path.exists('adversary') or"
        " os.path.exists('.hidden'): print('HOLE', glob.glob('/dev/shm/*'))",
    ),
)
