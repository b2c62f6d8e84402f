"""nbgrader's database, by nbgrader's own classes: a session is one transaction, and a whole class is read or written in it with few queries.

What is needed takes a second to load, so it is loaded where it is needed. nbgrader's Gradebook would ask anew for each cell, and commit each change.
"""

import gc
from contextlib import contextmanager
from datetime import UTC
from urllib.parse import quote

PATIENCE = 5  # seconds for which another program may write


@contextmanager
def opened(url, writing=False):
    """Give a session for one transaction with the database at `url`; it is undone if anything is raised. What was read stays readable after it."""
    from sqlalchemy.orm import Session

    with Session(engine_of(url, writing), autoflush=False, expire_on_commit=False) as session:
        yield session
        session.commit()


def engine_of(url, writing):
    """Return what connects to a database, for transactions that see and leave it as if nobody else used it."""
    from sqlalchemy import create_engine, event, make_url
    from sqlalchemy.pool import NullPool

    url = make_url(url)
    if url.get_backend_name() != "sqlite":
        return create_engine(url, poolclass=NullPool, isolation_level="SERIALIZABLE")
    # The file is not made anew if it has gone. Python begins a transaction only where something is written: too late for what was read before.
    url = url.set(database=f"file:{quote(url.database)}", query={"mode": "rw", "uri": "true", "timeout": str(PATIENCE)})
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN"))
    return engine


def submissions(session, name, students=None):
    """Return the submissions of an assignment, those of all students or of some, each a SubmittedNotebook with its grades and comments, by student."""
    from nbgrader.api import Comment, Grade, SubmittedAssignment, SubmittedNotebook
    from sqlalchemy import select
    from sqlalchemy.orm import contains_eager, selectinload, undefer

    query = select(SubmittedNotebook).join(SubmittedNotebook.assignment).order_by(SubmittedAssignment.student_id)
    if students is not None:
        query = query.where(SubmittedAssignment.student_id.in_(students))
    query = query.options(
        contains_eager(SubmittedNotebook.assignment),
        selectinload(SubmittedNotebook.grades).options(undefer(Grade.max_score), selectinload(Grade.cell)),
        selectinload(SubmittedNotebook.comments).selectinload(Comment.cell),
    )
    with no_look_for_garbage():
        return {each.assignment.student_id: each for each in session.scalars(of(name, query.join(SubmittedNotebook.notebook)))}


@contextmanager
def no_look_for_garbage():
    """Let Python not look for garbage while much is read that is none: it would take longer than the reading."""
    looked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked:
            gc.enable()


def cells(session, name):
    """Return all that the database knows of the cells of an assignment, as plain data."""
    from nbgrader.api import GradeCell, SolutionCell, SourceCell, TaskCell
    from sqlalchemy import select

    queries = [of(name, select(kind).join(kind.notebook)).order_by(kind.name) for kind in (GradeCell, SolutionCell, TaskCell, SourceCell)]
    return [cell.to_dict() for query in queries for cell in session.scalars(query)]


def submit(session, name, people):
    """Return new submissions without marks, by student; `people` holds, by student, what is known of them besides."""
    from nbgrader.api import Notebook, Student
    from sqlalchemy import select

    notebook = session.scalars(of(name, select(Notebook))).one()
    found = {student: empty(notebook, session.merge(Student(id=student, **person))) for student, person in people.items()}
    session.add_all(found.values())
    return found


def empty(notebook, student):
    """Return a student's submission of a notebook, as nbgrader makes it."""
    from nbgrader.api import Comment, Grade, SubmittedAssignment, SubmittedNotebook

    return SubmittedNotebook(
        notebook=notebook,
        assignment=SubmittedAssignment(assignment=notebook.assignment, student=student),
        grades=[Grade(cell=cell) for cell in notebook.grade_cells],
        comments=[Comment(cell=cell) for cell in notebook.solution_cells],
    )


def date(session, name, due, handed_in):
    """Put down when an assignment is due, if known, and when these students handed in (None: nobody knows): as nbgrader does, in UTC, without a zone."""
    from nbgrader.api import Assignment
    from sqlalchemy import select

    assignment = session.scalars(select(Assignment).where(Assignment.name == name)).one()
    assignment.duedate = utc(due) or assignment.duedate
    for submission in assignment.submissions:
        if submission.student_id in handed_in:
            submission.timestamp = utc(handed_in[submission.student_id])


def utc(time):
    return time and time.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def remove(session, submission):
    """Remove a submission, and the student of whom no other one is left, whom nbgrader's export would give a 0."""
    assignment, student = submission.assignment, submission.assignment.student
    alone = student.submissions == [assignment]
    for each in (*submission.grades, *submission.comments, submission, assignment, *([student] if alone else [])):
        session.delete(each)


def of(name, query):
    """Return the query, in which there is a Notebook, for the notebook of an assignment: both are called `name`."""
    from nbgrader.api import Assignment, Notebook

    return query.join(Notebook.assignment).where(Assignment.name == name, Notebook.name == name)


def by_name(parts):
    """Return grades or comments by the grade id of their cells."""
    return {part.name: part for part in sorted(parts, key=lambda part: part.name)}
