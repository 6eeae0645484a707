"""A user's mistake is data: `Mistake` says what is wrong, `Diagnostic` says where.

Passes add diagnostics to a `Sink` and go on with what is still known. `CompileError` is raised once, by
`Sink.finish`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from enum import Enum
from typing import ClassVar, TypeVar, dataclass_transform

from dslc.record import entity, frozen, record
from dslc.source import Span

T = TypeVar("T")


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


SEVERITIES = {"E": Severity.ERROR, "W": Severity.WARNING, "N": Severity.NOTE}
"""By the first letter of a code."""


@frozen
class Edit:
    """Replace the text of `span` by `text`."""

    span: Span
    text: str


class Applicability(Enum):
    """Whether an edit may be made unseen. It may where nothing else can be meant: it changes how something is written,
    or the one value that fits. What makes another network of several plausible ones is the user's to choose.
    """

    CERTAIN = "machine-applicable"
    MAYBE = "maybe-incorrect"


@frozen
class Help:
    """A proposal. `replace` is new text for the diagnostic's own span; `edits` are changes elsewhere.

    `fact`: it says something that is worth knowing beside a fix: which sizes would do. `tried`: the program with its
    edits was checked, and neither has this mistake nor a new one.
    """

    text: str
    replace: str | None = None
    edits: tuple[Edit, ...] = ()
    fact: bool = False
    tried: bool = False
    applicability: Applicability = Applicability.CERTAIN


def did_you_mean(near: str | None, replace: bool = True) -> tuple[Help, ...]:
    """The proposal of a near name, if there is one; `replace`: it can stand for the diagnostic's own text."""
    return (Help(f"did you mean `{near}`?", near if replace else None),) if near else ()


@frozen
class Label:
    """A second place that matters, with a few words of its own."""

    span: Span
    text: str


@record
class Frame:
    """One step of the expansion trail, innermost first: `what` was expanded by the text at `call`.

    `turn`: it is the turn of a `for` in which that happened: `what` gives its names' values, `call` is the `for`'s.
    """

    what: str
    call: Span
    parent: Frame | None = None
    turn: bool = False

    def __iter__(self) -> Iterator[Frame]:
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.parent


def users_place(span: Span, trail: Frame | None) -> tuple[Span, Frame | None]:
    """The line of the user's that led into std, with what led there."""
    while span.source.is_library and trail is not None:
        span, trail = trail.call, trail.parent
    return span, trail


@dataclass_transform(frozen_default=True, eq_default=True)
class Mistake:
    """Base of all mistakes: a record of the facts, with a code and the words for them.

    Annotated names of a subclass are its fields, as in a frozen dataclass; it is none because making some two
    hundred dataclasses would double the start-up time of every command.

    The docstring is what `dslc explain CODE` prints: why it happens, then a failing example in a fence
    marked `dl fails` and a mended one in a fence marked `dl`. Both run in the tests.

    The code's letter says how bad it is: E an error, W a warning, N a note. A warning or note is no error until
    the user says so, and has a name by which users switch it (`# dslc: allow(unused-use)`):

        class UnusedUse(Mistake, code="W0101", name="unused-use"):
    """

    code: ClassVar[str] = ""
    switch: ClassVar[str] = ""  # the name of a warning or note
    severity: ClassVar[Severity] = Severity.ERROR
    of_command: ClassVar[bool] = False  # what the command line asks for is not there
    fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, code: str = "", name: str = "") -> None:
        from dslc.diagnostics import codes

        own = vars(cls).get("__annotations__", {})
        cls.fields = (*cls.fields, *(n for n, kind in own.items() if not str(kind).startswith("ClassVar")))
        if code:
            cls.code = code
            cls.switch = name
            cls.severity = SEVERITIES[code[:1]]
            codes.register(cls)

    def __init__(self, *values: object, **named: object) -> None:
        given = dict(zip(self.fields, values, strict=False)) | named
        if len(values) > len(self.fields) or not given.keys() <= set(self.fields):
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(self.fields)}")
        for name in self.fields:
            if name not in given and not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} needs `{name}`")
        self.__dict__.update(given)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *map(str, self.__dict__.values())))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.__dict__.items())})"

    @property
    def of_program(self) -> bool:
        """Whether the program is wrong even where the place is an option or a file: a budget that is not kept."""
        return False

    @property
    def message(self) -> str:
        """One line, lower case, no full stop: what is wrong, with the actual values."""
        raise NotImplementedError(f"{type(self).__name__}.message")

    @property
    def label(self) -> str:
        """A few words beside the caret; may be empty."""
        return ""

    @property
    def table(self) -> tuple[str, ...]:
        """Lines below the message, of a mistake that has many parts."""
        return ()

    @property
    def help(self) -> tuple[Help, ...]:
        """Changes that work when applied."""
        return ()

    def at(
        self,
        span: Span,
        trail: Frame | None = None,
        related: Iterable[Label] = (),
        help: Iterable[Help] = (),
        inputs: tuple[object, ...] = (),
        site: Span | None = None,
    ) -> Diagnostic:
        """This mistake at a place; `inputs` are the tensors that what failed was given, `site` is its own text."""
        return Diagnostic(
            self.code,
            self.severity,
            self.message,
            span,
            self.label,
            tuple(related),
            trail,
            (*self.help, *help),
            self,
            inputs,
            site=site,
        )


@record
class Diagnostic:
    """A mistake at a place, with the trail that led there."""

    code: str
    severity: Severity
    message: str
    span: Span
    label: str = ""
    related: tuple[Label, ...] = ()
    trail: Frame | None = None
    help: tuple[Help, ...] = ()
    mistake: Mistake | None = None
    inputs: tuple[object, ...] = ()  # the tensors (`ir.Value`) that what failed was given: what fixes are made from
    notes: tuple[str, ...] = ()  # how it came about
    site: Span | None = None  # the text of what failed, where the place is that of an argument

    @property
    def switch(self) -> str:
        """The name by which a warning or note is allowed or denied; empty for an error."""
        return self.mistake.switch if self.mistake is not None else ""

    @property
    def status(self) -> int:
        """The exit status that this asks for: 0, 1 for an error of the program, 2 for one of the command line."""
        if self.severity is not Severity.ERROR:
            return 0
        asked = self.span.source.kind != "text" and not (self.mistake is not None and self.mistake.of_program)
        return 2 if asked else 1

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        """Diagnostics with one key are the same mistake in several instances: printed once, with a count."""
        return (self.code, self.message, self.span.source.path, self.span.start, self.span.end)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Diagnostics in the order of the text, whichever pass found them: the file that was named first comes first."""
    found = list(diagnostics)
    files = list(dict.fromkeys(d.span.source.path for d in found))
    return tuple(sorted(found, key=lambda d: (files.index(d.span.source.path), d.span.start)))


class Reject(Exception):
    """Raised by op rules and size checks: a mistake whose place the caller knows.

    `at` names the argument or port whose text is at fault (none: the whole use); `related` holds labels.
    """

    def __init__(self, mistake: Mistake, at: str | None = None, related: tuple[Label, ...] = ()) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake
        self.at = at
        self.related = related


class Failure(Exception):
    """Mistakes without a place in a program: of files, weights, devices, options of an export.

    As text, what the command line prints.

    - `mistakes`: each with a `code` (which `dslc explain` explains), a `message` and proposals in `help`

    ```python
    try:
        dslc.compile("net.dl").to_onnx("net.onnx", dynamic={"image": {1: "C"}})
    except dslc.Failure as failure:
        print(failure, [help.text for mistake in failure.mistakes for help in mistake.help])
    ```
    """

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__(*mistakes)
        self.mistakes = mistakes

    @property
    def status(self) -> int:
        """The exit status that they ask for: 2 where all are mistakes of the command line."""
        return 2 if self.mistakes and all(mistake.of_command for mistake in self.mistakes) else 1

    def __str__(self) -> str:
        from dslc.diagnostics.render import render_placeless

        return "\n".join(map(render_placeless, self.mistakes))


class CompileError(Exception):
    """What is wrong with a program; as text, what the command line prints.

    - `diagnostics`: each with a `code`, a `severity`, a `message`, the place in `span` and proposals in `help`
    - `counts`: how often each was found, by its `key`
    - `mended`: the diagnostics, with fixes that were computed and tried; found when first asked for
    - `work`: the steps of elaboration that it took to find them

    ```python
    try:
        dslc.compile("net f on x[N, 8]:\n    linaer(3)\n")
    except dslc.CompileError as error:
        print(error.diagnostics[0].span.line, error.diagnostics[0].message)
    ```
    """

    def __init__(
        self,
        diagnostics: tuple[Diagnostic, ...],
        counts: Mapping[tuple[str, str, str, int, int], int] | None = None,
        work: int = 0,
    ) -> None:
        super().__init__(diagnostics, counts, work)
        self.diagnostics = diagnostics
        self.work = work
        self.counts = dict(counts or {})
        self.mend: Callable[[], tuple[Diagnostic, ...]] | None = None  # set by who knows how to compile it once more

    @property
    def mended(self) -> tuple[Diagnostic, ...]:
        """What is shown. Looking for fixes takes some compiles: who only asks whether one fails pays for none."""
        if self.mend is not None:
            mend, self.mend = self.mend, None
            self.diagnostics = mend()
        return self.diagnostics

    def __str__(self) -> str:
        from dslc.diagnostics.render import render

        return render(self.mended, self.counts)


@entity
class Sink:
    """Collects diagnostics; equal ones are kept once and counted."""

    found: dict[tuple[str, str, str, int, int], Diagnostic] = field(default_factory=dict)
    counts: dict[tuple[str, str, str, int, int], int] = field(default_factory=dict)
    errors: int = 0
    total: int = 0  # equal ones counted each time
    work: int = 0  # steps of elaboration, the same on every machine: by these, never by a clock, fixes are bounded
    turns: dict[tuple[object, ...], tuple[str, str, str, int, int]] = field(default_factory=dict)

    def add(self, diagnostic: Diagnostic) -> None:
        key = diagnostic.key
        if any(frame.turn for frame in diagnostic.trail or ()):  # other numbers of another turn make no other mistake
            spans = tuple((f.call.source.path, f.call.start) for f in diagnostic.trail or ())
            key = self.turns.setdefault((diagnostic.code, *key[2:], *spans), key)
        self.total += 1
        self.counts[key] = self.counts.get(key, 0) + 1
        if key not in self.found:
            self.found[key] = diagnostic
            self.errors += diagnostic.severity is Severity.ERROR

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(self.found.values())

    def retract(self, place: Span) -> None:
        """Forgets what is inside a place: something that is said of all of it replaces it."""
        for key, diagnostic in list(self.found.items()):
            span = diagnostic.span
            if span.source is place.source and place.start <= span.start and span.end <= place.end:
                del self.found[key]
                self.total -= self.counts.pop(key)
                self.errors -= diagnostic.severity is Severity.ERROR

    def copy(self) -> Sink:
        """Another sink that holds the same so far."""
        return Sink(dict(self.found), dict(self.counts), self.errors, self.total)

    def finish(self, result: T) -> T:
        """`result` if no error was added; else raises `CompileError`, the only place that does."""
        if self.errors:
            raise CompileError(in_order(self.diagnostics), self.counts, self.work)
        return result
