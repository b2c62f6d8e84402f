"""The wall: bubblewrap, behind which a template process forks for each submission into fresh namespaces.

Where the system refuses namespaces within bubblewrap, each submission gets a bubblewrap of its own. Linux only.
"""

import json
import os
import platform
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from time import monotonic, sleep

import matplotlib
import psutil

from grading.run.limits import SCRATCH, Bounds, processes
from grading.shared.trouble import Trouble

START, PATIENCE = 120, 2  # seconds for Python to become ready, and to end
TRIES = 4  # to start a submission
INSIDE = "/grading"  # where this project's one folder is, for a submission
NOBODY, SOMEBODY = 65534, 0x70000000
HERE = Path(__file__).resolve().parent
INTERRUPTS = {signal.SIGINT, signal.SIGTERM}

PASSED_ON = re.compile(r"LANG|LC_\w+|TZ|LD_LIBRARY_PATH|NPY_\w+|OPENBLAS_\w+|ATEN_\w+|ONEDNN_\w+|MKL_\w+|GLIBC_TUNABLES")
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
SETTINGS_OF_THE_SYSTEM = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "fonts")
LAUNCH = "import sys; sys.path.insert(0, {folder!r}); from behind.template import main; main()"

WHAT_HELPS = (
    "It needs unprivileged user namespaces. Look at these settings of the system: kernel.unprivileged_userns_clone (should be 1), "
    "kernel.apparmor_restrict_unprivileged_userns (should be 0, or bubblewrap have a profile), user.max_user_namespaces (should not be 0); "
    "in a container, its runtime must allow them. On a machine that nothing can happen to, --unsafe grades without a wall"
)


class NoWall(Trouble):
    """Why submissions cannot be run behind the wall on this machine, and what helps."""


class NoPlace(Exception):
    """A submission's Python could not be started."""


class NoNesting(NoPlace):
    """Fresh namespaces within bubblewrap are refused."""


def bubblewrap():
    """Return the path of the program. Raises NoWall."""
    found = shutil.which("bwrap")
    if sys.platform != "linux":
        raise NoWall("Grading needs Linux: on Windows run it in WSL, on a Mac in a virtual machine.")
    if not found:
        raise NoWall("bubblewrap is missing, behind which submissions run: install the package bubblewrap (apt install bubblewrap, dnf install bubblewrap).")
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        raise NoWall("setpriv is missing, by which root becomes another user: install the package util-linux, or grade as an ordinary user.")
    return found


class Wall:
    """Where submissions run: `with Wall(modules=["numpy"]) as wall`, then wall.place() for each, in this process or in those that it forks.

    modules: imported before any submission. sources: code compiled before. alone: each submission gets a bubblewrap of its own. unsafe:
    there is no wall. Raises NoWall.
    """

    def __init__(self, modules=(), sources=(), bounds=Bounds(), alone=False, unsafe=False):
        self.bounds, self.alone, self.unsafe = bounds, alone, unsafe
        self._settings = {"modules": list(modules), "sources": list(sources), "alone": alone, "confined": not (alone or unsafe)}
        self._program = None if unsafe else bubblewrap()
        self._process = self._control = None

    def __enter__(self):
        if not self.alone:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._said = os.memfd_create("said")
            try:
                with theirs, at_once():
                    self._process = self._start(theirs, stdout=subprocess.DEVNULL, stderr=self._said)
            except BaseException:
                self.__exit__()
                raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """End the template and every submission that it has forked."""
        if self._process:
            self._control.close()  # on which the template ends
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                kill(self._process)
            os.close(self._said)
            self._process = None

    @property
    def process(self):
        """The process that everything is below, None where each submission has its own."""
        return self._process

    def ready(self):
        """Wait until the template has imported everything. Raises NoWall."""
        if self.alone:
            return
        self._control.settimeout(START)
        try:
            if self._control.recv(100):
                return
        except OSError:
            pass
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        said = os.pread(self._said, 2000, 0).decode(errors="replace").strip().splitlines() or ["it said nothing"]
        refused = said[0].startswith(("bwrap", "setpriv"))
        raise NoWall(f"bubblewrap is refused here ({said[0]}). {WHAT_HELPS}." if refused else f"The template of the submissions did not start: {said[-1]}.")

    def place(self):
        """Return a Place, where a submission's Python is about to serve. Raises NoPlace."""
        if self.alone:
            return Alone(self)
        for _ in range(TRIES):
            try:
                return Forked(self)
            except NoNesting:
                raise
            except NoPlace as reason:  # too many processes at the moment, say
                refused = reason
                sleep(PATIENCE / TRIES)
        raise refused

    def check(self):
        """Raise NoPlace if it was the wall that ended, and not only what was behind it."""
        if not self.alone:
            self.place().close()

    def _start(self, grader, **streams):
        """Start the template, or one submission's Python, with its end of the grader's socket."""
        limits = asdict(self.bounds)["limits"]
        if self.unsafe:
            limits = {name: limits[name] for name in ("AS", "DATA", "FSIZE", "CORE")}
        settings = self._settings | {"grader": grader.fileno(), "bounds": asdict(self.bounds), "limits": limits, "scratch": SCRATCH}
        settings["wall"] = str(HERE) if self.unsafe else INSIDE
        files = []
        command = [sys.executable, "-s", "-c", LAUNCH.format(folder=settings["wall"])]
        if not self.unsafe:
            command = self._wrapped(files, command)
        command.append(str(open_file(files, json.dumps(settings).encode())))
        try:
            return subprocess.Popen(
                command,
                env=environment(SCRATCH) | ({"MPLCONFIGDIR": matplotlib.get_cachedir()} if self.unsafe else {}),
                stdin=subprocess.DEVNULL,
                pass_fds=[grader.fileno(), *files],
                start_new_session=True,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS),
                **streams,
            )
        finally:
            for number in files:
                os.close(number)

    def _user(self):
        """Return the number of the user that runs submissions: one for each where the system, which counts processes by user, has nothing else to go by."""
        if os.geteuid():
            return os.geteuid()
        return SOMEBODY + secrets.randbelow(1 << 24) if self.alone else NOBODY

    def _wrapped(self, files, command):
        """Return bubblewrap's command: what is behind the wall, and nothing else is."""
        root = os.geteuid() == 0
        user = str(self._user())
        wrapped = [self._program, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session"]
        wrapped += ["--hostname", "student", "--seccomp", str(open_file(files, forbidden(namespaces=not self.alone)))]
        if root:
            wrapped += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
            command = [shutil.which("setpriv"), "--reuid", user, "--regid", user, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", *command]
        else:
            wrapped += ["--unshare-user"]
        wrapped += ["--ro-bind", "/usr", "/usr"]
        for name in SYSTEM:
            path = Path("/", name)
            if path.is_symlink():
                wrapped += ["--symlink", os.readlink(path), str(path)]
            elif path.is_dir():
                wrapped += ["--ro-bind", str(path), str(path)]
        bound = {str(path): str(path) for path in pythons()} | {str(HERE / "behind"): f"{INSIDE}/behind"}
        bound |= {f"/etc/{name}": f"/etc/{name}" for name in SETTINGS_OF_THE_SYSTEM if os.path.exists(f"/etc/{name}")}
        made = set()
        for theirs, ours in bound.items():
            for parent in reversed(Path(ours).parents[:-1]):
                wrapped += [] if parent in made else ["--perms", "0755", "--dir", str(parent)]
                made.add(parent)
            wrapped += ["--ro-bind", theirs, ours]
        wrapped += ["--perms", "0444", "--ro-bind-data", str(open_file(files, f"student:x:{user}:{user}::{SCRATCH}:/bin/sh\n".encode())), "/etc/passwd"]
        wrapped += ["--proc", "/proc", "--dev", "/dev"]
        if Path("/tmp") not in made:  # else a Python is there
            wrapped += ["--symlink", f"{SCRATCH}/tmp".lstrip("/"), "/tmp"]
        if self.alone:
            wrapped += ["--perms", "1777", "--size", str(self.bounds.shm), "--tmpfs", "/dev/shm"]
        elif root:
            wrapped += ["--bind", "/proc", "/.hostproc"]
        wrapped += ["--perms", "1777", "--size", str(self.bounds.scratch), "--tmpfs", SCRATCH]
        wrapped += ["--perms", "1777", "--dir", f"{SCRATCH}/home"]
        for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):  # finding them takes half a second
            wrapped += ["--perms", "0444", "--ro-bind-data", str(open_file(files, fonts.read_bytes())), str(Path(SCRATCH, "home", fonts.name))]
        return [*wrapped, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", SCRATCH, "--", *command]


@contextmanager
def at_once():
    """Let interrupts wait: what is being started would be forgotten."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def environment(scratch):
    """Return all the environment that a submission sees."""
    passed = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    homes = dict.fromkeys(("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR", "XDG_CACHE_HOME"), f"{scratch}/home")
    fixed = {
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": f"{scratch}/tmp",
        "USER": "student",
        "OMP_NUM_THREADS": "1",  # one submission, one core
        "PYTHONHASHSEED": "0",  # the same at every grading
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONBREAKPOINT": "0",  # nobody would answer the debugger
        "PIP_NO_INDEX": "1",  # which cannot be reached: pip says so at once
    }
    return passed | homes | fixed


def pythons():
    """Return the folders of this Python that are not below /usr."""
    found = {Path(sys.prefix).resolve(), Path(sys.prefix), Path(sys.base_prefix).resolve(), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1]}
    return sorted(path for path in found if not path.is_relative_to("/usr") and not any(path != other and path.is_relative_to(other) for other in found))


def open_file(files, content):
    """Return the number of an open file without a name that holds this content."""
    number = os.memfd_create("grading", 0)
    os.write(number, content)
    os.lseek(number, 0, os.SEEK_SET)
    files.append(number)
    return number


# Calls that a submission does not need: memory that belongs to no process, kernel interfaces with a history of faults, other processes' insides.
REFUSED = "memfd_create memfd_secret shmget msgget semget io_uring_setup bpf userfaultfd perf_event_open add_key request_key keyctl ptrace syslog".split()
REFUSED += "io_setup inotify_init1 fanotify_init inotify_init".split()  # counted for a user or the machine, not for a submission; not everywhere the last
# Unix, IPv4, IPv6, netlink, with protocols: other families, vsock for one, lead past the namespaces, other protocols have the system load a module.
FAMILIES = {1: (0, 1), 2: (0, 1, 6, 17), 10: (0, 6, 17, 58), 16: (0,)}
SOCK_DCCP, KINDS = 6, 0xF  # the kind of socket that a protocol 0 can mean a module by
F_OFD_SETLK = (37, 38)  # locks that belong to no process
SOL_SOCKET, BUFFERS = 1, (7, 8)  # SO_SNDBUF, SO_RCVBUF: what waits in a socket is memory of no process
NAMESPACES = 0x7E020000  # CLONE_NEW…
ENOSYS, EPERM = 38, 1
WITH_ARGUMENTS = ["socket", "socketpair", "setsockopt", "clone", "clone3", "unshare", "setns", "fcntl"]
NUMBERS = {
    "x86_64": (0xC000003E, (319, 447, 29, 68, 64, 425, 321, 323, 298, 248, 249, 250, 101, 103, 206, 294, 300, 253), (41, 53, 54, 56, 435, 272, 308, 72)),
    "aarch64": (0xC00000B7, (279, 447, 194, 186, 190, 425, 280, 282, 241, 217, 218, 219, 117, 116, 0, 26, 262), (198, 199, 208, 220, 435, 97, 268, 25)),
}


def forbidden(namespaces):
    """Return a filter program for the kernel (seccomp) that refuses these calls, calls by other conventions and, where it should, fresh namespaces.

    Raises NoWall.
    """
    if platform.machine() not in NUMBERS:
        raise NoWall(f"The wall knows the processors {' and '.join(NUMBERS)}, not {platform.machine()}: grade on one of these.")
    machine, refused, others = NUMBERS[platform.machine()]
    numbers = dict(zip(WITH_ARGUMENTS, others, strict=True))
    equal, at_least, any_of, only = 0x15, 0x35, 0x45, 0x54
    load = lambda place: (0x20, 0, 0, place)
    argument = lambda number: load(16 + 8 * number)
    fail = lambda error: (0x06, 0, 0, 0x00050000 | error)  # with 0 the call does nothing, and says that it has
    allow = (0x06, 0, 0, 0x7FFF0000)
    when = lambda test, value, *steps: [(test, 0, len(steps), value), *steps]
    program = [load(4), (equal, 1, 0, machine), fail(ENOSYS), load(0), *when(at_least, 0x40000000, fail(ENOSYS))]
    for number in refused:
        program += when(equal, number, fail(ENOSYS))
    for name in ("socket", "socketpair"):
        known = [argument(1), (only, 0, 0, KINDS), *when(equal, SOCK_DCCP, fail(ENOSYS)), argument(0)]
        for family, protocols in FAMILIES.items():
            known += when(equal, family, argument(2), *(step for protocol in protocols for step in when(equal, protocol, allow)), fail(ENOSYS))
        program += when(equal, numbers[name], *known, fail(ENOSYS))
    of_buffers = [step for option in BUFFERS for step in when(equal, option, fail(0))]
    program += when(equal, numbers["setsockopt"], argument(1), (equal, 1, 0, SOL_SOCKET), allow, argument(2), *of_buffers, allow)
    program += when(equal, numbers["fcntl"], argument(1), *(step for command in F_OFD_SETLK for step in when(equal, command, fail(ENOSYS))), allow)
    if not namespaces:
        program += when(equal, numbers["unshare"], fail(EPERM)) + when(equal, numbers["setns"], fail(EPERM))
        program += when(equal, numbers["clone3"], fail(ENOSYS))  # its flags cannot be seen; the C library then takes clone
        program += when(equal, numbers["clone"], argument(0), *when(any_of, NAMESPACES, fail(EPERM)), allow)
    return b"".join(struct.pack("HBBI", *step) for step in [*program, allow])


class Place:
    """One submission's Python and all that it starts. `channel`, `out`, `err` lead to it; nothing that comes from there is to be believed."""

    def __init__(self):
        self.channel, self._theirs = socket.socketpair()
        self.out, self._out = os.pipe()
        self.err, self._err = os.pipe()
        self.first = self._handle = self._code = self.scratch = None

    def signal(self, number):
        """Send a signal to the student's Python and to the programs that it waits for."""
        if self.ended() is None:  # else its number may be another's
            with suppress(OSError):
                os.killpg(self.first, number)

    def ended(self):
        """Return how its Python ended, as subprocess counts it, or None while it runs."""
        raise NotImplementedError

    def kill(self):
        """End it, and everything in its namespaces."""
        raise NotImplementedError

    def close(self):
        """End it and let go of all that leads to it."""
        self.kill()
        self.channel.close()
        for number in (self.out, self.err, self._handle):
            if number is not None:
                os.close(number)
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _handed_over(self):
        self._theirs.close()
        os.close(self._out)
        os.close(self._err)


class Forked(Place):
    """A submission that the template has forked."""

    def __init__(self, wall):
        super().__init__()
        self._status, status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._unsafe = wall.unsafe
        own = {}
        if wall.unsafe:
            self.scratch = own["scratch"] = tempfile.mkdtemp(prefix="grading-")
        try:
            with status:
                socket.send_fds(wall._control, [json.dumps(own).encode()], [self._theirs.fileno(), self._out, self._err, status.fileno()])
            self._handed_over()
            self._status.settimeout(START)
            message, handles, _, _ = socket.recv_fds(self._status, 1000, 1)
            said = json.loads(message or '{"failed": "the template has ended"}')
        except (OSError, ValueError) as error:
            said = {"failed": str(error)}
        if "failed" in said:
            self.close()
            raise NoNesting(said["failed"]) if said.get("nesting") else NoPlace(said["failed"])
        self._handle = handles[0]
        self.first = int(re.search(r"^Pid:\s*(\d+)", Path(f"/proc/self/fdinfo/{self._handle}").read_text(), re.M)[1])

    def ended(self):
        if self._code is None:
            self._status.settimeout(0)
            try:
                message = self._status.recv(1000)
                self._code = json.loads(message)["ended"] if message else -signal.SIGKILL
            except BlockingIOError:
                return None
        return self._code

    def kill(self):
        if self._handle is None or self._code is not None:
            return
        if self._unsafe:
            end(self.first)
        with suppress(OSError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        self._status.settimeout(START)
        with suppress(OSError, ValueError):
            self._code = json.loads(self._status.recv(1000)).get("ended")

    def close(self):
        super().close()
        self._status.close()


class Alone(Place):
    """A submission with a bubblewrap of its own."""

    def __init__(self, wall):
        super().__init__()
        self._process = None
        try:
            with at_once():
                self._process = wall._start(self._theirs, stdout=self._out, stderr=self._err)
        except BaseException:
            self.kill()
            raise
        self._handed_over()
        deadline = monotonic() + START
        # bubblewrap's process, the first behind the wall, then the student's.
        while len(found := processes(self._process.pid)) < 3 and self._process.poll() is None and monotonic() < deadline:
            sleep(0.001)
        self.first = found[2] if len(found) > 2 else self._process.pid

    def ended(self):
        code = self._process.poll()
        return code if code is None or code < 128 else 128 - code

    def kill(self):
        if self._process:
            kill(self._process)


def kill(process):
    """End bubblewrap and its process behind the wall: that one may not yet know that it should end with the other."""
    for number in processes(process.pid)[:2] if process.poll() is None else ():
        with suppress(OSError):
            os.kill(number, signal.SIGKILL)
    process.wait()


def end(first):
    """End a process and everything below it, as far as it can be found; only where there is no wall."""
    for _ in range(100):
        alive = [number for number in processes(first) if psutil.pid_exists(number)]
        for number in alive[1:] + alive[:1]:
            with suppress(OSError):
                os.kill(number, signal.SIGKILL)
        if len(alive) <= 1:
            break
