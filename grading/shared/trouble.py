"""What ends a command of this package."""


class Trouble(Exception):
    """Why a command cannot go on, and what helps, in a sentence or two."""
