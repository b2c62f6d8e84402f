"""Formgrader as an instructor uses it: Jupyter started in a graded folder, marks entered in a browser."""

import os
import re
import secrets
import socket
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import expect

READY = "() => window.formgrader !== undefined && formgrader.loaded && formgrader.grades.loaded && formgrader.comments.loaded"


@contextmanager
def running(out, *command):
    """Run Jupyter in a graded folder; give formgrader's address and the token that it asks for once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    settings = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    with open(out.with_name("jupyter.log"), "w+") as log:
        server = subprocess.Popen([sys.executable, "-m", *(command or ["jupyter", "server"]), *settings], cwd=out, env=os.environ | {"PYTHONPATH": ""}, stdout=log, stderr=log)
        try:
            while f"127.0.0.1:{port}/" not in open(log.name).read():
                assert server.poll() is None, open(log.name).read()
            yield f"http://127.0.0.1:{port}/formgrader", token
        finally:
            server.terminate()
            server.wait()


@contextmanager
def opened(browser, address, token):
    """Open formgrader in a new window; at the end, no page may have failed, opened a dialog or asked another host for anything."""
    page = browser.new_page()
    page.set_default_timeout(15_000)
    faults = []
    host = urlsplit(address).netloc
    page.on("request", lambda request: urlsplit(request.url).netloc in (host, "") or faults.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("response", lambda response: response.status >= 400 and faults.append(f"{response.status} {response.url}"))
    page.goto(f"{address}?token={token}")
    yield page
    page.close()
    assert not faults, faults


def open_list(page, address, name):
    """Go to the list of submissions and wait until it is there."""
    page.goto(f"{address}/gradebook/{name}/{name}")
    expect(page.get_by_role("link", name="Submission #").first).to_be_visible()


def students(page, address, name):
    """Return the students whose submissions formgrader lists."""
    open_list(page, address, name)
    return sorted(page.locator("tbody a.name-shown").all_text_contents())


def addresses(page, address, name):
    """Return the addresses of all submissions, by student."""
    open_list(page, address, name)
    links = page.locator("tbody a.name-shown").evaluate_all("links => links.map(link => [link.textContent, link.href])")
    return dict(links)


def go(page, address):
    """Go to a submission by its address."""
    page.goto(address)
    wait(page)


def open_submission(page, address, name, student):
    """Go to a student's submission, by the pages that lead to it."""
    open_list(page, address, name)
    page.get_by_text("Show All Names").click()
    page.get_by_role("link", name=student, exact=True).click()
    wait(page)


def wait(page):
    """Wait until a submission can be marked."""
    page.wait_for_function(READY)


def mark(page, task, points, comment=None):
    """Give points for a task of the submission that is open, and a comment if there is one to give."""
    for field, value in ((task, str(points)), (f"{task}-comment", comment)):
        if value is not None:
            with page.expect_response(lambda response: response.request.method == "PUT") as saved:
                page.locator(f"#{field}").fill(value)
                page.locator(f"#{field}").blur()
            assert saved.value.ok


def follow(page, address, student, *links):
    """Follow a student's link on a page, and then others."""
    page.goto(address)
    link = page.locator("#main-table td a").filter(has_not_text=re.compile(r"^$"))
    expect(link.first).to_be_visible()
    names = link.all_text_contents()
    for each in (link.nth(names.index(student)), *map(page.locator, links)):
        with page.expect_navigation():
            each.click()
        page.locator("td.name a, #notebook").first.wait_for()
