"""What torchvision publishes as `_ops` of its weights: products of convolutions and matrix products.

Source: pytorch/vision, test/common_extended_utils.py (`flop_mapping`): a dispatch mode over aten.mm, matmul, addmm,
bmm and convolution, one for each multiply-add. Attention was measured where PyTorch decomposes it into two batched
products; so it is here.
"""

from __future__ import annotations

from collections import Counter
from math import prod

from dslc.analysis.conventions.model import NOTHING, Applied, Counted, Tool, products
from dslc.ops.product import Einsum

PRODUCTS = ("conv", "deconv", "linear", "matmul", "sdpa", "lstm", "gru", "rnn")


def count(use: Applied, as_function: bool) -> Counted:
    """By the op: modules and functions come to the same kernels."""
    if isinstance(use.op, Einsum):
        return einsum(use.op, use)
    return products(use) if use.op.name in PRODUCTS else NOTHING


def einsum(op: Einsum, use: Applied) -> Counted:
    """The batched products of torch.einsum, tensors joined from the left.

    A letter of one tensor alone that is not in the result is summed before; a join that sums over nothing is an
    element-wise product (ATen/native/Linear.cpp, `einsum` and `sumproduct_pair`).
    """
    if len(use.ins) > 2:
        why = "with more than two tensors, torch.einsum joins them in an order of its own where opt_einsum is there"
        return Counted(unknown=why)
    left, _, result = op.pattern.replace(" ", "").partition("->")
    operands = left.split(",")
    size = {s: n for letters, x in zip(operands, use.ins, strict=True) for s, n in zip(letters, x, strict=True)}
    uses = Counter(letter for letters in operands for letter in letters if size[letter] != 1)
    summed = {letter for letter in size if letter not in result}
    if not any(uses[letter] == 2 for letter in summed):
        return Counted(0, (), "it sums over no axis that both tensors have: an element-wise product")
    kept = [n for letter, n in size.items() if letter not in summed or uses[letter] == 2]
    return Counted(prod(kept), (), "an axis that one tensor alone has is summed before the product")


TOOL = Tool(
    name="torchvision",
    unit="ops",
    version="0.28.0",
    source="pytorch/vision, test/common_extended_utils.py",
    definition="one per multiply-add of aten.convolution, mm, addmm, bmm and matmul; nothing else",
    count=count,
)
