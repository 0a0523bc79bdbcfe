"""The network trained on ImageNet against torch.nn, and the pictures and digits of installed packages."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.ml import pretrained
from core.ml.mnist import mnist, mnist_splits
from core.ml.photographs import PHOTOGRAPHS, TEXTURES, photograph

needed = pytest.mark.skipif(not pretrained.installed(), reason="the pretrained network is not installed")


class Same(nn.Conv2d):
    """TensorFlow's padding where a stride of 2 meets even sides: one more at the end."""

    def forward(self, x: Tensor) -> Tensor:
        k = self.kernel_size[0]
        before = (k - self.stride[0]) // 2
        sides = (before, k - self.stride[0] - before)
        return self._conv_forward(nn.functional.pad(x, sides * 2), self.weight, self.bias)


def convolution(given: int, out: int, kernel: int = 1, stride: int = 1, depthwise: bool = False) -> Same:
    return Same(given, out, kernel, stride, groups=given if depthwise else 1, bias=False)


class Reference(nn.Module):
    """EfficientNet-Lite0 by torch.nn, with the names of its file."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = convolution(3, 32, 3, 2), nn.BatchNorm2d(32, 1e-3)
        self._blocks, given = nn.ModuleList(), 32
        for count, kernel, stride, widening, out in pretrained.STAGES:
            for place in range(count):
                block, wide = nn.Module(), given * widening
                if widening > 1:
                    block._expand_conv, block._bn0 = convolution(given, wide), nn.BatchNorm2d(wide, 1e-3)
                block._depthwise_conv = convolution(wide, wide, kernel, 1 if place else stride, True)
                block._bn1 = nn.BatchNorm2d(wide, 1e-3)
                block._project_conv, block._bn2 = convolution(wide, out), nn.BatchNorm2d(out, 1e-3)
                self._blocks.append(block)
                given = out
        self._conv_head, self._bn1, self._fc = convolution(320, 1280), nn.BatchNorm2d(1280, 1e-3), nn.Linear(1280, 1000)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        act, found = nn.ReLU6(), []
        x = act(self._bn0(self._conv_stem(x)))
        found.append(x)
        for b in self._blocks:
            z = act(b._bn0(b._expand_conv(x))) if hasattr(b, "_expand_conv") else x
            z = b._bn2(b._project_conv(act(b._bn1(b._depthwise_conv(z)))))
            x = x + z if x.shape == z.shape else z
            found.append(x)
        return found, self._fc(act(self._bn1(self._conv_head(x))).mean((2, 3)))


@needed
def test_the_pretrained_network_is_the_published_one() -> None:
    (path,) = pretrained.PRETRAINED
    spec = pretrained.find_spec(pretrained.PACKAGE)
    assert spec and spec.submodule_search_locations
    reference = Reference().eval()
    reference.load_state_dict(torch.load(f"{spec.submodule_search_locations[0]}/{path[1]}", weights_only=True))
    assert sum(p.numel() for p in reference.parameters()) == 4_652_008  # Liu, 2020: 4.7 million
    pictures = torch.as_tensor(np.stack([photograph(name, 96, 96) for name in ("coffee", "cat")])).permute(0, 3, 1, 2)
    mean, deviation = (torch.tensor(each)[:, None, None] for each in (pretrained.MEAN, pretrained.DEVIATION))
    with torch.no_grad():
        taps, logits = reference((pictures - mean) / deviation)
        found = pretrained.features(pictures)
        for ours, theirs in zip(found, taps, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(pretrained.scores(found[-1]), logits, rtol=1e-3, atol=1e-3)
    assert [len(tap[0]) for tap in found] == list(pretrained.channels())


@needed
def test_the_pretrained_network_knows_a_cup_of_coffee() -> None:
    picture = torch.as_tensor(photograph("coffee", 224, 224)).permute(2, 0, 1)[None]
    with torch.no_grad():
        best = pretrained.scores(pretrained.features(picture)[-1]).argmax()
    assert pretrained.class_names()[int(best)] == "espresso"


@pytest.mark.parametrize("name", [*PHOTOGRAPHS, *TEXTURES])
def test_a_picture_fills_the_shape_that_is_asked_for(name: str) -> None:
    wide, high = photograph(name, 40, 60), photograph(name, 60, 40)
    assert (wide.shape, high.shape, wide.dtype) == ((40, 60, 3), (60, 40, 3), np.float32)
    assert 0 <= wide.min() < wide.max() <= 1 and wide.std() > 0.02


def test_mnist_is_whole_and_its_splits_are_disjoint() -> None:
    x, y = mnist()
    assert x.shape == (5000, 28, 28) and set(np.bincount(y)) == {500} and x.max() == 1
    (a, first), (b, _) = mnist_splits((60, 40), 3)
    assert a.shape == (60, 28, 28) and len({row.tobytes() for row in np.concatenate([a, b])}) == 100
    np.testing.assert_array_equal(a, mnist_splits((60, 40), 3)[0][0])
    assert not np.array_equal(first, mnist_splits((60, 40), 4)[0][1])
    with pytest.raises(ValueError, match="5001 of 5000"):
        mnist_splits((5001,), 0)
