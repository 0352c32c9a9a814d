"""The student's loss curve over the reference's, as an inline SVG that follows the page's
colours.
"""

from __future__ import annotations

import html
import io
import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from autograder.evidence.trace import Array, Trace

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 760.0, 270.0  # points; the page scales the picture to its column
LEFT, RIGHT, BOTTOM, TOP = 62.0, 18.0, 46.0, 40.0
# Okabe and Ito's blue and orange; they differ in brightness too
STUDENT, REFERENCE, INK, GRID = (
    "#0072b2",
    "#e69f00",
    "#55585f",
    "#d8dae0",
)
_VARIABLES = {
    STUDENT: "--curve-student",
    REFERENCE: "--curve-reference",
    INK: "--curve-ink",
    GRID: "--curve-grid",
}
_BUCKETS = 350  # two points each: more than one point per pixel can't be seen
_LOG_RATIO = 20.0  # a wider range than this squeezes the end of a linear curve into a line
_FLAT = 1e-9  # of the largest value: a smaller range is drawn as a flat line
_VISIBLE_DIFFERENCE = (
    0.01  # of the reference's value: about what an eye sees; says nothing about grading
)
_SENSIBLE = 1e30  # beyond, both have diverged and "they part" would mislead


@dataclass(frozen=True, slots=True)
class Curve:
    """Recorded losses: `steps` and `losses` of the same shape (n,), not finite ones included."""

    steps: Floats
    losses: Floats

    @property
    def finite(self) -> Curve:
        """The part of the curve that can be drawn."""
        keep = np.isfinite(self.steps) & np.isfinite(self.losses)
        return Curve(self.steps[keep], self.losses[keep])

    @property
    def first_bad(self) -> tuple[float, str] | None:
        """Step of the first loss that is no finite number, and what it was; None if all are."""
        bad = np.flatnonzero(~np.isfinite(self.losses))
        if not bad.size:
            return None
        value = self.losses[bad[0]]
        return float(self.steps[bad[0]]), "NaN" if np.isnan(value) else "infinite"


def loss_curves(student: Trace | None, reference: Trace | None) -> str:
    """An inline SVG, or "" where there is no finite loss to draw or matplotlib is not installed;
    never raises on what a trace holds.
    """
    curves = [_curve(reference), _curve(student)]
    drawn = [curve.finite for curve in curves]
    if not any(curve.losses.size for curve in drawn):
        return ""
    try:
        picture = _draw(curves, drawn)
    except ImportError:  # matplotlib stands in an extra; the description in words does without it
        return ""
    label = html.escape(describe(student, reference), quote=True)
    box = f"0 0 {WIDTH:g} {HEIGHT:g}"
    return (
        f'<svg class="curve" viewBox="{box}" role="img" aria-label="{label}"'
        f' stroke-linejoin="round">{picture}</svg>'
    )


def loss_picture(student: Trace | None, reference: Trace | None) -> bytes:
    """The same as a PNG on white, for pages that take no SVG; b"" where there is none."""
    curves = [_curve(reference), _curve(student)]
    drawn = [curve.finite for curve in curves]
    if not any(curve.losses.size for curve in drawn):
        return b""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        with _style():
            figure = _figure(curves, drawn)
            figure.patch.set(visible=True, facecolor="white")
            file = io.BytesIO()
            FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    except ImportError:
        return b""
    return file.getvalue()


def describe(student: Trace | None, reference: Trace | None) -> str:
    """Describe the picture in words.

    They say first and last loss, where a loss stopped being a number, where the curves visibly
    part.
    """
    yours, theirs = _curve(student), _curve(reference)
    sentences = []

    def at(curve: Curve, row: int) -> str:
        return f"{curve.losses[row]:.4g} at step {_step(curve.steps[row])}"

    for name, curve in (("Your loss", yours), ("The reference's", theirs)):
        finite = curve.finite
        if finite.losses.size:
            sentences.append(
                f"{name}: {at(finite, 0)}{f', {at(finite, -1)}' if finite.losses.size > 1 else ''}."
            )
    for name, curve in (("Your loss", yours), ("The reference's loss", theirs)):
        if bad := curve.first_bad:
            was = "was" if bad[0] <= curve.steps[0] else "became"
            sentences.append(f"{name} {was} {bad[1]} at step {_step(bad[0])}.")
    if parted := _parted(yours, theirs):
        sentences.append(
            f"You can see the curves part at step {_step(parted[0])}: yours {parted[1]:.4g}, the"
            f" reference's {parted[2]:.4g}."
        )
    return " ".join(sentences)


def recorded_losses(trace: Trace) -> int:
    """Count the steps of `trace` with a loss that can be drawn."""
    return int(_curve(trace).finite.losses.size)


def _step(value: float) -> str:
    return f"{value:.0f}" if abs(value) < 1e15 else f"{value:g}"


def _curve(trace: Trace | None) -> Curve:
    if trace is None:
        return Curve(np.empty(0), np.empty(0))
    steps, losses = _floats(trace.recorded), _floats(trace.losses)
    count = min(steps.size, losses.size)
    return Curve(steps[:count], losses[:count])


def _floats(array: Array) -> Floats:
    values = array.numpy().ravel()
    return np.asarray(values.real if np.iscomplexobj(values) else values).astype(np.float64)


def _parted(yours: Curve, theirs: Curve) -> tuple[float, float, float] | None:
    """Return step, the student's and the reference's loss where they first differ visibly.

    None if nowhere or not comparable.
    """
    count = min(yours.steps.size, theirs.steps.size)
    own, other = yours.losses[:count], theirs.losses[:count]
    same_step = yours.steps[:count] == theirs.steps[:count]
    usable = (
        same_step
        & np.isfinite(own)
        & np.isfinite(other)
        & (np.abs(own) < _SENSIBLE)
        & (np.abs(other) < _SENSIBLE)
    )
    with np.errstate(all="ignore"):
        apart = np.flatnonzero(usable & (np.abs(own - other) > _VISIBLE_DIFFERENCE * np.abs(other)))
    if not apart.size:
        return None
    first = apart[0]
    return float(yours.steps[first]), float(own[first]), float(other[first])


@dataclass(frozen=True, slots=True)
class Axis:
    """Map from values to [0, 1].

    It works on values scaled by `unit` (or their logarithms), so that 1e308 neither overflows nor
    raises.
    """

    low: float
    high: float
    unit: float
    log: bool

    def place(self, values: Floats) -> Floats:
        """Positions in [0, 1], those outside clipped."""
        with np.errstate(all="ignore"):
            scaled = np.log10(np.maximum(values, 5e-324)) if self.log else values / self.unit
            return np.clip((scaled - self.low) / (self.high - self.low), 0.0, 1.0)

    def ticks(self) -> list[tuple[float, str]]:
        """Position and label of four to seven round values."""
        values = (
            _log_ticks(self.low, self.high)
            if self.log
            else [tick * self.unit for tick in _round_ticks(self.low, self.high)]
        )
        finite = [value for value in values if math.isfinite(value)]
        return [(float(self.place(np.array([value]))[0]), _label(value)) for value in finite]


def _y_axis(losses: Floats) -> Axis:
    low, high = float(losses.min()), float(losses.max())
    positive = losses[losses > 0]
    if low >= 0 and positive.size and high / float(positive.min()) > _LOG_RATIO:
        bottom, top = math.log10(float(positive.min())), math.log10(high)
        margin = 0.04 * (top - bottom)
        return Axis(bottom - margin, top + margin, 1.0, log=True)
    unit = _unit(max(abs(low), abs(high)))
    low, high = low / unit, high / unit
    margin = 0.06 * (high - low) if high - low > _FLAT else 0.5
    return Axis(low - margin, high + margin, unit, log=False)


def _x_axis(steps: Floats) -> Axis:
    low, high = float(steps.min()), float(steps.max())
    if low == high:
        low, high = low - 1, high + 1
    unit = _unit(max(abs(low), abs(high)))
    low, high = low / unit, high / unit
    return Axis(low, high if high - low > _FLAT else low + 1, unit, log=False)


def _label(value: float) -> str:
    """ "20000", "2e8", "1e-12"."""
    return re.sub(r"e([+-])0*", lambda sign: "e" + sign[1].strip("+"), f"{value:.5g}")


def _unit(largest: float) -> float:
    """Return the power of ten below `largest`.

    Dividing by it keeps round numbers round and huge ones finite.
    """
    return 10.0 ** max(-300, math.floor(math.log10(largest))) if largest > 0 else 1.0


def _round_ticks(low: float, high: float) -> list[float]:
    span = high - low
    raw = span / 7
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step for index in range(first, min(last, first + 12) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    first, last = math.floor(low), math.ceil(high)
    digits = (1,) if last - first > 3 else (1, 3) if last - first > 2 else (1, 2, 5)
    every = max(1, (last - first) // 6)
    values = [
        digit * 10.0**power
        for power in range(max(first, -323), min(last, 308) + 1, every)
        for digit in digits
    ]
    return [value for value in values if 0 < value < math.inf and low <= math.log10(value) <= high]


def _thin(curve: Curve) -> Curve:
    """Keep at most two points per bucket, its least and greatest loss.

    Spikes survive, pages stay small.
    """
    count = curve.losses.size
    if count <= 2 * _BUCKETS:
        return curve
    edges = np.linspace(0, count, _BUCKETS + 1).astype(int)
    chosen = {0, count - 1}
    for start, stop in pairwise(edges):
        bucket = curve.losses[start:stop]
        chosen.update((int(start + bucket.argmin()), int(start + bucket.argmax())))
    rows = np.array(sorted(chosen))
    return Curve(curve.steps[rows], curve.losses[rows])


def _style() -> Any:
    """matplotlib's settings while a figure is made and saved."""
    import matplotlib as mpl  # heavy, optional

    return mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "gradstep",
            "font.family": "sans-serif",
            "font.size": 12,
        }
    )


def _draw(curves: list[Curve], drawn: list[Curve]) -> str:
    """The picture's elements as SVG."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    file = io.BytesIO()
    with _style():
        figure = _figure(curves, drawn)
        FigureCanvasSVG(figure)
        figure.savefig(
            file,
            format="svg",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return _inline(file.getvalue().decode())


def _figure(curves: list[Curve], drawn: list[Curve]) -> Any:
    """The curves of reference and student.

    Own ticks on a bare Figure take a quarter of what matplotlib's axes take.
    """
    from matplotlib.figure import Figure

    x_axis = _x_axis(np.concatenate([curve.steps for curve in drawn]))
    y_axis = _y_axis(np.concatenate([curve.losses for curve in drawn]))
    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)
    figure.patch.set_visible(False)
    _frame(figure, x_axis, y_axis)
    for curve, (name, color, width) in zip(
        drawn, (("reference", REFERENCE, 6.0), ("yours", STUDENT, 2.0)), strict=True
    ):
        _line(figure, _thin(curve), (x_axis, y_axis), color=color, width=width)
        _legend(figure, name if curve.losses.size else f"{name}: none", color, width)
    _bad_mark(figure, curves[1], x_axis)
    return figure


def _x(place: float) -> float:
    return (LEFT + place * (WIDTH - LEFT - RIGHT)) / WIDTH


def _y(place: float) -> float:
    return (BOTTOM + place * (HEIGHT - BOTTOM - TOP)) / HEIGHT


def _frame(figure: Any, x_axis: Axis, y_axis: Axis) -> None:
    from matplotlib.lines import Line2D

    for place, label in y_axis.ticks():
        figure.add_artist(Line2D((_x(0), _x(1)), (_y(place), _y(place)), color=GRID, linewidth=1))
        figure.text(
            _x(0) - 8 / WIDTH, _y(place) - 4 / HEIGHT, label, ha="right", va="baseline", color=INK
        )
    for place, label in x_axis.ticks():
        figure.add_artist(
            Line2D((_x(place), _x(place)), (_y(0) - 5 / HEIGHT, _y(0)), color=INK, linewidth=1)
        )
        figure.text(_x(place), _y(0) - 20 / HEIGHT, label, ha="center", va="baseline", color=INK)
    figure.add_artist(Line2D((_x(0), _x(1)), (_y(0), _y(0)), color=INK, linewidth=1))
    figure.text(_x(1), 6 / HEIGHT, "step", ha="right", va="baseline", color=INK)
    figure.text(
        8 / WIDTH,
        1 - 18 / HEIGHT,
        "loss (log scale)" if y_axis.log else "loss",
        ha="left",
        va="baseline",
        color=INK,
    )


def _line(figure: Any, curve: Curve, axes: tuple[Axis, Axis], *, color: str, width: float) -> None:
    from matplotlib.lines import Line2D

    if not curve.losses.size:
        return
    xs, ys = axes[0].place(curve.steps), axes[1].place(curve.losses)
    xs, ys = (
        (LEFT + xs * (WIDTH - LEFT - RIGHT)) / WIDTH,
        (BOTTOM + ys * (HEIGHT - BOTTOM - TOP)) / HEIGHT,
    )
    if xs.size == 1:  # one point: a dot, drawn as a line of almost no length with round ends
        xs, ys, width = np.array([xs[0], xs[0] + 1e-3]), np.repeat(ys, 2), width + 6
    figure.add_artist(Line2D(xs, ys, color=color, linewidth=width, solid_capstyle="round"))


def _legend(figure: Any, name: str, color: str, width: float) -> None:
    from matplotlib.lines import Line2D

    left = WIDTH - RIGHT - (215 if color == STUDENT else 100)
    level = 1 - 14 / HEIGHT
    figure.add_artist(
        Line2D((left / WIDTH, (left + 26) / WIDTH), (level, level), color=color, linewidth=width)
    )
    figure.text((left + 34) / WIDTH, level - 4 / HEIGHT, name, ha="left", va="baseline", color=INK)


def _bad_mark(figure: Any, curve: Curve, x_axis: Axis) -> None:
    """A dotted line where the student's loss stopped being a number."""
    from matplotlib.lines import Line2D

    bad = curve.first_bad
    if bad is None or not math.isfinite(bad[0]):
        return
    place = float(x_axis.place(np.array([bad[0]]))[0])
    figure.add_artist(
        Line2D(
            (_x(place), _x(place)),
            (_y(0), _y(1)),
            color=STUDENT,
            linewidth=1.5,
            linestyle=(0, (2, 3)),
        )
    )
    side = "right" if place > 0.6 else "left"
    shift = -6 / WIDTH if side == "right" else 6 / WIDTH
    figure.text(
        _x(place) + shift,
        _y(1) - 12 / HEIGHT,
        f"yours is {bad[1]} from step {_step(bad[0])}",
        ha=side,
        va="baseline",
        color=INK,
    )


def _inline(svg: str) -> str:
    """Return what stands inside matplotlib's <svg>, fit for the page.

    Without its style sheet (it would hold for the whole page) and ids, colours as variables, styles
    as attributes (the page's policy forbids the others).
    """
    inner = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    inner = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", inner, flags=re.DOTALL)
    inner = re.sub(r' id="[^"]*"', "", inner)
    inner = re.sub(r"font-family: [^;\"]*;?|font: 12px [^;\"]*", "font-size: 12px;", inner)
    inner = re.sub(r' style="([^"]*)"', _attributes, inner)
    for color, variable in _VARIABLES.items():
        inner = inner.replace(color, f"var({variable}, {color})")
    return re.sub(r"\n\s*", "\n", inner).strip()


def _attributes(style: re.Match[str]) -> str:
    """An element's style as presentation attributes, each once."""
    pairs = (
        declaration.partition(":") for declaration in style[1].split(";") if ":" in declaration
    )
    found = {name.strip(): value.strip() for name, _, value in pairs}
    return "".join(f' {name}="{value}"' for name, value in found.items())
