"""Text of students' objects, made safe to send: it never raises and never grows without bound."""

from __future__ import annotations


def clean(text: str, limit: int = 10_000) -> str:
    """Replace lone surrogates, which can't be encoded, and cut to `limit` characters."""
    if len(text) > limit:
        text = text[:limit] + " [...]"
    return text.encode("utf-8", "replace").decode("utf-8")


def message_of(error: BaseException, limit: int = 10_000) -> str:
    """str(error), or a placeholder where the student's own __str__ fails."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - student code
        return "(its message cannot be shown)"
    return clean(text, limit) if type(text) is str else "(its message is no text)"


def type_name(value: object) -> str:
    """The name of a value's type; "torch.optim.sgd.SGD" becomes "SGD"."""
    name = type.__getattribute__(type(value), "__name__")
    return clean(name, 200) if type(name) is str else "?"
