"""Runs a command under an audit hook, and prints as JSON what it wrote, ran and reached; a program of its own.

python -m tests.security.audited RESULT COMMAND ..
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.truncate", "shutil.rmtree")
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn")


def main(result: str, arguments: list[str]) -> None:
    found: dict[str, set[str]] = {"written": set(), "run": set(), "reached": set(), "read": set()}

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and isinstance(args[0], str | bytes | Path):
            wrote = isinstance(args[2], int) and args[2] & WRITES
            found["written" if wrote else "read"].add(os.path.realpath(os.fsdecode(args[0])))
        elif event in CHANGES:
            paths = args[:2] if event in ("os.rename", "os.link") else args[:1]
            found["written"] |= {os.path.realpath(os.fsdecode(p)) for p in paths if isinstance(p, str | bytes | Path)}
        elif event in PROGRAMS:
            found["run"].add(str(args[0]))
        elif event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
            found["reached"].add(event)

    from dslc.cli.main import main as command

    sys.addaudithook(hook)
    status = 0
    try:
        command(arguments)
    except SystemExit as stop:
        status = int(stop.code or 0)
    told = {"status": status, **{key: sorted(paths) for key, paths in found.items()}}
    sys.stdout.flush()
    os.write(os.open(result, os.O_WRONLY | os.O_CREAT), json.dumps(told).encode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
