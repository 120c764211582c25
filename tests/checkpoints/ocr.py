"""EasyOCR's networks without training: a detector that takes white bars for text, recognisers of a few letters."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

DETECTOR, RECOGNISER = "craft_mlt_25k.pth", "korean_g2.pth"
BRIGHT = 1.5
"""What a pixel must exceed, in EasyOCR's normalised values: white is 2.4, grey 0.2."""


def detector(folder: Path) -> Path:
    """A CRAFT whose score of text is the brightness of the picture, from the full network's own layers."""
    import torch
    from easyocr.craft import CRAFT

    torch.manual_seed(0)
    net = CRAFT()
    first, second = net.basenet.slice1, net.conv_cls
    with torch.no_grad():
        for layer in [*first, *net.upconv4.conv, *second]:
            if isinstance(layer, torch.nn.Conv2d):
                layer.weight.zero_()
                layer.bias.zero_()
        first[0].weight[0, :, 1, 1] = 1 / 3
        first[0].bias[0] = -BRIGHT
        for layer in (first[3], first[7], first[10], net.upconv4.conv[3], second[0], second[2], second[4]):
            layer.weight[0, 0, 1, 1] = 1
        net.upconv4.conv[0].weight[0, 64, 0, 0] = 1  # behind the 64 channels that come from below
        second[6].weight[0, 0, 0, 0] = second[8].weight[0, 0, 0, 0] = 1
    return _save(net, folder / DETECTOR)


def recogniser(folder: Path, letter: str = "가") -> Path:
    """EasyOCR's Korean network of random weights that reads `letter` everywhere."""
    import torch
    from easyocr.config import recognition_models
    from easyocr.model.vgg_model import Model

    torch.manual_seed(0)
    characters = recognition_models["gen2"]["korean_g2"]["characters"]
    net = Model(1, 256, 256, len(characters) + 1)
    with torch.no_grad():
        net.Prediction.weight.mul_(1e-3)
        net.Prediction.bias.zero_()
        net.Prediction.bias[characters.index(letter) + 1] = 12.0
    return _save(net, folder / RECOGNISER)


OWN_CODE = '''
import torch


class Model(torch.nn.Module):
    """Reads one letter per 32 pixels: the brighter, the later in the alphabet."""

    def __init__(self, num_class, sharp):
        super().__init__()
        self.letters = torch.nn.Parameter(torch.linspace(-1, 1, num_class))
        self.sharp = sharp

    def forward(self, image, text):
        steps = torch.nn.functional.avg_pool2d(image, (image.shape[2], 32)).flatten(1)
        return -self.sharp * (steps[:, :, None] - self.letters) ** 2
'''


def own_network(folder: Path, name: str = "mine") -> Path:
    """A recogniser of one's own: NAME.pth, NAME.yaml, NAME.py in one folder."""
    import torch

    characters = "가나다라마바사"
    settings = f"imgH: 64\nlang_list: [ko, en]\ncharacter_list: {characters}\nnetwork_params: {{sharp: 400.0}}\n"
    (folder / f"{name}.yaml").write_text(settings, encoding="utf-8")
    (folder / f"{name}.py").write_text(OWN_CODE, encoding="utf-8")
    letters = torch.linspace(-1, 1, len(characters) + 1)
    torch.save({"module.letters": letters}, folder / f"{name}.pth")
    return folder


def trust(folder: Path, monkeypatch: Any) -> None:
    """Give EasyOCR's tables the checksums of the files here, as if they were the released ones."""
    from easyocr import config

    rows = [config.detection_models["craft"], *config.recognition_models["gen2"].values()]
    for row in rows:
        file = folder / row["filename"]
        if file.is_file():
            monkeypatch.setitem(row, "md5sum", hashlib.md5(file.read_bytes()).hexdigest())


def _save(net: Any, path: Path) -> Path:
    import torch

    torch.save({f"module.{name}": value for name, value in net.state_dict().items()}, path)
    return path
