"""What a released folder must not tell, looked for in every file of it, the packed ones too."""

import ast
import zipfile

import numpy as np

from autograder.assignment import open_assignment
from autograder.checks.docket import open_docket
from autograder.evidence.protocol import ArgumentList, Leaf
from autograder.evidence.trace import Array
from autograder.judgement.grade import Visibility


def secrets_of(course, slug):
    """(texts, arrays) of an assignment: lines and statements of the solution's regions that
    students have not got otherwise; names and titles of checks that are not visible; numbers of
    their calls that no visible call has.
    """
    files = open_assignment(course, slug)
    known = f"{files.template.read_text()}\n{files.drivers_source()}"
    texts = {text for text in solution_texts(files.solution.read_text()) if text not in known}
    specs = open_docket(files, lambda docket: docket.specs)
    hidden = [spec for spec in specs if spec.worth.visibility is not Visibility.VISIBLE]
    shown = [spec for spec in specs if spec.worth.visibility is Visibility.VISIBLE]
    assert hidden
    assert shown
    names = (
        {spec.id.partition("[")[0] for spec in hidden}
        | {spec.title for spec in hidden}
        | {"after_due_date"}
    )
    texts |= {
        name
        for name in names
        if name not in known and not any(name in spec.id or name in spec.title for spec in shown)
    }
    public = [data for spec in shown for data in bytes_of(spec)]
    arrays = {
        data for spec in hidden for data in bytes_of(spec) if not any(data in one for one in public)
    }
    return texts, arrays


def solution_texts(source):
    """Lines between the marks, and the statements there as Python writes them itself; short ones
    and comments say nothing.
    """
    inside, lines, numbers = False, set(), set()
    for number, line in enumerate(source.splitlines(), 1):
        if line.strip().startswith("### "):
            inside = line.strip().startswith("### BEGIN")
        elif inside:
            numbers.add(number)
            lines.add(line.strip())
    lines |= {
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno in numbers
    }
    signatures = {
        ast.unparse(node.args)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }
    own = {line for line in lines if len(line) > 25 and not line.startswith("#")}
    return {
        line
        for line in own
        if not any(signature and line.endswith(f"({signature})") for signature in signatures)
    }


def bytes_of(spec):
    values = list(spec.call.arguments.values()) if spec.call is not None else []
    while values:
        match values.pop():
            case ArgumentList(inner):
                values += inner
            case Array() as array if array.numpy().size >= 3 and np.unique(array.numpy()).size > 1:
                yield array.data
            case Leaf(array) if array.numpy().size >= 3 and np.unique(array.numpy()).size > 1:
                yield array.data


def contents(folder):
    """All files below `folder`, archives unpacked, as one run of bytes."""
    parts = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix == ".checks":
            with zipfile.ZipFile(path) as archive:
                parts += [archive.read(name) for name in archive.namelist()]
        elif path.is_file():
            parts.append(path.read_bytes())
    return b"\n".join(parts)


def told(course, slug, folder):
    """The secrets that the released `folder` holds; asserts that there are some to look for, and
    that it holds a file of checks.
    """
    texts, arrays = secrets_of(course, slug)
    assert len(texts) > 5
    assert (folder / f"{slug}.checks").is_file()
    whole = contents(folder)
    return sorted(text for text in texts if text.encode() in whole) + sorted(
        data.hex() for data in arrays if data in whole
    )
