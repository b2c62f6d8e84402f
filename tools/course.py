"""How long the commands beside grading take for a large class: collect, report, totals over all assignments, export. What grading leaves is put there by hand."""

import csv
import io
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import nbformat

from grading.author import source
from grading.author.source import SOLUTIONS
from grading.collect import folders, times
from grading.report import classroom
from grading.report.gradebook import Gradebook
from grading.report.results import GRADED, Results
from grading.report.sanitize import harmless
from grading.report.standing import standings
from grading.shared.files import ROOT
from tools import classes

STUDENTS, KINDS = 400, 10  # and how many different notebooks they hand in
TARGET = 10.0  # seconds
HEADER = ["Identifier", "Full name", "Status", "Grade", "Maximum grade", "Grade can be changed", "Last modified (submission)", "Last modified (grade)"]
MODIFIED = "Monday, 30 November 2026, 11:15 PM"


def name_of(number):
    return f"Student {number:03} of {STUDENTS}"


def notebooks(name):
    """Return KINDS of notebooks: one wholly right, the others with more and more mistakes; all but the last with written answers that wait."""
    origin = source.read(name)
    right, written = classes.model_answers(origin), {task.name: classes.WRITTEN for task in origin.tasks if task.written}
    found = [right | written]
    for number, chosen in zip(range(1, KINDS), classes.rounds(origin, "mistakes"), strict=False):
        tasks = {task.name: task for task in origin.functions}
        wrong = {task: classes.as_answer(tasks[task], "mistakes", function) for task, function in list(chosen.items())[:number]}
        found.append(right | wrong | (written if number < KINDS - 1 else {}))
    return [classes.answered(name, answers) for answers in found]


def downloaded(folder, name, texts):
    """Write Moodle's download and its sheet; return their paths."""
    zipped, sheet = folder / f"{name}.zip", folder / f"{name}-sheet.csv"
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(HEADER)
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(STUDENTS):
            text = texts[number % KINDS].replace(classes.WRITTEN, f"{classes.WRITTEN} So says {number}.")
            archive.writestr(f"{name_of(number)}_{1_000_000 + number}_assignsubmission_file_/{name}.ipynb", text)
            writer.writerow([f"Participant {1_000_000 + number}", name_of(number), "Submitted for grading", "", "20.00", "Yes", MODIFIED, "-"])
    sheet.write_text(table.getvalue(), encoding="utf-8", newline="")
    return zipped, sheet


def graded(name, submitted, out, made):
    """Put there what grading leaves of a class that was collected: gradebook, results, and a page for each."""
    book, store, origin = Gradebook(out, name, SOLUTIONS), Results(out / name / "results"), source.outline(name)
    texts = [book.text_of(harmless(notebook)) for notebook in made]
    entries = []
    for number in range(STUDENTS):
        kind = number % KINDS
        right = {task.name: place >= kind for place, task in enumerate(origin.functions)}
        scores = {task.check: task.points * right[task.name] for task in origin.functions}
        said = {task: "All 52 cases are right." if fine else "12 of 52 cases are wrong: a factor is lost." for task, fine in right.items()}
        entries.append((name_of(number), texts[kind], scores, said))
        mistakes = {task: ["A factor is lost."] for task, fine in right.items() if not fine}
        key = f"{folders.fingerprint(folders.files(submitted / name_of(number) / name), submitted / name_of(number) / name)} rules 1 120"
        store.keep(name_of(number), {"status": GRADED, "key": key, "messages": said, "mistakes": mistakes, "notes": [], "causes": [], "seconds": 1.5})
    book.enter_all(entries)
    content = book.feedback(name_of(0)).read_bytes()
    for number in range(STUDENTS):
        page = out / "feedback" / name_of(number) / name / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_bytes(content)
    return book


def took(*arguments):
    """Return the seconds of a command, or end with what it said."""
    started = time.perf_counter()
    run = subprocess.run([sys.executable, "-m", "grading", *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        sys.exit(run.stdout)
    return time.perf_counter() - started


def report(name, submitted, out, book):
    """Write the report as grading does; return the seconds."""
    started = time.perf_counter()
    found, due = standings(name, submitted, out, book), times.due(submitted, name)
    book.date(due, {one.student: one.handed_in for one in found})
    classroom.write(out / name / "report.html", name, found, source.outline(name), {}, due)
    return time.perf_counter() - started


def course(row):
    """Print the times for a class of STUDENTS that has handed in all assignments; the first one is collected, reported and exported."""
    measured = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        submitted, out = folder / "submitted", folder / "graded"
        for name in source.assignments():
            made = notebooks(name)
            zipped, sheet = downloaded(folder, name, [nbformat.writes(notebook) for notebook in made])
            places = ["--submitted", submitted]
            collected = took("collect", name, zipped, *places, "--sheet", sheet, "--due", "2026-12-01T23:59+01:00")
            book = graded(name, submitted, out, made)
            if not measured:
                again = took("collect", name, zipped, *places, "--sheet", sheet)
                measured = {"collect": collected, "report": report(name, submitted, out, book)}
                measured["export"] = took("export", name, *places, "--out", out, "--moodle", sheet)
                size = (out / name / "report.html").stat().st_size
        measured["totals"] = took("totals", *places, "--out", out)
        row(f"collect {STUDENTS} from Moodle's zip", f"{measured['collect']:.1f} s", f"again, nothing new: {again:.1f} s")
        row("report on them", f"{measured['report']:.1f} s", f"at most 1 s; {size / 1e6:.1f} MB")
        row("export to Moodle, with the pages", f"{measured['export']:.1f} s")
        row(f"totals over {len(source.assignments())} assignments", f"{measured['totals']:.1f} s")
        row("all four together", f"{sum(measured.values()):.1f} s", f"at most {TARGET:.0f} s")
