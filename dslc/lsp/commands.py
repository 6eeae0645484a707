"""What a lens does: `dslc build`, `picture` and `report` of a net, each in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

OUTPUTS: Final = {"build": "build", "picture": ".svg", "report": ".html"}
"""Where each writes: a folder beside the program, or a file of the net's name with this ending."""


async def run_command(word: str, path: Path, net: str) -> tuple[bool, str]:
    """Run a command on the file as it was saved; whether it failed, and what there is to say: what was written."""
    ending = OUTPUTS[word]
    target = path.parent / (ending if word == "build" else f"{net}{ending}")
    command = [sys.executable, "-m", "dslc", word, str(path), "--net", net, "-o", str(target)]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=path.parent,
        )
        said, _ = await process.communicate()
    except OSError as error:
        return True, (error.strerror or str(error)).lower()
    if process.returncode:
        return True, said.decode("utf-8", "replace").strip()[:2_000]
    return False, str(target)
