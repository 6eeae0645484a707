"""Each mistake by its code, its place and its words. The place is marked by « and »."""

from __future__ import annotations

import re
from inspect import cleandoc

import pytest

from dslc.diagnostics.codes import REGISTRY
from dslc.diagnostics.model import Diagnostic
from dslc.reports.catalogue import load_codes
from tests.syntax.sample import block, parse_text

LINES = [
    ("E0102", "relu  # «\u202e»x", "U+202E (right-to-left override) is refused everywhere"),
    ("E0102", 'require a, "«\x00»"', "U+0000 (a control character)"),
    ("E0102", "relu «\r»# x", "a carriage return stands here without a newline"),
    ("E0102", "relu # «\udc80»", "U+DC80 is half a character: the file is not UTF-8"),
    ("E0103", "«größe» = relu", "`größe` is no name: `ö` (U+00F6)"),
    ("E0103", "«x²»", "`²` (U+00B2)"),
    ("E0104", "relu«;»", "`;` means nothing here"),
    ("E0104", "relu «\\»\n    relu", "`\\` means nothing here"),
    ("E0104", "conv(3«\u00d7»3)", "(U+00D7) means nothing here"),
    ("E0104", "relu «→» relu", "`→` (U+2192)"),
    ("E0112", "if «!»x: relu", "`!` is written `not`"),
    ("E0104", "relu«\u200b»", "(U+200B) means nothing here"),
    ("E0105", 'rearrange(«"n c»', "this string is not closed"),
    ("E0105", "relu as «`a»", "this back-tick name is not closed"),
    ("E0106", "rearrange(«'n c'»)", "strings stand in double quotes"),
    ("E0107", "conv(«3x»)", "`3x` is not a number"),
    ("E0107", "conv(«0x1F»)", "`0x1F` is not a number"),
    ("E0107", "conv(«007»)", "`007` is not a number"),
    ("E0107", "conv(«1__0»)", "`1__0` is not a number"),
    ("E0113", "conv(«1e999»)", "`1e999` is beyond what a float of 32 bits holds"),
    ("E0113", "conv(«1e39»)", "`1e39` is beyond what a float of 32 bits holds"),
    ("E0113", "conv(«9223372036854775808»)", "is beyond what a whole number of 64 bits holds"),
    ("E0113", "conv(«9_300_000T»)", "`9_300_000T` is beyond what a whole number"),
    ("E0107", "conv(«1e999999999K»)", "is not a number"),
    ("E0107", "conv(«99999999999x3»)", "is not a number"),
    ("E0114", f"«{'a' * 201}» = conv(8, 3)", "this name has 201 letters; 200 are the most"),
    ("E0107", f"conv(«{'9' * 5000}»)", "this number has 5000 characters"),
    ("E0108", "conv(8, «3x0»)", "the size `3x0` has a side of zero"),
    ("E0108", "conv(8, «0x10»)", "the size `0x10` has a side of zero"),
    ("E0109", 'rearrange("a «\\d» b")', "`\\d` is no escape"),
    ("E0110", 'require a, "x «{» y"', "this `{` has no `}`"),
    ("E0110", 'require a, "x «}» y"', "this `}` has no `{`"),
    ("E0110", 'require a, "x «{}» y"', "there is no expression"),
    ("E0110", 'require a, "{a{b}"'.replace("a{", "a«{»"), "stands inside braces already"),
    ("E0110", 'require a, "{a«:.2f»}"', "a value is shown as it is"),
    ("E0110", "relu as `a«{»`", "this `{` has no `}`"),
    ("E0111", "relu as `a« »b`", "` ` cannot stand in a back-tick name"),
    ("E0111", "relu as `a«.»b`", "`.` cannot stand"),
    ("E0111", "relu as «``»", "nothing between"),
    ("E0112", "if x == 3 «&&» y: relu", "`&&` is written `and`"),
    ("E0112", "if x «||» y: relu", "`||` is written `or`"),
    ("E0112", "if x «is» y: relu", "`is` is written `==`"),
    ("E0122", "let x = 3\n    «relu»", "the line above it takes no suite"),
    ("E0122", "if x: relu\n    «relu»", "the line above it takes no suite"),
    ("E0122", "residual: relu\n    «relu»", "the line above it takes no suite"),
    ("E0123", "conv(8)«»\n    relu", "does not end with `:`"),
    ("E0123", "if x«»\n    relu", "does not end with `:`"),
    ("E0123", "for i in range(3)«»\n    relu", "does not end with `:`"),
    ("E0123", "if x: relu\nelse«»\n    relu", "does not end with `:`"),
    ("E0124", "if x«:»\nrelu", "nothing is indented"),
    ("E0124", "residual«:»", "nothing is indented"),
    ("E0127", "x = «(»a, b\nlet y = 3", "this `(` is never closed"),
    ("E0127", "f(a)«(»b", "this `(` is never closed"),
    ("E0127", "f(a, «[»b", "this `[` is never closed"),
    ("E0128", "f(a«]»", "this `]` cannot close `(`"),
    ("E0128", "f(a)«)»", "this `)` closes nothing"),
    ("E0129", "relu\n«->» relu", "not deeper than the line it would go on with"),
    ("E0129", "residual:\n    relu\n  «->» relu".replace("  «", "    «"), "not deeper"),
    ("E0129", "x\n«+» y", "no line begins with `+`"),
    ("E0129", "«-»x", "no line begins with `-`"),
    ("E0129", "«*»x", "no line begins with `*`"),
    ("E0129", "«and» x", "no line begins with `and`"),
    ("E0129", "«.»x", "layers are joined by `->`, not by a dot"),
    ("E0130", "«it + x»:\n    relu", "`it + x` takes no suite"),
    ("E0130", "(«a -> b») as c:\n    relu", "`a -> b` takes no suite"),
    ("E0130", "«require x»:\n    relu", "`require x` takes no suite"),
    ("E0131", "if x: «residual»: relu", "one line without a suite"),
    ("E0131", "if x: «for» i in y: relu", "one line without a suite"),
    ("E0132", "«seq»", "`seq` has no suite"),
    ("E0132", "x = f(«seq»)", "`seq` has no suite"),
    ("E0132", "«seq(relu)»", "`seq` takes its layers as a suite"),
    ("E0133", "«|» relu", "a branch stands only in the suite of a layer"),
    ("E0133", "seq:\n    «|» relu", "a branch stands only in the suite of a layer"),
    ("E0133", "concat:\n    | a\n        «|» b", "a branch stands only in the suite of a layer"),
    ("E0133", "relu\n«|» relu", "a branch stands only in the suite of a layer"),
    ("E0134", "concat:\n    | a\n    «b»", "does not begin with `|`"),
    ("E0134", "concat:\n    if c: | a\n    else:\n        «b»", "does not begin with `|`"),
    ("E0134", "concat:\n    for i in c:\n        | a\n        «b»", "does not begin with `|`"),
    ("E0134", "concat:\n    | a\n    «if c: b»", "does not begin with `|`"),
    ("E0135", "if a: b\n«else if» c: d\nelse: e", "`else if` is written `elif`"),
    ("E0140", "a -> «b + c»", "`b + c` needs brackets"),
    ("E0140", "«a == b» -> c", "`a == b` needs brackets"),
    ("E0140", "a -> «b if c else d»", "`b if c else d` needs brackets"),
    ("E0140", "«not a» -> c", "`not a` needs brackets"),
    ("E0141", "x = a * «+»b", "there is no unary `+`"),
    ("E0142", "«a, b -> c»", "only from brackets"),
    ("E0143", "«x[0]» = relu", "`x[0]` is not a name that `name = ...` can give"),
    ("E0143", "x, «3» = relu", "`3` is not a name"),
    ("E0143", "let «a, b» = relu", "`let name = ...`"),
    ("E0143", "let «`a`» = relu", "`let name = ...`"),
    ("E0143", "«x.y» += [it]", "`name += [...]`"),
    ("E0176", "x, «(a, b)» = lstm(8, state=true)", "side by side"),
    ("E0144", "for i, «(a, b)» in c: relu", "plain names"),
    ("E0144", "let x = [a for «a.b» in c]", "plain names"),
    ("E0145", "f(a=1, «2»)", "after `a=`"),
    ("E0146", "f(a=1, «a=2»)", "the argument `a` stands here twice"),
    ("E0147", "if x «=» 3: relu", "`=` gives a name"),
    ("E0147", "if x == 3 and y «=» 4: relu", "`=` gives a name"),
    ("E0147", "relu if a «=» 3 else bn", "`=` gives a name"),
    ("E0147", "require x «=» 3", "`=` gives a name"),
    ("E0148", "f(relu «if» y)", "this `if` has no `else`"),
    ("E0148", "x = relu «if» y", "this `if` has no `else`"),
    ("E0149", "x = sum(a «for» a in b)", "stands in `[ ]`"),
    ("E0161", "«block» foo(): relu", "`block` begins a definition"),
    ("E0161", "«use» std.conv: cba", "`use` begins a definition"),
    ("E0161", "«on» x", "`on` belongs to the header's line"),
    ("E0162", "conv(8) «relu»", "expected `->`, found `relu`"),
    ("E0162", "f(a «b»)", "expected `,`, found `b`"),
    ("E0162", "x =«»", "expected an expression, found the end of the line"),
    ("E0162", "relu ->«»\n    relu", "expected an expression, found the end of the line"),
    ("E0162", "f(a, «,» b)", "expected an expression, found `,`"),
    ("E0158", "let x«: int» = 3", "a value is named by `let`, without `: int`"),
    ("E0158", "«var» x = 3", "a value is named by `let`, without `var`"),
    ("E0172", "«x -= 1»", "there is no `-=`"),
    ("E0173", "«- [-1, 1, conv, [16, 3]]»", "of a YAML file is written as a call"),
    ("E0175", "conv«{16, 3}»", "arguments stand in round brackets"),
    ("E0175", "relu as part«{i}»", "a name with a value in it stands in back-ticks"),
    ("E0174", "«-» relu", "a line begins with its layer, not with `-`"),
    ("E0156", "x «=>» relu", "steps are joined by `->`, not by `=>`"),
    ("E0154", 'relu as «"x"»', "a module's name has no quotes: `x`"),
    ("E0154", "relu as «'x'»", "a module's name has no quotes: `x`"),
    ("E0153", 'relu as «f"x{i}"»', "a name with `{expression}` stands in back-ticks"),
    ("E0153", 'f(«f"x{i}"»)', "strings have no prefix: `f` is not needed"),
    ("E0150", "relu «//» the first", "a comment begins with `#`, not `//`"),
    ("E0150", "relu\n«//» relu", "a comment begins with `#`, not `//`"),
    ("E0150", "relu\n«/*» relu */", "a comment begins with `#`, not `/*`"),
    ("E0150", "relu\n«--» relu", "a comment begins with `#`, not `--`"),
    ("E0151", 'f(«{"a": 1}», 2)', "there are no dictionaries"),
    ("E0136", "if x «{»\n    relu\n}", "not put in braces"),
    ("E0137", "relu«,»", "a comma ends this line"),
    ("E0138", "«self.x» = relu", "there is no `self`"),
    ("E0152", '«"""what it is"""»\nrelu', "a text in three quotes is no comment"),
    ("E0155", "f(x > 1 «?» 2 : 3)", "a choice is written `2 if x > 1 else 3`"),
    ("E0156", "f(1) «|» relu", "steps are joined by `->`, not by `|`"),
    ("E0156", "f(1) «>>» relu", "steps are joined by `->`, not by `>>`"),
    ("E0156", "f(1) «- >» relu", "steps are joined by `->`, not by `- >`"),
    ("E0159", "f(«3 x 5»)", "a size is one word: `3x5`"),
    ("E0162", "for i in range(3)«»\nrelu", "expected `:`, found the end of the line"),
    ("E0162", "relu\n«else»: relu", "expected a line of the body, found `else`"),
    ("E0162", 'require a, "{b «c»}"', "expected an operator or `}`, found `c`"),
    ("E0162", 'require a, "{b +«»}"', "expected an expression, found `}`"),
    ("E0162", "x[1:2:3«:»4]", "expected `]` or `,`, found `:`"),
    ("E0163", "relu as «for»", "`for` is a keyword"),
    ("E0163", "«net» = 3", "`net` is a keyword"),
    ("E0163", "«if» = 3", "`if` is a keyword"),
    ("E0163", "«it» = 3", "`it` is a keyword"),
    ("E0163", "let «seq» = 3", "`seq` is a keyword"),
    ("E0163", "let «none» = 3", "`none` is a keyword"),
    ("E0163", "f(«in»=3)", "`in` is a keyword"),
    ("E0163", "f(«training»=3)", "`training` is a keyword"),
    ("E0163", "x.«in»", "`in` is a keyword"),
    ("E0163", "for «net» in y: relu", "`net` is a keyword"),
    ("E0163", "module «on» = relu", "`on` is a keyword"),
    ("E0163", "param «const»: [3] = ones", "`const` is a keyword"),
    ("E0164", "«return» x", "there is no `return`"),
    ("E0164", "«while» x:\n    relu", "there is no `while`"),
    ("E0164", "«pass»", "there is no `pass`"),
    ("E0164", "x = «lambda» y: y", "there is no `lambda`"),
    ("E0165", "budget «macs»", "`macs` is no limit"),
    ("E0165", "budget macs <= 4G, «3 < 4»", "`3 < 4` is no limit"),
    ("E0169", "budget macs <= «5 GFLOPs», params <= 1M", "`5 GFLOPs` is no limit: that is a number with"),
    ("E0169", "budget macs <= «5GFLOPs»", "`5GFLOPs` is no limit"),
    ("E0169", "budget peak_memory <= «8 MB»", "`8 MB` is no limit"),
    ("E0169", "budget params <= «25M params»", "`25M params` is no limit"),
    ("E0168", "init conv = zeros, «conv(3)» = ones", "`conv(3)` is no name of a layer"),
    ("E0168", "init conv = zeros, «a.b.c» = ones", "`a.b.c` is no name of a layer"),
    ("E0162", "init conv «zeros»", "expected"),
    ("E0162", "init conv«»", "expected"),
    ("E0166", "require x, «y»", "is a string"),
]

FILES = [
    ("E0103", "net «größe»() on x: relu\n", "`größe` is no name"),
    ("E0120", "net a() on x:\n«\t»relu\n\tbn\n", "a tab indents this line; the file has 1 more"),
    ("E0120", "net a() on x:«\t»relu\n", "a tab separates words here"),
    (
        "E0121",
        "net a() on x:\n    if b:\n«      »relu\n    relu\n    if c:\n        relu\n",
        "6 spaces, where 8 would fit",
    ),
    ("E0121", "net a() on x:\n    if b:\n        relu\n«      »relu\n", "by 6 spaces, where 4 or 8 would fit"),
    ("E0121", "net a() on x:\n    relu\n«   »relu\n    relu\n   bn\n", "by 3 spaces, where 0 or 4 would fit"),
    ("E0121", "net a() on x:\n    relu\n«     »relu\n    relu\n", "by 5 spaces, where 4 or 8 would fit"),
    ("E0122", "  «net» a() on x: relu\n", "the first line of a file is not indented"),
    ("E0122", "  «net» a() on x: relu\nnet b() on x: relu\n", "the first line of a file is not indented"),
    ("E0122", "let a = 3\n    «relu»\n", "takes no suite"),
    ("E0122", "fn f(x) = x\n    «relu»\n", "takes no suite"),
    ("E0122", "use std.conv: cba\n    «relu»\n", "takes no suite"),
    ("E0123", "net a() on x«»\n    relu\n", "does not end with `:`"),
    ("E0123", "fn f(x)«»\n    x\n", "does not end with `:`"),
    ("E0123", "block a() on ids: int64[N]«»\n    relu\n", "does not end with `:`"),
    ("E0124", "net a() on x«:»\nnet b() on x: relu\n", "nothing is indented"),
    ("E0127", "block a«(»b: int on x[N]:\n    relu(1)\nnet b() on x: relu\n", "this `(` is never closed"),
    ("E0127", "net a() on x: f«(»relu", "this `(` is never closed"),
    ("E0128", "block a(b«]» on x: relu\n", "this `]` cannot close `(`"),
    ("E0132", "let a = «seq»\n", "`seq` has no suite"),
    ("E0133", "net a() on x:\n    if c:\n        «|» relu\n", "a branch stands only"),
    ("E0143", "let «a.b» = 3\n", "`a.b` is not a name"),
    ("E0146", "net a(x, «x») on y: relu\n", "the parameter `x` stands here twice"),
    ("E0160", "«conv(8)»\nrelu\n\nbn\n", "stands in no definition"),
    ("E0160", "«if x: y»\n", "stands in no definition"),
    ("E0160", "let a = 3\n«param x: [3] = ones»\n", "stands in no definition"),
    ("E0162", "net a() «relu»\n", "expected `:`, `=`, `->` or `on`, found `relu`"),
    ("E0162", "net a() on«:»\n    relu\n", "expected a name, found `:`"),
    ("E0162", "net «(»x) on y: relu\n", "expected a name, found `(`"),
    ("E0162", "net a() =«»\n", "expected an expression, found the end of the line"),
    ("E0162", "net a()«»\n", "expected `:` or `=`, found the end of the line"),
    ("E0162", "extern block a() on x -> y«»\n", "expected `=`, found the end of the line"),
    ("E0162", "extern «a»() on x: relu\n", "expected `block`, found `a`"),
    ("E0162", "block a(x: «3») on y: relu\n", "expected a name, `(` or `[`, found `3`"),
    ("E0162", "block a() on x -> y when «now»: relu\n", "expected `training`, found `now`"),
    ("E0162", "use std.conv«»\n", "expected `:`, found the end of the line"),
    ("E0162", "use std.conv: «*»\n", "expected a name, found `*`"),
    ("E0162", "«else»: relu\n", "expected a definition, found `else`"),
    ("E0163", "let «net» = 3\n", "`net` is a keyword"),
    ("E0163", "block «net»() on x: relu\n", "`net` is a keyword"),
    ("E0163", "block a() on «in»: relu\n", "`in` is a keyword"),
    ("E0163", "block a(«in»: int) on x: relu\n", "`in` is a keyword"),
    ("E0170", "«def f(x):»\n    relu\n", "it looks like Python"),
    ("E0170", "«class Foo(Bar):»\n    relu\n", "it looks like Python"),
    ("E0170", "«import torch»\n", "it looks like Python"),
    ("E0170", "«name: net»\nlayers:\n  - conv: 3\n", "it looks like YAML"),
    ("E0170", '«{»\n  "layers": [1]\n}\n', "it looks like JSON"),
    ("E0164", "«import» torch\n\nlet a = 1\n", "there is no `import`"),
    ("E0157", "net a(x: «List[int]») on y: b\n", "the type `List[int]` is written `[int]`"),
    ("E0171", "net a(«x: Tensor[3, 8, 8]»):\n    b\n", "inputs stand after `on`: `on x[N, 3, 8, 8]`"),
    ("E0171", "net a «x»[N, 3]:\n    b\n", "inputs stand after `on`: `x[N, 3]`"),
    ("E0167", "net a() = «b -> c»\n", "a chain needs its inputs"),
    ("E0167", "net a() = b\n    «relu»\n", "only `budget` lines"),
    ("E0167", "net «a»() -> [N] = b\n", "that net's results"),
    ("E0167", "fn f(x):\n    «relu»\n    x\n", "`let` lines and then one expression"),
    ("E0167", "fn f(x):\n    «let a = 3»\n", "`let` lines and then one expression"),
    ("E0167", "fn «f»(x) on y = 3\n", "neither `on` nor `->`"),
    ("E0167", 'extern block «a»() on x = "b:C"\n', "states its inputs and results"),
    ("E0167", "extern block a() on x -> y = «b»\n", '= "package.module:Class"'),
    ("E0167", 'extern block a() on x -> y = "b:C"\n    «foo = 3»\n', "`macs = ...`"),
    ("E0167", "block a() on x[«3»=H]: relu\n", "stands a name"),
    ("E0167", 'use «"{a}"»: b\n', "a path holds no `{expr}`"),
]


def check(code: str, marked: str, message: str) -> None:
    start = marked.index("«")
    end = marked.index("»") - 1
    _, diagnostics = parse_text(marked.replace("«", "").replace("»", ""))
    shown = [f"{d.span}: {d.code} {d.message}" for d in diagnostics]
    assert len(diagnostics) == 1, shown
    (found,) = diagnostics
    assert (found.code, found.span.start, found.span.end) == (code, start, end), shown
    assert message in found.message
    assert "\n" not in found.message and not found.message.endswith(".")


@pytest.mark.parametrize(("code", "line", "message"), LINES)
def test_in_a_body(code: str, line: str, message: str) -> None:
    check(code, block(line), message)


@pytest.mark.parametrize(("code", "text", "message"), FILES)
def test_in_a_file(code: str, text: str, message: str) -> None:
    check(code, text, message)


def test_every_mistake_is_tested() -> None:
    load_codes()
    own = {code for code, mistake in REGISTRY.items() if mistake.__module__.startswith("dslc.syntax")}
    tested = {code for code, _, _ in (*LINES, *FILES)}
    assert own - tested == {"E0101", "E0125", "E0126"}, "the limits are tested in test_limits.py"


@pytest.mark.parametrize(
    "word", ["def", "class", "import", "return", "while", "pass", "break", "continue", "lambda", "assert", "del"]
)
def test_words_of_python_have_advice(word: str) -> None:
    _, diagnostics = parse_text(block(word if word in ("pass", "break", "continue", "return") else f"{word} x"))
    assert [d.code for d in diagnostics] == ["E0164"] and diagnostics[0].help


# ---- proposals


def apply(text: str, found: Diagnostic) -> list[str]:
    """The texts that the proposals of a diagnostic make."""
    results = []
    for help in found.help:
        changes = [(found.span.start, found.span.end, help.replace)] if help.replace is not None else []
        changes += [(e.span.start, e.span.end, e.text) for e in help.edits]
        changed = text
        for start, end, new in sorted(changes, reverse=True):
            changed = changed[:start] + new + changed[end:]
        if changes:
            results.append(changed)
    return results


@pytest.mark.parametrize(("code", "marked", "message"), [(c, block(t), m) for c, t, m in LINES] + FILES)
def test_proposals_mend(code: str, marked: str, message: str) -> None:
    text = marked.replace("«", "").replace("»", "")
    _, (found,) = parse_text(text)
    for mended in apply(text, found):
        _, left = parse_text(mended)
        assert not [f"{d.span}: {d.code} {d.message}" for d in left], mended


# ---- the pages of `dslc explain`

load_codes()
PAGES = [m for m in REGISTRY.values() if m.__module__.startswith("dslc.syntax")]


@pytest.mark.parametrize("mistake", PAGES, ids=lambda m: m.code)
def test_examples(mistake: type) -> None:
    found = re.findall(r"^```(dl[^\n]*)\n(.*?)^```", cleandoc(mistake.__doc__ or ""), re.S | re.M)
    for kind, text in found:
        _, diagnostics = parse_text(text)
        codes = {d.code for d in diagnostics}
        assert codes == ({mistake.__dict__["code"]} if "fails" in kind else set())
    without = {"E0101", "E0120"}  # four million characters; a tab, which a docstring does not keep
    assert len(found) == (0 if mistake.__dict__["code"] in without else 2)


@pytest.mark.parametrize(
    "line", ["n // d", "int(n + d) // d * d", "f(n -> g)  // d", "n // d if n else d", 'f("{n // d}")']
)
def test_a_quotient_is_no_comment(line: str) -> None:
    assert parse_text(f"fn part(n: int, d: int):\n    {line}\n")[1] == ()
