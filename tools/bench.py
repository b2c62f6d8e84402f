"""Print times, memory and sizes beside their targets.

    python -m tools.bench [chapters] [site] [assignments] [checks] [grading] [course] [speed] [classes]     without a part: the first three

`checks` tells how many of the wrong attempts in tests/attempts are told what is wrong, and how long checks take by themselves.
`grading` grades classes of 40 and 200, side by side with an earlier version of the project and with nbgrader's own commands: half an hour.
`course` collects, reports, exports and sums up a class of 400 without grading it.
`speed` weighs each page and lets Lighthouse judge it five times (RUNS=1: once), which takes a quarter of an hour. `classes` grades, by the
real command and with twenty seeds, every known mistake and every right answer.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from grading.author import source
from grading.shared.checks.outcomes import decode, train
from grading.shared.checks.verdicts import judge, judge_training
from tools import attempts, classes, course, notebooks, refresh, speed, throughput
from tools.notebooks import ROOT

SUBMISSIONS, DRAWS, SEEDS = 4, 20, 10
STRICT = ("-W", "-n", "--keep-going")
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", "_build", "__pycache__", ".pytest_cache")


def row(what, measured, target=""):
    print(f"{what:<76} {measured:>12}   {target}", flush=True)


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class PeakMemory(threading.Thread):
    """The most memory that the processes started by this one held together, in bytes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.done = 0, threading.Event()

    def run(self):
        while not self.done.wait(0.05):
            self.peak = max(self.peak, sum(map(resident, psutil.Process().children(recursive=True))))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


def resident(process):
    try:
        return process.memory_info().rss
    except psutil.Error:  # it has just ended
        return 0


def chapters():
    for path in notebooks.all_notebooks("chapters"):
        name = path.relative_to(ROOT).as_posix()
        limit = 60 if "triplet" in name else 30
        with PeakMemory() as memory:
            elapsed = seconds(partial(refresh.run, path))
        row(f"{name}: run", f"{elapsed:.1f} s", f"at most {limit} s")
        row(f"{name}: memory", f"{memory.peak / 1e9:.2f} GB", "at most 1.5 GB")
        words, lines = notebooks.unfolded(notebooks.read(path))
        row(f"{name}: unfolded", f"{words} words, {lines} lines of code")
        figures = sum(size for _, cell in notebooks.code_cells(notebooks.read(path)) for _, size in notebooks.images(cell))
        row(f"{name}: figures", f"{figures / 1e6:.2f} MB", f"at most {notebooks.FIGURES_TOGETHER / 1e6} MB")


def build(folder, *options):
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", *options]
    built = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if built.returncode:
        sys.exit(f"The book does not build:\n{built.stdout[-2000:]}")


def site():
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "book")
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        row("build from nothing", f"{seconds(lambda: build(copy, *STRICT)):.1f} s", "at most 15 s")
        files = [path for path in (copy / "_build" / "html").rglob("*") if path.is_file()]
        edited = next(iter(sorted(copy.glob("chapters/*.ipynb"))), copy / "intro.md")
        edit(edited)
        row(f"build after an edit of {edited.name}", f"{seconds(lambda: build(copy, *STRICT)):.1f} s", "at most 5 s")
        row("built site", f"{sum(path.stat().st_size for path in files) / 1e6:.1f} MB", f"{len(files)} files")


def speeds():
    runs = int(os.environ.get("RUNS", 5))
    with tempfile.TemporaryDirectory() as scratch:
        book, stock = Path(scratch, "book"), Path(scratch, "stock")
        for copy, options in [(book, STRICT), (stock, ())]:
            shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
            if copy is stock:
                speed.make_stock(copy)
            build(copy, *options)
        with speed.served(book / "_build" / "html") as url, speed.served(stock / "_build" / "html") as stock_url:
            weights(book / "_build" / "html", url, stock_url)
            scores(book / "_build" / "html", url, stock_url, runs)


def weights(site, url, stock_url):
    """Print what each page transfers, and how many times as much a stock book does."""
    loads = {"first load without figures": 250, "with figures": 1000, "later page without figures": 60}
    chapters = [page for page in speed.pages(site) if page.startswith("chapters/0")]
    for page in speed.pages(site):
        earlier = chapters[page == chapters[0]]
        for (load, limit), own, stock in zip(loads.items(), speed.weigh(url, page, earlier), speed.weigh(stock_url, page, earlier)):
            row(f"{page}: {load}", f"{own / 1000:.0f} KB", f"at most {limit} KB; stock {stock / 1000:.0f} KB, {stock / own:.1f} times")


def scores(site, url, stock_url, runs):
    """Print how Lighthouse judges each page, and one chapter of a stock book."""
    chapter = next(page for page in speed.pages(site) if page.startswith("chapters/0"))
    judged = [(page, url + page) for page in speed.pages(site)] + [(f"stock {chapter}", stock_url + chapter)]
    for name, address in judged:
        try:
            paint, shift, *four = speed.judge(address, runs)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            row("Lighthouse", "not run", f"npx says: {error}")
            return
        row(f"{name}: largest paint, median of {runs}", f"{paint:.2f} s", "at most 1.8 s")
        row(f"{name}: layout shift", f"{shift:.3f}", "at most 0.02")
        row(f"{name}: {', '.join(speed.SCORES)}", " ".join(f"{score:.0f}" for score in four), "at least 95 100 100 95")


def edit(path):
    """Add a sentence to the prose of a page."""
    page = notebooks.read(path)
    page.cells[0].source += "\n\nOne more sentence.\n"
    if path.suffix == ".md":
        path.write_text(page.cells[0].source, encoding="utf-8")
    else:
        refresh.store(page, path)


def assignments():
    all_caught, all_passed, known = [], [], 0
    for path in notebooks.all_notebooks("exercises"):
        name = path.stem
        origin = source.read(name)
        grading_time(name, origin)
        tasks = [task for task in origin.functions if task.bar is None]
        caught, passed = map(list, zip(*(judged(task, seed) for task in tasks for seed in range(DRAWS))))
        row(f"{name}: mistakes caught and named, {DRAWS} draws", *share(caught))
        row(f"{name}: right answers passed, {DRAWS} draws", *share(passed))
        for task in origin.functions:
            if task.bar is not None:
                for found, more in zip((caught, passed), trained(name, task)):
                    found.append(more)
        all_caught += caught
        all_passed += passed
        known += sum(len(task.mistakes) for task in origin.functions)
    row(f"all assignments: {known} mistakes, caught and named", *share(all_caught))
    row("all assignments: right answers passed", *share(all_passed))


def checks():
    told = []
    for name in source.assignments():
        with attempts.student(name) as run:
            found = [run(attempt).how for attempt in attempts.read(name) if not attempt.right]
        row(f"{name}: wrong attempts named, of {len(found)}", f"{found.count('named') / len(found):.0%}")
        told += found
        slowest = max((own_time(task, answer), task.name) for task in source.read(name).functions if task.bar is None for answer in (task.function, *task.mistakes.values(), noisy(task)))
        row(f"{name}: slowest check by itself ({slowest[1]})", f"{1000 * slowest[0]:.1f} ms", "at most 20 ms")
        path = ROOT / "exercises" / name / f"{name}.ipynb"
        row(f"{name}: the untouched notebook run, kernel included", f"{seconds(partial(refresh.run, path)):.1f} s")
    row(f"all assignments: wrong attempts named, of {len(told)}", f"{told.count('named') / len(told):.0%}", "at least 75 %")
    row("all assignments: named, or told what came back or which line raised", f"{1 - told.count('case') / len(told):.0%}", "at least 90 %")


def own_time(task, answer):
    """Return what judging the outcomes of an answer takes, the least of three."""
    asked = task.rules() | task.numbers(np.random.default_rng(0))
    got = task.outcomes(answer, asked["cases"])
    return min(seconds(partial(judge, asked, got)) for _ in range(3))


def noisy(task):
    """Return the model answer with noise: nothing explains it, so everything is tried."""
    rng = np.random.default_rng(0)

    def spoilt(value):
        if isinstance(value, tuple | list):
            return type(value)(map(spoilt, value))
        return value + rng.uniform(0.1, 1, np.shape(value)) if isinstance(value, float | np.ndarray) and np.asarray(value).dtype.kind == "f" else value

    return lambda *arguments: spoilt(task.function(*arguments))


def grade(name, *arguments):
    """Grade a class, or end with what the grading said."""
    code, said = classes.grade(name, *arguments)
    if code:
        sys.exit(said)


def classes_graded():
    for name in source.assignments():
        origin = source.read(name)
        caught, passed, full = [], [], []
        with tempfile.TemporaryDirectory() as scratch:
            submitted, out = Path(scratch, "submitted"), Path(scratch, "graded")
            classes.hand_in_class(submitted, origin)
            for seed in range(DRAWS):
                grade(name, submitted, out, "--seed", str(seed))
                rows = classes.table(name, out)
                for found, tag in [(caught, classes.MISTAKES), (passed, classes.ALTERNATIVES)]:
                    complaints = list(classes.complaints(origin, rows, tag))
                    found.append([not complaint for complaint in complaints])
                    for complaint in filter(None, complaints):
                        print(complaint)
                points = lambda student: sum(float(rows[student, task.name]["points"]) for task in origin.functions)
                full.append([points(classes.MODEL) == sum(task.points for task in origin.functions), points(classes.UNTOUCHED) == 0])
        row(f"{name}: mistakes named by the command, {DRAWS} seeds", *share(caught))
        row(f"{name}: right answers given all points", *share(passed))
        row(f"{name}: model answers full, untouched nothing", *share(full))


def grading_time(name, origin):
    """Time one core on submissions with the model answers, against running such a notebook."""
    with tempfile.TemporaryDirectory() as scratch, one_core():
        notebook = classes.answered(name, classes.model_answers(origin))
        submitted = Path(scratch, "submitted")
        for number in range(SUBMISSIONS):
            folder = submitted / f"student-{number}" / name
            shutil.copytree(ROOT / "exercises" / name, folder)
            refresh.store(notebook, folder / f"{name}.ipynb")
        ran = seconds(partial(refresh.run, folder / f"{name}.ipynb"))
        graded = seconds(lambda: grade(name, submitted, Path(scratch, "graded"), "--jobs", "1")) / SUBMISSIONS
    row(f"{name}: its notebook run, on one core", f"{ran:.1f} s")
    row(f"{name}: a submission graded, of {SUBMISSIONS}", f"{graded:.1f} s", f"at most {ran + 2:.1f} s")
    row(f"{name}: these {SUBMISSIONS} graded, with starting", f"{SUBMISSIONS * graded:.1f} s", "at most 90 s")


@contextmanager
def one_core():
    """Keep this process and what it starts on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def judged(task, seed):
    """Return for one draw of the cases which mistakes are caught and named, and which right answers pass, as lists of bools."""
    asked = task.rules() | task.numbers(np.random.default_rng([seed, 1]))
    answers = [task.function, *task.alternatives.values(), *task.mistakes.values()]
    verdicts = {answer: judge(asked, task.outcomes(answer, asked["cases"])) for answer in answers}
    caught = [not verdicts[mistake].solved and source.sentence(mistake) in verdicts[mistake].sentences for mistake in task.mistakes.values()]
    return caught, [verdicts[right].solved for right in answers[: 1 + len(task.alternatives)]]


def share(lists):
    found = [one for each in lists for one in each]
    return f"{sum(found)}/{len(found)}", "all"


def trained(name, task):
    """Print what the model answer reaches over several seeds; return as `judged` does, for all of them."""
    reached, took, caught, passed = [], [], [], []
    for seed in range(SEEDS):
        arguments, unseen, truth = task.trial(np.random.default_rng([seed, 1]))

        def verdict(answer):
            return judge_training(task.rules(), task.score, task.signs, truth, train(answer, arguments, unseen), 0)

        took.append(seconds(lambda: reached.append(task.score(decode(train(task.function, arguments, unseen)["value"]), truth))))
        passed += [reached[-1] >= task.bar, *(verdict(right).solved for right in task.alternatives.values())]
        caught += [source.sentence(mistake) in verdict(mistake).sentences for mistake in task.mistakes.values()]
    row(f"{name}: {task.name}, {SEEDS} seeds", f"{min(reached):.3f}–{max(reached):.3f}", f"at least {task.bar}")
    row(f"{name}: {task.name}, longest", f"{max(took):.1f} s", f"at most {task.settings['seconds']} s")
    row(f"{name}: {task.name}, mistakes caught and named", *share([caught]))
    row(f"{name}: {task.name}, right answers passed", *share([passed]))
    return caught, passed


PARTS = {
    "chapters": chapters,
    "site": site,
    "assignments": assignments,
    "checks": checks,
    "grading": partial(throughput.grading, row),
    "course": partial(course.course, row),
    "speed": speeds,
    "classes": classes_graded,
}

if __name__ == "__main__":
    chosen = sys.argv[1:] or ["chapters", "site", "assignments"]
    if unknown := set(chosen) - PARTS.keys():
        sys.exit(f"There is no part {', '.join(sorted(unknown))} to measure, only {', '.join(PARTS)}.")
    row("", "measured", "target")
    for part in chosen:
        PARTS[part]()
