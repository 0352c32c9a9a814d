"""Whole trips of harmless submissions: cells, calls, batches."""

from __future__ import annotations

import json
import os
import time

import msgspec
import numpy as np
import pytest
import torch

from autograder.evidence.protocol import ArgumentList, Call, CallBatch, OptimizerSpec
from autograder.evidence.trace import Array, Ended, Evidence, Items, OptimizerValue, Run, RunStatus
from autograder.execution.executor import Executor

from .conftest import LOOP, T_C, T_U, Runs, f32, leaf, plain, request, train_call


def trained(n_epochs: int) -> tuple[list[float], list[np.ndarray]]:
    """The lecture's loop, run here: losses and parameters by step."""
    params, t_u, t_c = (
        torch.tensor([1.0, 0.0], requires_grad=True),
        torch.tensor(T_U),
        torch.tensor(T_C),
    )
    optimizer, losses, rows = torch.optim.SGD([params], lr=1e-2), [], []
    for _ in range(n_epochs):
        loss = ((params[0] * t_u + params[1] - t_c) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        rows.append(params.detach().clone().numpy())
    return losses, rows


TRAIN_CELL = f"""
t_u, t_c = torch.tensor({T_U}), torch.tensor({T_C})
params = torch.tensor([1.0, 0.0], requires_grad=True)
params = training_loop(100, torch.optim.SGD([params], lr=1e-2), params, t_u, t_c)
"""


def test_a_cells_trace_is_the_training(run: Runs) -> None:
    """Losses and parameters in a cell's trace are those of the same loop run here, step for
    step.
    """
    trace = run(LOOP, TRAIN_CELL).cells[1].run.traces[0]
    losses, rows = trained(100)
    assert trace.steps == trace.backwards == 100
    assert not trace.given
    recorded = trace.recorded.numpy() - 1
    assert recorded[-1] == 99
    np.testing.assert_allclose(trace.losses.numpy(), np.array(losses)[recorded], rtol=1e-5)
    np.testing.assert_allclose(trace.parameters[0].numpy(), np.array(rows)[recorded], rtol=1e-5)
    np.testing.assert_array_equal(trace.start[0].numpy(), [1, 0])


def test_a_call_brings_back_values_arguments_and_its_trace(run: Runs) -> None:
    """A call's return value, its arguments afterwards and the trace of the given optimizer agree
    with the loop run here.
    """
    made = run(LOOP, calls=(train_call(n_epochs=10),)).calls[0]
    losses, rows = trained(10)
    assert made.status is RunStatus.FINISHED
    trace, returned, optimizer = made.traces[0], made.returned, made.arguments["optimizer"]
    assert trace.given
    assert trace.same_as == ("params",)
    assert trace.settings[0]["lr"] == 1e-2
    np.testing.assert_allclose(trace.losses.numpy(), losses, rtol=1e-5)
    assert isinstance(returned, Array)
    np.testing.assert_allclose(returned.numpy(), rows[-1], rtol=1e-5)
    assert isinstance(made.arguments["params"], Array)
    np.testing.assert_array_equal(made.arguments["params"].numpy(), returned.numpy())
    assert isinstance(optimizer, OptimizerValue)
    assert optimizer.same_as == ("params",)


def test_captured_variables(run: Runs) -> None:
    """A cell reports the variables that were asked for, and leaves out those that do not exist."""
    variables = run("x = [1, 2.5, 'a']\ny = None", capture=("x", "y", "z")).cells[0].run.variables
    assert variables == {"x": Items((1, 2.5, "a")), "y": None}


def test_a_leaf_may_hold_a_gradient_already(run: Runs) -> None:
    """A loop that never clears gradients meets the gradient that the call has put there."""
    source = "def grad_of(params):\n    (params ** 2).sum().backward()\n    return params.grad"
    made = run(source, calls=(plain("dirty", "grad_of", params=leaf([1, 2], [100, 100])),)).calls[0]
    assert isinstance(made.returned, Array)
    np.testing.assert_array_equal(made.returned.numpy(), [102, 104])


def test_lists_of_parameters(run: Runs) -> None:
    """A list of leaves goes in as a list, the optimizer is over its very tensors, and it comes back
    as a list.
    """
    source = (
        "def step(optimizer, params):\n    sum((p ** 2).sum() for p in params).backward()\n   "
        " optimizer.step()\n    return optimizer"
    )
    arguments = {
        "params": ArgumentList((leaf([1.0]), leaf([[2.0]]))),
        "optimizer": OptimizerSpec("SGD", {"lr": 0.1, "momentum": 0.9}),
    }
    made = run(source, calls=(Call("list", "step", arguments),)).calls[0]
    assert made.traces[0].same_as == ("params[0]", "params[1]")
    assert isinstance(made.returned, OptimizerValue)
    assert made.returned.same_as == ("params[0]", "params[1]")
    assert made.returned.settings[0]["momentum"] == 0.9
    after = made.arguments["params"]
    assert isinstance(after, Items)
    assert [value.numpy().item() for value in after.values if isinstance(value, Array)] == [
        np.float32(0.8),
        np.float32(1.6),
    ]


def test_cells_go_on_after_an_error(run: Runs) -> None:
    """An error tells its cell and line, counted in the cell's own source, and the next cells
    run.
    """
    cells = run(
        "def f():\n    return 1 / 0", "\n\nx = 1\nf()", "print('still here')", "y = (\n1 1)"
    ).cells
    assert [cell.run.status for cell in cells] == [
        RunStatus.FINISHED,
        RunStatus.RAISED,
        RunStatus.FINISHED,
        RunStatus.RAISED,
    ]
    error, syntax = cells[1].run.error, cells[3].run.error
    assert error is not None
    assert syntax is not None
    assert (error.type, error.cell, error.line) == ("ZeroDivisionError", "c0", 2)
    assert 'Cell "c1", line 4' in error.traceback
    assert (syntax.type, syntax.cell, syntax.line) == ("SyntaxError", "c3", 2)
    assert cells[2].run.output == "still here\n"


def test_lines_are_counted_from_the_top_of_the_cell(run: Runs) -> None:
    """Blank lines above the code count, whether the cell is plain Python or needs IPython's own
    syntax.
    """
    cells = run("\n\n1 / 0", "\n\n%pip install nothing\n1 / 0").cells
    assert [cell.run.error.line for cell in cells] == [3, 4]


def test_a_missing_module_is_named(run: Runs) -> None:
    """ModuleNotFoundError carries the name of the module."""
    error = run("import no_such_module_here").cells[0].run.error
    assert error is not None
    assert error.module == "no_such_module_here"


def test_exits_are_errors_of_their_cell(run: Runs) -> None:
    """sys.exit() in a cell ends that cell only."""
    cells = run("import sys\nsys.exit(3)", "raise SystemExit", "print(1)").cells
    assert [cell.run.error and cell.run.error.type for cell in cells] == [
        "SystemExit",
        "SystemExit",
        None,
    ]
    assert cells[2].run.output == "1\n"


def outputs(evidence: Evidence, cell: int = 0) -> list[dict[str, object]]:
    """The cell's nbformat outputs."""
    found: list[dict[str, object]] = json.loads(evidence.cells[cell].outputs)
    return found


def test_outputs_in_order(run: Runs) -> None:
    """Text, display, error stream and result come in order, neighbouring text as one output."""
    made = outputs(
        run(
            "import sys\nprint(1)\nprint(2)\ndisplay({'a': 1})\nprint('e', file=sys.stderr)\n40 + 2"
        )
    )
    assert [output["output_type"] for output in made] == [
        "stream",
        "display_data",
        "stream",
        "execute_result",
    ]
    assert made[0]["text"] == "1\n2\n"
    assert made[3]["data"] == {"text/plain": "42"}


def test_inline_figures(run: Runs) -> None:
    """A plot becomes an inline PNG."""
    made = outputs(run("import matplotlib.pyplot as plt\nplt.plot([1, 2]);"))
    assert any("image/png" in output.get("data", {}) for output in made)  # type: ignore[operator]


def test_magics_shell_await_and_bash(run: Runs) -> None:
    """%magics, !commands, %%bash and top-level await work, and one event loop lives through the
    notebook.
    """
    evidence = run(
        "!echo hello",
        "names = !echo a b\nprint(names)",
        "%%bash\necho from bash",
        "import asyncio\nqueue = asyncio.Queue()\nawait queue.put(5)",
        "print(await queue.get())",
        "%%time\nx = 1",
        "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('kept')",
        "handle = display('old', display_id=True)\nhandle.update('new')",
    )
    texts = [cell.run.output for cell in evidence.cells]
    assert texts[0] == "hello\n"
    assert "a b" in texts[1]
    assert "from bash" in texts[2]
    assert texts[4] == "5\n"
    assert "Wall time" in texts[5]
    assert [output["text"] for output in outputs(evidence, 6)] == ["kept\n"]
    assert [output["data"] for output in outputs(evidence, 7)] == [{"text/plain": "'new'"}]
    assert all(cell.run.status is RunStatus.FINISHED for cell in evidence.cells)


def test_input_says_what_to_do(run: Runs) -> None:
    """input() raises an error that tells the student to use a variable."""
    error = run("name = input('name?')").cells[0].run.error
    assert error is not None
    assert "put the value into a variable" in error.message


def test_offline_no_ops_say_so(run: Runs) -> None:
    """Colab's modules and installers do nothing, say so, and the cell goes on."""
    source = (
        "import sys\nassert 'google.colab' not in sys.modules\nfrom google.colab import"
        " drive\ndrive.mount('/content/drive')"
    )
    cells = run(
        source, "!pip install -q wandb", "%pip install wandb", "!conda install x", "print('after')"
    ).cells
    assert all(cell.run.status is RunStatus.FINISHED for cell in cells)
    assert "does nothing" in cells[0].run.output
    for cell in cells[1:3]:
        assert (
            cell.run.output
            == "pip install does nothing while your notebook is graded: packages come from the"
            " assignment\n"
        )
    assert "conda install does nothing" in cells[3].run.output


def error_types(runs: tuple[Run, ...]) -> list[tuple[str, str]]:
    """Status and error type of each run."""
    return [(run.status.value, run.error.type if run.error else "") for run in runs]


def test_what_may_be_wrong_with_a_function(run: Runs) -> None:
    """Missing, no function, wrong signature and raising are told apart; a TypeError within is no
    signature error.
    """
    source = (
        "def f(a, b): return a\ng = 3\ndef h(a): raise ValueError('no')\ndef k(a): return a + 'x'"
    )
    calls = tuple(plain(name, name, a=1) for name in ("missing", "g", "f", "h", "k"))
    made = run(source, calls=calls).calls
    expected = [
        ("undefined", "NotDefinedError"),
        ("undefined", "NotDefinedError"),
        ("raised", "SignatureError"),
        ("raised", "ValueError"),
        ("raised", "TypeError"),
    ]
    assert error_types(made) == expected
    assert made[2].error is not None
    assert "(a, b)" in made[2].error.message
    assert made[3].error is not None
    assert (made[3].error.cell, made[3].error.line) == ("c0", 3)


def test_step_budget(run: Runs) -> None:
    """A call that trains for much longer than asked is ended."""
    call = train_call(n_epochs=1000)
    made = run(LOOP, calls=(Call("long", call.function, call.arguments, max_steps=50),)).calls[0]
    assert error_types((made,)) == [("raised", "StepBudgetExceeded")]
    assert made.traces[0].steps == 50


def test_a_call_that_disturbs_does_not_reach_the_next(run: Runs) -> None:
    """Globals, tensors changed in place and torch's switches are as after the cells for each
    call.
    """
    source = (
        "import torch\ncount = 0\nbox = []\nt = torch.zeros(2)\ndef bump():\n    global count\n   "
        " count += 1\n    return count\ndef append():\n    box.append(1)\n    return len(box)\ndef"
        " add():\n    t.data += 1\n    return t\ndef double():\n   "
        " torch.set_default_dtype(torch.float64)\n    return str(torch.zeros(1).dtype)\ndef"
        " dtype():\n    return str(torch.zeros(1).dtype)"
    )
    names = ("bump", "bump", "append", "append", "add", "add", "double", "dtype")
    returned = [
        made.returned
        for made in run(
            source, calls=tuple(plain(f"{k}", name) for k, name in enumerate(names))
        ).calls
    ]
    assert returned[:4] == [1, 1, 1, 1]
    assert all(
        isinstance(value, Array) and value.numpy().tolist() == [1, 1] for value in returned[4:6]
    )
    assert returned[6:] == ["torch.float64", "torch.float32"]


def test_a_call_that_is_killed_is_made_once_more(run: Runs) -> None:
    """The machine may have had to kill it, for want of memory: once costs nothing; twice is told as
    what it is; what comes after is called all the same.
    """
    source = (
        "import os, pathlib, signal\ndef die(): os.kill(os.getpid(), signal.SIGKILL)\ndef"
        " die_once():\n    mark = pathlib.Path('mark')\n    if not mark.exists():\n       "
        " mark.touch()\n        die()\n    return 1\ndef live(): return 2\ndef end():"
        " os.kill(os.getpid(), signal.SIGTERM)"
    )
    made = run(
        source, calls=tuple(plain(name, name) for name in ("die_once", "die", "live", "end"))
    ).calls
    assert [(one.id, one.status) for one in made] == [
        ("die_once", RunStatus.FINISHED),
        ("die", RunStatus.KILLED),
        ("live", RunStatus.FINISHED),
        ("end", RunStatus.DIED),
    ]


def test_seeds(run: Runs) -> None:
    """The same seed gives the same random numbers in each call, another seed others."""
    calls = tuple(Call(str(k), "draw", {}, seed=seed) for k, seed in enumerate((1, 1, 2)))
    first, again, other = (
        made.returned
        for made in run("import random\ndef draw(): return random.random()", calls=calls).calls
    )
    assert first == again != other


def test_held_states(run: Runs) -> None:
    """A function that is defined anew later is called as it was at the held cell."""
    calls = (
        Call("early", "f", {}, after="c0"),
        Call("late", "f", {}),
        Call("early2", "f", {}, after="c0"),
    )
    made = run("def f(): return 'first'", "def f(): return 'second'", hold=(0,), calls=calls).calls
    assert [(one.id, one.returned) for one in made] == [
        ("early", "first"),
        ("late", "second"),
        ("early2", "first"),
    ]


def test_follow_up_with_given_definitions(executor: Executor) -> None:
    """The host may ask for more after seeing the evidence: given definitions take the place of the
    student's, each call alone.
    """
    seen: list[Evidence] = []

    def follow_up(evidence: Evidence) -> list[CallBatch]:
        seen.append(evidence)
        return [
            CallBatch((plain("x", "f"),), alone=True),
            CallBatch((plain("x", "f"),), given="def g(): return 'given'", given_names=("g",)),
        ]

    evidence = executor.run(
        "key", request("def g(): return 'own'\ndef f(): return g()"), (plain("x", "f"),), follow_up
    )
    assert [(run.returned, run.alone, run.given) for run in evidence.calls] == [
        ("own", False, ()),
        ("own", True, ()),
        ("given", False, ("g",)),
    ]
    assert seen[0].calls == evidence.calls[:1]
    assert evidence.ending.reason is Ended.FINISHED


def test_drivers(run: Runs) -> None:
    """A driver reaches the notebook's names; a name that is missing makes the call undefined."""
    drivers = (
        "def twice(student, value):\n    return student.f(student.f(value))\ndef lost(student):\n  "
        "  return student.nothing()"
    )
    calls = (
        Call("ok", "f", {"value": 3}, driver="twice"),
        Call("lost", "", {}, driver="lost"),
        Call("none", "h", {"value": 3}, driver="twice"),
    )
    made = run("def f(x): return x * 10", drivers=drivers, calls=calls).calls
    assert made[0].returned == 300
    assert [one.status for one in made] == [
        RunStatus.FINISHED,
        RunStatus.UNDEFINED,
        RunStatus.UNDEFINED,
    ]


def test_a_cell_runs_again_with_given_definitions(executor: Executor) -> None:
    """A call may run a cell once more, and reports its variables and traces."""
    batch = CallBatch(
        (Call("again", "", {}, cell="c1", capture=("y",)),),
        given="def f(): return 5",
        given_names=("f",),
    )
    evidence = executor.run(
        "key", request("def f(): return 1", "y = f()"), (), lambda _evidence: [batch]
    )
    assert evidence.calls[0].variables == {"y": 5}


def test_files_lie_beside_the_notebook(executor: Executor) -> None:
    """The assignment's files are in the working folder."""
    asked = request("print(open('data/x.csv').read())")
    evidence = executor.run(
        "key", type(asked)(asked.cells, 0, asked.limits, files={"data/x.csv": b"1,2"}), ()
    )
    assert evidence.cells[0].run.output == "1,2\n"


def test_lbfgs_through_a_driver(run: Runs) -> None:
    """With a closure, backward runs inside step(): losses and gradients are there all the same."""
    drivers = (
        "import torch\ndef fit(student, params):\n    optimizer = torch.optim.LBFGS([params])\n   "
        " def closure():\n        optimizer.zero_grad()\n        loss = student.loss(params)\n     "
        "   loss.backward()\n        return loss\n    for _ in range(2):\n       "
        " optimizer.step(closure)\n    return params"
    )
    made = run(
        "def loss(p): return ((p - 3) ** 2).sum()",
        drivers=drivers,
        calls=(Call("fit", "loss", {"params": leaf([0.0])}, driver="fit"),),
    ).calls[0]
    trace = made.traces[0]
    assert trace.steps == 2
    assert np.isfinite(trace.losses.numpy()).all()
    assert trace.missing[0].numpy().tolist() == [0, 0]


def test_two_threads_in_cells(executor: Executor) -> None:
    """Cells that compute on two threads leave calls that do not hang."""
    asked = request(
        "import torch\ndef f(): return float((torch.ones(500, 500) @ torch.ones(500,"
        " 500)).sum())\nprint(torch.get_num_threads(), f())"
    )
    evidence = executor.run(
        "key", type(asked)(asked.cells, 0, asked.limits, threads=2), (plain("f", "f"),)
    )
    assert evidence.cells[0].run.output == "2 125000000.0\n"
    assert evidence.calls[0].returned == 125000000.0


def test_warmed_things_work_in_children(run: Runs, executor: Executor) -> None:
    """DataLoader with workers, logging, subprocesses and the namespace itself are as in a fresh
    notebook.
    """
    cells = run(
        "import warnings\nwarnings.simplefilter('ignore')  # on one core torch warns of two"
        " workers\nfrom torch.utils.data import DataLoader\nimport torch\nprint(sum(b.sum().item()"
        " for b in DataLoader(torch.arange(8.0), batch_size=4, num_workers=2)))",
        "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'print(7)'],"
        " capture_output=True, text=True).stdout)",
        "print([name for name in globals() if not name.startswith('_')])",
        "_",
    ).cells
    assert [cell.run.error for cell in cells[1:3]] == [None, None]
    if os.geteuid() != 0 and executor.environment["layer: bubblewrap"] != "yes":
        # they need semaphores in /dev/shm, and this user's submissions have none of their own
        assert cells[0].run.error is not None
        assert cells[0].run.error.type == "PermissionError"
    else:
        assert (cells[0].run.error, cells[0].run.output) == (None, "28.0\n")
    assert cells[1].run.output == "7\n\n"
    assert "plt" not in cells[2].run.output
    assert cells[0].execution_count == 1


def test_array_arguments_keep_their_type(run: Runs) -> None:
    """Arrays arrive as tensors of their dtype, bfloat16 included."""
    half = Array("float32", (1,), f32([1.5]).data, "torch.bfloat16")
    assert (
        run("def f(x): return str(x.dtype)", calls=(plain("h", "f", x=half),)).calls[0].returned
        == "torch.bfloat16"
    )


def test_a_call_made_alone_is_recorded_in_full(executor: Executor) -> None:
    """A call of a batch of calls made alone brings its recording besides its traces; the first pass
    brings none.
    """
    evidence = executor.run(
        "key",
        request(LOOP),
        (train_call(),),
        lambda _evidence: [CallBatch((train_call(n_epochs=3),), alone=True)],
    )
    light, full = evidence.calls
    assert light.recording is None
    assert full.recording is not None
    assert [event.kind for event in full.recording.events] == ["zero_grad", "backward", "step"] * 3
    assert [(tensor.name, tensor.end.numpy().tolist()) for tensor in full.recording.tensors] == [
        ("params", full.traces[0].parameters[0].numpy()[-1].tolist())
    ]
    assert [(seen.name, seen.given, seen.owns) for seen in full.recording.optimizers] == [
        ("SGD", True, (0,))
    ]
    assert [
        event.loss for event in full.recording.events if event.kind == "backward"
    ] == full.traces[0].losses.numpy().tolist()


def test_a_cell_run_again_alone_is_recorded_in_full(executor: Executor) -> None:
    """So is a cell that runs once more, with the optimizer that it makes itself."""
    batch = CallBatch((Call("again", "", {}, cell="c1"),), alone=True)
    (made,) = executor.run(
        "key", request(LOOP, TRAIN_CELL.replace("100", "4")), (), lambda _evidence: [batch]
    ).calls
    assert made.recording is not None
    assert len(made.recording.events) == 12
    assert not made.recording.optimizers[0].given


def test_the_first_step_of_a_call_that_may_make_one(executor: Executor) -> None:
    """Over its budget of steps a call brings what it has made so far: trace, arguments and
    recording.
    """
    call = msgspec.structs.replace(train_call(), max_steps=1)
    runs = executor.run(
        "key", request(LOOP), (call,), lambda _evidence: [CallBatch((call,), alone=True)]
    ).calls
    _, rows = trained(1)
    for made in runs:
        assert made.status is RunStatus.RAISED
        assert made.error is not None
        assert made.error.type == "StepBudgetExceeded"
        assert made.traces[0].steps == 1
        np.testing.assert_allclose(
            made.traces[0].gradients[0].numpy(), [[-77.6, -10.64]], rtol=1e-3
        )
        assert isinstance(made.arguments["params"], Array)
        np.testing.assert_allclose(made.arguments["params"].numpy(), rows[0], rtol=1e-5)
    assert runs[1].recording is not None
    assert [event.kind for event in runs[1].recording.events][:3] == [
        "zero_grad",
        "backward",
        "step",
    ]


def test_given_definitions_that_fail_in_a_call_made_alone(executor: Executor) -> None:
    """The run says so, and that it was made alone."""
    batch = CallBatch((plain("x", "f"),), alone=True, given="1 / 0", given_names=("f",))
    evidence = executor.run("key", request("x = 1"), (), lambda _evidence: [batch])
    assert evidence.ending.reason is Ended.FINISHED
    assert (evidence.calls[0].alone, evidence.calls[0].error and evidence.calls[0].error.type) == (
        True,
        "GivenError",
    )


@pytest.mark.long("forkservers of its own")
def test_only_as_many_slots_are_warmed_as_are_wanted() -> None:
    """A forkserver takes seconds of computing: one submission shall not start two."""
    with Executor(2) as own:
        own.warm(1)
        deadline = time.monotonic() + 60
        while not own.environment and time.monotonic() < deadline:
            time.sleep(0.05)
        assert sorted(client.ready is not None for client in own._clients) == [False, True]
        assert [
            client
            for client in own._clients
            if client._process is not None and client.ready is None
        ] == []


def test_a_students_profiler_sees_the_steps(run: Runs) -> None:
    """Labels of optimizer steps are left out only while nobody listens."""
    profiling = """
from torch.profiler import ProfilerActivity, profile
with torch.autograd.profiler.record_function("to nobody") as label:
    print(label.record)
with profile(activities=[ProfilerActivity.CPU]) as prof:
    training_loop(3, torch.optim.SGD([params], lr=1e-2), params, t_u, t_c)
print([event.count for event in prof.key_averages() if event.key == "Optimizer.step#SGD.step"])
"""
    assert run(LOOP, TRAIN_CELL, profiling).cells[2].run.output == "None\n[3]\n"
