"""Show the built book on this machine only: python -m tools.serve [PORT]."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Keep the terminal to the one line that matters."""


def main(port):
    if not (SITE / "index.html").exists():
        sys.exit("There is no book yet: make book")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=SITE))
    except OSError:
        sys.exit(f"Port {port} is taken; try another: make serve PORT={port + 1}")
    print(f"The book is at http://127.0.0.1:{port}/ (Ctrl-C stops it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
