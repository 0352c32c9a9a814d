"""Downloads as Canvas, Moodle, Blackboard and Gradescope make them: names after the packers' own
code and receipts, contents up to the test.
"""

import io
import json
import zipfile
from pathlib import Path

CANVAS_HEADER = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Notes,Essay (7001),Tiny (7002),Assignments Current"
    " Score,Current Score,Final Score\n"
)
CANVAS_GRADEBOOK = (
    CANVAS_HEADER + ",,,,,,Manual Posting,,,,\n"
    "    Points Possible,,,,,,20.00,10.00,(read only),(read only),(read only)\n"
    '"Lee, Ann",1234,S-001,alee,"Deep Learning, A",sits in front,15.00,,0.0,75.0,50.0\n'
    '"Lee, Ann",1235,S-002,alee2,"Deep Learning, A",,,7.00,,70.0,\n'
    '"Müller, ""Zoë""",1236,S-003,zmueller,"Deep Learning, B",,12.00,10.00,,,\n'
    '"王 小明",1237,S-004,wang,"Deep Learning, B",,,EX,,,\n'
    '"=HYPERLINK(""http://x"")",1238,S-005,=cmd,"Deep Learning, B",,,N/A,,,\n'
    '"Student, Test",1299,,0123abc,"Deep Learning, A",,,,,,\n'
)
MOODLE_WORKSHEET = (
    "\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last"
    " modified (submission),Online text,Last modified (grade),Feedback comments\nParticipant"
    ' 501,Ann Lee,ann@uni.edu,"Submitted for grading - ",,10.00,Yes,"Wednesday, 25 November 2026,'
    ' 9:00 AM",<p>=1+1</p>,-,\nParticipant 502,Zoë Müller,zoe@uni.edu,"Submitted for grading -'
    ' Graded",7.00,10.00,Yes,"Wednesday, 25 November 2026, 9:01 AM",,"Thursday, 26 November 2026,'
    ' 9:00 AM","<p>Well, ""done"",\nZoë</p>"\nParticipant 503,"O\'Brien, Pat",pat@uni.edu,No'
    ' submission,,10.00,Yes,-,,-,\nParticipant 504,+cmd,cmd@uni.edu,"Submitted for grading -'
    ' ",,10.00,No,"Wednesday, 25 November 2026, 9:02 AM",,-,\n'
)
BLACKBOARD_RECEIPT = """Name: {name} ({login})
Assignment: {assignment}
Date Submitted: {date}
Current Grade: Needs Grading

Submission Field:
{field}

Comments:
{comments}

Files:
{files}
"""
GRADESCOPE_METADATA = """---
submission_9001:
  :submitters:
  - :name: Ann Lee
    :sid: '001'
    :email: ann@uni.edu
  :created_at: 2026-11-25 09:00:00.861687000 Z
  :score: 8.0
  :status: processed
  :results:
    output: |-
      :submitters:
      - :name: Nobody
    tests: &1 []
    extra_data: *1
  :history:
  - :created_at: 2026-11-24 09:00:00.861687000 Z
    :score: 2.0
submission_9002:
  :submitters:
  - :name: Zoë Müller
    :sid: '002'
    :email: zoe@uni.edu
  - :name: Pat O'Brien
    :sid: 003
    :email: pat@uni.edu
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-12-07 00:30:00.000000000 Z
    zone: !ruby/object:ActiveSupport::TimeZone
      name: UTC
submission_9003:
  :submitters: []
"""


def notebook(*sources, outputs=()):
    """A notebook of code cells, as bytes."""
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "execution_count": None,
            "outputs": list(outputs),
            "source": source,
        }
        for number, source in enumerate(sources)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def make_zip(path: Path, members: dict) -> Path:
    """A .zip of these names and contents."""
    path.write_bytes(zip_bytes(members))
    return path


def zip_bytes(members: dict) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def make_folder(path: Path, members: dict) -> Path:
    """The same as a folder."""
    for name, content in members.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def receipt(
    name,
    login,
    *,
    assignment="Tiny",
    field="There is no student submission text data for this assignment.",
):
    """As Blackboard writes one for each attempt."""
    return BLACKBOARD_RECEIPT.format(
        name=name,
        login=login,
        assignment=assignment,
        date="Wednesday, November 25, 2026 9:00:00 AM GMT",
        field=field,
        comments="There are no student comments for this assignment.",
        files="\tOriginal filename: tiny.ipynb",
    )
