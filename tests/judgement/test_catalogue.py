"""The catalogue of findings, and what students read of it."""

import os
import re
from pathlib import Path

import pytest

from autograder.assignment import Disclosure
from autograder.judgement import consequences as diagnosis
from autograder.judgement import contracts
from autograder.judgement.findings.catalogue import CATALOGUE, catalogue_page, tell
from autograder.judgement.findings.finding import Contract, Finding

DOCS = Path(__file__).parent.parent.parent / "docs" / "mistakes.md"
SOURCES = Path(contracts.__file__).parent
FINDING = Finding(
    "never-clears",
    Contract.CLEARING,
    "before epoch 2's backward, .grad held [-77.6, -10.6]",
    "None or zeros",
    2,
)


def codes_in_the_code():
    """Every code that a contract can yield: quoted, kebab-case, known to the catalogue or
    suspiciously like it.
    """
    text = "\n".join(path.read_text() for path in SOURCES.glob("*.py"))
    return set(re.findall(r'(?:Finding|_found)\(\s*"([a-z]+(?:-[a-z]+)+)"', text)) | set(
        re.findall(r'code = "([a-z]+(?:-[a-z]+)*)"', text)
    )


def test_every_finding_has_its_entry():
    """No contract can name what the catalogue does not hold."""
    assert len(codes_in_the_code()) > 20
    assert codes_in_the_code() <= CATALOGUE.keys()
    assert {
        code for pair in diagnosis.FOLLOWS.items() for code in (pair[0], *pair[1])
    } <= CATALOGUE.keys()


def test_the_docs_are_the_catalogue():
    """docs/mistakes.md is rewritten with GRADSTEP_UPDATE_GOLDEN=1 and read in review."""
    if os.environ.get("GRADSTEP_UPDATE_GOLDEN"):
        DOCS.write_text(catalogue_page())
    assert DOCS.read_text() == catalogue_page()


def test_disclosure_tells_more_and_more():
    """Observed and expected always; concept and slide next; the fix only after the due date."""
    where, concept, fix = (
        tell(FINDING, disclosure)
        for disclosure in (Disclosure.WHERE, Disclosure.CONCEPT, Disclosure.FIX)
    )
    assert (
        where
        == "Step 2: before epoch 2's backward, .grad held [-77.6, -10.6]; expected None or zeros."
    )
    assert concept.startswith(where)
    assert fix.startswith(concept)
    assert "In the catalogue of mistakes: never-clears." in concept
    assert "zero_grad" not in concept
    assert "zero_grad" in fix


@pytest.mark.parametrize("code", CATALOGUE)
def test_what_a_student_reads_is_short_and_gives_no_fix_away(code):
    """At most 60 words before the due date with this run's numbers; cause and next step end as
    sentences do.
    """
    entry = CATALOGUE[code]
    assert (
        len(tell(Finding(code, Contract.COUNT, "40 steps", "41 steps"), Disclosure.CONCEPT).split())
        <= 60
    )
    assert entry.fix not in (entry.cause, entry.look)
    for text in (entry.cause, entry.look, entry.fix):
        assert text[-1] in ".?"
