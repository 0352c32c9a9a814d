"""Whose a delivery is: by ids, else by a name that is exactly and uniquely the roster's.

Nothing is guessed: neither the order of names nor accents nor initials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.errors import ExchangeError
from autograder.exchange.lms.delivery import Delivery, IdKind, Person, SystemName, same_text
from autograder.exchange.lms.systems import System
from autograder.people.roster import UNIQUE, Roster, Student, names_of
from autograder.people.student_names import student_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOOKED_UP = {
    IdKind.CANVAS: (IdKind.CANVAS,),
    IdKind.MOODLE: (IdKind.MOODLE,),
    IdKind.LOGIN: (IdKind.LOGIN, IdKind.STUDENT),
    IdKind.EMAIL: (IdKind.EMAIL, IdKind.LOGIN, IdKind.STUDENT),
    IdKind.STUDENT: (IdKind.STUDENT, IdKind.LOGIN),
    IdKind.ANONYMOUS: (),
}
"""Where a roster may hold an id of each kind: some keep usernames as ids."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Student or group, under its name, that hands in one submission.

    `folder` is the name in submitted/.
    """

    folder: str
    members: tuple[Student, ...]
    group: bool = False


@dataclass(frozen=True, slots=True)
class Matched:
    """A delivery and its holder.

    `strangers` are submitters of a group who could not be matched, with the reason. `note` is a
    sentence to the instructor.
    """

    delivery: Delivery
    holder: Holder
    by_id: bool
    strangers: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A delivery that is nobody's, and why."""

    label: str
    why: str


def match(
    deliveries: Sequence[Delivery], roster: Roster | None, system: System
) -> tuple[tuple[Matched, ...], tuple[Unmatched, ...]]:
    """Match each delivery with its holder.

    Without a roster, the holder is who the download says.

    Raises:
        ExchangeError: if a group of the roster is called as a student.
    """
    if roster is None:
        own = [_as_named(delivery) for delivery in deliveries]
        return tuple(one for one in own if isinstance(one, Matched)), tuple(
            one for one in own if isinstance(one, Unmatched)
        )
    matcher = _Matcher(roster, system)
    found = [matcher.match(delivery) for delivery in deliveries]
    return _undisputed(
        [one for one in found if isinstance(one, Matched)],
        [one for one in found if isinstance(one, Unmatched)],
    )


def _as_named(delivery: Delivery) -> Matched | Unmatched:
    if not delivery.people:
        return Unmatched(delivery.label, "the download names nobody who handed it in")
    members = tuple(_student(person) for person in delivery.people)
    group = len(members) > 1
    folder = student_name("+".join(member.id for member in members)) if group else members[0].id
    return Matched(delivery, Holder(folder, members, group), by_id=True)


def _student(person: Person) -> Student:
    ids = dict(person.ids)
    canvas_id, moodle_id, login, email = (
        ids.get(kind, "") for kind in (IdKind.CANVAS, IdKind.MOODLE, IdKind.LOGIN, IdKind.EMAIL)
    )
    return Student(student_name(person.handle), person.shown, canvas_id, moodle_id, login, email)


class _Matcher:
    """The roster, indexed as one system writes names."""

    def __init__(self, roster: Roster, system: System) -> None:
        self._roster, self._system = roster, system
        self._by_id = {
            kind: {
                same_text(student.known_as(kind)): student
                for student in roster.students
                if student.known_as(kind)
            }
            for kind in UNIQUE
        }
        self._by_name = names_of(roster.students, system.name_key)
        self._groups: dict[str, list[str]] = {}
        for group in dict.fromkeys(student.group for student in roster.students if student.group):
            self._groups.setdefault(system.name_key(group), []).append(group)
        folders = {student_name(student.id) for student in roster.students}
        for student in roster.students:
            if student.group and student_name(student.group) in folders:
                message = (
                    f"the roster's line {student.line}: the group {student.group!r} has the name of"
                    " a student's id; rename it"
                )
                raise ExchangeError(message)

    def match(self, delivery: Delivery) -> Matched | Unmatched:
        if not delivery.people:
            return Unmatched(delivery.label, "the download names nobody who handed it in")
        if len(delivery.people) > 1:
            return self._several(delivery)
        person = delivery.people[0]
        groups = self._groups.get(person.name, []) if person.name else []
        if groups:
            return self._group(delivery, person, groups)
        found = self._person(person)
        if isinstance(found, str):
            return Unmatched(delivery.label, found)
        student, by_id = found
        return Matched(
            delivery,
            Holder(student_name(student.id), (student,)),
            by_id,
            note=self._doubt(person, student),
        )

    def _doubt(self, person: Person, student: Student) -> str:
        """Canvas puts the number of one member beside a group's name.

        Names in another order are no reason for doubt.
        """
        own = self._system.name_key(student.name)
        if (
            self._system.name is not SystemName.CANVAS
            or not own
            or sorted(own) == sorted(person.name)
            or not person.name
        ):
            return ""
        return (
            f"by its number, {person.handle} is {student.id} ({student.name}), but the name is"
            " another; if it is a group's, the roster needs the column group, or its other members"
            " get no grade"
        )

    def _several(self, delivery: Delivery) -> Matched | Unmatched:
        members, strangers, sure = [], [], True
        for person in delivery.people:
            found = self._person(person)
            if isinstance(found, str):
                strangers.append(f"{person.shown or person.handle}: {found}")
                continue
            student, by_id = found
            members.append(student)
            sure = sure and by_id
        if not members:
            return Unmatched(delivery.label, "; ".join(strangers))
        members = list(dict.fromkeys(sorted(members, key=lambda student: student.id)))
        names = {student.group for student in members}
        whole = (
            len(names) == 1
            and "" not in names
            and set(members) == set(self._roster.of_group(members[0].group))
        )
        folder = student_name(
            members[0].group if whole else "+".join(student.id for student in members)
        )
        return Matched(delivery, Holder(folder, tuple(members), group=True), sure, tuple(strangers))

    def _group(
        self, delivery: Delivery, person: Person, groups: Sequence[str]
    ) -> Matched | Unmatched:
        """A name that is a group's.

        Canvas adds the number of a member, who has to be one; Moodle's number is the group's own.
        """
        if len(groups) > 1:
            return Unmatched(delivery.label, f"several groups are called so: {', '.join(groups)}")
        group = groups[0]
        members = self._roster.of_group(group)
        named = self._by_name.get(person.name, [])
        known = {} if self._system.name is SystemName.MOODLE else self._found(person)
        if any(student not in members for student in known.values()) or (named and not known):
            who = ", ".join(sorted({student.id for student in (*known.values(), *named)}))
            return Unmatched(
                delivery.label, f"the name is that of the group {group!r}, and also says {who}"
            )
        if named:  # a student called as a group
            student = next(iter(known.values()))
            return Matched(delivery, Holder(student_name(student.id), (student,)), by_id=True)
        return Matched(delivery, Holder(student_name(group), members, group=True), by_id=True)

    def _found(self, person: Person) -> dict[str, Student]:
        """Students whom the person's ids lead to, by their own."""
        found = {}
        for kind, text in person.ids:
            for place in LOOKED_UP[kind]:
                if student := self._by_id[place].get(same_text(text)):
                    found[student.id] = student
        return found

    def _person(self, person: Person) -> tuple[Student, bool] | str:
        """The student, and whether by an id; or why there is none."""
        found = self._found(person)
        if len(found) > 1:
            return f"its ids are those of several students ({', '.join(sorted(found))})"
        if found:
            (student,) = found.values()
            if (
                self._system.name is SystemName.MOODLE
                and person.name
                and not self._agrees(person.name, student)
            ):
                return (
                    f"the number is that of {student.id}, but the name is not; is it a group's"
                    " number? Then the roster needs the column group"
                )
            return student, True
        return self._by_its_name(person)

    def _by_its_name(self, person: Person) -> tuple[Student, bool] | str:
        named = self._by_name.get(person.name, []) if person.name else []
        if len(named) > 1:
            return (
                f"{len(named)} students are called so"
                f" ({', '.join(student.id for student in named)}); {self._advice(person)}"
            )
        if not named:
            kinds = " or ".join(dict.fromkeys(str(kind) for kind, _ in person.ids)) or "number"
            return (
                f"no student has its {kinds}{' or exactly this name' if person.name else ''};"
                f" {self._advice(person)}"
            )
        (student,) = named
        for kind, text in person.ids:
            own = student.known_as(kind)
            if own and same_text(own) != same_text(text) and same_text(text) != person.name:
                return (
                    f"the name is that of {student.id}, whose {kind} is {own!r} in the roster and"
                    f" not {text!r}"
                )
        return student, False

    def _agrees(self, name: str, student: Student) -> bool:
        """Older Moodles put the name of the course's group and a dash before a student's."""
        own = self._system.name_key(student.name)
        return not own or name == own or name.endswith(f"-{own}")

    def _advice(self, person: Person) -> str:
        kind, text = person.ids[0] if person.ids else (IdKind.STUDENT, "")
        if kind is IdKind.ANONYMOUS:
            return "download it with names, or collect it without a roster"
        return (
            f"the roster may say {kind} = {text}"
            if text
            else "add the name to the roster as the download has it"
        )


def _undisputed(
    matched: Sequence[Matched], unmatched: Iterable[Unmatched]
) -> tuple[tuple[Matched, ...], tuple[Unmatched, ...]]:
    """Drop submissions that different people claim for one student or group.

    An id beats a name, and of two equals neither is taken.
    """
    claims: dict[str, dict[tuple[object, ...], bool]] = {}
    for one in matched:
        claims.setdefault(one.holder.folder, {})[_claimant(one)] = one.by_id
    kept, lost = [], list(unmatched)
    for one in matched:
        rivals = claims[one.holder.folder]
        sure = [claimant for claimant, by_id in rivals.items() if by_id]
        if len(rivals) == 1 or sure == [_claimant(one)]:
            kept.append(one)
        else:
            lost.append(
                Unmatched(
                    one.delivery.label, f"another submission is that of {one.holder.folder} too"
                )
            )
    return tuple(kept), tuple(lost)


def _claimant(one: Matched) -> tuple[object, ...]:
    """The same for all attempts of the same people."""
    return tuple(person.ids or person.name for person in one.delivery.people)
