"""The one error that a user can cause: scripts print it as one line and exit with status 2."""


class InputError(Exception):
    """A value from outside is unusable. The message is one line: the value, the bound and the consequence.

    Not a ValueError: parsers of settings (tyro, pydantic) take those for their own, and wrap the message in more lines.
    """
