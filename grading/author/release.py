"""The exercise, made from the solution notebook by nbgrader's generate_assignment."""

import tempfile
from pathlib import Path

from alembic.script import ScriptDirectory
from nbgrader.api import Base
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.dbutil import ALEMBIC_DIR
from nbgrader.nbgraderformat import ValidationError
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from grading.author.settings import SETTINGS, config_of
from grading.shared.files import write


class Problem(Exception):
    """What nbgrader could not do and what helps, in a sentence or two."""


def generate(root, name, source_directory="solutions", release_directory="exercises", db_url=None):
    """Make ROOT/RELEASE_DIRECTORY/NAME/NAME.ipynb from ROOT/SOURCE_DIRECTORY/NAME/NAME.ipynb; return its path.

    Nothing but that one file is copied or replaced, in one step and only if it changed: its bytes depend on the source
    alone. `db_url` is the gradebook that learns of the cells; without it, a throw-away one. Raises Problem, and what
    SQLAlchemy raises.
    """
    released = Path(root, release_directory, name, f"{name}.ipynb")
    try:
        with tempfile.TemporaryDirectory() as folder:
            convert(root, name, source_directory, folder, db_url or f"sqlite:///{folder}/gradebook.db")
            made = Path(folder, name, f"{name}.ipynb").read_bytes()
        if not released.exists() or released.read_bytes() != made:
            write(released, made)
    except OSError as error:
        raise Problem(f"{released} could not be written: {error}") from None
    return released


def convert(root, name, source_directory, release_directory, db_url):
    config = config_of(SETTINGS)
    course = CourseDirectory(
        config=config,
        root=str(Path(root).absolute()),
        source_directory=str(source_directory),
        release_directory=str(release_directory),
        assignment_id=name,
        notebook_id=name,
        db_url=db_url,
    )
    converter = Converter(coursedir=course, config=config)
    if not Path(root, source_directory, name, f"{name}.ipynb").is_file():
        raise Problem(f"There is no {Path(source_directory, name, name)}.ipynb in {root}.")
    try:
        make_tables(db_url)
        converter.start()
    except Exception as error:  # whatever nbgrader and the source bring about
        cause = converter.cause or error
        if isinstance(cause, SQLAlchemyError):
            raise cause from None
        if isinstance(cause, ValidationError):  # nbgrader's own says nothing; what it hides does
            cause = cause.__context__ or cause
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        raise Problem(f"nbgrader could not make the exercise {name}: {lines[0]}") from None


class Converter(GenerateAssignment):
    """Keeps the exception that nbgrader only logs."""

    cause = None

    def convert_single_notebook(self, filename):
        """Convert a notebook."""
        try:
            super().convert_single_notebook(filename)
        except Exception as error:
            self.cause = error
            raise


def make_tables(db_url):
    """Make the tables of a new gradebook, as nbgrader does; but it asks the command `alembic`, which takes a second and may not be found."""
    engine = create_engine(db_url)
    if not inspect(engine).get_table_names():
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            newest = ScriptDirectory(ALEMBIC_DIR).get_current_head()
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": newest})
    engine.dispose()
