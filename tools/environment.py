"""Make .venv ready: the right Python and every package of requirements.txt.

    python3 tools/environment.py [--ahead] [PYTHON]

Nothing happens when .venv is ready already. One that is half-made, broken or moved is made
again. With --ahead, .venv-ahead gets the newest release of everything that requirements.in
allows, whatever it held before. Written in the Python of 2010, so that an old Python can still
say that it is old.
"""

import hashlib
import os
import shutil
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 14)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AHEAD = "--ahead" in sys.argv[1:]
NAME = ".venv-ahead" if AHEAD else ".venv"
VENV = os.path.join(ROOT, NAME)
VENV_PYTHON = os.path.join(VENV, *(["Scripts", "python.exe"] if os.name == "nt" else ["bin", "python"]))
STAMP = os.path.join(VENV, "ready")
REQUIREMENTS = os.path.join(ROOT, "requirements.in" if AHEAD else "requirements.txt")
LOG = os.path.join(ROOT, "_build", "install.log")

ABOUT = "import sys; print('%d.%d.%d' % sys.version_info[:3]); print(getattr(sys, '_base_executable', sys.executable)); print(sys.prefix)"
NO_NETWORK = ("Failed to establish a new connection", "NameResolutionError", "Temporary failure in name resolution",
              "ConnectTimeout", "ReadTimeout", "ProxyError", "from versions: none")


class Problem(Exception):
    """Something the reader can mend, in one line."""


def main(wanted):
    known = read(STAMP).split("\n")
    present = about(VENV_PYTHON)
    sound = present is not None and known[:2] == [present[0], present[2]]
    if wanted:
        sound = sound and choose(wanted)[0] == present[0]
    requirements = hashlib.sha256(read(REQUIREMENTS).encode("utf-8")).hexdigest()
    if sound and known[2:] == [requirements] and not AHEAD:
        return
    if sound:
        os.remove(STAMP)
    else:
        create(choose(wanted)[1])
    install()
    version, _, prefix = about(VENV_PYTHON)
    with open(STAMP, "w") as stamp:
        stamp.write("\n".join([version, prefix, requirements]))


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path) as file:
        return file.read()


def about(python):
    """(version, the Python it was made from, prefix) as text, or None if it does not run."""
    try:
        process = subprocess.Popen([python, "-c", ABOUT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        lines = process.communicate()[0].splitlines()
    except OSError:
        return None
    return tuple(lines) if process.returncode == 0 and len(lines) == 3 else None


def choose(wanted):
    """What `about` says of the Python to use: the wanted one, else the first that fits."""
    newest_first = ["python%d.%d" % (3, minor) for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    found = [answer for answer in map(about, [wanted] if wanted else [sys.executable] + newest_first) if answer]
    for answer in found:
        if OLDEST <= tuple(map(int, answer[0].split(".")[:2])) <= NEWEST:
            return answer
    here = "this is Python %s (%s)" % found[0][:2] if found else "'%s' is not a Python that runs" % wanted
    raise Problem("This book needs Python %d.%d to %d.%d, but %s. Install one (python.org or your system's packages), "
                  "or name one: make %s PYTHON=/path/to/python3.12" % (OLDEST + NEWEST + (here, "ahead" if AHEAD else "book")))


def create(python):
    if os.path.islink(VENV) or os.path.isfile(VENV):
        os.remove(VENV)
    elif os.path.isdir(VENV):
        say("Making %s again: the one that is here is not complete." % NAME)
        shutil.rmtree(VENV)
    if run([python, "-m", "venv", VENV]):
        raise Problem("%s could not make a virtual environment (its report: %s). On Debian and Ubuntu, install "
                      "the package python3-venv, then run the same command again." % (python, LOG))


def install():
    pip = [VENV_PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", "-r", REQUIREMENTS]
    if AHEAD:
        say("Installing the newest packages into .venv-ahead; the first time this takes some minutes.")
        code = run(pip + ["--upgrade", "--upgrade-strategy", "eager"])
    else:
        pins = [line for line in read(REQUIREMENTS).splitlines() if "==" in line and ";" not in line]
        say("Installing %d packages into .venv; the first time this takes some minutes." % len(pins))
        code = run(pip, len(pins))
    report = read(LOG)
    offline = any(sign in report for sign in NO_NETWORK)
    if AHEAD and offline and not code:  # pip --upgrade then keeps what is there, and calls that a success
        say("The package index could not always be reached: what %s holds may not be the newest." % NAME)
    if code:
        if code < 0:
            reason = "pip was ended from outside. Run"
        elif offline:
            reason = "the package index cannot be reached. Check the network connection and run"
        elif "No space left on device" in report:
            reason = "the disk is full. Make room (2.5 GB; a torch for GPUs takes 7) and run"
        else:
            reason = "pip's report says why. Mend that and run"
        raise Problem("The packages could not be installed: %s the same command again. Report: %s" % (reason, LOG))


def run(command, steps=0):
    """Run a command into the log, show how far it is, return its exit code."""
    if not os.path.isdir(os.path.dirname(LOG)):
        os.makedirs(os.path.dirname(LOG))
    done = 0
    with open(LOG, "w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        for line in process.stdout:
            log.write(line)
            done += line.startswith("Collecting ")
            if steps and line.startswith(("Collecting ", "Installing collected")) and sys.stdout.isatty():
                name = line.split()[1].split("==")[0] if line.startswith("Collecting") else "unpacking"
                sys.stdout.write("\r\033[K  %d of %d: %s" % (min(done, steps), steps, name))
                sys.stdout.flush()
    if steps and sys.stdout.isatty():
        sys.stdout.write("\r\033[K")
    return process.wait()


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main("".join(argument for argument in sys.argv[1:] if argument != "--ahead"))
    except Problem as problem:
        sys.exit(str(problem))
    except (OSError, IOError) as error:
        sys.exit("The environment %s could not be made: %s. See to that and run the same command again." % (NAME, error))
    except KeyboardInterrupt:
        sys.exit("\nStopped. The next run starts afresh.")
