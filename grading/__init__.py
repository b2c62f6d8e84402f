"""From a solution notebook: the exercise that students get, and the grades of what they hand in, from an LMS's download to its table.

A submission goes through the folders in this order, and each imports only from those before it:

    shared/    the floor below: checks/ (which also lies beside every exercise), text made harmless, tables, files written in one step
    author/    a solution notebook is read, an exercise made of it: `make exercises`
    collect/   what students handed in: an LMS's download put in order, who is who and when; read as hostile data, put back into the released shape
    run/       the student's Python, behind the wall: one cell, one request after the other; behind/ is all that it sees of this project
    judge/     what is asked of it, and the verdict on what it answers
    report/    nbgrader's gradebook, the page of each student, table and report of the class, the sheet and the pages that an LMS takes

    grade.py     one grading of a class, through all of them
    __main__.py  python -m grading NAME, and its other commands
"""
