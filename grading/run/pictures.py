"""Makes pictures smaller, behind the wall: whatever a student handed in as a picture is decoded there and nowhere else."""

from pathlib import Path
from time import monotonic

from grading.run.session import Died, NoAnswer, Session

CODE = Path(__file__).with_name("behind") / "pictures.py"
SECONDS, ALL_SECONDS = 20, 120  # for one picture, and for all of a notebook
MOST_DEATHS = 3


class Shrinker:
    """`with Shrinker(wall) as shrink: shrink(data)` gives a small PNG or JPEG, or None of what cannot be read. Nothing starts before the first picture.

    What it gives is the student's to choose. Raises NoPlace.
    """

    def __init__(self, wall):
        self._wall, self._session, self._deaths, self._seconds = wall, None, 0, ALL_SECONDS

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._session:
            self._session.__exit__()
            self._session = None

    def __call__(self, data):
        if self._deaths == MOST_DEATHS or self._seconds <= 0:
            return None
        started = monotonic()
        try:
            if self._session is None:
                self._session = Session(self._wall).__enter__()
            return self._session.ask(CODE.read_text(encoding="utf-8"), data, min(SECONDS, self._seconds))
        except NoAnswer:
            return None
        except Died:
            self._deaths += 1
            self.__exit__()
            self._wall.check()
            return None
        finally:
            self._seconds -= monotonic() - started
