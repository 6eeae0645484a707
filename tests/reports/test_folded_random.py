"""Random chains and branches of random blocks: a folded picture draws each of their ops once, and as it is joined."""

from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest

from dslc.api import compile_model
from dslc.ir.model import Param
from dslc.reports.graph_text import WRITERS
from dslc.reports.picture import Graph, around
from tests.reports.test_picture_look import crossed, drawn

LINES = ("linear(C)", "relu", "ln", "residual: linear(C) -> relu", "it * sigmoid(it)", "dropout(0.1)")
SEEDS = 60


def program(seed: int) -> str:
    """Blocks that use those before them, and a net of them: one after the other, or beside each other."""
    chance = random.Random(seed)
    blocks: list[str] = []
    text = ""
    for i in range(chance.randint(1, 3)):
        lines = [chance.choice((*LINES, *blocks, *blocks)) for _ in range(chance.randint(1, 4))]
        if chance.random() < 0.4:
            lines = ["param w: [1, 8] = ones", *lines, "it + w"]
        text += f"block b{i} on x[N, C]:\n" + "".join(f"    {line}\n" for line in lines) + "\n"
        blocks.append(f"b{i}")
    text += "net f on x[N, 8]:\n"
    names = ["it", "x"]
    for k in range(chance.randint(2, 7)):
        block, kind = chance.choice(blocks), chance.random()
        if kind < 0.45:
            text += f"    for i in range({chance.randint(1, 5)}): {block} as `s{k}_{{i}}`\n"
        elif kind < 0.6:
            text += f"    {' -> '.join([block] * chance.randint(1, 4))}\n"
        elif kind < 0.75:
            text += f"    n{k} = {block}\n"
            names.append(f"n{k}")
        elif kind < 0.9:
            text += f"    it + {chance.choice(names[1:])}\n"
        else:
            text += f"    module m{k} = {block}\n    m{k} -> m{k} -> m{k}\n"
    return text + f"    {' + '.join(names)}\n"


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("depth", [None, 1, 2])
def test_nothing_is_lost_and_nothing_crossed(seed: int, depth: int | None) -> None:
    model = compile_model(program(seed))
    graph, whole = Graph(model, depth), Graph(model, depth, fold=False)
    uses = [use for box in graph.boxes for use in box.uses]
    assert len(uses) == len(set(uses)) and set(uses) == {use for box in whole.boxes for use in box.uses}
    for box in graph.boxes:
        assert box.family in ("input", "tensor", "part") or len(box.uses) == box.times
    for end in (".mmd", ".dot"):
        WRITERS[end](graph)
    text = WRITERS[".svg"](graph)
    ElementTree.fromstring(text)
    assert crossed(*drawn(text)) == []


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_drawn_as_another_reads_as_it_does(seed: int) -> None:
    """The same within its part; from without what the first one reads there, or what the part before gives."""
    graph = Graph(compile_model(program(seed)))
    steps = graph.flat.steps
    for one, other in graph.equals.drawn_as.items():
        if other not in graph.box_of:
            continue  # the identity
        frames = around(graph.box_of[other])
        for mine, drawn_ in zip(steps[one].inputs, steps[other].inputs, strict=True):
            there = graph.made[drawn_]
            if isinstance(mine.producer, Param):
                assert mine.producer in there[0].tensors
            elif (here := graph.made[mine]) != there:
                entered = [frame for frame in frames if frame not in around(there[0])]
                assert entered and entered[0] in around(here[0])


def test_programs_repeat_and_differ() -> None:
    """What is tried has frames in frames, and parts that stay apart."""
    graphs = [Graph(compile_model(program(seed))) for seed in range(SEEDS)]
    assert sum(bool(graph.frames) for graph in graphs) > SEEDS / 2
    assert any(frame.parent is not None for graph in graphs for frame in graph.frames)
    assert any(not graph.frames for graph in graphs)
