"""One piece of memory that buffers share over time: greedy best-fit placement."""

from __future__ import annotations

from bisect import bisect_left, insort


class Arena:
    """Memory that is handed out and taken back in the order of a run.

    A request takes the smallest free block that holds it (of equals the lowest), else the end of the arena, which
    grows. Blocks that touch are joined (Knuth, The Art of Computer Programming, vol. 1, 2.5). Offsets are exact: no
    alignment is added.
    """

    def __init__(self) -> None:
        self.size = 0  # bytes: the most that was ever in use, with the holes between
        self._free: list[tuple[int, int]] = []  # (bytes, offset), sorted
        self._starts: dict[int, int] = {}  # of the free blocks: offset -> bytes
        self._ends: dict[int, int] = {}  # end -> offset

    def take(self, count: int) -> int:
        """The offset of `count` free bytes; 0 for no bytes."""
        if not count:
            return 0
        place = bisect_left(self._free, (count, 0))
        if place < len(self._free):
            length, offset = self._free[place]
        else:
            offset = self._ends.get(self.size, self.size)
            length = self.size - offset
            self.size = offset + count
        if length:
            self._remove(offset, length)
        if length > count:
            self._insert(offset + count, length - count)
        return offset

    def give(self, offset: int, count: int) -> None:
        """Take back what `take(count)` gave."""
        if not count:
            return
        end = offset + count
        if end in self._starts:
            after = self._starts[end]
            self._remove(end, after)
            end += after
        if offset in self._ends:
            before = self._ends[offset]
            self._remove(before, offset - before)
            offset = before
        self._insert(offset, end - offset)

    def _insert(self, offset: int, length: int) -> None:
        insort(self._free, (length, offset))
        self._starts[offset] = length
        self._ends[offset + length] = offset

    def _remove(self, offset: int, length: int) -> None:
        del self._free[bisect_left(self._free, (length, offset))]
        del self._starts[offset]
        del self._ends[offset + length]
