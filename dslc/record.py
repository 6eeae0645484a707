"""Records that take a tenth of a dataclass's time to define: a command defines some two hundred of them.

A dataclass writes and compiles its methods when it is defined; here only `__init__` is written, and only when instances
are made. The annotated names are the fields, as in a dataclass, with its `field` and `__post_init__`; classes are
slotted. Nothing is frozen at run time (that would triple the time to make an instance): the type checker sees to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, field
from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")
Class = TypeVar("Class", bound=type[Any])


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def record(cls: Class) -> Class:
    """A frozen record compared by identity: nodes of a tree."""
    return _defined(cls, {})


@dataclass_transform(eq_default=False, field_specifiers=(field,))
def entity(cls: Class) -> Class:
    """A record that changes, compared by identity: things with a life."""
    return _defined(cls, {})


@dataclass_transform(frozen_default=True, eq_default=True, field_specifiers=(field,))
def frozen(cls: Class) -> Class:
    """A frozen record compared by its fields, which can be a key if they can."""
    defaults = {**getattr(cls, "__defaults__", {}), **vars(cls)}
    names = [name for name in _names(cls) if getattr(defaults.get(name), "compare", True)]
    if not names:
        return _defined(cls, {"__eq__": _same_class, "__hash__": _class_hash, "__repr__": _repr})
    key = attrgetter(*names)

    def equal(self: object, other: object) -> bool:
        return bool(key(self) == key(other)) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(key(self))

    return _defined(cls, {"__eq__": equal, "__hash__": hashed, "__repr__": _repr})


def replace(self: T, **changes: Any) -> T:
    """A copy of a record with some fields changed."""
    cls: Any = self.__class__
    fields = dict(zip(cls.__match_args__, cls.__values__(self), strict=False))
    fields.update(changes)
    made: T = cls(**fields)
    return made


def _names(cls: type[Any]) -> tuple[str, ...]:
    """The fields of a class, those of its bases first. Annotations are texts: `ClassVar[..]` is no field."""
    inherited: tuple[str, ...] = next((b.__match_args__ for b in cls.__mro__[1:] if hasattr(b, "__match_args__")), ())
    own: dict[str, str] = vars(cls).get("__annotations__", {})
    return (*inherited, *(n for n, kind in own.items() if n not in inherited and not kind.startswith("ClassVar")))


def _defined(cls: Class, methods: dict[str, Callable[..., Any]]) -> Class:
    """The slotted class; methods that the class itself writes stay."""
    names = _names(cls)
    space = dict(cls.__dict__)
    defaults = dict(getattr(cls, "__defaults__", {}))
    for name in names:
        if name in space:
            defaults[name] = space.pop(name)
    for name in ("__dict__", "__weakref__"):
        space.pop(name, None)
    for name, method in methods.items():
        space.setdefault(name, method)
    own = [n for n in names if not any(n in getattr(b, "__slots__", ()) for b in cls.__mro__[1:])]
    values = attrgetter(*names, "__class__")  # of one name alone it would give no tuple
    space.update(__slots__=tuple(own), __match_args__=names, __defaults__=defaults, __values__=values)
    if "__init__" not in space:
        space["__init__"] = _first
    kind: Any = type(cls)
    made = kind(cls.__name__, cls.__bases__, space)
    made.__qualname__ = cls.__qualname__
    slotted: Class = made
    return slotted


def _first(self: Any, *values: Any, **named: Any) -> None:
    """Stands for `__init__` until the first instance is made: makes the real one and calls it."""
    cls: Any = next(c for c in type(self).__mro__ if c.__dict__.get("__init__") is _first)
    names: list[str] = []
    keywords: list[str] = []
    made: list[str] = []
    defaults: dict[str, Any] = {}
    for name in cls.__match_args__:
        default = cls.__defaults__.get(name, MISSING)
        rules = default if isinstance(default, Field) else None
        if rules is not None and not rules.init:
            continue
        if rules is not None and rules.default_factory is not MISSING:
            made.append(name)
            defaults[name] = _none
        elif (default if rules is None else rules.default) is not MISSING:
            defaults[name] = default if rules is None else rules.default
        (keywords if rules is not None and rules.kw_only is True else names).append(name)
    fields = (*names, *keywords)
    after = hasattr(cls, "__post_init__")
    if made:
        code = _written(fields, {name: f"_make_{name}" for name in made}, after)
    else:
        code = _plain(len(fields), after)
        called = ("__post_init__",) if after else ()
        code = code.replace(co_varnames=("self", *fields), co_names=(*fields, *called))
    code = code.replace(
        co_argcount=1 + len(names),
        co_kwonlyargcount=len(keywords),
        co_filename=f"<{cls.__qualname__}>",
        co_qualname=f"{cls.__qualname__}.__init__",
    )
    known = {"_none": _none} | {f"_make_{name}": cls.__defaults__[name].default_factory for name in made}
    init = FunctionType(code, known, "__init__", tuple(defaults[name] for name in names if name in defaults))
    init.__kwdefaults__ = {name: defaults[name] for name in keywords if name in defaults}
    cls.__init__ = init
    init(self, *values, **named)


@cache
def _plain(count: int, after: bool) -> CodeType:
    """The code of an `__init__` that keeps its arguments: compiled once a count, for all records of so many fields.

    Their names are put in afterwards. To compile one for each class would take a fifth of a command's time.
    """
    return _written(tuple(f"_{i}" for i in range(count)), {}, after)


def _written(fields: tuple[str, ...], makers: dict[str, str], after: bool) -> CodeType:
    """The code of an `__init__`; a field of `makers` that is not given is what that function makes."""
    body = []
    for name in fields:
        value = f"{makers[name]}() if {name} is _none else {name}" if name in makers else name
        body.append(f"    self.{name} = {value}\n")
    if after:
        body.append("    self.__post_init__()\n")
    text = f"def __init__({', '.join(('self', *fields))}):\n" + ("".join(body) or "    pass")
    module = compile(text, "<record>", "exec")
    return next(c for c in module.co_consts if isinstance(c, CodeType))


_none = object()


def _repr(self: Any) -> str:
    words = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
    return f"{self.__class__.__qualname__}({words})"


def _same_class(self: object, other: object) -> bool:
    return other.__class__ is self.__class__


def _class_hash(self: object) -> int:
    return hash(self.__class__)
