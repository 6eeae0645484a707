"""Mistakes in maps of names, and what cannot be done with one."""

from __future__ import annotations

from collections.abc import Iterable

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Help, Mistake, did_you_mean

MOST_LINES = 8
"""Of one cause that a table shows."""


class BadMap(Mistake, code="E0670"):
    """A line of a map of names cannot be read.

    A line gives a tensor's name in the file, an arrow, and its name in the network. Parts in braces stand for
    whatever stands there, without a dot; on the right they may be reckoned with.

    ```sh
    cat > vit.map <<'END'
    cls_token -> class_token
    head.{p} ?-> heads.head.{p}                # `?->`: may be missing
    drop pre_logits.*
    [blocks.{i} -> encoder.layers.encoder_layer_{i}]
    norm1.{p}    -> ln_1.{p}
    attn.q.{p}, attn.k.{p}, attn.v.{p} -> self_attention.in_proj_{p}
    attn.proj.weight -> self_attention.out_proj.weight : transpose
    END
    dslc build net.dl --weights vit.safetensors --map vit.map
    ```

    docs/weights.md says all that a map can hold.

    Related: E0672, E0674.
    """

    why: str

    @property
    def message(self) -> str:
        return self.why


class Undecided(Mistake, code="E0671"):
    """A map that `dslc weights match` proposed has pairs that nobody has decided.

    Lines that begin with `?` are guesses: tensors of one shape and kind, which nothing but their names tells apart.
    Take the `?` off where the pair is right, and delete the other lines.

    ```sh
    dslc weights match vit.safetensors net.dl -o vit.map
    dslc build net.dl --weights vit.safetensors --map vit.map
    ```

    Related: E0670, E0674.
    """

    count: int

    @property
    def message(self) -> str:
        what = "1 pair that is" if self.count == 1 else f"{self.count} pairs that are"
        return f"this map has {what} not decided: each begins with `?`"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("take the `?` off the lines that are right, and delete the others"),)


class NoMap(Mistake, code="E0672"):
    """There is no map of this name.

    `--map` takes a file, one of the families that come with dslc, of which the one that fits the network is taken,
    or one of their maps. `dslc weights match FILE net.dl` proposes a map where none fits yet.

    ```sh
    dslc build vit.dl --net vit_b_16 --weights vit.safetensors --map timm
    dslc build vit.dl --net vit_b_16 --weights vit.safetensors --map names.map
    ```

    Related: E0670, E0673.
    """

    name: str
    known: tuple[str, ...]
    why: str = ""  # a file that cannot be read

    @property
    def message(self) -> str:
        if self.why:
            return f"cannot read the map `{self.name}`: {self.why}"
        return f"`{self.name}` is no file, and no map that comes with dslc: these are {', '.join(self.known)}"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(None if self.why else nearest(self.name, self.known), replace=False)


class NoMapFits(Mistake, code="E0673"):
    """No map of a family leads from the tensors of the file to the network, or more than one does.

    A family has a map for each kind of network; names and shapes say which is meant. The file is of another kind of
    network, or the program has other names than the one in examples/. A map of your own is begun by

    ```sh
    dslc weights match vit.safetensors net.dl -o vit.map
    ```

    Related: E0672, E0674.
    """

    family: str
    tried: tuple[tuple[str, int], ...]  # maps, with how many tensors of the network each gives
    total: int
    fit: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        if self.fit:
            return f"{' and '.join(f'`{name}`' for name in self.fit)} both lead from this file to the network"
        rows = ", ".join(f"{name} ({count})" for name, count in self.tried)
        return f"no map of `{self.family}` gives the network's {self.total} tensors: {rows}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.fit:
            return (Help(f"say which is meant: `--map {self.fit[0]}`"),)
        return (Help("`dslc weights match WEIGHTS NET.dl -o FILE` proposes a map"),)


class LosingMap(Mistake, code="E0674"):
    """A map does not account for the tensors of a file.

    Each tensor of the file is mapped or named by a `drop`; each rule matches some, but for those with `?->`; no two
    tensors go to one name; and what is joined, cut, turned or reshaped has the shape that this needs. A tensor that
    is passed over in silence would be a part of the network that was never loaded. What is left is listed, by rule
    and by tensor.

    ```sh
    dslc weights inspect vit.safetensors
    dslc build net.dl --weights vit.safetensors --map vit.map
    ```

    Related: E0644, E0670, E0675.
    """

    map: str
    lost: tuple[str, ...]  # tensors of the file that no rule names, those that differ in numbers alone in one line
    count: int  # of these tensors
    twice: tuple[str, ...]
    idle: tuple[str, ...]  # rules
    unfit: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"the map `{self.map}` does not account for the weights"

    @property
    def table(self) -> tuple[str, ...]:
        causes = (
            ("neither mapped nor dropped", self.lost, self.count),
            ("two tensors for one name", self.twice, len(self.twice)),
            ("rules that match nothing", self.idle, len(self.idle)),
            ("cannot be done", self.unfit, len(self.unfit)),
        )
        found: list[str] = []
        for words, rows, count in causes:
            if rows:
                found += [f"  {words}, {count}:", *(f"    {row}" for row in shortened(rows))]
        return tuple(found)

    @property
    def help(self) -> tuple[Help, ...]:
        words = (
            (self.lost, "a line `drop NAME` leaves out tensors that the network has not"),
            (self.idle, "`?->` is the arrow for tensors that a file may lack"),
        )
        return tuple(Help(text) for rows, text in words if rows)


class ApartTie(Mistake, code="E0675"):
    """Two tensors that are one in the network differ in the file.

    A model of language may read and write words by one table; files often hold it twice, and a map says that one is
    the other's copy. Here it is not: the head was trained apart, and the network has none of its own.

    ```sh
    dslc weights inspect gpt2.safetensors
    ```

    Related: E0674, E0676.
    """

    copy: str
    of: str

    @property
    def message(self) -> str:
        return f"`{self.copy}` is not equal to `{self.of}`, and the network has one tensor for both"


class CannotAdapt(Mistake, code="E0676"):
    """A tensor cannot be brought to another size.

    `--adapt channels` sums or repeats the channels of images in the first convolution; `--adapt positions`
    resamples a table of learned positions to another grid, as timm does. Both are asked for, since both are
    guesses at what training would have given; nothing else is adapted.

    ```sh
    dslc build vit.dl --size H=384,W=384 --weights vit.safetensors --adapt positions
    dslc build resnet.dl --weights rgb.safetensors --adapt channels
    ```

    Related: E0613, E0675.
    """

    name: str
    found: tuple[int, ...]
    wanted: tuple[int, ...]
    why: str

    @property
    def message(self) -> str:
        return f"cannot adapt `{self.name}` from {list(self.found)} to {list(self.wanted)}: {self.why}"


def shortened(rows: Iterable[str]) -> list[str]:
    """The first rows of a table, and how many more there are."""
    found = list(rows)
    more = len(found) - MOST_LINES
    return found if more <= 1 else [*found[:MOST_LINES], f"... and {more} more"]


class OtherNetwork(Mistake, code="E0677"):
    """The network that the weights are of computes otherwise than the program, which names and shapes do not show.

    Libraries write a `config.json` beside their weights. The lines `config` of a map say what must stand there,
    such as the activation, and which arguments of the net its numbers are, such as how many heads share a width. Give
    the net these arguments; where the network has layers of another kind, the program is of another network.

    ```sh
    dslc build llama.dl --net llama_2_7b --set eps=1e-6 --weights llama/ --map hf
    ```

    Related: E0644, E0673.
    """

    key: str
    found: str
    argument: str = ""
    own: str = ""  # what the argument is
    map: str = ""
    words: tuple[str, ...] = ()  # what the map is of

    @property
    def message(self) -> str:
        where = f"`{self.key}` is {self.found} in the config.json beside the weights"
        if self.argument:
            return f"{where}, and `{self.argument}` of the network is {self.own}"
        return f"{where}, and the map `{self.map}` is of networks with {' or '.join(self.words)}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.argument:
            return (Help(f"`--set {self.argument}={self.found}` makes the network that the weights are of"),)
        return ()
