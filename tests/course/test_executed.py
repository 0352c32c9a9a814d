"""executed.ipynb: what a submission shows, made harmless for whoever opens it."""

import json

import nbformat
import pytest

from autograder.course.executed import outputs_of

RICH = """from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
display(HTML("<script>alert(1)</script><img src='https://evil.example/p.png'><table border='1' class='dataframe'><tr><th>loss</th><td>-3</td></tr></table>"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><circle r='1'/></svg>"))
display(Javascript("alert(1)"))
display(Markdown("<script>alert(1)</script> the loss is $\\\\frac{1}{n}\\\\sum_i x_i^2$"))
display(Latex(r"$\\href{javascript:alert(1)}{x}$"))
print("\\x1b[2Jdone")
"""


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        ({"output_type": "stream", "name": "stdout", "text": "x"}, True),
        ({"output_type": "stream", "name": "stdout", "text": ["x", "y"]}, True),
        ({"output_type": "stream", "name": "stdout", "text": 1}, False),
        ({"output_type": "stream", "name": 1, "text": "x"}, False),
        ({"output_type": "stream", "name": ["stdout"], "text": "x"}, False),
        ({"output_type": "stream", "name": "stdout", "text": "x", "more": 1}, False),
        ({"output_type": "stream", "text": "x"}, False),
        ({"output_type": "streams", "name": "stdout", "text": "x"}, False),
    ],
)
def test_text_is_kept_as_the_schema_says(output, kept):
    """The schema is asked about everything but the simplest output; of that it would say the
    same.
    """
    assert (outputs_of(json.dumps([output])) == [output]) is kept
    try:
        nbformat.validate(output, ref="output", version=4, version_minor=5)
    except (nbformat.ValidationError, KeyError):
        assert not kept
    else:
        assert kept


def test_rich_outputs_are_kept_without_what_acts(course):
    """The table, the formula and the text stay; scripts, pictures from elsewhere, SVG and MathJax's
    links do not. The notebook is valid, and so is its grade.
    """
    course.submit("eve", extra=[RICH])
    grades, _ = course.grade()
    assert grades["eve"].points == 10
    path = course.results.executed_path("eve")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    outputs = notebook.cells[-1].outputs
    text = nbformat.writes(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])
    )
    for gone in (
        "<script",
        "evil.example",
        "<svg",
        "onload",
        "alert(1)\\n",
        "javascript:alert(1)}{x}$\\n\\\\href",
        "\\u001b",
    ):
        assert gone not in text
    shown = {
        kind: content for output in outputs for kind, content in output.get("data", {}).items()
    }
    assert "<th>loss</th><td>-3</td>" in shown["text/html"]
    assert r"$\frac{1}{n}\sum_i x_i^2$" in shown["text/markdown"]
    assert "\\href" not in shown["text/latex"]
    assert outputs[-1].text == "done\n"
