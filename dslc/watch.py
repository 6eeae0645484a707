"""Whether files still hold what was read from them, by looking at them now and then."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from dslc.reading import content

YOUNG = 2.0
"""Seconds for which a file's time and size do not tell that it is the same: another write may have the same ones."""

SETTLED = 0.05
"""Seconds that files must stay as they are before a change counts: an editor may write in several steps."""

Mark = tuple[int, int, int]


class Files:
    """Files with the texts that were read from them; none for one that could not be read."""

    def __init__(self, texts: Mapping[Path, str | None], most: int) -> None:
        self.texts = dict(texts)
        self.most = most  # bytes of a file that is read
        self._marks: dict[Path, Mark | None] = {}

    def changed(self) -> bool:
        """Whether some file holds something else now, or can be read and could not be, or the other way round.

        A file is read again only where its time, its size or its place on the disk are new.
        """
        return any(self._differs(path, text) for path, text in self.texts.items())

    def _differs(self, path: Path, text: str | None) -> bool:
        mark = _mark(path)
        if path in self._marks and mark == self._marks[path]:
            return False
        if _text(path, self.most) != text:
            return True
        if mark is None or time.time() - mark[0] / 1e9 > YOUNG:
            self._marks[path] = mark
        return False

    def wait(self, every: float) -> None:
        """Return when some file has changed and all have stayed as they are for a moment."""
        while not self.changed():
            time.sleep(every)
        before: list[Mark | None] = []
        while before != (before := [_mark(path) for path in self.texts]):
            time.sleep(SETTLED)


def _mark(path: Path) -> Mark | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _text(path: Path, most: int) -> str | None:
    try:
        return content(path, most).decode("utf-8")
    except (OSError, ValueError):
        return None
