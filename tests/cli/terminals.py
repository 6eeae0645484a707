"""Commands on a terminal: a pseudo-terminal of a given width, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STYLE = re.compile(r"\x1b\[[\d;]*m")
DECIDING = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "CI")
PATIENCE = 60.0
"""Seconds for something to be shown, on a machine that does much else."""


def heed() -> None:
    """Let Ctrl-C end a process, which what runs in the background of a shell inherits to ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """`dslc ARGS` on a terminal, and all that it has printed so far; `program`: another text for the interpreter."""

    def __init__(
        self,
        *args: str | Path,
        width: int = 80,
        height: int = 40,
        folder: Path = ROOT,
        program: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        import fcntl
        import pty
        import termios

        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in DECIDING}
        start = ["-c", program] if program else ["-m", "dslc"]
        self.process = subprocess.Popen(
            [sys.executable, *start, *map(str, args)],
            cwd=folder,
            env={**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            preexec_fn=heed,
        )
        os.close(theirs)
        self._ours = ours
        self._read_so_far = bytearray()
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # the other end is closed
                data = b""
            with self._more:
                self._read_so_far += data
                self._more.notify_all()
            if not data:
                os.close(self._ours)
                return

    @property
    def raw(self) -> str:
        """All that was printed, with its colours."""
        return bytes(self._read_so_far).decode(errors="replace").replace("\r\n", "\n")

    def until(self, words: str, start: int = 0) -> int:
        """Wait until these words are shown, in `raw` behind `start`; where they end."""
        end = time.monotonic() + PATIENCE
        with self._more:
            while (at := self.raw.find(words, start)) < 0:
                left = end - time.monotonic()
                assert left > 0 and self._reader.is_alive(), f"no {words!r} in {self.raw[start:]!r}"
                self._more.wait(min(left, 0.2))
        return at + len(words)

    def done(self) -> str:
        """Wait for the end; all that was printed, with its colours."""
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self._reader.join()
        return self.raw

    def interrupt(self) -> int:
        """Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        self.done()
        return self.process.returncode

    def end(self) -> None:
        """Stop it, however it stands."""
        self.process.kill()
        self.done()


def shown(*args: str | Path, width: int = 80, env: Mapping[str, str] | None = None) -> str:
    """What a command prints on a terminal, with its colours."""
    return Terminal(*args, width=width, env=env).done()


def plain(text: str) -> str:
    """A text without its colours."""
    return STYLE.sub("", text)
