"""The one exception of starting: its text is the one sentence that the operator reads."""


class LaunchError(Exception):
    """Starting cannot go on; `str(error)` is a full sentence that says what to do."""
