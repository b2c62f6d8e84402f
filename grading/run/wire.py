"""The grader's end of the connection to a kernel.

Written out here because the other end is not trusted: whatever it sends, no more than LARGEST bytes of a message are ever held, the
rest is skipped as it arrives, and what follows is still understood. (A zmq socket limited to messages of that size hangs up for good
at the first larger one, and gathers a message of endlessly many parts without limit.)
"""

import hmac
import json

LARGEST, FRAMES = 2_000_000, 20  # bytes of one message, and the parts that it may have
DELIMITER = b"<IDS|MSG>"


class Wire:
    """One end of a ZeroMQ connection, over a connected socket: ZMTP 3.0 (https://rfc.zeromq.org/spec/23/). Every method raises OSError."""

    MORE, LONG, COMMAND = 1, 2, 4

    def __init__(self, connected, kind):
        self.socket, self.ready = connected, False
        self.unread, self.to_skip = bytearray(), 64  # the other end's greeting
        self.frames, self.held = [], 0
        self.socket.sendall((b"\xff" + bytes(8) + b"\x7f" + b"\3\0" + b"NULL").ljust(64, b"\0"))
        self.send([b"\5READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind], self.COMMAND)
        while not self.ready:  # the other end takes no message before
            self.receive()

    def send(self, frames, flags=0):
        """Send a message, given as its frames."""
        last = len(frames) - 1
        self.socket.sendall(b"".join(bytes([flags | self.LONG | (number < last)]) + len(frame).to_bytes(8, "big") + frame for number, frame in enumerate(frames)))

    def receive(self):
        """Return the messages that have arrived whole, as their frames, of which one too large to be held is None."""
        arrived = self.socket.recv(1 << 18)
        if not arrived:
            raise ConnectionError
        self.unread += arrived
        messages = []
        while self.unread:
            if self.to_skip:
                skipped = min(self.to_skip, len(self.unread))
                self.to_skip -= skipped
                del self.unread[:skipped]
                continue
            flags = self.unread[0]
            body = 9 if flags & self.LONG else 2
            size = int.from_bytes(self.unread[1:body], "big")
            if len(self.unread) < body:
                break
            wanted = len(self.frames) < FRAMES
            if not wanted or self.held + size > LARGEST:
                frame, self.to_skip = None, size
                del self.unread[:body]
            elif len(self.unread) < body + size:
                break
            else:
                frame = bytes(self.unread[body : body + size])
                del self.unread[: body + size]
            if flags & self.COMMAND:
                self.ready = True
                continue
            if wanted:
                self.frames.append(frame)
                self.held += len(frame or b"")
            if not flags & self.MORE:
                messages.append(self.frames)
                self.frames, self.held = [], 0
        return messages


def packed(number, kind, content, key):
    """Return a message of Jupyter's protocol as its frames, signed."""
    header = {"msg_id": number, "msg_type": kind, "session": number, "username": "", "date": "2000-01-01T00:00:00Z", "version": "5.3"}
    parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
    return [DELIMITER, hmac.new(key.encode(), b"".join(parts), "sha256").hexdigest().encode(), *parts]


def understood(frames, request):
    """Return a message that answers `request` as (type, content), where content that is no use is None; else return None."""
    try:
        header, parent, _, content = frames[frames.index(DELIMITER) + 2 :][:4]
        kind = json.loads(header)["msg_type"] if request.encode() in parent else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    try:
        content = json.loads(content)
    except (ValueError, TypeError, RecursionError):
        content = None
    return (kind, content if isinstance(content, dict) else None) if isinstance(kind, str) else None
