"""What runs behind the wall: only this folder of the project is there. It imports nothing of the project but itself.

    frames.py     messages over a socket, both ends
    confine.py    the way from an ordinary process into namespaces and limits of its own
    shell.py      the student's Python: cells as in Jupyter, and calls of functions
    template.py   imports what an assignment needs, then forks for each submission
    probe.py      tries, from where a submission is, what must not be possible
"""
