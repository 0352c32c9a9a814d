"""Assignments that ask for a GPU, where there is none: planning, refusals, keys, and grading by
runs without forks.
"""

import dataclasses
import datetime
import subprocess
import sys

import msgspec
import pytest
from test_check import NOW, checked
from tiny_class import LOOP, Recorded, handed_in

from autograder.assignment import open_assignment
from autograder.checks.docket import open_docket
from autograder.commands.check.one_notebook import check_notebook
from autograder.commands.export.gradescope_zip import export_gradescope
from autograder.commands.export.repositories import export_prairielearn
from autograder.commands.grade.regrade import regrade_class
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.unrun import Unrun, judge_of_nothing
from autograder.commands.grade.whole_class import grade_class
from autograder.commands.release.checks_file import open_checks
from autograder.course.hardware import as_graded, on_device, require_device
from autograder.course.judging import repeats
from autograder.course.keys import judging_key
from autograder.course.plan import plan_execution, plan_probes
from autograder.course.prepare import prepare
from autograder.errors import AssignmentError, SandboxError
from autograder.evidence.limits import Device, Isolation
from autograder.execution.choosing import open_executor
from autograder.execution.devices import find_device
from autograder.execution.executor import Executor
from autograder.execution.plain_processes import PlainExecutor
from autograder.judgement.calibration import Calibration, calibration_path, calibration_text, doubt
from autograder.judgement.grade import RULINGS, Cause, Outcome
from autograder.reports.terminal.doctor import gpu_line

HERE = find_device(Device.CUDA)
NO_GPU = pytest.mark.skipif(not HERE.missing, reason="there is a GPU")


def ask_for_a_gpu(course):
    """Put device = "cuda" into the course's assignment."""
    path = course.root / "assignments" / "tiny" / "assignment.toml"
    path.write_text('device = "cuda"\n' + path.read_text())


def graded_without(course, **options):
    progress = Recorded()
    with Executor(2, device=HERE) as executor:  # never warm: nothing is run
        grades = grade_class(
            on_device(course.files),
            collect_submissions(course.root / "submitted", "tiny"),
            course.results,
            executor,
            progress,
            **options,
        )
        assert executor.environment == {}
    return {grade.student: grade for grade in grades}, progress


def command(course, *words):
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", *words, "--course", str(course.root)],
        text=True,
        capture_output=True,
        check=False,
    )


def code_cells(course, loop):
    notebook = handed_in(course.release, training_loop=loop)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        (cell.metadata.get("nbgrader", {}).get("grade_id") or cell.id, cell.source) for cell in code
    ]


@NO_GPU
def test_without_a_gpu_everything_is_ungradable_with_the_reason_and_tried_again(course):
    """It costs no points, and says what to do; who handed in nothing is told that."""
    ask_for_a_gpu(course)
    course.submit("ada")
    (course.root / "submitted" / "bo" / "tiny").mkdir(parents=True)
    grades, progress = graded_without(course)
    assert progress.total == 2
    for check in grades["ada"].checks:
        assert (check.outcome, check.cause, check.pending) == (
            Outcome.UNGRADABLE,
            Cause.NO_DEVICE,
            True,
        )
        assert RULINGS[Cause.NO_DEVICE].message in check.message
        assert HERE.missing in check.message
    assert {check.cause for check in grades["bo"].checks} == {Cause.NO_NOTEBOOK}
    assert grades["ada"].problem == "no GPU"
    assert graded_without(course)[1].students == ("ada",)  # again, and only who waits for it


@NO_GPU
def test_grades_that_were_made_on_a_gpu_stay_where_there_is_none(course):
    """Until the submission or the assignment changes; judging all anew is refused rather than
    losing them.
    """
    course.submit("ada")
    course.submit("bo").write_text("{")
    made, _ = course.grade()
    ask_for_a_gpu(course)
    files = dataclasses.replace(course.files, hardware="NVIDIA T4")
    (bo,) = (
        one for one in collect_submissions(course.root / "submitted", "tiny") if one.student == "bo"
    )
    judge = open_docket(files, lambda docket: judge_of_nothing(files, docket))
    course.results.write_grade(
        Unrun(files, judge, course.results, judging_key(files)).grade(bo, Cause.UNREADABLE, "")
    )
    provenance = msgspec.structs.replace(
        made["ada"].provenance,
        environment=made["ada"].provenance.environment | {"device": "NVIDIA T4"},
        judging_key=judging_key(files),
    )
    course.results.write_grade(msgspec.structs.replace(made["ada"], provenance=provenance))
    kept, progress = graded_without(course)
    assert progress.total == 0
    assert {check.outcome for check in kept["ada"].checks} == {Outcome.PASSED}
    assert {check.cause for check in kept["bo"].checks} == {Cause.UNREADABLE}
    assert as_graded(course.files, kept.values()).hardware == "NVIDIA T4"
    with pytest.raises(SandboxError, match="--force would leave nobody a grade"):
        graded_without(course, force=True)
    with (
        Executor(1, device=HERE) as executor,
        pytest.raises(AssignmentError, match="use `autograder grade`"),
    ):
        regrade_class(
            course.files,
            course.results,
            executor,
            # ada's stored run is another than her grade claims, and the reference's runs on a T4 are
            # not at hand
        )
    course.submit("ada", training_loop=LOOP + "\n# changed")
    assert {check.cause for check in graded_without(course)[0]["ada"].checks} == {Cause.NO_DEVICE}


@NO_GPU
@pytest.mark.parametrize(
    "words",
    [
        ("release", "tiny", "--force"),
        *(
            pytest.param((word, "tiny"), marks=pytest.mark.long("a command as the one before"))
            for word in ("validate", "calibrate")
        ),
    ],
)
def test_commands_that_need_the_reference_refuse(course, words):
    """With what is missing, before anything is run or written."""
    ask_for_a_gpu(course)
    done = command(course, *words)
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "asks for a GPU" in said
    assert "there is no GPU" in said
    assert "Traceback" not in said
    assert not calibration_path(course.files.folder).exists()


@pytest.mark.long("a command of its own")
@NO_GPU
def test_grade_says_it_before_it_starts(course):
    """And ends with the exit code of ungradable submissions."""
    ask_for_a_gpu(course)
    course.submit("ada")
    done = command(course, "grade", "tiny", str(course.root / "submitted"))
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1, said
    assert "tiny asks for a GPU, and there is no GPU" in said
    assert "for want of a GPU the reference has not run" in said
    assert "ada" in course.results.csv.read_text()
    assert "no GPU" in course.results.read_grade("ada").problem


@pytest.mark.long("a command of its own")
@NO_GPU
def test_check_says_that_nothing_was_run(course, tmp_path):
    """Students' own machines mostly have none."""
    path = course.submit("ada")
    opened = open_checks(course.root / "release" / "tiny.checks", tmp_path / "opened")
    assert checked(course, path, PlainExecutor(), tmp_path / "cpu").passed
    asking = msgspec.structs.replace(
        opened.manifest,
        assignment=msgspec.structs.replace(opened.manifest.assignment, device=Device.CUDA),
    )
    report = check_notebook(
        dataclasses.replace(opened, manifest=asking), path, PlainExecutor(device=HERE), NOW
    )
    assert report.ungradable
    assert {check.cause for check in report.checks} == {Cause.NO_DEVICE}
    assert HERE.missing in report.checks[0].message


def test_what_is_asked_for_is_planned_without_forks(course):
    """Requests, and keys that depend on the GPU: evidence of one is none of another, nor of the
    CPU.
    """
    on_cpu = course.files
    ask_for_a_gpu(course)
    on_t4, on_a100 = (
        dataclasses.replace(course.files, hardware=name) for name in ("NVIDIA T4", "NVIDIA A100")
    )
    cells = [("a", "x = 1")]
    plans = [plan_execution(files, (), cells, {}) for files in (on_cpu, on_t4, on_a100)]
    assert [(plan.request.device, plan.request.unforked) for plan in plans] == [
        (Device.CPU, False),
        *[(Device.CUDA, True)] * 2,
    ]
    probes = [plan_probes(files, cells, (), "") for files in (on_cpu, on_t4, on_a100)]
    assert [probe.request.unforked for probe in probes] == [False, True, True]
    contexts = [judging_key(files) for files in (on_cpu, on_t4, on_a100)]
    assert len({*(plan.key for plan in plans), *(probe.key for probe in probes), *contexts}) == 9
    assert plan_execution(on_t4, (), cells, {}).key == plans[1].key


def test_assignments_without_are_left_alone(course):
    """No name of any hardware, no refusal."""
    assert require_device(course.files) == course.files == on_device(course.files)


def test_what_can_not_be_had_on_a_gpu_is_refused(course, executor, tmp_path):
    """Clusters, other systems, replays batch by batch; each with the reason."""
    ask_for_a_gpu(course)
    with pytest.raises(SandboxError, match="on this machine only"):
        open_executor(1, Isolation.GOOD, (), "tcp://127.0.0.1:1", Device.CUDA)
    with pytest.raises(AssignmentError, match="Gradescope has no GPU"):
        export_gradescope(course.files, tmp_path / "a.zip")
    with pytest.raises(AssignmentError, match="PrairieLearn has no GPU"):
        export_prairielearn(course.files, tmp_path / "b", "", "image")
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    checks.write_text(
        checks.read_text()
        .replace('"training_loop",\n', '"training_loop",\n    record_batches=True,\n', 1)
        .replace('@call("training_loop", ', '@call("training_loop", record_batches=True, ', 1)
    )
    with pytest.raises(AssignmentError, match="record_batches=True"):
        open_docket(
            course.files,
            lambda docket: prepare(course.files, docket, course.results.evidence, executor),
        )


def test_bars_of_another_device_are_doubted(course):
    """As those of another torch are, where the class is graded."""
    path = calibration_path(course.files.folder)
    path.write_text(
        calibration_text(
            Calibration(
                "2.13.0", "3.11.7", "x86_64", datetime.date(2026, 11, 22), {}, "NVIDIA A100"
            )
        )
    )
    assert doubt(path, "2.13.0", "NVIDIA A100") == ""
    assert doubt(path, "2.13.0", "") == ""  # nothing is run
    assert "on NVIDIA A100, and this is NVIDIA T4" in doubt(path, "2.13.0", "NVIDIA T4")
    assert "with torch 2.13.0 on NVIDIA A100, and this is 2.14.0 on cpu" in doubt(path, "2.14.0")


@pytest.mark.parametrize(
    ("loop", "passed"),
    [
        (LOOP, True),
        (LOOP.replace("        optimizer.zero_grad()\n", ""), False),
        (LOOP.replace("loss_fn(params)", "loss_fun(params)"), False),
    ],
)
def test_runs_without_forks_are_judged_alike(course, executor, loop, passed):
    """Cells, calls and repetitions of right, wrong and raising loops, with and without forks: the
    same results, word for word.
    """

    def body(docket):
        prepared = prepare(course.files, docket, course.results.evidence, executor)
        plan = plan_execution(course.files, docket.specs, code_cells(course, loop), {})
        follow_up = repeats(course.files, prepared.judge, {})
        requests = plan.request, msgspec.structs.replace(plan.request, unforked=True)
        return [
            prepared.judge.results(executor.run(plan.key, request, plan.calls, follow_up))
            for request in requests
        ]

    forked, unforked = open_docket(course.files, body)
    assert unforked == forked
    assert all(result.outcome is Outcome.PASSED for result in forked) is passed


def test_doctor_has_a_line_for_it():
    assert (
        gpu_line("", 0, "there is no GPU: PyTorch 2.13 is a build without CUDA")
        == "There is no GPU: PyTorch 2.13 is a build without CUDA. Only assignments with device ="
        ' "cuda" need one.'
    )
    assert gpu_line("NVIDIA T4", 2, "").startswith("GPU: NVIDIA T4, 2 of them. ")


def test_another_device_than_those_two_is_refused(course):
    path = course.root / "assignments" / "tiny" / "assignment.toml"
    path.write_text('device = "tpu"\n' + path.read_text())
    with pytest.raises(AssignmentError, match=r"assignment\.toml:1: .*'tpu'.* \"cpu\" or \"cuda\""):
        open_assignment(course.root, "tiny")
