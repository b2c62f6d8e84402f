"""A process that has imported what an assignment needs, behind the wall, before any student's code, and forks for each submission.

Its one argument is the number of an open file with its settings. It hears of submissions over a socket from which it reads nothing that a student wrote.
"""

import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import sys
import warnings

from . import confine, shell

SEED = 0  # of what is random in a submission; nothing that the cases are drawn with may come here
ENDED_FIRST = 900  # where memory runs out, the system ends a submission, and not the template or the grader
WARM_UP = """
import matplotlib.pyplot as plt
_, ax = plt.subplots(figsize=(1, 1))
ax.plot([0, 1])
plt.show()
"""


def main():
    with open(int(sys.argv[1]), encoding="utf-8") as file:
        settings = json.load(file)
    sys.argv[:] = [""]
    paths = [path for path in sys.path if path not in ("", settings["wall"])]
    sys.path[:] = sorted([*paths, ""], key=lambda path: "site-packages" in path)  # as in Jupyter: a student's random.py hides no module of Python's
    ready = shell.make_shell(shell.Speaker())
    warm(ready, settings)
    grader = socket.socket(fileno=settings["grader"])
    if settings["alone"]:
        become(ready, grader, settings)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    say(grader, ready=True)
    while True:
        message, handles, _, _ = socket.recv_fds(grader, 100_000, 4)
        if not message:
            break
        try:
            child = os.fork()
        except OSError as error:
            say(socket.socket(fileno=os.dup(handles[-1])), failed=error.strerror)
            child = None
        if child == 0:
            grader.close()
            between(ready, settings | json.loads(message), *handles)
        for handle in handles:
            os.close(handle)
        reap()


def reap():
    """Let go of what has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def say(grader, handles=(), **message):
    socket.send_fds(grader, [json.dumps(message).encode()], handles)


def warm(ready, settings):
    """Import, compile and draw once what each submission would, and leave everything random as it was found."""
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in settings["modules"]:
            try:
                importlib.import_module(name)
            except ImportError:
                pass  # a submission that imports it will say so
    for source in settings["sources"]:
        shell.compiled(source)
    torch = sys.modules.get("torch")
    attributes = dict(vars(ready.user_module))  # multiprocessing asks for __spec__
    state = torch.get_rng_state() if torch else None
    ready.run_cell(WARM_UP if "matplotlib.pyplot" in sys.modules else "0", store_history=True)
    ready.reset(new_session=True)
    vars(ready.user_module).update({name: value for name, value in attributes.items() if name.startswith("__")})
    if torch:
        torch.set_num_threads(1)
        torch.set_rng_state(state)


def between(ready, settings, connected, out, err, status):
    """Be the process between the template and a submission: make the namespaces, wait, and say how it ended."""
    grader, nesting = socket.socket(fileno=status), settings["confined"]
    try:
        if settings["confined"]:
            confine.unshare()
            nesting = False
        else:
            confine.called("prctl", confine.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        child = os.fork()
        if child == 0:
            os.dup2(out, 1)
            os.dup2(err, 2)
            become(ready, socket.socket(fileno=connected), settings)
        handle = os.pidfd_open(child)
        say(grader, [handle], started=True)
    except OSError as error:
        say(grader, failed=error.strerror or str(error), nesting=nesting)
        os._exit(1)
    for number in (connected, out, err):
        os.close(number)
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    waiting.register(grader, select.POLLIN)  # whatever comes from there means that nobody waits for it any more
    if handle not in dict(waiting.poll()):
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    _, how = os.waitpid(child, 0)
    try:
        say(grader, ended=os.waitstatus_to_exitcode(how))
    finally:
        os._exit(0)


def become(ready, connected, settings):
    """Be the submission: lock the door from inside, then serve."""
    try:
        os.setsid() if os.getsid(0) != os.getpid() else None
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(ENDED_FIRST))
        if settings["confined"]:
            confine.furnish(settings["scratch"], settings["bounds"])
            confine.renounce()
        confine.limit(settings["limits"])
        if not settings["alone"]:
            connected = socket.socket(fileno=os.dup2(connected.detach(), 3))
            os.closerange(4, 1 << 16)
        connected.set_inheritable(False)
        serve(ready, connected, settings)
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(70)


def serve(ready, connected, settings):
    """Serve as the student's Python, in a scratch of its own, until the grader hangs up."""
    for name in ("work", "home", "tmp"):
        os.makedirs(os.path.join(settings["scratch"], name), exist_ok=True)
    os.chdir(os.path.join(settings["scratch"], "work"))
    random.seed(SEED)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(SEED)
    shell.Student(ready, connected).serve()
