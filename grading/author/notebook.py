"""Run a notebook from top to bottom and keep what belongs in the repository."""

import subprocess

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.reader import NotJSONError

from grading.shared.files import write

CELL_TIMEOUT = 120

# What is kept of the metadata; everything else belongs to whoever opened the notebook last.
OF_A_CELL = ("tags", "mystnb", "nbgrader", "deletable", "editable")
OF_AN_OUTPUT = ("scrapbook",)
OF_A_NOTEBOOK = ("mystnb",)
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


class Refused(Exception):
    """Why a notebook was not stored, in one line."""


def run(path):
    """Return the notebook at `path`, run in its own folder. Raises Refused."""
    try:
        notebook = nbformat.read(path, as_version=4)
        notebook = nbformat.v4.upgrade(notebook, notebook.nbformat, notebook.nbformat_minor)  # cells get their ids
    except (OSError, UnicodeDecodeError, NotJSONError, nbformat.ValidationError) as error:
        raise Refused(f"not a notebook that can be read: {str(error).splitlines()[0][:200]}") from None
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    running = []
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=CELL_TIMEOUT,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
        force_raise_errors=True,
        skip_cells_with_tag="",
        on_cell_execute=lambda cell, cell_index: running.append(cell),
    )
    try:
        client.execute(stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        raise Refused(f"{where(running)} raised {error.ename}: {error.evalue}") from None
    except CellTimeoutError:
        raise Refused(f"{where(running)} ran for more than {CELL_TIMEOUT} s") from None
    except DeadKernelError:
        raise Refused(f"{where(running)} ended its kernel") from None
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def where(running):
    return f"code cell {len(running)} ({running[-1].source.strip().splitlines()[0]})"


def tidy(notebook):
    """Keep what belongs in the repository and nothing that differs from run to run."""
    notebook.metadata = nbformat.from_dict(KERNEL | keep(notebook.metadata, OF_A_NOTEBOOK))
    for cell in notebook.cells:
        cell.metadata = keep(cell.metadata, OF_A_CELL)
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if "metadata" in output:
                output.metadata = keep(output.metadata, OF_AN_OUTPUT)
    return notebook


def keep(metadata, names):
    return nbformat.from_dict({name: metadata[name] for name in names if name in metadata})


def store(notebook, path):
    """Write the notebook, in one step."""
    write(path, (nbformat.writes(notebook) + "\n").encode())
