"""Show the built book on this machine only: python -m tools.serve [PORT]."""

import gzip
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"
TEXT = (".html", ".css", ".js", ".svg", ".json", ".ipynb", ".txt")


class Compressing(SimpleHTTPRequestHandler):
    """Sends text compressed, as any real host does, and says nothing on the terminal."""

    protocol_version = "HTTP/1.1"
    cache_control = "no-cache"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() and self.path.split("?")[0].endswith("/") else path
        if path.suffix not in TEXT or not path.is_file() or "gzip" not in self.headers.get("Accept-Encoding", ""):
            return super().do_GET()
        body = gzip.compress(path.read_bytes())
        self.send_response(200)
        for name, value in {"Content-Type": self.guess_type(path), "Content-Encoding": "gzip", "Content-Length": len(body)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self):
        self.send_header("Cache-Control", self.cache_control)
        super().end_headers()

    def log_message(self, *_):
        """Keep the terminal to the one line that matters."""


def main(port):
    if not (SITE / "index.html").exists():
        sys.exit("There is no book yet: make book")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Compressing, directory=SITE))
    except OSError:
        sys.exit(f"Port {port} is taken; try another: make serve PORT={port + 1}")
    print(f"The book is at http://127.0.0.1:{port}/ (Ctrl-C stops it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
