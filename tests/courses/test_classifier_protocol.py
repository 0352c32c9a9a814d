"""The stochastic protocol end to end in this process: honest training under other seeds and numbers
of threads always passes.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from places import ROOT
from sklearn.datasets import load_digits

from autograder.assignment import open_assignment
from autograder.checks import CheckFailed, Observation
from autograder.checks.stochastic import assert_same_stochastic_training
from autograder.course.replaying import DRIVERS, replay_calls
from autograder.evidence.protocol import Call, OptimizerSpec
from autograder.evidence.trace import Array, Mapping, Run, RunStatus, array_of
from autograder.judgement.batches.epochs import BatchStory, story_of
from autograder.judgement.batches.replayed import stochastic_distance
from autograder.judgement.observation import Replayed
from autograder.notebooks.writing.stub import definitions
from autograder.sandboxed.calls.arguments import build_arguments
from autograder.sandboxed.calls.calling import Student
from autograder.sandboxed.recording.batch_recorder import BatchRecorder
from autograder.sandboxed.recording.recorder import Recorder
from autograder.sandboxed.recording.values import ValueReader

COURSE = ROOT
FILES = open_assignment(COURSE, "classifier")
MB = 1 << 20
DIGITS = load_digits()
RECORDER = Recorder()
BAR = 4.5e-5


@pytest.fixture(scope="module", autouse=True)
def recording():
    """Hooks of this process's one recorder; idle again afterwards."""
    RECORDER.install()
    yield
    RECORDER.start(0)


@pytest.fixture(autouse=True)
def threads():
    """Each test leaves the number of threads as it was."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@functools.cache
def namespace() -> dict[str, Any]:
    """The solution's functions."""
    found: dict[str, Any] = {}
    exec(
        definitions(FILES.solution.read_text(), ("make_model", "train_epoch"), FILES.solution),
        found,
    )
    return found


def call_of(seed: int) -> Call:
    """Two epochs of 150 samples, another choice for each seed."""
    rows = np.random.default_rng(seed).permutation(len(DIGITS.data))[:150]
    images, labels = (
        (DIGITS.data[rows] / 16).astype(np.float32),
        DIGITS.target[rows].astype(np.int64),
    )
    optimizer = OptimizerSpec("SGD", {"lr": 0.05, "momentum": 0.9}, "")
    arguments = {
        "images": array_of(images),
        "labels": array_of(labels),
        "n_epochs": 2,
        "batch_size": 16,
        "optimizer": optimizer,
        "shuffle_seed": seed,
    }
    return Call(f"call-{seed}", "train_epoch", arguments, seed=seed, driver="train", batches=True)


def recorded(call: Call, names: dict[str, Any]) -> Run:
    """As the sandbox makes the call."""
    drivers: dict[str, Any] = {}
    exec(FILES.drivers_source(), drivers)
    arguments = build_arguments(call.arguments)
    torch.manual_seed(call.seed)
    batches = BatchRecorder(8 * MB)
    RECORDER.start(8 * MB, batches=batches)
    drivers[call.driver](Student(names, batches), **arguments.values)
    log = batches.finish()
    reader = ValueReader(8 * MB)
    kept = {name: reader.read(arguments.values[name]) for name in ("images", "labels")}
    run = Run(call.id, RunStatus.FINISHED, arguments=kept, traces=RECORDER.traces(), batches=log)
    RECORDER.start(0)
    return run


def replayed(call: Call, run: Run, model: Run) -> Replayed:
    """As the replaying sandbox answers, the reference's functions beside the two drivers."""
    drivers: dict[str, Any] = {}
    exec(f"{FILES.drivers_source()}\n\n{DRIVERS}", drivers)
    answers = {}
    for asked in replay_calls(call, story(run, model)):
        torch.manual_seed(asked.seed)
        returned = drivers[asked.driver](
            SimpleNamespace(**namespace()), **build_arguments(asked.arguments).values
        )
        answers[asked.driver] = ValueReader(64 * MB).read(returned)
    batches, after = answers["replay_batches"], answers["replay"]
    assert isinstance(batches, Mapping)
    assert isinstance(after, Array)
    gradients, losses = (
        batches.values[name].numpy().astype(np.float64) for name in ("gradients", "losses")
    )
    return Replayed(gradients, losses, after.numpy()[0].astype(np.float64))


def story(run: Run, model: Run) -> BatchStory:
    found = story_of(Observation(run), Observation(model))
    assert found is not None
    return found


def judge(seed: int, names: dict[str, Any], number_of_threads: int) -> float:
    """Train with so many threads, replay with one, judge; the residual that was judged."""
    call = call_of(seed)
    model = recorded(call, namespace())
    torch.set_num_threads(number_of_threads)
    run = recorded(call, names)
    torch.set_num_threads(1)
    answer = replayed(call, run, model)
    assert_same_stochastic_training(Observation(run, replayed=answer), Observation(model), bar=BAR)
    return stochastic_distance(story(run, model), answer).total


@pytest.mark.parametrize("seed", range(20))
def test_twenty_honest_runs_pass(seed):
    """Other data, parameters, dropout and batches each time, on one to four threads: far below the
    bar.
    """
    assert judge(seed, namespace(), 1 + seed % 4) < BAR / 10


def test_a_dropout_of_ones_own_seed_is_replayed_too():
    """The random state of each batch is what counts, not how the run began."""

    def train_epoch(model, *rest):
        torch.manual_seed(12345)
        return namespace()["train_epoch"](model, *rest)

    assert judge(3, namespace() | {"train_epoch": train_epoch}, 1) < BAR / 10


def test_a_wrong_one_does_not_pass():
    """So that the test above can fail."""

    def train_epoch(model, optimizer, images, labels, batch_size, generator):
        return namespace()["train_epoch"](
            torch.nn.Sequential(model, torch.nn.Softmax(dim=1)),
            optimizer,
            images,
            labels,
            batch_size,
            generator,
        )

    with pytest.raises(CheckFailed):
        judge(3, namespace() | {"train_epoch": train_epoch}, 1)
