"""The way into a submission's own namespaces and limits. Linux only; every function raises OSError when the system refuses.

Python has no names for most of these calls (some since 3.12), so they go through the C library.
"""

import ctypes
import fcntl
import os
import resource
import socket
import struct

libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
ALL = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 24, 38, 36
CAPABILITIES_VERSION_3 = 0x20080522


def called(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def unshare():
    """Move this process, and what it forks from now on, into fresh namespaces, as the user it is."""
    user, group = os.getuid(), os.getgid()
    called("unshare", ALL)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def mount(source, target, kind=None, flags=0, options=None):
    source, target, kind, options = (text and text.encode() for text in (source, target, kind, options))
    called("mount", source, target, kind, ctypes.c_ulong(flags), options)


def furnish(scratch, bounds):
    """Give the first process of fresh namespaces its own /proc, scratch, shared memory, terminals and loopback device.

    scratch: the folder that becomes a file system of bounds["scratch"] bytes.
    """
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    if os.path.exists("/.hostproc"):  # without which root may not mount /proc
        mount("none", "/.hostproc", "tmpfs", MS_RDONLY, "mode=000,size=4k")
    mount("none", scratch, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=700,size={bounds['scratch']},nr_inodes={bounds['files']}")
    mount("none", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={bounds['shm']},nr_inodes=4096")
    mount("none", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up = struct.pack("16sh14x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")
    mount("/proc/sys", "/proc/sys", flags=MS_BIND)
    mount("none", "/proc/sys", flags=MS_REMOUNT | MS_BIND | MS_RDONLY)


def renounce():
    """Give up all privileges, for good."""
    with open("/proc/sys/kernel/cap_last_cap") as file:
        last = int(file.read())
    for capability in range(last + 1):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 and ctypes.get_errno() != 1:  # EPERM: nothing there to give up
            raise OSError(ctypes.get_errno(), "prctl")
    header, none = struct.pack("Ii", CAPABILITIES_VERSION_3, 0), bytes(24)
    called("capset", header, none)
    called("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def already_reserved():
    """Return the bytes of this process that the limits AS and DATA count, by their names."""
    with open("/proc/self/status", encoding="utf-8") as file:
        said = dict(line.split(":", 1) for line in file)
    return {name: 1024 * int(said[field].split()[0]) for name, field in (("AS", "VmSize"), ("DATA", "VmData"))}


def limit(limits):
    """Set limits that the kernel keeps, by the names of resource.RLIMIT_*, for this process and each one that it starts.

    AS and DATA are beside what this process has reserved already.
    """
    reserved = already_reserved()
    for name, value in limits.items():
        value += reserved.get(name, 0)
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))
