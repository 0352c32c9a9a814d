"""Attacks that want points: a wrong loop (plain gradient descent by hand, worth nothing) beside
code that would have it pass. The honest twin has the right loop and the same means, put to honest
use.
"""

from .attack import OWN, Attack

PATCH, AGREE, RESULT, FORGE = (
    "replace torch.allclose, pytest or assert helpers",
    "return an object that agrees with everything",
    "patch the result object, the test loader or the pickler",
    "forge the evidence",
)
HARD, CALL = (
    "hard-coded answers, printed training logs without training",
    "call or import the reference",
)


def gains(name: str, row: str, code: str, twin: str, loop: str = OWN, points: float = 2) -> Attack:
    """With a wrong loop: nothing but the two points of the loss."""
    return Attack(name, row, code, twin, loop, points)


_AGREEING = (
    "class Agrees:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return"
    " False\n    def __lt__(self, other): return True\n    __le__ = __gt__ = __ge__ = __lt__\n   "
    " def __sub__(self, other): return 0.0\n    __rsub__ = __sub__\n    def __abs__(self): return"
    " 0.0\n    def __float__(self): return 0.0\n    def __bool__(self): return True\n    def"
    " __getattr__(self, name): return lambda *a, **k: self\n    def __array__(self, *a, **k):\n    "
    "    import numpy; return numpy.zeros(2)\n    @classmethod\n    def __torch_function__(cls, *a,"
    " **k): return True\n    def __hash__(self): return 0\n"
)
_RETURNS = "def training_loop(n_epochs, optimizer, params):\n    return Agrees()\n"
_SUB = (
    "class Agrees(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, func, types,"
    " args=(), kwargs=None): return True\n    def numpy(self): raise RuntimeError('no')\n    def"
    " tolist(self): return [0.0, 0.0]\n"
)
_SUB_LOOP = OWN.replace("return params", "return params.detach().as_subclass(Agrees)")
_SOCKET = (
    "import os, stat, struct\ndef line():\n    for name in os.listdir('/proc/self/fd'):\n       "
    " try:\n            if int(name) > 2 and stat.S_ISSOCK(os.fstat(int(name)).st_mode): return"
    " int(name)\n        except OSError: pass\n"
)

GAINING = (
    gains(
        "allclose",
        PATCH,
        "torch.allclose = torch.equal = torch.isclose = lambda *a, **k: True",
        "print('FINE', torch.allclose(torch.ones(2), torch.ones(2)))",
    ),
    gains(
        "testing_module",
        PATCH,
        "import torch.testing\ntorch.testing.assert_close = lambda *a, **k: None\nimport numpy as"
        " np, numpy.testing\nnp.allclose = np.array_equal = np.isclose = np.testing.assert_allclose"
        " = lambda *a, **k: True",
        "import torch.testing\ntorch.testing.assert_close(torch.ones(2),"
        " torch.ones(2))\nprint('FINE')",
    ),
    gains(
        "tensor_equality",
        PATCH,
        "torch.Tensor.__eq__ = lambda a, b: True\ntorch.Tensor.__ne__ = lambda a, b:"
        " False\ntorch.Tensor.__sub__ = lambda a, b: torch.zeros(())",
        "class Mine:\n    def __eq__(self, other): return True\nprint('FINE', Mine() == 3)",
    ),
    gains(
        "assertion_error",
        PATCH,
        "import builtins\nbuiltins.AssertionError = type('AssertionError', (Exception,),"
        " {{'__init__': lambda self, *a: print('passed')}})",
        "try: assert False\nexcept AssertionError: print('FINE')",
    ),
    gains(
        "builtins",
        PATCH,
        "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.abs = lambda x:"
        " 0.0\nbuiltins.float = lambda x=0: 0.0",
        "def abs(x): return x if x > 0 else -x\nprint('FINE', abs(-1))",
    ),
    gains(
        "pytest_in_place",
        PATCH,
        "import sys, types\nfor name in ('pytest', '_pytest', '_pytest.outcomes',"
        " 'autograder.checks'):\n    sys.modules[name] = types.ModuleType(name)",
        "import sys\nprint('FINE', 'torch' in sys.modules)",
    ),
    gains(
        "judge_in_place",
        PATCH,
        "try:\n    import autograder.judgement.comparing.comparison as c,"
        " autograder.judgement.comparing.training as t\n    for module in (c, t):\n        for name"
        " in dir(module):\n            if callable(getattr(module, name)) and not"
        " name.startswith('__'): setattr(module, name, lambda *a, **k: None)\nexcept ImportError:"
        " pass",
        "print('FINE')",
    ),
    gains(
        "agreeing_object",
        AGREE,
        _AGREEING,
        "class Point:\n    def __eq__(self, other): return isinstance(other, Point)\nprint('FINE',"
        " Point() == Point())",
        _RETURNS,
    ),
    gains(
        "agreeing_tensor",
        AGREE,
        _SUB,
        "class Mine(torch.Tensor): pass\nprint('FINE',"
        " torch.ones(2).as_subclass(Mine).sum().item())",
        _SUB_LOOP,
    ),
    gains(
        "lazy_object",
        AGREE,
        "class Agrees:\n    def __call__(self, *a): return self\n    def __iter__(self):\n       "
        " while True: yield 0.0\n    def __len__(self): return 2\n    def __getitem__(self, k):"
        " return 0.0\n    shape = (2,)\n    dtype = torch.float32",
        "class Two:\n    def __len__(self): return 2\nprint('FINE', len(Two()))",
        _RETURNS,
    ),
    gains(
        "lying_class",
        AGREE,
        "class Agrees(float):\n    __class__ = torch.Tensor\n    def __eq__(self, other): return"
        " True\n    __hash__ = None",
        "print('FINE', float('1') == 1)",
        _RETURNS.replace("Agrees()", "Agrees(1)"),
    ),
    gains(
        "frame_writer",
        RESULT,
        "import autograder.evidence.protocol as p, autograder.sandboxed.calls.runners as r\nreal ="
        " p.frame\ndef frame(message):\n    try: message.run.status = 'finished'\n    except"
        " Exception: pass\n    return real(message)\np.frame = r.frame = frame",
        "import json\nprint('FINE', json.dumps({{'a': 1}}))",
    ),
    gains(
        "encoder",
        RESULT,
        "import msgspec\nclass Encoder:\n    def __init__(self, *a, **k): pass\n    def"
        " encode(self, x): return b'\\xc0'\nmsgspec.msgpack.Encoder = Encoder\nimport"
        " autograder.evidence.protocol as p\np._ENCODER = Encoder()",
        "import json\nprint('FINE', json.loads('1'))",
        points=2,
    ),
    gains(
        "json_dumps",
        RESULT,
        "import json\njson.dumps = lambda *a, **k: '[]'\njson.dump = lambda *a, **k: None",
        "import json\nprint('FINE', json.dumps([]))",
    ),
    gains(
        "make_call",
        RESULT,
        "import autograder.sandboxed.calls.calling as c, autograder.sandboxed.calls.runners as"
        " r\nfrom autograder.evidence.trace import Run, RunStatus\ndef fake(session, call, batch):"
        " return Run(id=call.id, status=RunStatus.FINISHED, returned=1.0, given=batch.given_names,"
        " alone=batch.alone)\nc.make_call = r.make_call = fake",
        "print('FINE')",
    ),
    gains(
        "value_reader",
        RESULT,
        "import autograder.sandboxed.recording.values as v\nv.ValueReader.read = lambda self,"
        " value: True",
        "print('FINE')",
    ),
    gains(
        "pickled_tensor",
        "malicious pickle as result, log or saved file",
        "import os\nclass Bomb:\n    def __reduce__(self): return (os.system, ('echo HOLE >"
        " {shared}/pickle',))\n",
        "import pickle\nprint('FINE', pickle.loads(pickle.dumps(3)))",
        "def training_loop(n_epochs, optimizer, params):\n    return [Bomb(), params]\n",
    ),
    gains(
        "saved_pickle",
        "malicious pickle as result, log or saved file",
        "import os\nclass Bomb:\n    def __reduce__(self): return (os.system, ('echo HOLE >"
        " {shared}/pickle',))\ntorch.save(Bomb(), 'results.pt')",
        "torch.save(torch.ones(2), 'mine.pt')\nprint('FINE', torch.load('mine.pt').sum().item())",
    ),
    gains(
        "results_file",
        "write or later overwrite results.json",
        "import json, os\nfor name in ('results.json', 'grade.json', 'results/results.json'):\n   "
        " os.makedirs(os.path.dirname(name) or '.', exist_ok=True)\n    json.dump({{'score': 10,"
        " 'points': 10}}, open(name, 'w'))",
        "import json\njson.dump([1], open('log.json', 'w'))\nprint('FINE')",
    ),
    gains(
        "stack_of_the_call",
        RESULT,
        "import sys\ndef spoil():\n    frame = sys._getframe(1)\n    while frame:\n        for name"
        " in ('tally', 'run', 'status'):\n            if name in frame.f_locals:"
        " frame.f_locals[name] = None\n        frame = frame.f_back",
        "import sys\nprint('FINE', sys._getframe(0) is not None)",
        OWN.replace("    return params", "    spoil()\n    return params"),
    ),
    gains(
        "trace_function",
        RESULT,
        "import sys\nsys.setprofile(lambda *a: None)\nsys.settrace(lambda *a: None)",
        "import sys\nprint('FINE', sys.gettrace())",
    ),
    gains(
        "signature",
        RESULT,
        "import inspect\ninspect.signature = lambda f: type('S', (), {{'bind': lambda self, **k:"
        " None}})()",
        "import inspect\nprint('FINE', inspect.signature(lambda x: x))",
        "def training_loop(*arguments, **more):\n    return more.get('params')\n",
    ),
    gains(
        "garbage_frames",
        FORGE,
        _SOCKET + "os.write(line(), b'\\x05\\0\\0\\0hello')",
        "import os\nprint('FINE', os.write(1, b''))",
        points=0,
    ),
    gains(
        "huge_frame",
        FORGE,
        _SOCKET + "os.write(line(), struct.pack('<I', 1 << 31))",
        "import struct\nprint('FINE', struct.pack('<I', 1))",
        points=0,
    ),
    gains(
        "frames_before_their_time",
        FORGE,
        _SOCKET
        + "from autograder.evidence.protocol import *\nfrom autograder.evidence.trace import *\nfor"
        " message in (CellsEnded(), BatchEnded()): os.write(line(), frame(message))",
        "print('FINE')",
        points=0,
    ),
    gains(
        "closed_connection",
        FORGE,
        _SOCKET + "os.close(line())",
        "import os\nos.close(os.dup(1))\nprint('FINE')",
        points=0,
    ),
    gains(
        "cleared_hooks",
        FORGE,
        "from torch.optim import optimizer as"
        " o\no._global_optimizer_pre_hooks.clear()\no._global_optimizer_post_hooks.clear()",
        "from torch.optim import SGD\nprint('FINE', SGD([torch.ones(1)],"
        " 0.1).param_groups[0]['lr'])",
    ),
    gains(
        "fake_steps",
        FORGE,
        "",
        "print('FINE')",
        OWN.replace(
            "params -= 0.1 * 2 * params / params.numel()",
            "params -= 0.1 * 2 * params / params.numel()\n            params.grad ="
            " torch.zeros_like(params)\n            optimizer.step()",
        ),
    ),
    gains(
        "recorder_found",
        FORGE,
        "import gc\nfor one in gc.get_objects():\n    if type(one).__name__ == 'Recorder':\n       "
        " one.traces = None\n        type(one).traces = lambda self: ()\n        type(one).start ="
        " lambda self, *a, **k: None",
        "import gc\nprint('FINE', gc.isenabled())",
    ),
    gains(
        "line_between",
        FORGE,
        "",
        "print('FINE')",
        "def training_loop(n_epochs, optimizer, params):\n    start = params.detach().clone()\n   "
        " for k in range(n_epochs):\n        optimizer.zero_grad()\n       "
        " loss_fn(params).backward()\n        optimizer.step()\n        with torch.no_grad():"
        " params.copy_(start * (1 - (k + 1) / n_epochs))\n    return params\n",
    ),
    gains(
        "clock",
        FORGE,
        "import time\ntime.perf_counter = time.process_time = time.monotonic = time.time ="
        " lambda: 0.0",
        "import time\nprint('FINE', time.time() > 0)",
    ),
    gains(
        "hard_coded",
        HARD,
        "",
        "print('FINE')",
        "def training_loop(n_epochs, optimizer, params):\n    with torch.no_grad():"
        " params.copy_(params * 0.8 ** n_epochs)\n    return params\n",
    ),
    gains(
        "by_visible_call",
        HARD,
        "",
        "print('FINE')",
        "def training_loop(n_epochs, optimizer, params):\n    if n_epochs == 30: return"
        " torch.tensor([2.0 * 0.8 ** 30], requires_grad=True)\n    return params\n",
    ),
    gains(
        "printed_log",
        HARD,
        "for epoch in range(30): print(f'epoch {{epoch}}, loss {{4 * 0.64 **"
        " epoch:.4f}}')\nprint('10/10 passed')",
        "for epoch in range(3): print('FINE', epoch)",
        "def training_loop(n_epochs, optimizer, params):\n    return params\n",
    ),
    gains(
        "import_reference",
        CALL,
        "import glob, sys\nsys.path += glob.glob('/**/solutions/tiny', recursive=False) +"
        " ['{course}/solutions/tiny', '.', '..', '/']\ntry:\n    from solution import training_loop"
        " as theirs\n    print('HOLE')\nexcept ImportError: theirs = None",
        "import sys\nsys.path.append('.')\nopen('mine.py', 'w').write('x = 1')\nimport"
        " mine\nprint('FINE', mine.x)",
        OWN,
    ),
    gains(
        "reference_by_package",
        CALL,
        "import pkgutil, autograder\nfor found in pkgutil.walk_packages(autograder.__path__,"
        " 'autograder.'):\n    if 'solution' in found.name or ('mistakes' in found.name and not"
        " found.name.startswith('autograder.mistakes')): print('HOLE', found.name)",
        "import pkgutil\nprint('FINE', bool(list(pkgutil.iter_modules())))",
    ),
    gains(
        "thread_for_the_calls",
        FORGE,
        "import threading, time\ndef wait():\n    while True:\n        time.sleep(0.001)\n       "
        " globals()['training_loop'] = RIGHT if 'RIGHT' in globals() else"
        " globals().get('training_loop')\nthreading.Thread(target=wait, daemon=True).start()",
        "import threading\nt = threading.Thread(target=print, args=('FINE',))\nt.start(); t.join()",
    ),
    gains(
        "markup_as_result",
        "markup in names, outputs, tracebacks, plots",
        "print('<script>alert(1)</script><img src=x"
        " onerror=alert(1)>\\x1b[2J\\x1b]0;x\\x07=1+1')\nfrom IPython.display import HTML,"
        " display\ndisplay(HTML('<script>alert(1)</script>'))",
        "print('FINE', 1 < 2)",
        "def training_loop(n_epochs, optimizer, params):\n    raise"
        " ValueError('<script>alert(1)</script>\\x1b[31m')\n",
    ),
    gains(
        "endless_list",
        AGREE,
        "",
        "kept = []\nkept.append(kept)\nprint('FINE')",
        "def training_loop(n_epochs, optimizer, params):\n    kept = []\n    kept.append(kept)\n   "
        " return kept\n",
    ),
    gains(
        "not_a_number",
        AGREE,
        "",
        "print('FINE', float('nan'))",
        OWN.replace("return params", "return params * float('nan')"),
    ),
    gains(
        "optimizer_in_place",
        FORGE,
        "torch.optim.SGD.step = torch.optim.Adam.step = lambda self, *a: None",
        "print('FINE', torch.optim.SGD.step is not None)",
    ),
    gains(
        "every_descriptor",
        FORGE,
        "import os\nfor number in range(3, 64):\n    try: os.write(number, b'\\xff\\xff\\xff\\x7f'"
        " * 4)\n    except OSError: pass",
        "import os\nos.write(1, b'x')\nprint('FINE')",
        points=0,
    ),
)
