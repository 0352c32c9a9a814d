"""How GitHub's runner reads the output of a step: ActionCommandManager and ActionCommand of
actions/runner, in short.
"""

import re

UNESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


def commands_in(output):
    """(command, properties, message) of each line that is one, stop-commands obeyed.

    Both spellings: ``::name key=value::message``, first in its line, and ``##[name
    key=value]message``, anywhere in it.
    """
    found, stopped = [], None
    for line in re.split(r"\r\n|\n|\r", output):
        new = re.match(r"\s*::([\w-]+)(?: (.*?))?::(.*)$", line)
        old = re.search(r"##\[([\w-]+)(?: (.*?))?\](.*)$", line)
        match = new or old
        if match is None:
            continue
        name, properties, message = match[1], match[2] or "", match[3]
        if stopped is not None:
            stopped = None if name == stopped else stopped
            continue
        if name == "stop-commands":
            stopped = message
            continue
        pairs = dict(pair.split("=", 1) for pair in properties.split(",") if "=" in pair)
        found.append(
            (name, {key: unescaped(value) for key, value in pairs.items()}, unescaped(message))
        )
    return found


def unescaped(text):
    for written, meant in UNESCAPES:
        text = text.replace(written, meant)
    return text
