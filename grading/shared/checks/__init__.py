"""The checks of an exercise: they call your function, compare what it returns, and say what went wrong.

The numbers that they compare with lie beside this file, in expected.json. The answers do not.

    notebook      what the notebook calls: check, case, score
    accidents     what happened to a cell before its function could be called
    outcomes      one call of a function, and what came of it
    comparison    are two outcomes the same?
    verdicts      is a task solved, and what is there to say about it?
    inquiry       the search for what explains the outcomes of one task
    detectors     mistakes that results show by themselves
    errors        what an error means
    helpers       what the arguments of some tasks are made of
"""

from .notebook import case, check, score

__all__ = ["case", "check", "score"]
