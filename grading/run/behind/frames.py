"""Messages over a connected stream socket: a header of JSON, and bytes."""

import json
import struct

SIZES = struct.Struct(">II")  # of the header and of the bytes that follow it
LARGEST_HEADER, LARGEST_PAYLOAD = 2_000_000, 8_000_000  # bytes; the grader ends a submission that sends more


def packed(header, payload=b""):
    """Return a message as bytes. Bytes within the header become base64, what else JSON does not know its text."""
    header = ENCODER.encode(header).encode()
    return SIZES.pack(len(header), len(payload)) + header + payload


def plain(value):
    if isinstance(value, bytes | bytearray):
        from base64 import b64encode

        return b64encode(value).decode()
    return str(value)


ENCODER, DECODER = json.JSONEncoder(default=plain), json.JSONDecoder()  # whatever a notebook makes of json.dumps


def receive(connected):
    """Wait for a message from the grader; return its header and bytes. Raises EOFError when it has hung up."""
    header, payload = SIZES.unpack(exactly(connected, SIZES.size))
    return DECODER.decode(exactly(connected, header).decode()), exactly(connected, payload)


def exactly(connected, size):
    found = bytearray()
    while len(found) < size:
        more = connected.recv(min(size - len(found), 1 << 20))
        if not more:
            raise EOFError
        found += more
    return bytes(found)
