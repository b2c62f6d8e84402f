"""The proof, on this machine and before any submission runs, that the wall stands."""

import json
import os
import secrets
import socket
from contextlib import ExitStack, suppress
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from grading.run.session import Died, NoAnswer, Session
from grading.run.wall import NoNesting, NoPlace, NoWall, pythons

PROBE = Path(__file__).with_name("behind") / "probe.py"
NAMESPACES = ("pid", "net", "ipc", "uts", "mnt")
CLOSED = ("/", "/usr", "/etc", "/dev", "/grading", "/proc/sys/kernel")
SECONDS = 30


def prove(wall, hidden):
    """Try from behind the wall what must not be possible. Raises NoWall that names what was, and NoNesting.

    hidden: folders whose files must not be seen there.
    """
    hidden = [path for folder in hidden for path in some_of(Path(folder).absolute())]
    with ExitStack() as stack:
        listener, port = listening(stack, socket.AF_INET, ("127.0.0.1", 0))
        with suppress(OSError):  # where there is no IPv6
            listening(stack, socket.AF_INET6, ("::1", port))
        name = f"grading-{secrets.token_hex(8)}"
        listening(stack, socket.AF_UNIX, "\0" + name)
        variable = f"GRADING_{secrets.token_hex(8)}"
        os.environ[variable] = "secret"
        stack.callback(os.environ.pop, variable)
        limits = asdict(wall.bounds)
        asked = {
            "hidden": [*map(str, hidden), *(f"/proc/{os.getpid()}/root{path}" for path in hidden[:1])],
            "variables": [variable],
            "closed": [*CLOSED, *map(str, hidden)],
            "port": port,
            "abstract": name,
            "namespaces": {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in NAMESPACES},
            "scratch": limits["scratch"],
            "shm": limits["shm"],
            "limits": limits["limits"],
        }
        try:
            with Session(wall) as session:
                possible = json.loads(session.ask(PROBE.read_text(encoding="utf-8"), json.dumps(asked).encode(), SECONDS))
        except NoNesting:
            raise
        except (Died, NoAnswer, NoPlace, ValueError) as reason:
            raise NoWall(f"What a submission can do here could not be tried: {reason}.") from None
    if possible:
        raise NoWall(f"The wall does not stand on this machine: a submission could {', '.join(possible)}. Nothing was graded.")


def some_of(folder, most=20):
    """Return a folder and some of what is in it, but for what leads to the Python that a submission sees."""
    seen = {parent for python in pythons() for parent in [python, *python.parents]}
    try:
        return [path for path in [folder, *islice(folder.iterdir(), most)] if path not in seen and folder != folder.parent]
    except OSError:  # where there is no such folder, or not for us
        return []


def listening(stack, family, address):
    """Return a socket that listens until the stack is left, and its port."""
    plug = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    plug.bind(address)
    plug.listen()
    return plug, plug.getsockname()[1] if family != socket.AF_UNIX else 0
