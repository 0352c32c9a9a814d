"""executed.ipynb: what a submission shows, made harmless for whoever opens it."""

import nbformat

RICH = """from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
display(HTML("<script>alert(1)</script><img src='https://evil.example/p.png'><table border='1' class='dataframe'><tr><th>loss</th><td>-3</td></tr></table>"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><circle r='1'/></svg>"))
display(Javascript("alert(1)"))
display(Markdown("<script>alert(1)</script> the loss is $\\\\frac{1}{n}\\\\sum_i x_i^2$"))
display(Latex(r"$\\href{javascript:alert(1)}{x}$"))
print("\\x1b[2Jdone")
"""


def test_rich_outputs_are_kept_without_what_acts(course):
    """The table, the formula and the text stay; scripts, pictures from elsewhere, SVG and MathJax's links do not. The notebook is valid, and so is its grade."""
    course.submit("eve", extra=[RICH])
    grades, _ = course.grade()
    assert grades["eve"].points == 10
    path = course.results.executed_path("eve")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    outputs = notebook.cells[-1].outputs
    text = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)]))
    for gone in ("<script", "evil.example", "<svg", "onload", "alert(1)\\n", "javascript:alert(1)}{x}$\\n\\\\href", "\\u001b"):
        assert gone not in text
    shown = {kind: content for output in outputs for kind, content in output.get("data", {}).items()}
    assert "<th>loss</th><td>-3</td>" in shown["text/html"]
    assert r"$\frac{1}{n}\sum_i x_i^2$" in shown["text/markdown"]
    assert "\\href" not in shown["text/latex"]
    assert outputs[-1].text == "done\n"
