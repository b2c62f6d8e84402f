"""What a submission may take of the machine, and how much it has taken, as the system counts it."""

import ctypes
import os
import platform
import re
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

MEGABYTE = 1_000_000
SCRATCH = "/submission"  # where a submission may write; nobody's own folder has this name
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
A_HANDLE = 250_000  # bytes that an open file counts as: what waits in a socket or a pipe is in no process's memory
A_NAME = 1500  # bytes that a file or a folder counts as, when it is empty
FEW = 16  # sockets, that are not looked at: reading the system's tables takes 25 ms
DATAGRAMS = 10  # that a Unix socket may hold, whose senders are gone
A_LOCK, LOCKS = 100_000, 20_000  # bytes that a locked range of a file counts as, and how many of the machine's are looked at: reading more takes seconds
HANDLES = 256  # that a process may have
GONE = (FileNotFoundError, ProcessLookupError)  # a process that has ended; no other error means that
SIMPLE = "status", re.compile(rb"^(?:RssAnon|RssShmem|VmSwap|VmPTE):\s*(\d+) kB$", re.M)
SHARED = "smaps_rollup", re.compile(rb"^(?:Pss_Anon|Pss_Shmem|SwapPss):\s*(\d+) kB$", re.M)  # what several hold counts once

KCMP, SAME_MEMORY = {"x86_64": 312, "aarch64": 272}, 1  # a call of the system's, and what it is asked


@dataclass(frozen=True)
class Bounds:
    """Of one submission, in bytes, seconds and numbers. `memory` is that of all its processes, `limits` are the system's, for each process.

    AS and DATA are beside what Python and the packages reserve before any student's code, of which they hold little: a torch for GPUs
    reserves 2.6 GB of AS and 0.6 GB of DATA more than one without.
    """

    memory: int = 1500 * MEGABYTE
    scratch: int = 128 * MEGABYTE
    shm: int = 128 * MEGABYTE
    files: int = 10_000
    cpu_seconds: int = 3600
    limits: dict = field(
        default_factory=lambda: {
            "AS": 3700 * MEGABYTE,
            "DATA": 1450 * MEGABYTE,
            "FSIZE": 128 * MEGABYTE,
            "NOFILE": HANDLES,
            "NPROC": 100,
            "CPU": 3600,
            "CORE": 0,
            "MSGQUEUE": 0,
            "SIGPENDING": 256,
            "MEMLOCK": MEGABYTE,
        }
    )


def processes(first):
    """Return the numbers of a process and all below it."""
    found, left = [], [first]
    while left:
        number = left.pop()
        found.append(number)
        for thread in threads(number):
            left += map(int, said(number, f"task/{thread}/children").split())
    return found


def threads(number):
    try:
        return os.listdir(f"/proc/{number}/task")
    except GONE:
        return []


def said(number, name):
    """Return what the system says of a process, as bytes: a student may choose what is in it. Nothing once the process has ended."""
    try:
        return Path(f"/proc/{number}/{name}").read_bytes()
    except GONE:
        return b""


def cpu_seconds(numbers):
    """Return the processor time of these processes and of what they have waited for."""
    fields = (said(number, "stat").rpartition(b")")[2].split() for number in numbers)
    return sum(sum(map(int, of_one[11:15])) for of_one in fields) / TICKS


def memory(numbers, enough):
    """Return the bytes that these processes hold together, shared ones counted once; when a simple count is below `enough`, that.

    The first of them is in the network that all are in.
    """
    locked, numbers = in_locks(numbers), list(map(living, numbers))
    besides = in_sockets(numbers[0]) + in_folders(numbers[0]) + locked
    together = besides + sum(map(resident, numbers))
    if together < enough:
        return together
    apart = []
    for number in numbers:
        apart += [] if any(share_memory(number, other) for other in apart) else [number]
    return besides + sum(map(proportional, apart)) + A_HANDLE * sum(handles(number) for number in numbers if number not in apart)


def share_memory(number, other):
    """Say whether two processes have one memory, as they do while one starts another program: the system then counts all of it in both."""
    call = KCMP.get(platform.machine())
    return call is not None and ctypes.CDLL(None).syscall(call, number, other, SAME_MEMORY, 0, 0) == 0


def living(number):
    """Return a thread of a process that has not ended: when the first has, nothing is said of the others under its number."""
    found = threads(number)
    return next((thread for thread in found if b"\nVmSize:" in said(thread, "status")), number) if len(found) > 1 else number


def in_folders(number):
    """Return about the bytes that the names in a submission's own file systems take; what its files hold is bounded."""
    taken = 0
    for name in (SCRATCH, "/dev/shm"):
        try:
            of = os.statvfs(f"/proc/{number}/root{name}")
        except GONE:
            continue
        taken += (of.f_files - of.f_ffree) * A_NAME
    return taken


def in_sockets(number):
    """Return the bytes that wait in the sockets of a process's network, whoever holds them: also those that nobody has accepted, or that are closed."""
    waiting, used = 0, sockets(number, "sockstat", of=0)  # "sockets: used 7"
    if not used or int(used[0][2]) <= FEW:
        return 0
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in sockets(number, kind):
            sent, received = line[4].split(b":")
            waiting += 2 * (int(sent, 16) + int(received, 16))
    for line in sockets(number, "unix"):
        waiting += DATAGRAMS * A_HANDLE if line[4:5] == [b"0002"] else A_HANDLE  # a name may have several lines
    return waiting


def sockets(number, kind, of=1):
    """Return the words of each line that the system says of a process's network, from this line on."""
    return [line.split() for line in said(number, f"net/{kind}").splitlines()[of:]]


def in_locks(numbers):
    """Return what the ranges of files count as that these processes have locked: the system sets no limit."""
    numbers = {b"%d" % number for number in numbers}
    try:
        with open("/proc/locks", "rb") as file:
            return A_LOCK * sum(not numbers.isdisjoint(line.split()[4:6]) for line in islice(file, LOCKS))
    except FileNotFoundError:
        return 0


def resident(number):
    return taken(number, *SIMPLE)


def proportional(number):
    """Return what a process holds, in part where others hold it too; in full where the system does not say."""
    try:
        return taken(number, *SHARED)
    except PermissionError:
        return resident(number)


def taken(number, name, counted):
    """Return the bytes that a process holds, as a file of the system's counts them, with its open files; 0 once it has ended."""
    found = counted.findall(said(number, name))
    return sum(map(int, found)) * 1024 + handles(number) * A_HANDLE if found else 0


def handles(number):
    """Return how many files a process has open; where it does not let anybody see, as many as it may have."""
    try:
        return len(os.listdir(f"/proc/{number}/fd"))
    except GONE:
        return 0
    except PermissionError:
        return HANDLES
