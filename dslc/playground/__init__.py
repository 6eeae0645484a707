"""A program in a browser: what the compiler says of a text, as one string."""

from dslc.playground.answer import answer, complete, examples

__all__ = ["answer", "complete", "examples"]
