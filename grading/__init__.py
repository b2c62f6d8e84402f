"""From a solution notebook: the exercise that students get, and the grades of what they hand in.

    source.py       reads a solution notebook: tasks, model answers, cases, mistakes, other right answers
    checks.py       calls a function, compares, says what is wrong; lies beside every exercise too
    exercises.py    make exercises: source + checks → exercises/NAME

    __main__.py     python -m grading NAME: what changed is graded, then tables and pages are written
    handed_in.py    reads what a student handed in, as hostile data
    preflight.py    puts it back into the shape of the released notebook
    kernel.py       runs it, in a process of its own; its function `start` is where isolation belongs
    wire.py, outputs.py   what comes from there, within bounds
    marking.py      asks that process for results and judges them here
    sanitize.py     makes the notebook harmless to look at

    release.py      nbgrader's generate_assignment; its settings are in nbgrader_settings.py
    gradebook.py    nbgrader's gradebook: marks in, marks by hand out
    feedback.py     nbgrader's feedback pages, with what pages.py and templates/ change in them
    formgrader.py   what a running formgrader needs to show new marks
"""
