"""A map of names as read from its text."""

from __future__ import annotations

from dslc.record import frozen
from dslc.source import Source, Span
from dslc.weights.maps.pattern import Template


@frozen
class Condition:
    """Whether some tensor of a section's module is there: `if conv_pwl and not se`."""

    name: Template
    wanted: bool


@frozen
class Section:
    """What the lines below a `[blocks.{i} -> layers.{i}]` have before their names, and when they count."""

    source: Template
    target: Template
    conditions: tuple[Condition, ...] = ()


@frozen
class Form:
    """What is done to tensors between their reading and their use.

    `transpose` and `permute` move axes, and copy nothing. `reshape` gives the shape of the network's own. `axis` is
    along which several tensors are laid after one another, or one is cut.
    """

    kind: str = ""  # `transpose`, `permute`, `reshape`, or nothing
    axes: tuple[int, ...] = ()
    axis: int = 0


@frozen
class Rule:
    """`sources -> targets : form`; all names are whole, with what their section puts before them."""

    sources: tuple[Template, ...]
    targets: tuple[Template, ...]
    form: Form
    must: bool  # whether some tensor has to match
    section: Section
    span: Span


@frozen
class Drop:
    """Tensors that the network has not, named so that nothing is lost in silence."""

    pattern: Template
    section: Section


@frozen
class Tie:
    """A tensor that is another one's copy: left out where the two are equal, which is looked at."""

    copy: Template
    of: Template


@frozen
class Fact:
    """What must stand under a name of the `config.json` beside the weights: one of `words`, or an argument's value."""

    key: str  # `outer.inner` within another
    words: tuple[str, ...]
    argument: str = ""


@frozen
class NameMap:
    """All rules of a map. `prefixes` are taken off names that begin with one; `eps` is that of the norms of the
    networks whose weights these are (none: not said); `facts` is what else is known of these networks.
    """

    name: str
    source: Source
    prefixes: tuple[str, ...]
    rules: tuple[Rule, ...]
    drops: tuple[Drop, ...]
    ties: tuple[Tie, ...]
    eps: float | None = None
    facts: tuple[Fact, ...] = ()
