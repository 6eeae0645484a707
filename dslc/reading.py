"""Reading files of data: regular files alone, and exactly the bytes that they had when they were opened.

A device such as `/dev/zero` has no end, a pipe may never begin, and a file that another program still writes is no
whole file yet: each is refused as any other file that cannot be read, by an `OSError` with words.
"""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path


def regular(path: str | Path) -> FileIO:
    """A regular file, opened to be read without a buffer. Raises `OSError` for anything else, and never waits."""
    # Opening a pipe waits for somebody who writes, but for O_NONBLOCK, which a regular file does not notice.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    if os.path.isdir(path):  # Windows opens no folder, and says that permission is denied
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is a device or a pipe, not a file", str(path))
        return FileIO(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_into(file: FileIO, buffer: memoryview) -> None:
    """Fill a buffer from where a file stands. Raises `OSError` where the file ends before."""
    while buffer:
        count = file.readinto(buffer)
        if not count:
            raise OSError(errno.EIO, "it became shorter while it was read")
        buffer = buffer[count:]


def content(path: str | Path, most: int) -> bytes:
    """All bytes of a regular file. Raises `OSError` for more than `most`, and for one that changes meanwhile."""
    with regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, f"it has {size:,} bytes, more than {most:,}", str(path))
        found = bytearray(size)
        read_into(file, memoryview(found))
        unchanged(file, size)
        return bytes(found)


def unchanged(file: FileIO, size: int) -> None:
    """Raises `OSError` where a file no longer has the size that it had."""
    now = os.fstat(file.fileno()).st_size
    if now != size:
        raise OSError(errno.EIO, f"it changed from {size:,} to {now:,} bytes while it was read")
