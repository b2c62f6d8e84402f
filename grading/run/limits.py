"""What a submission may take of the machine, and how much it has taken, as the system counts it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

MEGABYTE = 1_000_000
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
A_HANDLE = 250_000  # bytes that an open file counts as: what waits in a socket or a pipe is in no process's memory
A_NAME = 1500  # bytes that a file or a folder counts as, when it is empty
FEW = 16  # sockets, that are not looked at: reading the system's tables takes 25 ms
DATAGRAMS = 10  # that a Unix socket may hold, whose senders are gone


@dataclass(frozen=True)
class Bounds:
    """Of one submission, in bytes, seconds and numbers. `memory` is that of all its processes, `limits` are the system's, for each process."""

    memory: int = 1500 * MEGABYTE
    scratch: int = 128 * MEGABYTE
    shm: int = 128 * MEGABYTE
    files: int = 10_000
    cpu_seconds: int = 3600
    limits: dict = field(
        default_factory=lambda: {
            "AS": 4000 * MEGABYTE,
            "DATA": 1500 * MEGABYTE,
            "FSIZE": 128 * MEGABYTE,
            "NOFILE": 256,
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
        try:
            for thread in os.listdir(f"/proc/{number}/task"):
                left += map(int, Path(f"/proc/{number}/task/{thread}/children").read_text().split())
        except OSError:
            pass  # it has just ended
    return found


def cpu_seconds(numbers):
    """Return the processor time of these processes and of what they have waited for."""
    used = 0
    for number in numbers:
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        used += sum(map(int, fields[11:15]))
    return used / TICKS


def memory(numbers, enough):
    """Return the bytes that these processes hold together, shared ones counted once; when a simple count is below `enough`, that.

    The first of them is in the network that all are in.
    """
    besides = in_sockets(numbers[0]) + in_folders(numbers[0])
    together = besides + sum(map(resident, numbers))
    return together if together < enough else besides + sum(map(proportional, numbers))


def in_folders(number):
    """Return about the bytes that the names in a submission's own file systems take; what its files hold is bounded."""
    taken = 0
    for name in ("scratch", "dev/shm"):
        try:
            of = os.statvfs(os.path.join(f"/proc/{number}/root", name))
        except OSError:
            continue
        taken += (of.f_files - of.f_ffree) * A_NAME
    return taken


def in_sockets(number):
    """Return the bytes that wait in the sockets of a process's network, whoever holds them: also those that nobody has accepted, or that are closed."""
    waiting, used = 0, sockets(number, "sockstat", of=0)  # "sockets: used 7"
    if not used or int(used[0].split()[2]) <= FEW:
        return 0
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in sockets(number, kind):
            sent, received = line.split()[4].split(":")
            waiting += 2 * (int(sent, 16) + int(received, 16))
    for line in sockets(number, "unix"):
        waiting += DATAGRAMS * A_HANDLE if line.split()[4] == "0002" else A_HANDLE
    return waiting


def sockets(number, kind, of=1):
    """Return what the system says of a process's network, from this line on."""
    try:
        return Path(f"/proc/{number}/net/{kind}").read_text().splitlines()[of:]
    except OSError:
        return []


def resident(number):
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{number}/status").read_text().splitlines())
        handles = len(os.listdir(f"/proc/{number}/fd"))
    except OSError:
        return 0
    return sum(int(status.get(name, "0 kB").split()[0]) for name in ("RssAnon", "RssShmem", "VmSwap", "VmPTE")) * 1024 + handles * A_HANDLE


def proportional(number):
    try:
        rollup = dict(line.split(":", 1) for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()[1:])
        handles = len(os.listdir(f"/proc/{number}/fd"))
    except (OSError, ValueError):
        return 0
    return sum(int(rollup.get(name, "0 kB").split()[0]) for name in ("Pss_Anon", "Pss_Shmem", "SwapPss")) * 1024 + handles * A_HANDLE
