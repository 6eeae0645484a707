"""What slots print, what is pinned, and that a wrong choice is found before a file is given out."""

from __future__ import annotations

import random
from textwrap import dedent

import pytest

from dslc.api import compile_model
from dslc.backends.torch import slots, terms, verify
from dslc.backends.torch.emit import MergeFailed, emit, generate
from dslc.backends.torch.merged import CompilerBug, Slot
from dslc.backends.torch.terms import Choice, Comparison, Infix, Item, Lit, Prefix, Several, Term, Var


def text_of(program: str, **args: object) -> str:
    return emit(compile_model(dedent(program) + "\n", args=args))


def test_origin_beats_value() -> None:
    """A width that both places agree on is still said by its origin."""
    text = text_of("""
        block unit(out: int, r: int = 2) on x[N, C, H, W]:
            conv(out // r, 1) as a -> conv(out, 3) as b

        net f on x[N, 8, H=8, W=8]:
            unit(8) -> unit(8) as second
            gap -> flatten
    """)
    assert "nn.Conv2d(in_channels, out // r, 1)" in text
    assert "nn.Conv2d(out // r, out, 3, padding=1)" in text
    assert "r: int = 2" in text


def test_origin_of_any_member() -> None:
    """`C * t` is said by the member in which the expansion is there; it is right in the other too."""
    text = text_of("""
        block unit(t: int) on x[N, C, H, W]:
            if t != 1: conv(C * t, 1) as wide
            conv(C, 3) as deep

        net f on x[N, 8, H=8, W=8]:
            unit(1) -> unit(4) as second
            gap -> flatten
    """)
    assert "nn.Conv2d(in_channels * t, in_channels, 3, padding=1)" in text
    assert "if t != 1" in text


def test_new_parameter() -> None:
    """A value that nothing in the block says becomes an argument, named after the slot."""
    text = text_of("""
        block unit(norm: layer = bn) on x[N, C, H, W]:
            conv(C, 3, bias=false) as a -> norm as b

        net f on x[N, 8, H=8, W=8]:
            unit(bn(eps=0.1)) -> unit(bn(eps=0.2)) as second
            gap -> flatten
    """)
    assert "def __init__(self, in_channels: int, eps: float) -> None:" in text
    assert "Unit(8, 0.2)" in text or "Unit(8, eps=0.2)" in text


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("conv(width, 1) -> gap -> flatten", True),
        ("conv(2 * width, 1) -> gap -> flatten", False),
        ("conv(width, 1) -> conv(8, 1) -> gap -> flatten", True),
        ("conv(width, 1) -> bn -> gap -> flatten", True),
        ("conv(width, 1) -> head(width) -> gap -> flatten", False),
        ("conv(4, 1) -> head(width) -> gap -> flatten", True),
        ("for i in range(width): relu\n    gap -> flatten", False),
        ("if width > 4: relu\n    gap -> flatten", False),
        ("conv(4, 1) -> gap -> flatten -> linear(width) -> reshape(N, width // 2, 2)", False),
    ],
)
def test_what_stays_an_argument(line: str, kept: bool) -> None:
    """A net's parameter is an argument only if all that depends on it prints it as a bare name."""
    text = text_of(
        f"""
block head(out: int) on x[N, C, H, W]:
    conv(out, 3) as a -> relu -> conv(C, 3) as b

net f(width: int = 8) on x[N, 8, H=8, W=8]:
    {line}
"""
    )
    assert ("width: int = 8" in text) == kept


def test_alias_pins() -> None:
    program = """
        net whole(classes: int = 10, width: int = 4) on x[N, 3, H=8, W=8]:
            conv(width, 3) -> gap -> flatten -> linear(classes)

        net small = whole(classes=3)
    """
    model = compile_model(dedent(program), "small")
    text = emit(model)
    assert "width: int = 4" in text and "classes" not in text.split('"""')[2]


def test_split_says_why() -> None:
    text = text_of("""
        block unit(m: int) on x[N, C, H, W]:
            if m == 0: conv(C, 1) as a
            elif m == 1: conv(C, 3) as a
            else: conv(C, 5) as a

        net f on x[N, 8, H=8, W=8]:
            unit(0) -> unit(1) as b -> unit(2) as c -> unit(1) as d
            gap -> flatten
    """)
    assert text.count("class Unit") == 3
    assert "Another class of `unit`: an `if` of more than two sides goes other ways." in text


def test_wrong_term_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slot that prints another value: merging is turned off for the block, with a warning, and the file is right."""
    program = dedent("""
        block unit(out: int) on x[N, C, H, W]:
            conv(out, 3) as a -> relu

        net f on x[N, 8, H=8, W=8]:
            unit(4) -> unit(6) as b
            gap -> flatten
    """)
    honest = slots.Resolver.right

    def careless(self: slots.Resolver, term: Term, slot: Slot) -> bool:
        if slot.hint == "out" and len(self.target.members) > 1:
            return isinstance(term, Var)
        return honest(self, term, slot)

    def swapped(self: slots.Resolver, slot: Slot) -> list[Term]:
        found = candidates(self, slot)
        return [Var("C")] if slot.hint == "out" and len(self.target.members) > 1 else found

    candidates = slots.Resolver.candidates
    monkeypatch.setattr(slots.Resolver, "right", careless)
    monkeypatch.setattr(slots.Resolver, "candidates", swapped)
    made = generate(compile_model(program))
    assert len(made.bugs) == 1 and "would be" in made.bugs[0]
    assert made.text.count("class Unit") == 2
    with pytest.warns(MergeFailed, match="a bug in dslc"):
        emit(compile_model(program))


def test_unmergeable_bug_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be printed right at all is an exception, not a file."""

    def broken(*_: object) -> None:
        raise verify.Mismatch(made.classes[0], "wrong")

    model = compile_model("net f on x[N, 8, H=8, W=8]:\n    gap -> flatten\n")
    made = generate(model)
    monkeypatch.setattr(verify, "replay", broken)
    with pytest.raises(CompilerBug):
        generate(model)


# ---- terms


def random_term(rng: random.Random, depth: int) -> Term:
    if depth == 0 or rng.random() < 0.2:
        leaves: list[Term] = [Var("a"), Var("b"), Lit(rng.randint(-9, 9)), Lit(2.5)]
        return rng.choice(leaves)
    parts = [random_term(rng, depth - 1) for _ in range(3)]
    truth = Comparison((parts[0], parts[1]), (rng.choice(["<", "==", ">="]),))
    choices: list[Term] = [
        Infix(rng.choice(["+", "-", "*", "//", "%", "/"]), parts[0], parts[1]),
        Infix("**", parts[0], Lit(rng.randint(0, 3))),
        Prefix("-", parts[0]),
        Choice(truth, parts[1], parts[2]),
        Choice(Prefix("not", truth), parts[1], parts[2]),
        Choice(Infix(rng.choice(["and", "or"]), truth, truth), parts[0], parts[2]),
        Item(Several((parts[0], parts[1])), Lit(1)),
        terms.infix(rng.choice(["+", "-", "*", "//"]), parts[0], parts[1]),
        terms.Apply("max", (parts[0], parts[1]), (None, None)),
    ]
    return rng.choice(choices)


def test_text_means_what_is_evaluated() -> None:
    """Python's value of a term's text is the term's value: precedence, signs, brackets."""
    rng = random.Random(4)
    compared = 0
    for _ in range(3000):
        term = random_term(rng, rng.randint(1, 4))
        env = {"a": rng.randint(-6, 9), "b": rng.randint(1, 12)}
        text = terms.text(term, str)
        try:
            wanted = eval(text, {"max": max}, dict(env))
        except (ArithmeticError, TypeError):
            with pytest.raises(terms.NoValue):
                terms.evaluate(term, env)
            continue
        if isinstance(wanted, complex):
            continue
        assert terms.evaluate(term, env) == wanted, text
        compared += 1
    assert compared > 2000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "1e-5"),
        (0.5, "0.5"),
        ((3,), "(3,)"),
        ((1, 2), "(1, 2)"),
        ("same", '"same"'),
        (-1, "-1"),
        (None, "None"),
        (float("inf"), "math.inf"),
    ],
)
def test_literals(value: object, text: str) -> None:
    assert terms.literal(value)[0] == text


def test_one_is_not_true() -> None:
    assert not terms.same(1, True) and not terms.same(1, 1.0) and terms.same((1, 2), [1, 2])
