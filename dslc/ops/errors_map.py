"""Mistakes of layers that pool, resample or scale maps."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake
from dslc.ops.errors_tensor import counted
from dslc.types.dim import Dim, Size


class PoolPadding(Mistake, code="E0311"):
    """A pool is padded by more than half of its kernel.

    Then some window would hold more padding than map; PyTorch and onnxruntime refuse it. A padding of half the
    kernel keeps the size at stride 1: 1 for a kernel of 3.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        maxpool(3, s=2, p=2)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        maxpool(3, s=2, p=1)
        gap -> flatten
    ```

    Related: E0306, E0322, E0343.
    """

    op: str
    padding: int
    kernel: int

    @property
    def message(self) -> str:
        return f"`{self.op}` pads {self.padding} on a side of its kernel of {self.kernel}"

    @property
    def label(self) -> str:
        return f"at most half of the kernel: {self.kernel // 2}"


class EmptyWindow(Mistake, code="E0322"):
    """A window of a pool would read padding alone.

    The places of a dilated window are that far apart. On a map with fewer places it can step over the whole map, and
    there is no largest value of nothing: PyTorch gives -inf, other runtimes other numbers.

    ```dl fails
    net f on x[N, 3, 2, 2]:
        maxpool(2, s=1, p=1, d=3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 2, 2]:
        maxpool(2, s=1, p=1, d=2)
        gap -> flatten
    ```

    Related: E0307, E0311.
    """

    op: str
    size: Size
    kernel: int
    dilation: int

    @property
    def message(self) -> str:
        return f"a window of `{self.op}` with dilation {self.dilation} misses a map of size {self.size}"

    @property
    def label(self) -> str:
        return "it would hold padding alone"


class SmallVolume(Mistake, code="E0323"):
    """A mean is taken over windows that are larger than the volume.

    PyTorch's means of volumes (`avg_pool3d`) ask that the kernel fits without the padding; those of rows and images
    do not. onnxruntime would divide by places that do not exist. Let the kernel be at most the size, or take `gap`,
    which is the mean of all.

    ```dl fails
    net f on x[N, 3, 2, 8, 8]:
        avgpool(3, s=1, p=1)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 2, 8, 8]:
        pad(1) -> avgpool(3, s=1)
        gap -> flatten
    ```

    Related: E0307, E0322, E0411.
    """

    op: str
    size: Size
    kernel: int

    @property
    def message(self) -> str:
        return f"`{self.op}` with kernel {self.kernel} does not fit a volume of size {self.size}"

    @property
    def label(self) -> str:
        return "padding does not count here"


class UnevenCeil(Mistake, code="E0318"):
    """`ceil` is asked of a pool whose padding differs between the sides.

    `ceil` adds a last window if it starts inside the map or the padding before it. PyTorch defines that for
    equal paddings only.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        maxpool(3, s=2, p=((0, 1), (0, 1)), ceil=true)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        maxpool(3, s=2, p=((0, 1), (0, 1)))
        gap -> flatten
    ```

    Related: E0311, E0319.
    """

    op: str

    @property
    def message(self) -> str:
        return f"`{self.op}` cannot round up with a padding that differs between the sides"


class PaddingMode(Mistake, code="E0319"):
    """TensorFlow's padding is asked to add something else than zeros.

    `same_tf` is what TensorFlow calls SAME, and SAME adds zeros. The other modes go with `half` or numbers.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=2, p=same_tf, padding_mode="reflect")
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=2, p=((0, 1), (0, 1)), padding_mode="reflect")
        gap -> flatten
    ```

    Related: E0306, E0318.
    """

    op: str
    mode: str

    @property
    def message(self) -> str:
        return f"`{self.op}` pads with zeros where `p=same_tf`, not in the mode `{self.mode}`"


class LargeOutputPadding(Mistake, code="E0312"):
    """The output padding of a transposed convolution is not below its stride.

    `op` chooses among the sizes that the forward convolution maps to one size; there are as many as its
    stride. PyTorch on CPUs allows more up to the dilation, onnxruntime does not.

    ```dl fails
    net f on x[N, 8, 16, 16]:
        deconv(8, 3, s=2, p=1, op=2)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 8, 16, 16]:
        deconv(8, 3, s=2, p=1, op=1)
        gap -> flatten
    ```

    Related: E0306, E0313.
    """

    padding: int
    stride: int

    @property
    def message(self) -> str:
        return f"`deconv` cannot add {counted(self.padding, 'place')} at stride {self.stride}"

    @property
    def label(self) -> str:
        return f"at most {self.stride - 1}"


class CroppedAway(Mistake, code="E0313"):
    """The padding of a transposed convolution takes more places away than there are.

    Padding is what the forward convolution would have added, so here it is cut off: `2 * p` of the `(S - 1)*s +
    d*(k - 1) + 1` places. Take a smaller `p`, or a larger kernel; `p=0` cuts nothing off.

    ```dl fails
    net f on z[N, 100, 1, 1]:
        deconv(64, 3, p=2) -> flatten
    ```

    ```dl
    net f on z[N, 100, 1, 1]:
        deconv(64, 3) -> flatten
    ```

    Related: E0312, E0411.
    """

    size: Size
    kernel: int
    padding: int
    result: int

    @property
    def message(self) -> str:
        made, taken = self.result + 2 * self.padding, 2 * self.padding
        makes = f"`deconv` with kernel {self.kernel} makes {made} places of {self.size}"
        return f"{makes}, and `p={self.padding}` takes {taken} away"

    @property
    def label(self) -> str:
        return "nothing would be left"


class OneValue(Mistake, code="E0324"):
    """A norm takes mean and variance of a single value.

    The value minus itself is 0 whatever it was, so nothing of the input is left; PyTorch refuses it. Its variance
    is zero, so the result would be the bias alone, whatever came in; PyTorch raises an error in training. A map of
    one place needs a norm over more than one: `ln`, `gn` with fewer groups.

    ```dl fails
    net f on x[N, 3, 8, 8]:
        conv(16, 8, p=0) -> inorm -> relu
        flatten
    ```

    ```dl
    net f on x[N, 3, 8, 8]:
        conv(16, 7, p=0) -> inorm -> relu
        flatten
    ```

    Related: E0304, E0411.
    """

    op: str
    shape: str
    part: str  # what the statistics are of: `map`, `group`

    @property
    def message(self) -> str:
        return f"`{self.op}` has one value in each {self.part} of {self.shape}"

    @property
    def label(self) -> str:
        return "of which there is no variance"


class WrongLength(Mistake, code="E0314"):
    """A list with one number per channel has another length.

    Each number is of one channel, in their order; a list for three colours does not fit an image of one. The list
    is as long as axis 1 of the input.

    ```dl fails
    net f on image[N, 1, 28, 28]:
        normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)) -> flatten
    ```

    ```dl
    net f on image[N, 1, 28, 28]:
        normalize((0.1307,), (0.3081,)) -> flatten
    ```

    Related: E0304, E0331.
    """

    op: str
    attribute: str
    length: int
    channels: int

    @property
    def message(self) -> str:
        numbers, channels = (
            f"{count} {word}{'s' * (count != 1)}"
            for count, word in ((self.length, "number"), (self.channels, "channel"))
        )
        return f"`{self.attribute}` of `{self.op}` has {numbers} for {channels}"


class UpsampleTarget(Mistake, code="E0315"):
    """An upsampling must be told its result once: by `scale`, by `size` or by `like`.

    Two of them could contradict each other, and which one would win is nothing that a reader knows. `scale` is a
    factor, `size` a number of places, `like` a tensor whose sizes are taken.

    ```dl fails
    net f on x[N, 8, 16, 16]:
        upsample(2, size=32) -> flatten
    ```

    ```dl
    net f on x[N, 8, 16, 16]:
        upsample(2) -> flatten
    ```

    Related: E0316, E0344.
    """

    given: tuple[str, ...]

    @property
    def message(self) -> str:
        if not self.given:
            return "`upsample` needs `scale`, `size` or `like`"
        names = " and ".join(f"`{name}`" for name in self.given)
        return f"`upsample` is given {names}: one of them says the size"


class WrongMode(Mistake, code="E0316"):
    """A way of interpolating that does not exist for this map, or with `align_corners` or `antialias`.

    `linear` is for one spatial axis, `bilinear` and `bicubic` for two, `trilinear` for three; `align_corners` means
    something only where values are interpolated, `antialias` exists for `bilinear` and `bicubic`. PyTorch refuses
    the same, when the network runs.

    ```dl fails
    net f on x[N, 8, 16, 16]:
        upsample(2, mode="trilinear") -> flatten
    ```

    ```dl
    net f on x[N, 8, 16, 16]:
        upsample(2, mode="bilinear") -> flatten
    ```

    Related: E0305, E0315.
    """

    mode: str
    axes: int
    option: str = ""  # what does not go with the mode

    @property
    def message(self) -> str:
        if self.option:
            return f"`{self.option}` has no meaning with mode `{self.mode}`"
        return f"mode `{self.mode}` is not for {self.axes} spatial {'axis' if self.axes == 1 else 'axes'}"

    @property
    def help(self) -> tuple[Help, ...]:
        right = {1: "linear", 2: "bilinear", 3: "trilinear"}.get(self.axes)
        if self.option == "antialias" and self.axes == 2:
            return (Help('it is for `mode="bilinear"` and `mode="bicubic"`'),)
        if self.option or right is None:
            return ()
        return (Help(f'here it is `"{right}"`', replace=f'"{right}"'),)


class NoOpenForm(Mistake, code="E0317"):
    """A layer has no ONNX form over a size that the export keeps open.

    The windows of an adaptive pool depend on the size of its input, and ONNX states windows as numbers. Of this
    network the batch may stay open, but not H and W:

    ```dl
    net f on x[N, 8, H=32, W=32]:
        adaptive_avgpool(7) -> flatten
    ```

    ```sh
    dslc build net.dl --dynamic N
    ```

    The same holds for `upsample` with `antialias`, and with `mode="area"` by what is no whole number. The PyTorch
    module takes every size.

    Related: E0387, E0630, E0631.
    """

    op: str
    size: Size

    @property
    def message(self) -> str:
        return f"`{self.op}` has no ONNX form over the open size `{self.size}`"

    @property
    def help(self) -> tuple[Help, ...]:
        names = sorted(s.name for s in self.size.symbols) if isinstance(self.size, Dim) else []
        listed = " and ".join(f"`{name}`" for name in names)
        found = [
            Help(f"leave {listed} out of `--dynamic`: the graph then has the default size (`--size` sets another)")
        ]
        if self.op.startswith("adaptive_"):
            found.append(Help(f"or pool by windows, `{self.op.removeprefix('adaptive_')}(k, s)`, which fit every size"))
        return tuple(found)


class TooManyPlaces(Mistake, code="E0387"):
    """An axis has too many places for a graph that reads what PyTorch reads.

    onnxruntime's Resize reads other places than PyTorch for some sizes. Which it reads is found by comparing all
    places of an axis, up to four millions; of more this would take minutes, and float32 counts them no longer. Adaptive
    pools whose windows differ in size, and `antialias`, are tables of places by places, of up to 16 million numbers:

    ```dl
    net f on x[N, 1, T=100M]:
        channel_axis(1) -> upsample(2)
    ```

    The PyTorch module is written for every size:

    ```sh
    dslc build net.dl --target torch
    ```

    Related: E0317, E0630.
    """

    op: str
    size: int
    most: int

    @property
    def message(self) -> str:
        return f"`{self.op}` over {self.size:,} places, more than {self.most:,}, has no ONNX form"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("build with a smaller size (`--size`), or the PyTorch module alone (`--target torch`)"),)
