"""nbgrader's database: marks and comments of submissions.

nbgrader's own interface asks anew for each cell, ends a transaction with each change, and takes most of a second to load.
"""

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import uuid4

PATIENCE = 5  # seconds for which another program may write
OF_PERSON = ("first_name", "last_name", "email", "lms_user_id")

POINTS = "coalesce(coalesce(grade.manual_score, grade.auto_score) + coalesce(grade.extra_credit, 0.0), 0.0)"
SUBMITTED = """
    assignment JOIN notebook ON notebook.assignment_id = assignment.id
    JOIN submitted_assignment ON submitted_assignment.assignment_id = assignment.id
    JOIN submitted_notebook ON submitted_notebook.notebook_id = notebook.id AND submitted_notebook.assignment_id = submitted_assignment.id
"""
THOSE = "assignment.name = :name AND notebook.name = :name AND (:student IS NULL OR submitted_assignment.student_id = :student)"
SUBMISSIONS = f"""
    SELECT submitted_assignment.student_id, submitted_notebook.id, submitted_assignment.id AS assignment_id,
        (SELECT coalesce(sum({POINTS}), 0.0) FROM grade WHERE grade.notebook_id = submitted_notebook.id) AS score,
        (SELECT coalesce(sum(max_score), 0.0) FROM base_cell JOIN grade_cells USING (id) WHERE base_cell.notebook_id = notebook.id) AS max_score,
        coalesce(late_submission_penalty, 0) AS late_penalty
    FROM {SUBMITTED} WHERE {THOSE} ORDER BY submitted_assignment.student_id
"""
GRADES = f"""
    SELECT submitted_assignment.student_id, base_cell.name, grade_cells.max_score, {POINTS} AS points, grade.*
    FROM {SUBMITTED} JOIN base_cell ON base_cell.notebook_id = notebook.id JOIN grade_cells ON grade_cells.id = base_cell.id
    JOIN grade ON grade.cell_id = base_cell.id AND grade.notebook_id = submitted_notebook.id WHERE {THOSE}
"""
COMMENTS = f"""
    SELECT submitted_assignment.student_id, base_cell.name, comment.* FROM {SUBMITTED} JOIN base_cell ON base_cell.notebook_id = notebook.id
    JOIN comment ON comment.cell_id = base_cell.id AND comment.notebook_id = submitted_notebook.id WHERE {THOSE}
"""
RELEASED = """
    SELECT base_cell.name, base_cell.id, base_cell.type, grade_cells.max_score, assignment.id AS assignment_id, notebook.id AS notebook_id
    FROM assignment JOIN notebook ON notebook.assignment_id = assignment.id JOIN base_cell ON base_cell.notebook_id = notebook.id
    LEFT JOIN grade_cells ON grade_cells.id = base_cell.id WHERE assignment.name = :name AND notebook.name = :name ORDER BY base_cell.name, type
"""
SOURCES = """
    SELECT source_cell.name, cell_type, locked, source, checksum FROM assignment JOIN notebook ON notebook.assignment_id = assignment.id
    JOIN source_cell ON source_cell.notebook_id = notebook.id WHERE assignment.name = :name AND notebook.name = :name ORDER BY source_cell.name
"""
STORE_GRADE = "INSERT OR REPLACE INTO grade VALUES (:id, :notebook_id, :cell_id, :auto_score, :manual_score, :extra_credit, :needs_manual_grade)"
STORE_COMMENT = "INSERT OR REPLACE INTO comment VALUES (:id, :notebook_id, :cell_id, :auto_comment, :manual_comment)"


@dataclass
class Submission:
    """What the database says of a submission. The rows of `grades` and `comments` are dicts, by the grade id of their cells."""

    id: str
    assignment_id: str
    score: float = 0.0
    max_score: float = 0.0
    late_penalty: float = 0
    grades: dict = field(default_factory=dict)
    comments: dict = field(default_factory=dict)


@contextmanager
def opened(path, writing=False):
    """Give a connection to the database in the file `path` for one transaction."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)) as database:
        database.row_factory = sqlite3.Row
        database.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
        yield database
        database.execute("COMMIT")


def submissions(database, name, student=None):
    """Return the submissions of an assignment, those of all students or of one, by student."""
    which = {"name": name, "student": student}
    found = {row["student_id"]: Submission(*tuple(row)[1:]) for row in database.execute(SUBMISSIONS, which)}
    for row in database.execute(GRADES, which):
        found[row["student_id"]].grades[row["name"]] = dict(row)
    for row in database.execute(COMMENTS, which):
        found[row["student_id"]].comments[row["name"]] = dict(row)
    return found


def cells(database, name):
    """Return all that the database knows of the cells of an assignment."""
    return [tuple(row) for query in (RELEASED, SOURCES) for row in database.execute(query, {"name": name})]


def submit(database, name, student, person):
    """Return a new submission without marks; `person` holds what is known of the student besides."""
    released = database.execute(RELEASED, {"name": name}).fetchall()
    submission = Submission(uuid4().hex, uuid4().hex)
    database.execute("INSERT OR IGNORE INTO student (id) VALUES (?)", (student,))
    for column in person.keys() & set(OF_PERSON):
        database.execute(f"UPDATE student SET {column} = ? WHERE id = ?", (person[column], student))
    database.execute(
        "INSERT INTO submitted_assignment (id, assignment_id, student_id) VALUES (?, ?, ?)", (submission.assignment_id, released[0]["assignment_id"], student)
    )
    database.execute(
        "INSERT INTO submitted_notebook (id, assignment_id, notebook_id, flagged) VALUES (?, ?, ?, 0)",
        (submission.id, submission.assignment_id, released[0]["notebook_id"]),
    )
    for cell in released:
        row = {"id": uuid4().hex, "notebook_id": submission.id, "cell_id": cell["id"]}
        if cell["type"] == "GradeCell":
            submission.grades[cell["name"]] = row | dict.fromkeys(("auto_score", "manual_score", "extra_credit"))
        elif cell["type"] == "SolutionCell":
            submission.comments[cell["name"]] = row | dict.fromkeys(("auto_comment", "manual_comment"))
    return submission


def store(database, submission):
    """Write the rows of a submission."""
    database.executemany(STORE_GRADE, submission.grades.values())
    database.executemany(STORE_COMMENT, submission.comments.values())


def remove(database, student, submission):
    """Remove a submission, and the student of whom no other one is left, whom nbgrader's export would give a 0."""
    for table in ("grade", "comment"):
        database.execute(f"DELETE FROM {table} WHERE notebook_id = ?", (submission.id,))
    database.execute("DELETE FROM submitted_notebook WHERE id = ?", (submission.id,))
    database.execute("DELETE FROM submitted_assignment WHERE id = ?", (submission.assignment_id,))
    database.execute("DELETE FROM student WHERE id = ? AND id NOT IN (SELECT student_id FROM submitted_assignment)", (student,))


def person(database, student):
    """Return what the database says of a student besides the name of the folder."""
    return dict(database.execute(f"SELECT {', '.join(OF_PERSON)} FROM student WHERE id = ?", (student,)).fetchone())
