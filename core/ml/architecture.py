"""A network described once: a tuple of layers. Names, shapes and costs follow from it here (no torch);
`core/ml/layered.py` computes it for a whole population, `core/ml/cells.py` a network of recurrent layers.

    BLOCK = Residual((Conv(8), Norm(), Act(), Conv(8), Norm(scale=0.0)))
    NET = (Conv(8), Norm(), Act(), BLOCK, Act(), Mean(), Dense(10))

A shape is what one example has: (channels, length), of a sequence (features, time), (channels, height, width), or
(features,) behind Mean, Flatten, Dense and the last state of a Recurrent. Names are those of torch.nn where every tuple
is a Sequential and a Residual a module with the parts `body` and `shortcut`: "0.weight", "3.body.1.bias".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

Shape = tuple[int, ...]
Parameters = dict[str, Shape]


class Impossible(ValueError):
    """A layer that cannot be built; `reason` is a word for texts, `values` what they fill in."""

    def __init__(self, reason: str, **values: int):
        super().__init__(f"{reason}: {values}")
        self.reason, self.values = reason, values


def windows(side: int, kernel: int, stride: int, padding: int = 0, dilation: int = 1) -> int:
    """How many places a window takes along a side: ⌊(side + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1
    (Dumoulin and Visin, 2016). Raises Impossible."""
    for reason, number, least in (("kernel", kernel, 1), ("stride", stride, 1), ("dilation", dilation, 1)):
        if number < least:
            raise Impossible(reason, value=number)
    if padding < 0:
        raise Impossible("padding", value=padding)
    reach = dilation * (kernel - 1) + 1
    if reach > side + 2 * padding:
        raise Impossible("reach", reach=reach, side=side + 2 * padding)
    return (side + 2 * padding - reach) // stride + 1


@dataclass(frozen=True)
class Conv:
    """A convolution over one or two sides. padding −1: as much as keeps the sides at stride 1 (odd reach only)."""

    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = -1
    dilation: int = 1
    groups: int = 1
    bias: bool = True

    @property
    def padded(self) -> int:
        return self.dilation * (self.kernel - 1) // 2 if self.padding == -1 else self.padding

    def shape(self, given: Shape) -> Shape:
        if len(given) < 2:
            raise Impossible("flat", sides=len(given) - 1)
        if self.padding == -1 and self.dilation * (self.kernel - 1) % 2:
            raise Impossible("even", value=self.kernel)
        if self.groups < 1 or given[0] % self.groups or self.channels % self.groups:
            raise Impossible("groups", groups=self.groups, given=given[0], channels=self.channels)
        sides = (windows(side, self.kernel, self.stride, self.padded, self.dilation) for side in given[1:])
        return (self.channels, *sides)

    def parameters(self, given: Shape) -> Parameters:
        window = (self.kernel,) * (len(given) - 1)
        found: Parameters = {"weight": (self.channels, given[0] // self.groups, *window)}
        return found | ({"bias": (self.channels,)} if self.bias else {})

    def multiply_adds(self, given: Shape) -> int:
        return prod(self.parameters(given)["weight"]) * prod(self.shape(given)[1:])


@dataclass(frozen=True)
class Pool:
    """Pooling over windows; "max" or "mean". stride 0: windows that touch."""

    size: int = 2
    kind: str = "max"
    stride: int = 0
    padding: int = 0

    @property
    def kernel(self) -> int:
        return self.size

    dilation = 1

    @property
    def stepped(self) -> int:
        return self.stride or self.size

    def shape(self, given: Shape) -> Shape:
        if len(given) < 2:
            raise Impossible("flat", sides=len(given) - 1)
        return (given[0], *(windows(side, self.size, self.stepped, self.padding) for side in given[1:]))

    def parameters(self, given: Shape) -> Parameters:
        return {}

    def multiply_adds(self, given: Shape) -> int:
        return 0


@dataclass(frozen=True)
class Norm:
    """Of kind "batch" each channel over the batch and the sides (Ioffe and Szegedy, 2015), of kind "layer" each example
    over channels and sides (Ba et al., 2016; torch.nn.GroupNorm with one group). scale: what γ starts from."""

    kind: str = "batch"
    scale: float = 1.0

    def shape(self, given: Shape) -> Shape:
        return given

    def parameters(self, given: Shape) -> Parameters:
        return {"weight": given[:1], "bias": given[:1]}

    def multiply_adds(self, given: Shape) -> int:
        return prod(given)


@dataclass(frozen=True)
class Act:
    """One of `core.ml.networks.ACTIVATIONS` that has no weights of its own."""

    name: str = "relu"

    def shape(self, given: Shape) -> Shape:
        return given

    def parameters(self, given: Shape) -> Parameters:
        return {}

    def multiply_adds(self, given: Shape) -> int:
        return 0


@dataclass(frozen=True)
class Mean(Act):
    """The mean of every channel over all sides (Lin et al., 2013)."""

    name: str = "identity"

    def shape(self, given: Shape) -> Shape:
        return given[:1]


@dataclass(frozen=True)
class Flatten(Act):
    """All numbers in a row, channel by channel."""

    name: str = "identity"

    def shape(self, given: Shape) -> Shape:
        return (prod(given),)


GATES = {"rnn": 1, "gru": 3, "lstm": 4, "peephole": 4}  # products that a recurrent cell needs for one unit


@dataclass(frozen=True)
class Embed(Act):
    """A row of a table for every whole number below `count`: (1, time) becomes (units, time)."""

    count: int
    units: int
    name: str = field(default="embed", kw_only=True)  # an Act to types only: it is none of ACTIVATIONS

    def shape(self, given: Shape) -> Shape:
        if len(given) != 2 or given[0] != 1:
            raise Impossible("tokens", channels=given[0], sides=len(given) - 1)
        return (self.units, given[1])

    def parameters(self, given: Shape) -> Parameters:
        return {"weight": (self.count, self.units)}

    def multiply_adds(self, given: Shape) -> int:
        return 0


@dataclass(frozen=True)
class Recurrent(Act):
    """A recurrent layer over (features, time): "rnn" (tanh), "gru", "lstm" or "peephole" (LSTM whose gates see c).
    `core/ml/cells.py` computes it; names of its weights are those of torch.nn.RNN, GRU and LSTM.

    both: in both directions, forward units first. last: gives the last state alone, (units,), that of the backward
    direction at the first step. opened: the first bias of the gate that keeps the state (forget gate of an LSTM, update
    gate of a GRU), by default drawn as all others. orthogonal: whether the matrices of the state start orthogonal, gate
    by gate (Saxe et al., 2014).
    """

    units: int
    cell: str = "lstm"
    both: bool = False
    last: bool = False
    opened: float | None = None
    orthogonal: bool = False
    name: str = field(default="recurrent", kw_only=True)

    @property
    def directions(self) -> tuple[str, ...]:
        """What the names of the weights end in."""
        return ("_l0", "_l0_reverse") if self.both else ("_l0",)

    def shape(self, given: Shape) -> Shape:
        if len(given) != 2:
            raise Impossible("sequence", sides=len(given) - 1)
        units = self.units * len(self.directions)
        return (units,) if self.last else (units, given[1])

    def parameters(self, given: Shape) -> Parameters:
        rows = GATES[self.cell] * self.units
        one = {"weight_ih": (rows, given[0]), "weight_hh": (rows, self.units), "bias_ih": (rows,), "bias_hh": (rows,)}
        one |= {"peephole": (3, self.units)} if self.cell == "peephole" else {}
        return {f"{name}{end}": size for end in self.directions for name, size in one.items()}

    def multiply_adds(self, given: Shape) -> int:
        sizes = self.parameters(given).items()
        return given[1] * sum(prod(size) for name, size in sizes if not name.startswith("bias"))

    def kept(self, given: Shape) -> int:
        """Numbers that training keeps of one example: gates and states of every step."""
        return given[1] * (GATES[self.cell] + 3) * self.units * len(self.directions)


@dataclass(frozen=True)
class Dense:
    units: int
    bias: bool = True

    def shape(self, given: Shape) -> Shape:
        if len(given) > 1:
            raise Impossible("sides", sides=len(given) - 1)
        return (self.units,)

    def parameters(self, given: Shape) -> Parameters:
        return {"weight": (self.units, given[0])} | ({"bias": (self.units,)} if self.bias else {})

    def multiply_adds(self, given: Shape) -> int:
        return self.units * given[0]


@dataclass(frozen=True)
class Residual:
    """shortcut(x) + body(x), where no layers are the identity (He et al., 2016). With `added` False, body(x) alone:
    the plain network of the same weights."""

    body: Layers
    shortcut: Layers = ()
    added: bool = True

    def shape(self, given: Shape) -> Shape:
        found = given
        for layer in self.body:
            found = layer.shape(found)
        beside = given
        for layer in self.shortcut:
            beside = layer.shape(beside)
        if self.added and found != beside:
            raise Impossible("shortcut", body=found[0], shortcut=beside[0])
        return found

    def parameters(self, given: Shape) -> Parameters:
        return {}  # its layers have them

    def multiply_adds(self, given: Shape) -> int:
        return 0


Layer = Conv | Pool | Norm | Act | Dense | Residual
Layers = tuple[Layer, ...]


class Place(NamedTuple):
    """A layer where it stands. field: the side of what an output sees of the input; jump: the distance on the input
    between neighbouring outputs."""

    name: str
    layer: Layer
    given: Shape
    gives: Shape
    field: int
    jump: int

    @property
    def parameters(self) -> Parameters:
        """Shapes by full names."""
        return {f"{self.name}.{part}": shape for part, shape in self.layer.parameters(self.given).items()}

    @property
    def multiply_adds(self) -> int:
        """Products of one example's way through."""
        return self.layer.multiply_adds(self.given)


def places(layers: Layers, shape: Shape, prefix: str = "", field: int = 1, jump: int = 1) -> Iterator[Place]:
    """Every layer in the order of computation, those within a Residual before it. Raises Impossible."""
    for i, layer in enumerate(layers):
        name = f"{prefix}{i}"
        gives = layer.shape(shape)
        if isinstance(layer, Residual):
            ends = (field, jump)
            for part, inner in (("body", layer.body), ("shortcut", layer.shortcut if layer.added else ())):
                for place in places(inner, shape, f"{name}.{part}.", field, jump):
                    yield place
                    ends = (max(ends[0], place.field), place.jump)
            field, jump = ends
        elif isinstance(layer, Conv | Pool):
            field += (layer.kernel - 1) * layer.dilation * jump
            jump *= layer.stepped if isinstance(layer, Pool) else layer.stride
        yield Place(name, layer, shape, gives, field, jump)
        shape = gives


def parameters(layers: Layers, shape: Shape) -> Parameters:
    """Shapes of all weights by their names, in the order in which a row holds them."""
    return {name: size for place in places(layers, shape) for name, size in place.parameters.items()}


def buffers(layers: Layers, shape: Shape) -> Parameters:
    """Shapes of what batch norms keep of the batches they saw, by the names of torch.nn."""
    norms = (p for p in places(layers, shape) if isinstance(p.layer, Norm) and p.layer.kind == "batch")
    return {f"{p.name}.running_{what}": p.given[:1] for p in norms for what in ("mean", "var")}


def parameter_count(layers: Layers, shape: Shape) -> int:
    return sum(map(prod, parameters(layers, shape).values()))


def multiply_adds(layers: Layers, shape: Shape) -> int:
    """Products of one example's way forward; norms count one a number."""
    return sum(place.multiply_adds for place in places(layers, shape))


def numbers(place: Place) -> int:
    """How many numbers of one example a layer computes and keeps for the way back."""
    return place.layer.kept(place.given) if isinstance(place.layer, Recurrent) else prod(place.gives)


def training_step(layers: Layers, shape: Shape, batch: int) -> float:
    """Floating-point operations of one training step of one network, for the `cost` of a concept: forward and backward
    take about 6 per multiply-add, a number that is only looked at about 20, and an optimizer 100 a weight."""
    looked_at = sum(map(numbers, places(layers, shape)))
    return batch * (6.0 * multiply_adds(layers, shape) + 20.0 * looked_at) + 100.0 * parameter_count(layers, shape)


def activation_bytes(layers: Layers, shape: Shape, batch: int) -> float:
    """Memory of what one network's step keeps for the way back."""
    return 4.0 * batch * sum(map(numbers, places(layers, shape)))
