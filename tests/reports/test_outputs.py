"""Rich outputs where instructors open them: what acts is gone, what honest students show stays."""

import base64
import io
import re
import struct
import zlib

import pytest
from nbformat import v4

from autograder.reports.inert_outputs import (
    clean_bundle,
    clean_html,
    clean_latex,
    clean_markdown,
    clean_output,
)

TABLE = """<div>
<style scoped>
    .dataframe tbody tr th { vertical-align: top; }
</style>
<table border="1" class="dataframe">
  <thead>
    <tr style="text-align: right;"><th></th><th>loss</th></tr>
  </thead>
  <tbody>
    <tr><th>0</th><td colspan="2">-3 &lt; 4 &amp; 5</td></tr>
  </tbody>
</table>
<p>1 rows × 1 columns</p>
</div>"""
"""What pandas writes for a DataFrame."""


def encoded(data):
    return base64.b64encode(data).decode()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


PIXEL = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    + chunk(b"IEND", b"")
)


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<img src="https://evil.example/pixel.png">',
        '<a href="javascript:alert(1)">x</a>',
        '<a href="https://evil.example">x</a>',
        "<svg><animate onbegin=alert(1) attributeName=x></svg>",
        (
            "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x"
            " onerror=alert(1)&gt;'>"
        ),
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<form action=https://evil.example><input name=x><button>go</button></form>",
        (
            "<table background='https://evil.example/p.png'><td onclick=alert(1)"
            " style='background:url(//evil.example)'>x"
        ),
        "<div class='modal' id='points' style='position:fixed;inset:0'>100 of 100</div>",
        (
            "<style>@import '//evil.example';</style><link rel=stylesheet href=//evil.example><meta"
            " http-equiv=refresh content='0;//evil.example'>"
        ),
        "<base href=//evil.example><object data=x></object><embed src=x>",
        "<template><script>alert(1)</script></template>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        (
            "$\\href{javascript:alert(1)}{x} \\\\href{javascript:alert(1)}{x}"
            " \\mmlToken{mi}[href='javascript:alert(1)']{x}$"
        ),
    ],
)
def test_html_that_acts_is_inert(html):
    """No element that loads, links, frames or takes input is left, and no attribute beyond a
    table's form.
    """
    cleaned = clean_html(html)
    assert not re.search(r"<(?!/?(?:b|table|tbody|tr|td|p|div)\b)", cleaned), cleaned
    assert set(re.findall(r"<\w+ (\w+)", cleaned)) <= {"class"}
    assert cleaned.count("class=") <= 1  # our own, around it
    assert not re.search(r"\\(?:href|mmlToken)", cleaned)


def test_a_table_of_pandas_keeps_its_form():
    """Rows, heads, spans and what stands in them."""
    cleaned = clean_html(TABLE)
    assert cleaned.count("<tr>") == 2
    assert "<th>loss</th>" in cleaned
    assert '<td colspan="2">-3 &lt; 4 &amp; 5</td>' in cleaned
    assert "1 rows × 1 columns" in cleaned
    assert "vertical-align" not in cleaned


@pytest.mark.parametrize(
    ("markdown", "left"),
    [
        (r"$\\href{javascript:alert(1)}{x}$", "$href{javascript:alert(1)}{x}$"),
        (r"$\bbox[background:url(//evil)]{x}$", "$bbox[background:url(//evil)]{x}$"),
        (r"\&#104;ref", "\\&\u200b#104;ref"),
        ("![p](https://evil.example/pixel.png)", "!\u200b[p](https://evil.example/pixel.png)"),
        ("![p][ref]", "!\u200b[p][ref]"),
        ("<img src=x>", "&lt;img src=x>"),
    ],
)
def test_markdown_that_acts_is_broken(markdown, left):
    """MathJax's commands however many backslashes, entities that spell them, pictures that tell who
    looked.
    """
    assert clean_markdown(markdown) == left


@pytest.mark.parametrize(
    "honest",
    [
        (
            r"The loss is $\frac{1}{n}\sum_i (x_i - \hat{y}_i)^2$, with $a < b$ and \begin{matrix}"
            r" a & b \\ c & d \end{matrix}"
        ),
        (
            "**bold** R&D, [docs](https://pytorch.org/docs), ![plot](attachment:plot.png), `x ="
            " y[0]`, 1 < 2, well!"
        ),
    ],
)
def test_honest_markdown_and_latex_stay_as_they_are(honest):
    """Formulas, links to the web, attached pictures."""
    assert clean_markdown(honest) == honest
    assert (
        clean_latex(r"$\displaystyle \frac{x_1}{2} & -3$") == r"$\displaystyle \frac{x_1}{2} & -3$"
    )


def test_pictures_are_whole_and_of_a_size_that_can_be_shown():
    """Not a script with a picture's first bytes, nor a bomb, nor something behind the end."""
    assert clean_bundle({"image/png": encoded(PIXEL) + "\n"}) == {"image/png": encoded(PIXEL)}
    bomb = (
        PIXEL[:8]
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 90_000, 90_000, 8, 6, 0, 0, 0))
        + chunk(b"IEND", b"")
    )
    for bad in (
        PIXEL + b"<script>",
        PIXEL[:-1],
        PIXEL[:20] + b"x" + PIXEL[21:],
        b"GIF89a",
        b"",
        bomb,
        PIXEL[:8],
    ):
        assert clean_bundle({"image/png": encoded(bad)}) == {"text/plain": "[left out: image/png]"}
    assert clean_bundle({"image/png": "https://evil.example/pixel.png"}) == {
        "text/plain": "[left out: image/png]"
    }
    for bad in (b"\xff\xd8\xff\xe0<script>\xff\xd9", b"\xff\xd8\xff\xe0\x00\x00", PIXEL):
        assert "image/jpeg" not in clean_bundle({"image/jpeg": encoded(bad)})


def test_a_changed_byte_a_missing_end_or_no_size_make_no_picture():
    """What a browser would guess at is not shown."""
    assert PIXEL[37:41] == b"IDAT"
    assert "image/png" not in clean_bundle(
        {"image/png": encoded(PIXEL[:43] + bytes([PIXEL[43] ^ 1]) + PIXEL[44:])}
    )

    def jpeg(height, width, end=b"\xff\xd9"):
        return b"\xff\xd8\xff\xc0" + struct.pack(">HBHH", 11, 8, height, width) + bytes(4) + end

    for shown, data in (
        (True, jpeg(1, 1)),
        (False, jpeg(1, 1, b"")),
        (False, jpeg(0, 1)),
        (False, jpeg(60_000, 60_000)),
    ):
        assert ("image/jpeg" in clean_bundle({"image/jpeg": encoded(data)})) is shown


def test_pictures_that_matplotlib_draws_stay():
    """PNG, and JPEG where it can be written."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib.figure import Figure

    for form, kind in (("png", "image/png"), ("jpg", "image/jpeg")):
        file = io.BytesIO()
        Figure(figsize=(1, 1)).savefig(file, format=form)
        assert clean_bundle({kind: encoded(file.getvalue())}) == {kind: encoded(file.getvalue())}


def test_other_kinds_leave_their_text_or_their_name():
    """SVG, JavaScript and widgets are gone; what stands beside them stays; metadata go, since
    exporters write them into attributes.
    """
    evil = {
        "image/svg+xml": "<svg onload=alert(1)>",
        "application/javascript": "alert(1)",
        "application/vnd.jupyter.widget-view+json": {"x": 1},
    }
    assert clean_bundle(evil | {"text/plain": "<Figure>"}) == {"text/plain": "<Figure>"}
    assert clean_bundle(evil)["text/plain"].startswith(
        "[left out: image/svg+xml, application/javascript"
    )
    output = v4.new_output(
        "display_data",
        data={"text/plain": "-3"},
        metadata={"image/png": {"width": "1' onload='alert(1)"}},
    )
    assert clean_output(output) == v4.new_output("display_data", data={"text/plain": "-3"})
    stream = v4.new_output("stream", name="stdout", text="loss\x1b[2J\x1b]0;title\x07 0.5\u202e\n")
    assert clean_output(stream).text == "loss 0.5\n"
