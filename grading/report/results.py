"""What a run found out about each submission, kept beside the table: the next run grades only what has changed."""

import json
from pathlib import Path

from grading.shared.files import write

GRADED, FAILED = "graded", "failed"


class Results:
    """The results of an assignment by student, each a dict: "status" and "key", and "messages", "mistakes", "notes", "causes" and "seconds", or "reason"."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def read(self, student):
        """Return what an earlier run found out about a student's submission; None where none did, or the file is damaged."""
        try:
            found = json.loads(self._path(student).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return found if isinstance(found, dict) and "status" in found else None

    def keep(self, student, result):
        write(self._path(student), json.dumps(result, indent=1).encode())

    def _path(self, student):
        return self.folder / f"{student}.json"
