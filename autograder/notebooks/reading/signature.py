"""Whose variant a cell holds: said in the cell's metadata and, for notebooks that lose theirs on
the way, in its last line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.notebooks.libraries import NotebookNode

if TYPE_CHECKING:
    from autograder.draw import Draw
    from autograder.notebooks.reading.notebook_file import FileCell

_TAG = re.compile(r"[0-9a-f]{16}")
_SIGNATURE = re.compile(r'Variant ([0-9a-f]{16}) of cell "([A-Za-z0-9_-]{1,64})"')
_CODE, _TEXT = "# {}. These are your own data: leave them as they are.", "<!-- {} -->"


def mark_variant(cell: NotebookNode, cell_id: str, draw: Draw, *, signed: bool) -> None:
    """Say in `cell` that it holds `draw`.

    With `signed` also whose it is, if it is anybody's: the reference's own cells are the same for
    equal data.
    """
    cell["metadata"]["gradstep"] = NotebookNode({"id": cell_id})
    cell["metadata"] |= {"deletable": False, "editable": False}
    if signed and draw.tag:
        cell["metadata"]["gradstep"] |= {"variant": draw.tag, "secret": draw.fingerprint}
        words = f'Variant {draw.tag} of cell "{cell_id}"'
        cell["source"] += "\n\n" + (_CODE if cell["cell_type"] == "code" else _TEXT).format(words)


def signatures(source: str) -> Mapping[str, str]:
    """Ids of the cells that `source` says it is, by the tag of the variant."""
    return dict(_SIGNATURE.findall(source))


@dataclass(frozen=True, slots=True)
class Held:
    """Tags of all variants of which a submission holds a cell, or what is left of one.

    `secrets` are the fingerprints of the secrets that made them.
    """

    tags: frozenset[str]
    secrets: frozenset[str] = frozenset()


def held_in(cells: Sequence[FileCell]) -> Held:
    """Return the tags that a submission says it holds; it may say anything."""
    tags = {cell.variant for cell in cells if _TAG.fullmatch(cell.variant)}
    secrets = {cell.secret for cell in cells if _TAG.fullmatch(cell.secret)}
    return Held(
        frozenset(tags.union(*(signatures(cell.source) for cell in cells))), frozenset(secrets)
    )
