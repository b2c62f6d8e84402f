"""The exercise, made from the solution notebook as nbgrader's generate_assignment makes it.

nbgrader is loaded where it is needed: it takes a second.
"""

from pathlib import Path

from grading.author.settings import SETTINGS, config_of
from grading.shared.files import write
from grading.shared.trouble import Trouble


class Problem(Trouble):
    """What nbgrader could not do and what helps, in a sentence or two."""


def generate(root, name, source_directory="solutions", release_directory="exercises"):
    """Make ROOT/RELEASE_DIRECTORY/NAME/NAME.ipynb from ROOT/SOURCE_DIRECTORY/NAME/NAME.ipynb; return its path.

    Nothing but that one file is written, in one step and only if it changed: its bytes depend on the source alone. Raises Problem.
    """
    released = Path(root, release_directory, name, f"{name}.ipynb")
    made = exercise(root, name, source_directory).encode()
    try:
        if not released.exists() or released.read_bytes() != made:
            write(released, made)
    except OSError as error:
        raise Problem(f"{released} could not be written: {error}") from None
    return released


def exercise(root, name, source_directory="solutions"):
    """Return the text of the exercise made from ROOT/SOURCE_DIRECTORY/NAME/NAME.ipynb. Raises Problem."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.nbgraderformat import ValidationError

    source = Path(root, source_directory, name, f"{name}.ipynb")
    if not source.is_file():
        raise Problem(f"There is no {Path(source_directory, name, name)}.ipynb in {root}.")
    config = config_of(SETTINGS)
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config)
    exporter = converter.exporter_class(parent=converter, config=converter.config)
    for preprocessor in converter.preprocessors[:-1]:  # all but SaveCells, which needs a database
        exporter.register_preprocessor(preprocessor)
    try:
        return exporter.from_filename(str(source))[0]
    except Exception as error:  # whatever nbgrader and the source bring about
        cause = error.__context__ or error if isinstance(error, ValidationError) else error  # nbgrader's own says nothing; what it hides does
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        raise Problem(f"nbgrader could not make the exercise {name}: {lines[0]}") from None


def save_cells(notebook, name, db_url):
    """Let a gradebook learn of the cells of an exercise. Raises what SQLAlchemy and nbgrader raise."""
    from nbgrader.api import Gradebook
    from nbgrader.preprocessors import SaveCells

    with Gradebook(db_url) as book:
        book.update_or_create_assignment(name)
    SaveCells().preprocess(notebook, {"nbgrader": {"notebook": name, "assignment": name, "db_url": db_url}})


def make_tables(db_url):
    """Make the tables of a new gradebook, as nbgrader does; but it asks the command `alembic`, which takes a second and may not be found."""
    from alembic.script import ScriptDirectory
    from nbgrader.api import Base
    from nbgrader.dbutil import ALEMBIC_DIR
    from sqlalchemy import create_engine, inspect, text

    engine = create_engine(db_url)
    if not inspect(engine).get_table_names():
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            newest = ScriptDirectory(ALEMBIC_DIR).get_current_head()
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": newest})
    engine.dispose()
