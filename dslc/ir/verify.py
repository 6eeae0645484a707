"""What must hold of every finished model. A violation is a bug of the compiler, so it is an exception."""

from __future__ import annotations

from dslc.ir.model import Call, Either, For, If, Instance, Item, Model, Node, Param, Value


class BrokenModel(Exception):
    """A model that the elaborator should not have made."""


def verify(model: Model) -> None:
    """Check that each value is made before it is read, in its own block, and that names and parameters are unique.

    Linear in the size of the model. Raises `BrokenModel`.
    """
    _Verifier(model).instance(model.root, frozenset())
    for path, param in model.params.items():
        if param.path != path:
            raise BrokenModel(f"`{param.path}` stands under `{path}`")


class _Verifier:
    def __init__(self, model: Model) -> None:
        self.params = {id(p) for p in model.params.values()}
        self.paths = set(model.params)

    def instance(self, instance: Instance, around: frozenset[int] | set[int]) -> None:
        """A block sees its own inputs only; a `seq` also what its writer has made so far (`around`)."""
        known: set[int] = set(around) if instance.kind == "seq" else set()
        known |= {id(v) for v in instance.inputs}
        self.items(instance.body, known, instance)
        if instance.kind == "extern":
            return
        for value in instance.outputs:
            self.read(value, known, instance)

    def items(self, items: list[Item], known: set[int], owner: Instance) -> None:
        for item in items:
            self.item(item, known, owner)

    def item(self, item: Item, known: set[int], owner: Instance) -> None:
        match item:
            case Node():
                for value in (*item.inputs, *item.tied.values()):
                    self.read(value, known, owner)
                for param in item.params.values():
                    if param.path not in self.paths:
                        raise BrokenModel(f"`{item.path}` owns `{param.path}`, which the model does not hold")
                known |= {id(v) for v in item.outs}
            case Call():
                for value in item.inputs:
                    self.read(value, known, owner)
                self.instance(item.instance, known)
                if item.instance.kind == "seq":
                    known |= _made(item.instance.body)
                known |= {id(v) for v in item.outs}
            case If():
                self.items(item.items, known, owner)
            case For():
                if len(item.carried) != len(item.turns) + 1:
                    raise BrokenModel(f"a loop of {len(item.turns)} turns carries {len(item.carried)} values")
                for turn in item.turns:
                    self.items(turn, known, owner)
            case Either():
                for side in (item.training, item.evaluation):
                    self.items(side, known, owner)
                for value in item.sides:
                    self.read(value, known, owner)
                known.add(id(item.out))

    def read(self, value: Value, known: set[int], owner: Instance) -> None:
        if isinstance(value.producer, Param):
            if value.producer.path not in self.paths:
                raise BrokenModel(f"`{owner.path}` reads `{value.producer.path}`, which the model does not hold")
        elif id(value) not in known:
            raise BrokenModel(f"`{owner.path or 'the net'}` reads {value!r} before or outside the place that makes it")


def _made(items: list[Item]) -> set[int]:
    """All values that a list of items makes, its regions and groups included."""
    found: set[int] = set()
    todo: list[Item] = list(items)
    while todo:
        item = todo.pop()
        match item:
            case Node() | Call():
                found |= {id(v) for v in item.outs}
                if isinstance(item, Call) and item.instance.kind == "seq":
                    todo += item.instance.body
            case If():
                todo += item.items
            case For():
                todo += [i for turn in item.turns for i in turn]
            case Either():
                found.add(id(item.out))
                todo += [*item.training, *item.evaluation]
    return found
