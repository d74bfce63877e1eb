"""The one error that a user can cause: scripts print it as one line and exit with status 2."""

LONGEST = 1000
"""Characters of a message; of a longer one the middle is left out."""


class InputError(Exception):
    """A value from outside is unusable. The message is one line: the value, the bound and the consequence.

    Not a ValueError: parsers of settings (tyro, pydantic) take those for their own, and wrap the message in more lines.
    """

    def __init__(self, message: str) -> None:
        """What the message quotes may come from a file that means harm: it stays one line, of bounded length, and
        nothing in it reaches the terminal as a command."""
        if len(message) > LONGEST:
            message = f"{message[: LONGEST // 2]} ... {message[-LONGEST // 4 :]}"
        super().__init__("".join(map(_shown, message)) if not message.isprintable() else message)


def _shown(character: str) -> str:
    """Line ends, control characters and halves of characters as Python spells them."""
    return character if character.isprintable() else character.encode("unicode_escape").decode()
