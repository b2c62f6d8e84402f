"""Ctrl-C and SIGTERM: heard at once, and never lost.

Python raises KeyboardInterrupt wherever it is, and drops it when that is within a callback of the garbage collector. So it is also
written down, and looked at where a long work comes to a good place to stop.
"""

import os
import signal


class Interrupts:
    """`with Interrupts() as interrupts`: one raises KeyboardInterrupt.

    After `interrupts.hold()` it only makes a file readable, and a second one ends this process.
    """

    def __init__(self):
        self.came, self._held = False, False

    def __enter__(self):
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._before = {number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reading)
        os.close(self._writing)

    def fileno(self):
        """Return the file that can be read once one came."""
        return self._reading

    def check(self):
        """Raise KeyboardInterrupt if one came."""
        if self.came:
            raise KeyboardInterrupt

    def hold(self):
        """Let what comes from now on wait until somebody looks."""
        self._held = True

    def _hear(self, number, frame):
        if self.came and self._held:
            os._exit(128 + number)
        self.came = True
        os.write(self._writing, b"!")
        if not self._held:
            raise KeyboardInterrupt
