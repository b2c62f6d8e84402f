"""Tries, from where a submission is, what must not be possible. Executed as a request: finds `request`, leaves `reply`, what was possible, in words.

It names files and sockets of the grader's that are there to be looked for, and does no harm where it gets through.
"""

import ctypes
import json
import os
import resource
import socket

asked = json.loads(request)  # noqa: F821
libc = ctypes.CDLL(None, use_errno=True)
possible = []


def tries(what, attempt):
    """Note what is possible: an attempt that neither raises nor returns False."""
    try:
        if attempt() is not False:
            possible.append(what)
    except Exception:
        pass


def write(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.unlink(path)


def mount(folder):
    if libc.mount(b"none", folder, b"tmpfs", 0, None) < 0:
        return False
    libc.umount(folder)


def unshare():
    """Try it in a child, whose namespaces end with it."""
    child = os.fork()
    if child == 0:
        os._exit(libc.unshare(0x10000000) == 0)  # CLONE_NEWUSER
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def reach(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as plug:
        plug.settimeout(1)
        plug.connect(address)


def large_buffer():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plug:
        before = plug.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * before)
        return plug.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > before


for path in asked["hidden"]:
    tries(f"see {path}", lambda path=path: os.path.lexists(path))
for name in asked["variables"]:
    tries(f"read the variable {name}", lambda name=name: name in os.environ or name.encode() in open("/proc/self/environ", "rb").read())
for path in asked["closed"]:
    tries(f"write to {path}", lambda path=path: write(os.path.join(path, "written-by-a-submission")))
tries("reach this machine by IPv4", lambda: reach(socket.AF_INET, ("127.0.0.1", asked["port"])))
tries("reach this machine by IPv6", lambda: reach(socket.AF_INET6, ("::1", asked["port"])))
tries("reach an abstract socket", lambda: reach(socket.AF_UNIX, "\0" + asked["abstract"]))
for kind, number in asked["namespaces"].items():
    tries(f"be in the grader's {kind} namespace", lambda kind=kind, number=number: os.readlink(f"/proc/self/ns/{kind}") == number)
tries("see other processes", lambda: len([name for name in os.listdir("/proc") if name.isdigit()]) > 3)
tries("be root", lambda: os.getuid() == 0)
tries("hold privileges", lambda: any(int(line.split()[1], 16) for line in open("/proc/self/status") if line.startswith("Cap")))
tries("gain privileges", lambda: "NoNewPrivs:\t1" not in open("/proc/self/status").read())
tries("mount", lambda: mount(os.getcwd().encode()))
tries("make namespaces", unshare)
tries("reach the machine below this one", lambda: socket.socket(40, socket.SOCK_STREAM).close())  # AF_VSOCK
tries("let more wait in a socket", large_buffer)
tries("make memory that belongs to no process", lambda: os.close(os.memfd_create("x")))
for folder, bound in ((".", "scratch"), ("/dev/shm", "shm")):
    tries(f"fill {folder}", lambda folder=folder, bound=bound: os.statvfs(folder).f_blocks * os.statvfs(folder).f_frsize > asked[bound])
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
for name, field in (("AS", "VmSize"), ("DATA", "VmData")):  # which are beside what was reserved before
    asked["limits"][name] += 1024 * int(status[field].split()[0])
for name, value in asked["limits"].items():
    tries(f"pass the limit {name}", lambda name=name, value=value: not 0 <= resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1] <= value)
reply = json.dumps(possible)
