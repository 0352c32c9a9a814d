"""Training loops put into an assignment's notebook, run and judged as `autograder grade` does,
without the two long runs.
"""

from concurrent.futures import ThreadPoolExecutor

from places import ROOT

from autograder.assignment import open_assignment
from autograder.checks.docket import open_docket
from autograder.course.plan import plan_execution, rerun_batches
from autograder.course.prepare import prepare
from autograder.diagnosis.probing import add_findings
from autograder.evidence.store import EvidenceStore

COURSE = ROOT


class Laboratory:
    """Judges programs: functions that stand in the reference's place in its notebook, of the
    assignment `slug`.
    """

    def __init__(self, executor, folder, slug="optimizers"):
        self.executor = executor
        self.files = open_assignment(COURSE, slug)
        self.store = EvidenceStore(folder)

    def judge(self, programs):
        """Results of the checks of the program's function for each (function, source), in order."""

        def body(docket):
            prepared = prepare(self.files, docket, self.store, self.executor)
            with ThreadPoolExecutor(2) as pool:
                return list(pool.map(lambda program: self._judge(prepared, *program), programs))

        return open_docket(self.files, body)

    def _judge(self, prepared, function, source):
        judge = prepared.judge
        cells = [
            (name, source if name == function else text) for name, text in prepared.reference_cells
        ]
        specs = [
            spec for spec in judge.specs if spec.call is not None and spec.function == function
        ]
        plan = plan_execution(self.files, specs, cells, {})

        def follow_up(evidence):
            again, _ = judge.to_repeat(judge.results(evidence))
            return rerun_batches(self.files, [spec for spec in again if spec in specs], {}, {})

        evidence = self.executor.run(plan.key, plan.request, plan.calls, follow_up)
        results = add_findings(
            prepared, judge.results(evidence), evidence, self.store, self.executor
        )
        return {
            result.id: result
            for result, spec in zip(results, judge.specs, strict=True)
            if spec in specs
        }


SHORT = (
    "test_loop_on_unseen_data",
    "test_loop_with_any_optimizer[momentum]",
    "test_loop_with_any_optimizer[adam_two_tensors]",
)


def codes(results):
    """All codes that the checks got."""
    return {finding.code for result in results.values() for finding in result.findings}
