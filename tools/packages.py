"""Debian's packages that tests need: installed where this user may, by `apt-get`."""

import os
import shutil
import subprocess


def sudo():
    return [] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["sudo", "-n"]


def is_allowed():
    """Say whether this user may change the system, without a password."""
    return not sudo() or bool(shutil.which("sudo") and subprocess.run([*sudo(), "true"], stderr=subprocess.DEVNULL).returncode == 0)


def may_install():
    return is_allowed() and bool(shutil.which("apt-get"))


def installing(*names):
    """Return the commands that install packages."""
    return [
        [*sudo(), "apt-get", "update", "-q"],
        [*sudo(), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qy", "--no-install-recommends", *names],
    ]
