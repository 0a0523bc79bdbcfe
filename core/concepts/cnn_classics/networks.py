"""The classic networks in torch, on the meta device: shapes without numbers. And what each of their layers has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torchvision import models
from torchvision.models.googlenet import BasicConv2d, Inception
from torchvision.models.resnet import Bottleneck

from core.concepts.cnn_classics.params import KINDS

# Which maps of the first pooling each map of the second convolution of LeNet-5 sees (LeCun et al., 1998, table I)
SEES = (
    *([(i + k) % 6 for k in range(3)] for i in range(6)),
    *([(i + k) % 6 for k in range(4)] for i in range(6)),
    *([i, (i + 1) % 6, (i + 3) % 6, (i + 4) % 6] for i in range(3)),
    list(range(6)),
)


class TrainedPool(nn.Module):
    """Means of 2 × 2, times a weight of the map, plus a bias of the map (LeCun et al., 1998)."""

    def __init__(self, maps: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(maps, 1, 1)), nn.Parameter(torch.zeros(maps, 1, 1))
        self.kernel_size, self.stride = 2, 2

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(nn.functional.avg_pool2d(x, 2) * self.weight + self.bias)


class SparseConv(nn.Module):
    """A convolution whose maps each see some of the maps before."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Conv2d(len(seen), 1, 5) for seen in SEES)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([conv(x[:, seen]) for conv, seen in zip(self.maps, SEES)], 1)


def lenet() -> nn.Module:
    """LeNet-5 as it is taught: all maps see all maps, pooling has no weights, the last layer is dense."""
    first = (nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2))
    second = (nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten())
    dense = (nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))
    return nn.Sequential(*first, *second, *dense)


def lenet_1998() -> nn.Module:
    """… as it was, up to the 84 numbers whose distances from drawn digits are the output (LeCun et al., 1998)."""
    maps = (nn.Conv2d(1, 6, 5), TrainedPool(6), SparseConv(), TrainedPool(16), nn.Conv2d(16, 120, 5), nn.Tanh())
    return nn.Sequential(*maps, nn.Flatten(), nn.Linear(120, 84))


def alexnet_2012(groups: int = 2) -> nn.Module:
    """AlexNet of the paper (Krizhevsky et al., 2012): two GPUs have half of the channels each, and look at each other's
    in the third convolution and in the dense layers only."""
    relu, pool = nn.ReLU, nn.MaxPool2d(3, 2)
    features = (
        *(nn.Conv2d(3, 96, 11, 4, 2), relu(), pool),
        *(nn.Conv2d(96, 256, 5, padding=2, groups=groups), relu(), pool),
        *(nn.Conv2d(256, 384, 3, padding=1), relu(), nn.Conv2d(384, 384, 3, padding=1, groups=groups), relu()),
        *(nn.Conv2d(384, 256, 3, padding=1, groups=groups), relu(), pool, nn.AdaptiveAvgPool2d(6), nn.Flatten()),
    )
    dense = (nn.Linear(9216, 4096), relu(), nn.Linear(4096, 4096), relu(), nn.Linear(4096, 1000))
    return nn.Sequential(*features, *dense)


def googlenet(heads: bool = False) -> nn.Module:
    """With heads it is in training mode, where they are computed."""
    return models.googlenet(aux_logits=heads, init_weights=False).train(heads)


def googlenet_2014() -> nn.Module:
    """Of the paper (Szegedy et al., 2015): biases, no batch norm, and 5 × 5 where torchvision has 3 × 3."""
    net = googlenet()
    for module in net.modules():
        if isinstance(module, Inception):
            old = module.branch3[1].conv
            module.branch3[1].conv = nn.Conv2d(old.in_channels, old.out_channels, 5, padding=2)
    for module in net.modules():
        if isinstance(module, BasicConv2d):
            old, module.bn = module.conv, nn.Identity()
            old.bias = nn.Parameter(torch.zeros(old.out_channels))
    return net


def resnet_2015() -> nn.Module:
    """Of the paper (He et al., 2016): a block that halves does so in its first 1 × 1 convolution, not in its 3 × 3."""
    net = models.resnet50()
    for module in net.modules():
        if isinstance(module, Bottleneck):
            module.conv1.stride, module.conv2.stride = module.conv2.stride, (1, 1)
    return net


MODELS: dict[str, Callable[[], nn.Module]] = {
    "lenet": lenet,
    "alexnet": models.alexnet,
    "vgg": models.vgg16,
    "googlenet": googlenet,
    "resnet": models.resnet50,
    "lenet_1998": lenet_1998,
    "alexnet_2012": alexnet_2012,
    "alexnet_whole": lambda: alexnet_2012(1),
    "googlenet_2014": googlenet_2014,
    "googlenet_heads": lambda: googlenet(True),
    "resnet_2015": resnet_2015,
}
WINDOWS = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, TrainedPool)


class Views(TorchFunctionMode):
    """Every tensor that is computed knows how far one of its elements sees, and how far it is from one to the next, in
    pixels; of several inputs the farthest counts. Fewer elements than before are taken for means, as adaptive pooling
    makes them, or for all of them in one vector."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        flat = [t for arg in args for t in (arg if isinstance(arg, list | tuple) else [arg]) if isinstance(t, Tensor)]
        known = [tensor for tensor in flat if "seen" in vars(tensor)]
        if isinstance(found, Tensor) and known:
            view, jump = max(vars(tensor)["seen"] for tensor in known)
            before, after = (tensor.shape[-1] if tensor.dim() == 4 else 1 for tensor in (known[0], found))
            if after < before:  # what knows better says so in its hook
                step = before // after
                view, jump = view + jump * (before - (after - 1) * step - 1), jump * step
            vars(found)["seen"] = (view, jump)
        return found


def counted(model: Callable[[], nn.Module], channels: int, side: int) -> list[dict[str, int]]:
    """Layers of a network at a picture [channels, side, side], in the order of computation: a row each of what a Result
    has of it."""
    rows: list[dict[str, int]] = []

    def look(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        given, own = inputs[0], sum(p.numel() for p in module.parameters())
        if isinstance(module, nn.BatchNorm2d):
            rows[-1]["parameters"] += own
            return
        size = output.shape[-1] if output.dim() == 4 else 1
        row = {"given": given.shape[1], "channels": output.shape[1], "height": size, "kernel": 1, "stride": 1}
        if isinstance(module, (*WINDOWS, SparseConv)):
            conv = module.maps[0] if isinstance(module, SparseConv) else module
            row |= {name: one(getattr(conv, f"{name}{'_size' * (name == 'kernel')}")) for name in ("kernel", "stride")}
            view, jump = vars(given)["seen"]
            vars(output)["seen"] = (view + (row["kernel"] - 1) * jump, jump * row["stride"])
        products = sum(p.numel() for p in module.parameters() if p.dim() > 1) * size**2
        kind = "dense" if isinstance(module, nn.Linear) else "conv"
        if isinstance(module, nn.MaxPool2d | nn.AvgPool2d | TrainedPool):
            kind, products = "pool", 0
        row |= {
            "kind": KINDS.index(kind),
            "view": vars(output)["seen"][0],
            "parameters": own,
            "multiply_adds": products,
        }
        rows.append(row)

    kinds = (*WINDOWS, nn.Linear, nn.BatchNorm2d, SparseConv)
    with torch.device("meta"), Views():
        net = model()
        inside = {part for module in net.modules() if isinstance(module, SparseConv) for part in module.maps}
        for module in net.modules():
            if isinstance(module, kinds) and module not in inside:
                module.register_forward_hook(look)
        x = torch.zeros(2, channels, side, side)
        vars(x)["seen"] = (1, 1)
        net(x)
    return rows


def one(size: int | tuple[int, ...]) -> int:
    return size[0] if isinstance(size, tuple) else size
