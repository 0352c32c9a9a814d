"""Long lists of cases of which the short suite takes some: those that run are the only ones made
ready.
"""

import pytest


def short(cases, chosen, why, name=str):
    """`cases` to parametrize with, of which all but `chosen` (by name) are long, for the reason
    `why`.
    """
    names = [name(case) for case in cases]
    assert set(chosen) <= set(names), set(chosen) - set(names)
    return [
        case if called in chosen else pytest.param(case, marks=pytest.mark.long(why))
        for case, called in zip(cases, names, strict=True)
    ]


def selected(request, parameter):
    """What tests of the module that asks for a fixture are to run with, in this session, as
    `parameter`; with duplicates left out.
    """
    found = []
    for item in request.session.items:
        if (
            item.module is request.module
            and hasattr(item, "callspec")
            and parameter in item.callspec.params
        ):
            case = item.callspec.params[parameter]
            found += [] if case in found else [case]
    return found


def long_too(request):
    """Whether this session runs long tests of the module that asks."""
    return any(
        item.module is request.module and item.get_closest_marker("long")
        for item in request.session.items
    )
