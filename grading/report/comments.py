"""What a student reads of a comment in the gradebook."""


def shown(by_hand, by_checks):
    """Return what was written by hand, then what the checks say."""
    return "\n\n".join(text for text in (by_hand, by_checks) if text)
