"""Putting a submission back in order: whose cell is whose, and locked cells as they were
released.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autograder.notebooks.cells import Role, grade_id_of, role_of
from autograder.notebooks.libraries import NotebookNode
from autograder.notebooks.names import meant_names
from autograder.notebooks.reading.notebook_file import FileCell
from autograder.notebooks.reading.signature import signatures


@dataclass(frozen=True, slots=True)
class ReleasedCell:
    """A cell of the released notebook that has an id.

    `names`: what it binds and no other released cell does; that is how a copy without marks is
    known.
    """

    id: str
    role: Role
    node: NotebookNode
    names: frozenset[str]

    @property
    def source(self) -> str:
        """Source as released."""
        return str(self.node["source"])


@dataclass(frozen=True, slots=True)
class PlacedCell:
    """A cell of the restored notebook.

    `origin` is the submitted cell, None for one that was put back; `changed`: its released source
    replaced the submitted one.
    """

    id: str
    role: Role
    released: ReleasedCell | None
    origin: FileCell | None
    changed: bool = False

    @property
    def source(self) -> str:
        """The code or text that counts."""
        if self.released is not None and self.role.locked:
            return self.released.source
        return self.origin.source if self.origin else ""


@dataclass(frozen=True, slots=True)
class Restored:
    """The cells in their final order, and what was done to them.

    `notices` say that to the student; `missing` are ids of solution cells that are absent.
    """

    cells: tuple[PlacedCell, ...]
    notices: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Placement:
    """The submitted cells with their final ids.

    The lists hold ids of which there were copies, by what became of them.
    """

    cells: list[PlacedCell]
    dropped: list[str]
    own_copies: list[str]
    solutions_again: list[str]


def restore(cells: Sequence[FileCell], release: NotebookNode) -> Restored:
    """Match submitted cells to released ones and restore what is locked.

    The released source wins, a cell that was deleted or moved goes back to its place among its
    neighbours, a second copy goes. A student's own cells and solution cells stay in the student's
    order.
    """
    released = _released(release)
    claims = _match(cells, released)
    placement = _place(cells, claims, released)
    moved = _moved([cell for cell in placement.cells if cell.role.locked], released)
    placed = [cell for cell in placement.cells if cell.id not in moved]
    origins = {cell.id: cell.origin for cell in placement.cells if cell.released is not None}
    for cell in released:
        if cell.role.locked and (cell.id in moved or cell.id not in origins):
            origin = origins.get(cell.id)
            placed.insert(
                _position(placed, cell, released),
                PlacedCell(
                    cell.id, cell.role, cell, origin, origin is None or _differs(origin, cell)
                ),
            )
    deleted = [
        cell.id
        for cell in released
        if cell.role in (Role.GIVEN, Role.CHECK, Role.VARIANT) and cell.id not in origins
    ]
    recognised = [
        claim for cell, claim in zip(cells, claims, strict=True) if claim and cell.grade_id != claim
    ]
    became_text = [
        cell.id
        for cell in placed
        if cell.role is Role.SOLUTION and cell.origin and cell.origin.cell_type != "code"
    ]
    notices = (
        _say(
            recognised,
            "{cells} carried no marks of the released notebook; {it} {was} recognised by what {it}"
            " hold{s}.",
            "cell",
        ),
        _say(
            [cell.id for cell in placed if cell.changed and cell.origin],
            "{cells} had been changed; {it} {was} graded as released.",
            "locked cell",
        ),
        _say(deleted, "{cells} {was} missing; {it} {was} put back.", "locked cell"),
        _say(
            [cell.id for cell in released if cell.id in moved],
            "{cells} had been moved; {it} {was} put back in place.",
            "locked cell",
        ),
        _say(
            placement.dropped,
            "{cells} stood there more than once; only one was kept.",
            "locked cell",
        ),
        _say(
            placement.own_copies,
            "{cells} stood there more than once; changed copies were kept as cells of your own.",
            "locked cell",
        ),
        _say(
            placement.solutions_again,
            "{cells} stood there more than once; all of them run, and the last definition counts.",
            "solution cell",
        ),
        _say(
            became_text,
            "{cells} had been turned into text; {it} {was} run as code.",
            "solution cell",
        ),
    )
    missing = tuple(
        cell.id for cell in released if cell.role is Role.SOLUTION and cell.id not in origins
    )
    return Restored(tuple(placed), tuple(filter(None, notices)), missing)


def _released(release: NotebookNode) -> list[ReleasedCell]:
    cells = [cell for cell in release["cells"] if role_of(cell) is not Role.FREE]
    names = [
        meant_names(cell["source"]) if cell["cell_type"] == "code" else frozenset[str]()
        for cell in cells
    ]
    return [
        ReleasedCell(
            grade_id_of(cell),
            role_of(cell),
            cell,
            names[index].difference(*names[:index], *names[index + 1 :]),
        )
        for index, cell in enumerate(cells)
    ]


def _match(cells: Sequence[FileCell], released: Sequence[ReleasedCell]) -> list[str]:
    """Return for each submitted cell the id of its released one, empty for the student's own.

    By its mark; else by its exact source, if it is locked; by its signature, if it holds a variant;
    else by the names that it defines, if it is a solution.
    """
    known = {cell.id for cell in released}
    claims = [cell.grade_id if cell.grade_id in known else "" for cell in cells]
    absent = [cell for cell in released if cell.id not in claims]
    own = (
        [index for index, claim in enumerate(claims) if not claim and cells[index].source.strip()]
        if absent
        else []
    )
    names = {
        index: meant_names(cells[index].source) for index in own if cells[index].cell_type == "code"
    }
    for cell in absent:
        free = [index for index in own if not claims[index]]
        if cell.role is Role.SOLUTION and cell.names:
            for index in free:
                if index in names and cell.names <= names[index]:
                    claims[index] = cell.id
        else:
            signed = [
                index
                for index in free
                if cell.role is Role.VARIANT and cell.id in signatures(cells[index].source).values()
            ]
            for index in (signed or [index for index in free if not _differs(cells[index], cell)])[
                :1
            ]:
                claims[index] = cell.id
    return claims


def _place(
    cells: Sequence[FileCell], claims: Sequence[str], released: Sequence[ReleasedCell]
) -> _Placement:
    """The submitted cells with their final ids.

    A second copy of a locked cell goes, unless it was edited: then it holds the student's own work,
    for Jupyter copies marks along with a cell.
    """
    by_id = {cell.id: cell for cell in released}
    taken = set(by_id)
    heads = _heads(cells, claims, by_id)
    placement = _Placement([], [], [], [])
    for cell, claim in zip(cells, claims, strict=True):
        match = by_id.get(claim)
        if match is not None and heads[claim] is cell:
            placement.cells.append(
                PlacedCell(
                    claim, match.role, match, cell, match.role.locked and _differs(cell, match)
                )
            )
            continue
        role = Role.FREE
        if match is not None and match.role is Role.SOLUTION:
            role = Role.SOLUTION
            placement.solutions_again.append(claim)
        elif match is not None and not _differs(cell, match):
            placement.dropped.append(claim)
            continue
        elif match is not None:
            placement.own_copies.append(claim)
        name = f"{claim}-again-{cell.number}" if role is Role.SOLUTION else f"cell-{cell.number}"
        placement.cells.append(PlacedCell(_unique(name, taken), role, None, cell))
    return placement


def _heads(
    cells: Sequence[FileCell], claims: Sequence[str], by_id: dict[str, ReleasedCell]
) -> dict[str, FileCell]:
    """Choose which of the cells that claim an id keeps it.

    If it is locked: the first that is as released, else the first. For a solution: the last that
    binds what the cell is for, since a split or copied cell does its work there, else the first.
    For an answer: the first that holds one.
    """
    heads: dict[str, FileCell] = {}
    for cell, claim in zip(cells, claims, strict=True):
        released = by_id.get(claim)
        if released is None:
            continue
        if claim not in heads:
            heads[claim] = cell
        elif released.role is Role.SOLUTION:
            if released.names and released.names <= meant_names(cell.source):
                heads[claim] = cell
        elif released.role is Role.ANSWER:
            if not _differs(heads[claim], released):
                heads[claim] = cell
        elif _differs(heads[claim], released) and not _differs(cell, released):
            heads[claim] = cell
    return heads


def _unique(name: str, taken: set[str]) -> str:
    """Return `name`, or with a number behind it, as a valid cell id of at most 64 characters."""
    name = name[-64:]
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name[:56]}-{number}", number + 1
    taken.add(candidate)
    return candidate


def _differs(cell: FileCell, released: ReleasedCell) -> bool:
    """Tell whether a locked cell was edited.

    White space at line ends and around the whole is the editor's.
    """
    return cell.cell_type != released.node["cell_type"] or list(_lines(cell.source)) != list(
        _lines(released.source)
    )


def _lines(source: str) -> Iterator[str]:
    return (line.rstrip() for line in source.strip().splitlines())


def _moved(locked: Sequence[PlacedCell], released: Sequence[ReleasedCell]) -> set[str]:
    """Return the fewest locked cells that have to move for all to stand in released order.

    They are those outside of a longest increasing run.
    """
    order = {cell.id: index for index, cell in enumerate(released)}
    ranks = [order[cell.id] for cell in locked]
    tails: list[int] = []  # tails[k]: smallest rank that ends an increasing run of length k + 1
    before: dict[int, int | None] = {}
    for rank in ranks:
        length = bisect.bisect_left(tails, rank)
        before[rank] = tails[length - 1] if length else None
        tails[length : length + 1] = [rank]
    stay: set[int] = set()
    rank_: int | None = tails[-1] if tails else None
    while rank_ is not None:
        stay.add(rank_)
        rank_ = before[rank_]
    return {released[rank].id for rank in ranks if rank not in stay}


def _position(
    placed: Sequence[PlacedCell], cell: ReleasedCell, released: Sequence[ReleasedCell]
) -> int:
    """Return the position to which a locked cell goes back.

    It lies between its locked neighbours and behind the solutions that it followed. A check then
    stands as far down as it can, below what the student added in between; anything else as far up.
    """
    where = {item.id: index for index, item in enumerate(placed)}
    own = released.index(cell)
    low, high = 0, len(placed)
    followed: list[str] = []
    for previous in reversed(released[:own]):
        if previous.role.locked and previous.id in where:
            low = where[previous.id] + 1
            break
        followed.append(previous.id)
    ahead: list[str] = []
    for following in released[own + 1 :]:
        if following.role.locked and following.id in where:
            high = where[following.id]
            break
        ahead.append(following.id)
    low = max([low, *(where[name] + 1 for name in followed if low <= where.get(name, -1) < high)])
    high = min([high, *(where[name] for name in ahead if low <= where.get(name, -1) < high)])
    return high if cell.role is Role.CHECK else low


def _say(ids: Iterable[str], sentence: str, noun: str) -> str:
    """Fill the cells `ids` into `sentence`, in the singular or plural; empty for none."""
    names = [repr(name) for name in dict.fromkeys(ids)]
    one = len(names) == 1
    cells = f"The {noun}{'' if one else 's'} {', '.join(names)}"
    words = {"it": "it", "was": "was", "s": "s"} if one else {"it": "they", "was": "were", "s": ""}
    return sentence.format(cells=cells, **words) if names else ""
