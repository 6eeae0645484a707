"""Python's garbage collector, kept out of the way of a pass that makes many objects which live until its end.

It would walk all of them again and again, so that time would not grow linearly; reference counts free the rest.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No collection of cycles inside; as it was before after it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
