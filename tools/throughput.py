"""How fast a class is graded, and with how much memory: side by side with an earlier version of the project and with nbgrader's own commands."""

import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from grading.author import source
from grading.run.session import Session
from grading.run.wall import Wall
from grading.shared.files import ROOT
from tools import classes

EARLIER = "c387435"  # the last version without a wall
LIGHT, TORCH = "02_regression_vs_classification", "04_softmax_nll"
FEW, MANY, FURTHER = 40, 200, 4
PATH = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])  # nbgrader asks for alembic by its name

NBGRADER = """
c = get_config()
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.course_id = "course"
c.Exchange.path_includes_course = False
"""


class Run(NamedTuple):
    """Seconds that a command took, seconds of processor time of it and of what it waited for, and of all on this machine meanwhile.

    Only the last holds what ran behind bubblewrap, which does not pass on what its children used.
    """

    wall: float
    cpu: float
    machine: float

    def told(self):
        return f"{self.wall:.1f} s", f"{self.machine:.1f} s of processor time, all of this machine's"


def timed(command, folder):
    """Run a command; return its Run. Raises subprocess.CalledProcessError."""
    before, busy, started = os.times(), used(), time.perf_counter()
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, cwd=folder, env=os.environ | {"PATH": PATH}, check=True, **quiet)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(time.perf_counter() - started, cpu, used() - busy)


def used():
    times = psutil.cpu_times()
    return times.user + times.nice + times.system


@contextmanager
def earlier():
    """Give a folder with the earlier version; None where git does not know it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "earlier")
        added = subprocess.run(["git", "worktree", "add", "--detach", folder, EARLIER], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield folder if added.returncode == 0 else None
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def hand_in(submitted, name, number):
    """Hand in complete submissions, but for the training, each with all that an exercise's folder holds."""
    origin = source.read(name)
    answers = {task.name: task.source for task in origin.functions if task.bar is None}
    answers |= {task.name: classes.WRITTEN for task in origin.tasks if task.written}
    notebook = classes.answered(name, answers)
    for student in range(number):
        shutil.copytree(ROOT / "exercises" / name, submitted / f"student-{student:03}" / name, ignore=shutil.ignore_patterns("__pycache__"))
        classes.hand_in(submitted, f"student-{student:03}", name, notebook)


def grade(project, name, submitted, out):
    return timed([sys.executable, "-m", "grading", name, "--submitted", submitted, "--out", out, "--seed", "1"], project)


def by_nbgrader(name, submitted, course):
    """Grade with nbgrader's own commands: autograde, then the feedback pages."""
    shutil.copytree(ROOT / "solutions" / name, course / "solutions" / name)
    for file in (ROOT / "exercises" / name).iterdir():
        if file.suffix in (".py", ".json"):
            shutil.copy(file, course / "solutions" / name)
    shutil.copytree(submitted, course / "submitted")
    (course / "nbgrader_config.py").write_text(NBGRADER)
    nbgrader = [sys.executable, "-m", "nbgrader"]
    timed([*nbgrader, "generate_assignment", name, "--create"], course)
    runs = [timed([*nbgrader, command, name], course) for command in ("autograde", "generate_feedback")]
    return Run(*map(sum, zip(*runs)))


def compare(row):
    """Print the times of a class of FEW in both assignments, of MANY in one, and of a run with nothing changed."""
    with tempfile.TemporaryDirectory() as scratch, earlier() as before:
        scratch = Path(scratch)
        projects = {"now": ROOT} | ({EARLIER: before} if before else {})
        first, again, many = {}, {}, {}
        for name in (LIGHT, TORCH):
            hand_in(scratch / name, name, FEW)
        hand_in(scratch / "many", TORCH, MANY)
        for which, project in projects.items():
            for name in (LIGHT, TORCH):
                first[which, name] = grade(project, name, scratch / name, scratch / which / name)
                again[which, name] = grade(project, name, scratch / name, scratch / which / name)
                row(f"{which}: {FEW} of {name}", *first[which, name].told())
                row(f"{which}: the same with nothing changed, processor time", f"{again[which, name].cpu:.1f} s")
            many[which] = grade(project, TORCH, scratch / "many", scratch / which / "many")
            row(f"{which}: {MANY} of {TORCH}", *many[which].told())
        theirs = {name: by_nbgrader(name, scratch / name, scratch / "nbgrader" / name) for name in (LIGHT, TORCH)}
        for name, run in theirs.items():
            row(f"nbgrader's own commands: {FEW} of {name}", *run.told())
    together = {which: sum(first[which, name].wall for name in (LIGHT, TORCH)) for which in projects}
    slopes = {which: (many[which].wall - first[which, TORCH].wall) / (MANY - FEW) for which in projects}
    if before:
        row("both together, throughput", f"{together[EARLIER] / together['now']:.2f} times", f"at least 2.5 times {EARLIER}")
        row("each further one, throughput", f"{slopes[EARLIER] / slopes['now']:.2f} times", f"at least 3.5 times {EARLIER}")
        share = sum(again["now", name].cpu for name in (LIGHT, TORCH)) / sum(again[EARLIER, name].cpu for name in (LIGHT, TORCH))
        row("nothing changed, processor time", f"{share:.0%}", f"at most 60 % of {EARLIER}")
    row("each further one", f"{slopes['now']:.2f} s")
    row("both together, throughput", f"{sum(run.wall for run in theirs.values()) / together['now']:.1f} times", "at least 10 times nbgrader")


def starting(row):
    """Print how soon a submission's first cell is done after it was asked for, with the modules of TORCH."""
    with Wall(source.needed(source.read(TORCH))) as wall:
        wall.ready()
        took = []
        for _ in range(FEW):
            started = time.perf_counter()
            with Session(wall) as session:
                session.run("1")
                took.append(time.perf_counter() - started)
    row(f"first cell done, median of {FEW}, slowest {max(took):.2f} s", f"{statistics.median(took):.3f} s", "at most 0.15 s")


def memory(row):
    """Print what the grader's processes hold while they grade, and what a submission adds to the template once it has run."""
    with tempfile.TemporaryDirectory() as scratch:
        hand_in(Path(scratch, "submitted"), TORCH, FEW)
        command = [sys.executable, "-m", "grading", TORCH, "--submitted", Path(scratch, "submitted"), "--out", Path(scratch, "graded")]
        run, most = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL), 0
        while run.poll() is None:
            most = max(most, sum(map(proportional, graders(run.pid))))
            time.sleep(0.05)
    row("memory of the grader and its workers", f"{most / 1e6:.0f} MB", "at most 500 MB")
    origin = source.read(TORCH)
    cells = [cell.source for cell in classes.answered(TORCH, classes.model_answers(origin)).cells if cell.cell_type == "code"]
    held = []
    with Wall(source.needed(origin)) as wall, ExitStack() as stack:
        wall.ready()
        for _ in range(FURTHER + 1):
            session = stack.enter_context(Session(wall, origin.support()))
            for cell in cells:
                session.run(cell)
            held.append(sum(proportional(each) for each in psutil.Process(wall.process.pid).children(recursive=True)))
    row("memory of the template with one submission", f"{held[0] / 1e6:.0f} MB", "at most 350 MB")
    row("memory of each further one", f"{(held[-1] - held[0]) / FURTHER / 1e6:.0f} MB", "at most 60 MB")


def graders(number):
    """Return a grading's own processes: the first, and those that it has forked, but not the wall."""
    try:
        first = psutil.Process(number)
        return [first, *(child for child in first.children() if child.exe() == first.exe())]
    except psutil.Error:
        return []


def proportional(process):
    """Return the memory of a process in bytes, shared memory in equal shares."""
    try:
        return process.memory_full_info().pss
    except (psutil.Error, OSError):
        return 0


def grading(row):
    starting(row)
    memory(row)
    compare(row)
