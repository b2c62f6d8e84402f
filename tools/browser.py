"""Find a Chromium for the browser tests; `python -m tools.browser` gets one if there is none."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tools import packages

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS = {
    "darwin": ("/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    "win32": tuple(
        os.path.join(os.environ.get(folder, ""), r"Google\Chrome\Application\chrome.exe")
        for folder in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
    ),
}


@cache
def find_chromium():
    """Return the path of a Chromium or Chrome that starts, or None.

    The environment variable CHROMIUM comes first, then the PATH, then the places where
    macOS and Windows keep it, then the one that playwright downloaded.
    """
    installed = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), *APPLICATIONS.get(sys.platform, ())]
    for path in filter(None, installed):
        if starts(path):
            return path
    downloaded = playwrights_own()
    return downloaded if starts(downloaded) else None


def starts(path):
    """Say whether a browser is there and runs: a distribution's may be a stub that only asks for another package."""
    if not shutil.which(path):
        return False
    if sys.platform == "win32":  # where --version would open a window
        return True
    return subprocess.run([path, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def playwrights_own():
    """Return where playwright keeps its Chromium, whether it is there or not."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def ways():
    """Yield what may bring a Chromium, as lists of commands, the system's own packages first."""
    if packages.may_install():
        yield packages.installing("chromium", "fonts-liberation")
    install = [sys.executable, "-m", "playwright", "install"]
    yield [[*install, *(["--with-deps"] if packages.is_allowed() else []), "chromium"]]


def main():
    log = Path(__file__).resolve().parent.parent / "_build" / "browser.log"
    if find_chromium():
        return
    print("Getting a Chromium for the browser tests …", flush=True)
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as report:
        for commands in ways():
            for command in commands:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=report, stderr=subprocess.STDOUT)
            find_chromium.cache_clear()
            if find_chromium():
                return
    sys.exit(f"No Chromium for the browser tests. Install Chromium or Chrome, or set CHROMIUM to its path, then run the same command again. Report: {log}")


if __name__ == "__main__":
    main()
