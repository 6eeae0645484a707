"""Where a generator's choices come from: a seed, or hypothesis, which shrinks what fails."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
PERCENT = 100


class Choices(ABC):
    """Whole numbers, and what is made of them. The least number is the simplest choice."""

    @abstractmethod
    def number(self, least: int, most: int) -> int:
        """A number between both, included."""

    def choice(self, options: Sequence[T]) -> T:
        return options[self.number(0, len(options) - 1)]

    def chance(self, p: float) -> bool:
        """True with probability p; the simpler answer is no."""
        return self.number(0, PERCENT - 1) >= PERCENT - round(p * PERCENT)

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """So many different ones, in a random order."""
        left = list(options)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(count)]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        return self.sample(options, len(options))


class Seeded(Choices):
    """Choices of a seed: the same program on every machine."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)


class Drawn(Choices):
    """Choices of hypothesis."""

    def __init__(self, draw: Callable[[SearchStrategy[int]], int]) -> None:
        self.draw = draw

    def number(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))
