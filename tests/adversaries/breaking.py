"""Attacks that want to stop the class, the grader or the machine, or just to stay.

Each bounds itself, so that a hole would harm nothing. They get no more than their honest twins.
"""

from .attack import Attack

EXIT = "os._exit, sys.exit, kill the parent, raise in atexit"
ENDLESS = "endless loop, fork bomb, memory, disk, output and descriptor bombs"
STAYS = "leave a process behind"


def breaks(name: str, row: str, code: str, twin: str = "print('FINE')") -> Attack:
    """With a right program around it, which keeps the points of what was done before."""
    return Attack(name, row, code, twin)


BREAKING = (
    breaks(
        "exit", EXIT, "import os\nos._exit(0)", "import os\nif False: os._exit(0)\nprint('FINE')"
    ),
    breaks(
        "system_exit",
        EXIT,
        "import sys\nsys.exit(0)",
        "import sys\ntry: sys.exit(0)\nexcept SystemExit: print('FINE')",
    ),
    breaks(
        "kill_itself",
        EXIT,
        "import os\nos.kill(os.getpid(), 9)",
        "import os\nos.kill(os.getpid(), 0)\nprint('FINE')",
    ),
    breaks(
        "kill_group",
        EXIT,
        "import os\nos.killpg(0, 9)",
        "import os\nprint('FINE', os.getpgid(0) > 0)",
    ),
    breaks("stop_itself", EXIT, "import os\nos.kill(os.getpid(), 19)"),
    breaks(
        "raise_at_exit",
        EXIT,
        "import atexit\natexit.register(lambda: 1 / 0)",
        "import atexit\natexit.register(print, 'bye')\nprint('FINE')",
    ),
    breaks(
        "segmentation_fault",
        EXIT,
        "import ctypes\nctypes.string_at(0)",
        "import ctypes\nprint('FINE', ctypes.string_at(b'x'))",
    ),
    breaks(
        "close_everything",
        EXIT,
        "import os\nos.closerange(3, 256)",
        "import os\nos.close(os.open('/dev/null', 0))\nprint('FINE')",
    ),
    breaks(
        "close_output",
        EXIT,
        "import os\nos.close(1)\nos.close(2)",
        "import sys\nsys.stdout.flush()\nprint('FINE')",
    ),
    breaks(
        "leave_in_loop",
        EXIT,
        "import os\nos.fork() or os._exit(0)",
        "import os\npid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)\nprint('FINE')",
    ),
    breaks(
        "endless",
        ENDLESS,
        "import signal\nfor number in (15, 24, 2): signal.signal(number, signal.SIG_IGN)\nwhile"
        " True: pass",
        "for k in range(1000): pass\nprint('FINE')",
    ),
    breaks(
        "sleeps",
        ENDLESS,
        "import time\ntime.sleep(1000)",
        "import time\ntime.sleep(0.01)\nprint('FINE')",
    ),
    breaks(
        "fork_bomb",
        ENDLESS,
        "import os, time\ntry:\n    for _ in range(100):\n        if os.fork() == 0:"
        " time.sleep(20); os._exit(0)\nexcept OSError: pass",
        "import subprocess\nprint('FINE', subprocess.run(['true']).returncode)",
    ),
    breaks(
        "threads",
        ENDLESS,
        "import threading, time\ntry:\n    for _ in range(200): threading.Thread(target=time.sleep,"
        " args=(5,), daemon=True).start()\nexcept RuntimeError: pass",
        "import threading\nt = threading.Thread(target=print); t.start(); t.join()\nprint('FINE')",
    ),
    breaks("memory", ENDLESS, "x = bytearray(20 << 30)", "x = bytearray(1 << 20)\nprint('FINE')"),
    breaks(
        "memory_by_children",
        ENDLESS,
        "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n        x = bytearray(b'x') *"
        " (400 << 20); time.sleep(3); os._exit(0)\ntime.sleep(3)",
        "x = b'x' * (1 << 20)\nprint('FINE')",
    ),
    breaks(
        "disk",
        ENDLESS,
        "for k in range(30):\n    with open(f'f{{k}}', 'wb') as file: file.write(bytes(1 << 20))",
        "open('f', 'wb').write(bytes(1 << 20))\nprint('FINE')",
    ),
    breaks(
        "shared_memory",
        ENDLESS,
        "for k in range(30):\n    with open(f'/dev/shm/f{{k}}', 'wb') as file: file.write(bytes(1"
        " << 20))",
        "open('/dev/shm/f', 'wb').write(bytes(1 << 10))\nprint('FINE')",
    ),
    breaks(
        "large_file",
        ENDLESS,
        "import os\nos.truncate(os.open('sparse', os.O_CREAT | os.O_RDWR), 1 << 40)",
        "import os\nfd = os.open('sparse', os.O_CREAT | os.O_RDWR)\nos.truncate(fd, 1 <<"
        " 10)\nprint('FINE')",
    ),
    breaks(
        "many_files",
        ENDLESS,
        "for k in range(30_000): open(f'n{{k}}', 'w').close()",
        "for k in range(30): open(f'n{{k}}', 'w').close()\nprint('FINE')",
    ),
    breaks(
        "deep_folders",
        ENDLESS,
        "import os\nhome = os.getcwd()\nfor _ in range(2000):\n    os.mkdir('abcdefgh');"
        " os.chdir('abcdefgh')\nos.chdir('/')",
        "import os\nos.makedirs('a/b/c')\nprint('FINE')",
    ),
    breaks(
        "closed_folder",
        STAYS,
        "import os\nos.makedirs('closed/in')\nos.chmod('closed', 0)",
        "import os\nos.makedirs('open/in')\nprint('FINE')",
    ),
    breaks(
        "output",
        ENDLESS,
        "for _ in range(300): print('x' * 100_000)",
        "print('x' * 1000)\nprint('FINE')",
    ),
    breaks(
        "log_by_descriptor",
        ENDLESS,
        "import os\ntry:\n    for _ in range(200): os.write(2, b'x' * 1_000_000)\nexcept OSError:"
        " pass",
        "import os\nos.write(2, b'x')\nprint('FINE')",
    ),
    breaks(
        "descriptors",
        ENDLESS,
        "import os\nheld = []\ntry:\n    while len(held) < 10_000: held.append(os.open('/dev/null',"
        " 0))\nexcept OSError: print('refused')\nfor one in held: os.close(one)",
        "import os\nos.close(os.open('/dev/null', 0))\nprint('FINE')",
    ),
    breaks(
        "zombies",
        ENDLESS,
        "import os\nfor _ in range(20):\n    if os.fork() == 0: os._exit(0)",
        "import os\npid = os.fork() or os._exit(0)\nos.waitpid(pid, 0)\nprint('FINE')",
    ),
    breaks(
        "daemon",
        STAYS,
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n       "
        " time.sleep(30)\n    os._exit(0)",
        "import subprocess\nsubprocess.Popen(['sleep', '0.01']).wait()\nprint('FINE')",
    ),
    breaks("nohup", STAYS, "!nohup sleep 30 >/dev/null 2>&1 &", "!echo FINE"),
    breaks(
        "non_daemon_thread",
        STAYS,
        "import threading, time\nthreading.Thread(target=time.sleep, args=(30,)).start()",
        "import threading\nt = threading.Thread(target=print, args=('FINE',)); t.start(); t.join()",
    ),
    breaks(
        "timer_signal",
        STAYS,
        "import signal\nsignal.signal(signal.SIGALRM, lambda *a: 1 /"
        " 0)\nsignal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)",
        "import signal\nsignal.alarm(0)\nprint('FINE')",
    ),
    breaks(
        "task_of_the_loop",
        STAYS,
        "import asyncio\nasync def stay():\n    while True: await asyncio.sleep(0.001)\ntask ="
        " asyncio.get_event_loop().create_task(stay())",
        "import asyncio\nawait asyncio.sleep(0)\nprint('FINE')",
    ),
    breaks(
        "hostile_repr",
        EXIT,
        "class Loud:\n    def __repr__(self):\n        import os; os._exit(0)\n    def"
        " __getstate__(self):\n        import os; os._exit(0)\nkept = Loud()",
        "class Quiet:\n    def __repr__(self): return 'FINE'\nprint(Quiet())",
    ),
    breaks(
        "deep_recursion",
        EXIT,
        "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return f(n + 1)\ntry: f(0)\nexcept"
        " (RecursionError, MemoryError): pass",
        "def f(n): return n and f(n - 1)\nprint('FINE', f(10))",
    ),
    breaks(
        "deep_output",
        ENDLESS,
        "x = []\nfor _ in range(5000): x = [x]\nweights_log = x\ntry: print(x)\nexcept"
        " RecursionError: pass",
        "x = [[1]]\nprint('FINE', x)",
    ),
)
