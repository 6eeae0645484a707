"""A network's structure as boxes, one for each layer or closed part, and lines, one for each tensor that is read.

Equal parts one after the other are drawn once, in a frame that says how many they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from itertools import chain

from dslc.analysis.layer_tree import attribute_text
from dslc.diagnostics.fold import printable
from dslc.ir.model import Call, Either, For, If, Instance, Item, Model, Node, Param, Value
from dslc.ir.walk import Needed, Step, flatten
from dslc.ops.arithmetic import Binary
from dslc.ops.identity import Identity
from dslc.record import entity
from dslc.reports.columns import shape_text
from dslc.reports.equal_parts import Equals, equal_parts
from dslc.reports.layered import Line, Spot
from dslc.reports.words import LONGEST, SIGNS, TITLE, op_words, part_words, shortened
from dslc.types.tensor import TensorType

MOST_BOXES = 2_000
"""Boxes that a picture can still be read with, part by part; placing more would take minutes."""


@entity
class Frame:
    """The first of equal parts one after the other, drawn open for `times` of them; `parent` is the frame around it.

    `note` says where they are, `cost` what all hold, `costs` more of that (`heat.tell`). `path` and `words` (name and
    arguments) are whole.
    """

    title: str
    note: str
    path: str
    words: str
    part: Instance
    times: int
    parent: Frame | None
    cost: str = ""
    costs: dict[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """What it is, and how many."""
        return f"{self.title} ×{self.times}"  # noqa: RUF001

    @property
    def notes(self) -> tuple[str, ...]:
        """The lines below the heading."""
        return tuple(words for words in (self.note, self.cost) if words)

    @property
    def all(self) -> int:
        """How many there are in the network: the frames around it are drawn once, too."""
        return self.times * (self.parent.all if self.parent else 1)


@entity
class Box(Spot):
    """A drawn box: its lines of text, the colours' name, the types of its results. `faded`: only training has it.

    `path` and `words` (name and arguments) are whole; `uses` are the ops in it, and `tensors` those that are declared:
    of all the equal parts that it is drawn for, which are `times`; `repeats` of them are one after the other. `tint`: a
    colour instead of that of its family. `costs`: what they cost (`heat.tell`).
    """

    title: str = ""
    notes: tuple[str, ...] = ()
    family: str = ""
    outs: tuple[TensorType, ...] = ()
    label: str = ""
    label_left: bool = False
    layers: int = 0
    path: str = ""
    words: str = ""
    uses: list[Node | Call] = field(default_factory=list)
    tensors: dict[Param, None] = field(default_factory=dict)
    frame: Frame | None = None
    times: int = 1
    repeats: int = 1
    tint: str = ""
    costs: dict[str, str] = field(default_factory=dict)


@entity
class Place:
    """Where the walk over the items of a network is: in a part (`call`), a closed one's box, a frame, and how deep."""

    items: Iterator[Item]
    level: int
    call: Call | None = None
    closed: Box | None = None
    frame: Frame | None = None
    drawn: bool = True


class Graph:
    """The boxes of a network in program order, and the lines between them. Linear in its layers.

    `depth`: parts this deep are one box each (1: the first level alone). `fold`: equal parts one after the other are
    drawn once, in a frame.
    """

    def __init__(self, model: Model, depth: int | None = None, *, fold: bool = True) -> None:
        self.model = model
        self.flat = flatten(model)
        self.equals = equal_parts(model, self.flat) if fold else Equals({}, {})
        self.boxes: list[Box] = []
        self.frames: list[Frame] = []
        self.lines: dict[tuple[Box, int, Box], Line] = {}
        self.made: dict[Value, tuple[Box, int]] = {}
        self.box_of: dict[int, Box] = {}
        self.prefix = common_prefix([s.path for s in self.flat.steps if isinstance(s.node, Call) or s.node.params])
        for value in model.root.inputs:
            shape = shape_text(value.type, model.sizes)
            box = Box(title=value.name or "it", notes=(shape,), family="input", outs=(value.type,), fed=True)
            self.add(box, (value,))
        self.walk(depth)
        flags = model.root.train_only or (False,) * len(model.root.outputs)
        for name, value, training in zip(model.root.output_names, model.root.outputs, flags, strict=True):
            box = Box(title=name or "result", family="input", faded=training)
            self.read(self.flat.resolve(value), box)
            self.boxes.append(box)

    def add(self, box: Box, values: Sequence[Value]) -> None:
        self.boxes.append(box)
        self.made |= {value: (box, i) for i, value in enumerate(values)}

    def read(self, value: Value, box: Box) -> None:
        """A line from where a value comes from; a declared tensor gets its box where it is first read."""
        param = value.producer if isinstance(value.producer, Param) else None
        if param is not None and value not in self.made and box.family == "part":
            own(box, param)
        elif param is not None and value not in self.made:
            frame = box.frame
            while frame is not None and not is_within(param.owner, frame.part):
                frame = frame.parent
            title = param.name if isinstance(param.owner, Instance) else self.shown(param.path, frame)
            title = shortened(f"{param.spec.kind} {title}")
            made = Box(title=title, family="tensor", outs=(value.type,), path=param.path)
            own(made, param)
            made.frame, made.times = frame, frame.all if frame else 1
            self.add(made, (value,))
        source = self.made.get(value)
        if source is not None and source[0] is not box:
            self.lines.setdefault((*source, box), Line(*source, box))

    def walk(self, depth: int | None) -> None:
        """Boxes of all that is computed, in the order of `walk.flatten`, whose steps are taken along."""
        steps = iter(enumerate(self.flat.steps))
        stack = [Place(iter(self.model.root.body), 0)]
        folded = {part for run in self.equals.runs.values() for part in run[1:]}
        while stack:
            here = stack[-1]
            item = next(here.items, None)
            if item is None:
                stack.pop()
                if here.call is not None and here.closed is not None and not (stack and stack[-1].closed):
                    self.close(here.closed, here.call)
            elif isinstance(item, Node) or (isinstance(item, Call) and item.instance.kind == "extern"):
                self.step(*next(steps), here)
            elif isinstance(item, Call):
                drawn = here.drawn and item.instance not in folded
                closed, frame = here.closed, here.frame
                run = self.equals.runs.get(item.instance, ()) if drawn and closed is None else ()
                if closed is None and here.level + 1 == depth and drawn:
                    closed = self.closed(item.instance, run, frame)
                elif run:
                    frame = self.framed(run, frame)
                stack.append(Place(iter(item.instance.body), here.level + 1, item, closed, frame, drawn))
            elif isinstance(item, If):
                stack.append(Place(iter(item.items), here.level, None, here.closed, here.frame, here.drawn))
            elif isinstance(item, For):
                turns = chain.from_iterable(item.turns)
                stack.append(Place(turns, here.level, None, here.closed, here.frame, here.drawn))
            else:
                assert isinstance(item, Either)
                sides = chain(item.evaluation, item.training)
                stack.append(Place(sides, here.level, None, here.closed, here.frame, here.drawn))

    def shown(self, path: str, frame: Frame | None) -> str:
        """A path without what all have in common: that of the frame around it, or the first name of all layers."""
        return path.removeprefix(f"{frame.path}." if frame is not None else self.prefix)

    def closed(self, part: Instance, run: Sequence[Instance], frame: Frame | None) -> Box:
        """The box of a part, or of equal ones one after the other."""
        path = paths(self.shown(part.path, frame), run)
        box = named(*part_words(part), path, family="part", faded=True)
        box.path, box.frame, box.times = part.path, frame, max(len(run), 1) * (frame.all if frame else 1)
        if run:
            box.notes = (*box.notes[:-1], shortened(path, 2 * LONGEST))
            box.title, box.repeats = f"{box.title} ×{len(run)}", len(run)  # noqa: RUF001
        return box

    def framed(self, run: Sequence[Instance], parent: Frame | None) -> Frame:
        """The frame around the first of equal parts."""
        box = named(*part_words(run[0]), "", family="part", faded=False)
        note = shortened(paths(self.shown(run[0].path, parent), run), 2 * LONGEST)
        frame = Frame(shortened(box.words), note, run[0].path, box.words, run[0], len(run), parent)
        self.frames.append(frame)
        return frame

    def step(self, number: int, step: Step, here: Place) -> None:
        """One use of an op: a box, or a part of a closed one, or what an equal part has a box for."""
        if step.needed is Needed.NEVER:
            return
        if number in self.equals.drawn_as:
            self.again(number, step)
            return
        if isinstance(step.node, Node) and isinstance(step.node.op, Identity) and step.inputs[0] in self.made:
            self.made[step.outs[0]] = self.made[step.inputs[0]]
            return
        if here.closed is not None:
            box = here.closed
            box.layers += 1
            box.faded = box.faded and step.needed is Needed.TRAINING
        else:
            box = op_box(step, self.shown(step.path, here.frame))
            box.path, box.frame, box.times = step.path, here.frame, here.frame.all if here.frame else 1
            box.outs = tuple(value.type for value in step.outs)
        box.uses.append(step.node)
        self.box_of[number] = box
        for value in (*step.inputs, *step.tied.values()):
            self.read(value, box)
        if here.closed is None:
            self.add(box, step.outs)
        else:
            self.made |= dict.fromkeys(step.outs, (box, 0))

    def again(self, number: int, step: Step) -> None:
        """A use of an op in a part that is drawn as an equal one."""
        twin = self.equals.drawn_as[number]
        there = self.flat.steps[twin]
        if (box := self.box_of.get(twin)) is not None:
            box.uses.append(step.node)
            reads = zip((*step.inputs, *step.tied.values()), (*there.inputs, *there.tied.values()), strict=True)
            for value, other in reads:
                if isinstance(value.producer, Param):
                    source = self.made[other][0] if other in self.made else box
                    own(source, value.producer)
        self.made |= {value: self.made[other] for value, other in zip(step.outs, there.outs, strict=True)}

    def close(self, box: Box, call: Call) -> None:
        """A closed part's results, once all in it has been seen."""
        if not box.layers:
            return
        *more, path = box.notes
        box.notes = (*more, f"{path} · {box.layers} layer{'s' * (box.layers > 1)}")
        box.outs = tuple(value.type for value in call.instance.outputs)
        self.boxes.append(box)
        for i, value in enumerate(call.instance.outputs):
            actual = self.flat.resolve(value)
            if actual in self.made and self.made[actual][0] is box:
                self.made[actual] = (box, i)


def own(box: Box, param: Param) -> None:
    """A declared tensor is in a box; one that an op owns is in the box of that op."""
    if isinstance(param.owner, Instance):
        box.tensors[param] = None


def around(box: Box) -> list[Frame]:
    """The frames around a box, outermost first."""
    found = []
    frame = box.frame
    while frame is not None:
        found.append(frame)
        frame = frame.parent
    return found[::-1]


def members(graph: Graph) -> dict[Frame | None, list[Box | Frame]]:
    """What is in each frame, and in none, in the order of the program; a frame stands where its last box is.

    So what was made on the way but is outside of it, a tensor of all parts, comes before it.
    """
    ends = {frame: i for i, box in enumerate(graph.boxes) for frame in around(box)}
    found: dict[Frame | None, list[Box | Frame]] = {None: []} | {frame: [] for frame in graph.frames}
    for i, box in enumerate(graph.boxes):
        found[box.frame].append(box)
        for frame in reversed(around(box)):
            if ends[frame] == i:
                found[frame.parent].append(frame)
    return found


def is_within(owner: Instance | Node, part: Instance) -> bool:
    """Whether a tensor's owner is in a part, or it itself."""
    above: Instance | None = owner if isinstance(owner, Instance) else owner.owner
    while above is not None and above is not part:
        above = above.parent
    return above is part


def fitting_depth(model: Model, most: int, *, fold: bool = True) -> int | None:
    """The depth at which a picture shows most and has at most so many boxes; none: all of it, and 1 at the least."""
    if len(Graph(model, fold=fold).boxes) <= most:
        return None
    depth = 1
    while len(Graph(model, depth + 1, fold=fold).boxes) <= most:
        depth += 1
    return depth


# ---- words


def op_box(step: Step, path: str) -> Box:
    """The box of an op: its name with the attributes that are given, and its path where it owns tensors."""
    node = step.node
    faded = step.needed is Needed.TRAINING
    if isinstance(node, Call):
        return named(*part_words(node.instance), path, family="part", faded=faded)
    family = type(node.op).__module__.rpartition(".")[2]
    name, words = op_words(node)
    if isinstance(node.op, Binary) and name in SIGNS:
        number = attribute_text(node.op.number) if len(node.inputs) == 1 else ""
        sides = (number, SIGNS[name]) if node.op.swap else (SIGNS[name], number)
        return Box(title=" ".join(sides).strip(), family=family, faded=faded)
    return named(name, words, path if node.params else "", family=family, faded=faded)


def named(name: str, words: Sequence[str], path: str, *, family: str, faded: bool) -> Box:
    """A box titled `conv(64, 3)`; long arguments stand below the name."""
    name, given = printable(name), printable(", ".join(words))
    title = f"{name}({given})" if given else name
    whole = title
    if len(title) <= TITLE:
        notes: tuple[str, ...] = (path,) if path else ()
    else:
        title, notes = name, (given, path) if path else (given,)
    return Box(title=shortened(title), notes=tuple(map(shortened, notes)), family=family, faded=faded, words=whole)


def paths(path: str, run: Sequence[Instance]) -> str:
    """`layers.0`, or `layers.0 … 11` for equal parts one after the other."""
    return f"{path} … {run[-1].name}" if run else path


def common_prefix(paths: Sequence[str]) -> str:
    """`block.` where the names of all layers begin so; names in a picture leave it out."""
    first = paths[0].partition(".")[0] + "." if paths else ""
    return first if all(path.startswith(first) for path in paths) else ""
