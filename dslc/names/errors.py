"""Mistakes in definitions, imports and files."""

from __future__ import annotations

import re

from dslc.diagnostics.model import Help, Mistake, did_you_mean


class DefinedTwice(Mistake, code="E0210"):
    """Two definitions of a file have the same name.

    Definitions of a file see each other whatever their order, so the second could neither replace the first nor be
    told from it. Give one another name, or delete what is left of an edit.

    ```dl fails
    block head: gap -> flatten
    block head: flatten

    net f on x[N, 3, 32, 32]: head
    ```

    ```dl
    block head: gap -> flat
    block flat: flatten

    net f on x[N, 3, 32, 32]: head
    ```

    Related: E0202, E0211.
    """

    name: str

    @property
    def message(self) -> str:
        return f"`{self.name}` is defined twice"


class HidesLayer(Mistake, code="E0211"):
    """A definition has the name of a layer or function of the language.

    Who reads `conv` in any program must be able to rely on what it is, and blocks of the library use these names
    too. `dslc explain` and docs/layers.md list what is taken.

    ```dl fails
    block conv(out: int): linear(out)

    net f on x[N, 32]: conv(8)
    ```

    ```dl
    block dense_layer(out: int): linear(out)

    net f on x[N, 32]: dense_layer(8)
    ```

    Related: E0202, E0210.
    """

    name: str

    @property
    def message(self) -> str:
        return f"`{self.name}` is a layer or function of the language"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("give the definition another name"),)


class ImportMissing(Mistake, code="E0212"):
    """A `use` of a file that is not there.

    `use std.name: ..` reads a file of the library, `use "./name.dl": ..` one beside the program, by its path from
    the file that says so. The nearest file that exists is offered.

    ```dl fails
    use std.convv: cba

    net f on x[N, 3, 32, 32]: cba(8, 3) -> gap -> flatten
    ```

    ```dl
    use std.conv: cba

    net f on x[N, 3, 32, 32]: cba(8, 3) -> gap -> flatten
    ```

    Related: E0213, E0214, E0215.
    """

    path: str
    near: str | None

    @property
    def message(self) -> str:
        return f"there is no {'module' if self.path.startswith('std.') else 'file'} `{self.path}` to use"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near, replace=self.path.startswith("std."))  # a path of a file stands in quotes


class ImportUnknown(Mistake, code="E0213"):
    """A `use` of a name that the file does not define.

    Only what the file itself defines can be used from it: names that it uses from elsewhere are taken from there.
    Names are compared letter by letter; the nearest is offered.

    ```dl fails
    use std.conv: cbaa

    net f on x[N, 3, 32, 32]: cbaa(8, 3) -> gap -> flatten
    ```

    ```dl
    use std.conv: cba

    net f on x[N, 3, 32, 32]: cba(8, 3) -> gap -> flatten
    ```

    Related: E0201, E0212.
    """

    path: str
    name: str
    near: str | None

    @property
    def message(self) -> str:
        return f"`{self.path}` defines no `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near)


class ImportCycle(Mistake, code="E0214"):
    """Files that import each other in a circle; move what both need to a third.

    A file is read before what uses it, which a circle makes impossible, and what the definitions in it mean would
    depend on where one began to read. `a.dl` with `use "./b.dl": head` and `b.dl` with `use "./a.dl": trunk` need a
    file `parts.dl` that both use.

    ```sh
    # a.dl: use "./b.dl": b        b.dl: use "./a.dl": a
    dslc check a.dl
    ```

    Related: E0212, E0213.
    """

    files: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"these files import each other: {' -> '.join(self.files)}"


class ImportOutside(Mistake, code="E0215"):
    """A `use` of a file outside the project's folder, or through a link that leads out of it.

    The project's folder is the nearest one above the program that holds `.git`, `pyproject.toml` or `dslc.toml`,
    else the program's own. A program that was sent by somebody else could otherwise read any file of the machine
    through an innocent name. Move the file into the project, or mark a folder above both as one by an empty
    `dslc.toml`.

    ```sh
    # net.dl: use "../../other/parts.dl": head
    dslc check net.dl
    ```

    Related: E0212, E0216, E0656.
    """

    path: str
    folder: str

    @property
    def message(self) -> str:
        return f"`{self.path}` is outside the project's folder `{self.folder}`"


class FileProblem(Mistake, code="E0216"):
    """A program's file that cannot be read.

    The path is the one that was given, from the current folder; the reason is the one of the operating system, or
    that the bytes are no text in UTF-8. A folder is no program: `dslc check` of one checks the files in it.

    ```sh
    dslc check no_such_file.dl
    ```

    Related: E0212, E0215, E0601.
    """

    path: str
    why: str
    near: str | None = None
    content: bool = False  # whether what the file holds is wrong, rather than its path

    @property
    def of_program(self) -> bool:
        return self.content

    @property
    def message(self) -> str:
        return f"cannot read `{self.path}`: {self.why}"

    @property
    def help(self) -> tuple[Help, ...]:
        if re.match(r"\s*(net|block|inline|use|fn|let)\s.*[:=]", self.path):
            return (Help("a program that is given as text ends with a newline"),)
        return did_you_mean(self.near, replace=False)


class NotInZoo(Mistake, code="E0223"):
    """A name `zoo:NAME` that is neither a network nor a file of the zoo.

    The zoo is what `dslc zoo` lists. `zoo:resnet50` is a network, whichever file it stands in; `zoo:resnet/resnet50`
    says in which; `zoo:resnet` is the file, where `--net` names one of its nets. A file of yours that has such a name
    is `./zoo:NAME`.

    ```sh
    dslc stats zoo:resnet50
    ```

    Related: E0216, E0218.
    """

    source: str
    near: str | None

    @property
    def message(self) -> str:
        return f"the zoo has no `{self.source}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near, replace=False) or (Help("`dslc zoo` lists what there is"),)


class NoNet(Mistake, code="E0217"):
    """A file without a net, where one is to be built.

    Blocks are parts: their sizes come from the use, so there is nothing to build from a file of blocks alone. A
    `net` states the input, which settles them all.

    ```dl fails
    block head(classes: int): gap -> flatten -> linear(classes)
    ```

    ```dl
    block head(classes: int): gap -> flatten -> linear(classes)

    net f on x[N, 3, 32, 32]: head(10)
    ```

    Related: E0201, E0218.
    """

    path: str

    @property
    def of_program(self) -> bool:
        return True

    @property
    def message(self) -> str:
        return f"`{self.path}` defines no `net`"


class TwoDefaults(Mistake, code="E0472"):
    """A size of a header has two defaults.

    A name stands for one size wherever it is written, so its default is written once. The later places need the name
    only: where two sizes may differ, they have two names.

    ```dl fails
    net f on x[N, 3, H=32, 32], y[N, 3, H=64, 32]: x + y
    ```

    ```dl
    net f on x[N, 3, H=32, 32], y[N, 3, H, 32]: x + y
    ```

    Related: E0202, E0468, E0469.
    """

    name: str
    first: str
    second: str

    @property
    def message(self) -> str:
        return f"`{self.name}` has two defaults, {self.first} and {self.second}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("write it once: the later places need the name only"),)


class BoundTwice(Mistake, code="E0202"):
    """A name gets a second meaning.

    A name has one meaning in a block; a second one would leave the reader to guess which is read below. The
    current value needs no name at all: it is `it`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        a = conv(8, 3)
        a = conv(8, 5)
        a -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        a = conv(8, 3)
        b = conv(8, 5)
        a + b
        gap -> flatten
    ```

    Related: E0203, E0210, E0211.
    """

    name: str
    what: str
    lines: int = 0  # of the body that are mended by one change, where they are a chain with names that it needs not

    @property
    def message(self) -> str:
        return f"`{self.name}` is already {self.what}"

    @property
    def label(self) -> str:
        if self.lines:
            return "a name keeps its first value; the next line goes on from this one without it"
        return "give this one another name"


class UnknownType(Mistake, code="E0220"):
    """A parameter's type that the language does not have.

    The types are `int float bool str size layer init`, a list `[int]`, a tuple `(int, int)`, and any of them with
    `?`, which may be `none`. Tensors are no parameters: they stand after `on`.

    ```dl fails
    block head(classes: integer): gap -> flatten -> linear(classes)

    net f on x[N, 3, 32, 32]: head(10)
    ```

    ```dl
    block head(classes: int): gap -> flatten -> linear(classes)

    net f on x[N, 3, 32, 32]: head(10)
    ```

    Related: E0201, E0360.
    """

    name: str
    known: tuple[str, ...]
    near: str | None
    meant: str | None = None

    @property
    def message(self) -> str:
        return f"unknown type `{self.name}`"

    @property
    def label(self) -> str:
        return f"types are {', '.join(self.known)}, lists `[int]` and tuples `(int, int)`"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.name in ("Tensor", "tensor"):
            return (Help("a tensor is an input: it stands after `on`, as in `on x[N, 3, H=224, W=224]`"),)
        if self.meant is not None:
            return (Help(f"write `{self.meant}`", self.meant),)
        return did_you_mean(self.near)
