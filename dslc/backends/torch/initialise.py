"""Tensors that a class declares, and `reset_parameters`: the initialisers that are not PyTorch's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from dslc.backends.torch import layout, terms
from dslc.backends.torch.layout import Group, Named, Px
from dslc.backends.torch.merged import Class, Declared, Loop, MCall, MItem, MNode, MSeq, Setting, Slot, Template, walk
from dslc.backends.torch.modules import Modules
from dslc.backends.torch.terms import Lit
from dslc.backends.torch.writer import is_attribute
from dslc.ir.model import Param
from dslc.ops.reparam import FIRST_STEPS, SpectralNorm
from dslc.types.tensor import DType

MAYBE_BIASED: Final = frozenset(("conv", "deconv"))
"""Layers whose `bias` may be none in the eyes of a type checker."""

DEFAULTS: dict[str, dict[str, object]] = {
    "uniform": {"a": 0.0, "b": 1.0},
    "normal": {"mean": 0.0, "std": 1.0},
    "trunc_normal": {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0},
    "xavier_uniform": {"gain": 1.0},
    "xavier_normal": {"gain": 1.0},
    "kaiming_uniform": {"a": 0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
    "kaiming_normal": {"a": 0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
    "orthogonal": {"gain": 1},
    "dirac": {"groups": 1},
}
"""Defaults of torch.nn.init's functions."""


@dataclass(slots=True)
class Initialiser:
    """Writes what a class's own tensors need."""

    modules: Modules
    table: Callable[[Declared], Px | None]  # the values of a tensor that is given by index
    lines: list[str] = field(default_factory=list)  # of `reset_parameters`

    @property
    def target(self) -> Class:
        return self.modules.target

    def annotations(self) -> list[str]:
        """Types of buffers, which `register_buffer` does not tell a checker."""
        return [f"    {n}: Tensor" for n, d in self.target.declared.items() if kind(d) != "param" and is_attribute(n)]

    def declare(self) -> None:
        """Lines of `__init__` that make the tensors, and those of `reset_parameters` that fill them."""
        for name, declared in self.target.declared.items():
            self._declare(name, declared)
        for at, item in enumerate(walk(self.target.items)):
            if isinstance(item, MNode):
                for parameter, init, numbers in item.initial:
                    self._fill(item, parameter, init, numbers, at)

    def method(self, root: bool, others: bool) -> list[str]:
        """The end of `__init__`, and `reset_parameters`; `others`: classes of the file have one too.

        That of the root fills every tensor: `__init__` leaves out what the parts have done. A loop of initialisers is
        one over all modules too, because its parts must follow it.
        """
        stated = any(not loop.computed or setting.stated for loop in self.target.loop for setting in loop.settings)
        whole = root and bool(self.lines or self.target.loop or others)
        if not (self.lines or whole or stated):
            return []
        arguments, call = "self", "self.reset_parameters()"
        body = self.lines
        if stated:
            body = [*self._loop(2), *body]
        elif whole and body:
            arguments, call = "self, parts: bool = True", "self.reset_parameters(parts=False)"
            body = ["        if parts:", *self._loop(3), *body]
        elif whole:
            call = ""
            body = self._loop(2)
        return [*([f"        {call}"] if call else []), "", f"    def reset_parameters({arguments}) -> None:", *body]

    def _loop(self, indent: int) -> list[str]:
        """The loop over all modules, parts before wholes."""
        before, self.lines = self.lines, []
        self._put("", "for module in reversed(list(self.modules())[1:]):", indent, "# parts before wholes")
        test = "if"
        for loop in self.target.loop:
            types = loop.types[0] if len(loop.types) == 1 else f"({', '.join(loop.types)})"
            computed = ' and hasattr(module, "parametrizations")' if loop.computed else ""
            self._put("", f"{test} isinstance(module, {types}){computed}:", indent + 1)
            test = "elif"
            if loop.reset:
                self._put("", "module.reset_parameters()", indent + 2)
            for setting in loop.settings:
                self._setting(loop, setting, indent + 2)
        known = 'hasattr(module, "reset_parameters") and callable(module.reset_parameters)'
        self._put("", f"{test} {known}:", indent + 1)
        self._put("", "module.reset_parameters()", indent + 2)
        lines, self.lines = self.lines, before
        return lines

    def _setting(self, loop: Loop, setting: Setting, indent: int) -> None:
        tensor = f"module.{setting.tensor}"
        if loop.computed and setting.tensor == "weight":
            self._assign("module", loop.computed, setting.kind, setting.numbers, indent)
            return
        if setting.optional or (loop.op in MAYBE_BIASED and setting.tensor == "bias"):
            self._put("", f"if {tensor} is not None:", indent)
            indent += 1
        self._put("", self._call(setting.kind, tensor, setting.numbers), indent)

    def exact(self) -> list[str]:
        """The method by which tensors of a float type of their own keep it, and their numbers, in `.half()`."""
        before: list[str] = []
        after: list[str] = []
        for name, declared in self.target.declared.items():
            dtype = declared.params[0].spec.dtype
            if dtype.is_float and dtype is not DType.FLOAT:
                tensor = f"self.{name}" if is_attribute(name) else self._get(name, kind(declared))
                local = name if is_attribute(name) and name not in ("fn", "recurse") else f"exact_{len(before)}"
                before.append(f"        {local} = {tensor}.data")
                after.append(f"        if {tensor}.dtype != torch.{dtype.value}:")
                after.append(f"            {tensor}.data = {local}.to({tensor}.device)")
        if not before:
            return []
        head = "    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:"
        return ["", head, *before, "        super()._apply(fn, recurse)", *after, "        return self"]

    def _declare(self, name: str, declared: Declared) -> None:
        sizes = tuple(self.modules.slot(s) for s in declared.shape)
        spec = declared.params[0].spec
        dtype = () if spec.dtype in (DType.FLOAT, DType.FLOAT32) else (Named("dtype=", f"torch.{spec.dtype.value}"),)
        empty = Group("torch.empty", (*(sizes or ("()",)), *dtype))
        if kind(declared) == "param":
            make: Px = Group("nn.Parameter", (empty,))
            if is_attribute(name):
                self.modules.put(f"self.{name} = ", make)
            else:
                self.modules.put("", Group("self.register_parameter", (terms.quoted(name), make)))
        else:
            persistent = () if kind(declared) == "buffer" else (Named("persistent=", "False"),)
            self.modules.put("", Group("self.register_buffer", (terms.quoted(name), empty, *persistent)))
        tensor = f"self.{name}" if is_attribute(name) else self._get(name, kind(declared))
        values = self.table(declared)
        if values is not None:
            made = Group("torch.tensor", (values, *dtype))
            if kind(declared) == "param":
                self._put("with torch.no_grad():", "")
                self._put("", Group(f"{tensor}.copy_", (made,)), 3)
            else:
                self._put("", Group(f"{tensor}.copy_", (made,)))
        else:
            self._put("", self._call(spec.init.kind, tensor, declared.numbers))

    def _get(self, name: str, of: str) -> str:
        return f'self.get_{"parameter" if of == "param" else "buffer"}("{name}")'

    def _put(self, prefix: str, px: Px, indent: int = 2, comment: str = "") -> None:
        self.lines += layout.statement(prefix, px, "", indent, comment)

    def _call(self, init: str, tensor: str, numbers: dict[str, Slot]) -> Px:
        """`nn.init.trunc_normal_(self.pos, std=0.02)`."""
        args: list[Px] = [tensor]
        defaults = DEFAULTS.get(init, {})
        for name, slot in numbers.items():
            if isinstance(slot.term, Lit) and name in defaults and slot.term.value == defaults[name]:
                continue
            text = self._number(slot)
            args.append(text if init == "constant" else Named(f"{name}=", text))
        return Group(f"nn.init.{init}_", tuple(args))

    def _number(self, slot: Slot) -> str:
        """A number of an initialiser: what the constructor had, where that was an argument, is stored."""
        assert slot.term is not None
        if slot.term == Lit(math.sqrt(5)):  # PyTorch's own number
            return "math.sqrt(5)"
        stored = self.target.stored
        return terms.text(slot.term, lambda n: f"self.{stored[n]}" if n in stored else self.modules.spelled.get(n, n))

    def _fill(self, item: MNode, parameter: str, init: str, numbers: dict[str, Slot], at: int) -> None:
        """The initialiser of a module's parameter, wherever the module stands in the class."""
        path = self._path(item)
        if path is None:
            return
        near = len(path) == 1 and isinstance(path[0], str) and is_attribute(path[0])
        dotted = ".".join(p if isinstance(p, str) else f"{p.before}{p.base}{p.after}" for p in path)
        if parameter.startswith("parametrizations."):
            module = f"self.{dotted}" if near else f'self.get_submodule("{dotted}")'
            self._assign(module, type(item.nodes[0].op).name, init, numbers)
            return
        near = near and not (parameter == "bias" and item.nodes[0].op.core.name in MAYBE_BIASED)
        tensor = f"self.{dotted}.{parameter}" if near else f'self.get_parameter("{dotted}.{parameter}")'
        self._put("", self._call(init, tensor, numbers))

    def _assign(self, module: str, computed: str, init: str, numbers: dict[str, Slot], indent: int = 2) -> None:
        """The initialiser of a computed weight: assigned, so that what it is computed from follows.

        Of a spectral norm the singular vectors are drawn and follow too, by as many steps as PyTorch takes at first.
        """
        self._put(f"{module}.weight = ", self._call(init, f"torch.empty_like({module}.weight)", numbers), indent)
        if computed == SpectralNorm.name:
            self._put("", f"nn.init.normal_({module}.parametrizations.weight[0]._v)", indent)
            self._put("", f"for _ in range({FIRST_STEPS}):", indent)
            self._put("", f'{module}.get_submodule("parametrizations.weight")()', indent + 1)

    def _path(self, item: MNode) -> list[str | Template] | None:
        """The attributes that lead to a module from `self`."""
        return _find(self.target.items, item)


def _find(items: list[MItem], wanted: MNode) -> list[str | Template] | None:
    for item in items:
        if item is wanted:
            return [wanted.name]
        if isinstance(item, MSeq):
            inner = _find(item.items, wanted)
            if inner is not None:
                return [item.name, *inner]
        elif not isinstance(item, MNode | MCall):
            from dslc.backends.torch.merged import regions

            for region in regions(item):
                inner = _find(region, wanted)
                if inner is not None:
                    return inner
    return None


def kind(declared: Declared) -> str:
    """`param`, `buffer` or `const`."""
    return declared.params[0].spec.kind


def nested(values: object) -> Px:
    """Nested lists of numbers as Python."""
    if isinstance(values, list | tuple):
        return Group("", tuple(nested(v) for v in values), "", "[]")
    return terms.literal(values)[0]


__all__ = ["Initialiser", "Param", "kind", "nested"]
