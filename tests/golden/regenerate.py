"""Make the golden sets of this folder from whole ones: the same networks with weights that a few bits hold.

    python tests/golden/regenerate.py FOLDER_OF_WHOLE_SETS

A whole set is a checkpoint with random float32 weights, which no codec makes smaller, with what transformers and
detectron2 gave for it. Here each matrix is rounded to a grid of half its standard deviation and each picture to
squares of 7 pixels, which leaves every shape, name and case, and an eighth of the bytes. The expected values are
computed again by transformers, with torchvision's ResNet and feature pyramid in the place of detectron2's; before that,
the same reference has to repeat every expected value of the whole sets to 1e-5, or nothing is written.

Needs transformers and torchvision, which are not among the project's dependencies.
"""

import json
import lzma
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck
from torchvision.ops import FeaturePyramidNetwork
from transformers.models.layoutlmv2 import modeling_layoutlmv2 as reference
from transformers.models.layoutlmv2.configuration_layoutlmv2 import LayoutLMv2Config

HERE = Path(__file__).parent
CASES = ("short", "batch", "long")
BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
SQUARE = 7
# As .xz needs it for float32 on a grid: four bytes a number, of which two never change.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 2, "lp": 2, "pb": 2}]


class Backbone(nn.Module):
    """What takes detectron2's place: picture (B, 3, 224, 224) -> (B, 49, channels), of torchvision's parts."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        args = config.detectron2_config_args
        self.mean = torch.tensor(args.get("MODEL.PIXEL_MEAN", [103.53, 116.28, 123.675])).view(3, 1, 1)
        self.deviation = torch.tensor(args["MODEL.PIXEL_STD"]).view(3, 1, 1)
        inputs, groups = args["MODEL.RESNETS.STEM_OUT_CHANNELS"], args["MODEL.RESNETS.NUM_GROUPS"]
        self.conv1 = nn.Conv2d(3, inputs, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        planes = args["MODEL.RESNETS.RES2_OUT_CHANNELS"] // Bottleneck.expansion
        # torchvision's width is of a block of 64 planes.
        width = args["MODEL.RESNETS.WIDTH_PER_GROUP"] * 64 // planes
        channels = []
        for stage, blocks in enumerate(BLOCKS[args["MODEL.RESNETS.DEPTH"]], start=1):
            outputs, layer = planes * Bottleneck.expansion, []
            for block in range(blocks):
                stride = 2 if stage > 1 and block == 0 else 1
                shortcut = None
                if block == 0:
                    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
                layer.append(Bottleneck(inputs, planes, stride, shortcut, groups, width))
                inputs = outputs
            self.add_module(f"layer{stage}", nn.Sequential(*layer))
            channels.append(outputs)
            planes *= 2
        self.fpn = FeaturePyramidNetwork(channels, args["MODEL.FPN.OUT_CHANNELS"])
        self.grid = nn.AdaptiveAvgPool2d(config.image_feature_pool_shape[:2])

    def forward(self, image: Tensor) -> Tensor:
        """Compute the features of the 49 visual tokens."""
        features, stages = self.pool(torch.relu(self.bn1(self.conv1((image - self.mean) / self.deviation)))), {}
        for stage in range(4):
            features = self.get_submodule(f"layer{stage + 1}")(features)
            stages[str(stage)] = features
        return self.grid(self.fpn(stages)["0"]).flatten(2).transpose(1, 2)


def torchvision_name(name: str) -> str:
    """``bottom_up.res2.0.conv1.norm.weight`` -> ``layer1.0.bn1.weight``, and so on."""
    part, *rest = name.removeprefix("bottom_up.").split(".")
    if part.startswith("fpn_"):
        kind = {"fpn_lateral": "inner_blocks", "fpn_output": "layer_blocks"}[part[:-1]]
        return ".".join(["fpn", kind, str(int(part[-1]) - 2), "0", *rest])
    prefix = "" if part == "stem" else f"layer{int(part[3:]) - 1}.{rest.pop(0)}."
    convolution, *rest = rest
    normed = rest[0] == "norm"
    if convolution == "shortcut":
        return f"{prefix}downsample.{int(normed)}.{rest[-1]}"
    return f"{prefix}{'bn' if normed else 'conv'}{convolution[-1]}.{rest[-1]}"


def reference_of(folder: Path, weights: dict[str, Tensor]) -> nn.Module:
    """transformers' own model of a set, with these weights."""
    config = LayoutLMv2Config.from_dict(json.loads((folder / "config.json").read_text()))
    network = getattr(reference, config.architectures[0])(config).eval()
    place = "visual.backbone."
    renamed = {}
    for name, value in weights.items():
        before, found, inside = name.partition(place)
        renamed[f"{before}visual.{torchvision_name(inside)}" if found else name] = value
    left, surplus = network.load_state_dict(renamed, strict=False)
    # What a checkpoint may leave out or carry beside its weights.
    surplus = [name for name in surplus if not name.endswith(("position_ids", "pixel_mean", "pixel_std"))]
    left = [
        name for name in left if not name.endswith(("num_batches_tracked", "position_ids", "visual_segment_embedding"))
    ]
    if left or surplus:
        raise SystemExit(f"{folder.name}: no weights for {left}, no place for {surplus}")
    return network


def outputs_of(network: nn.Module, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the reference gives for every case, under the names of ``expected.npz``."""
    found = {}
    for case in CASES:
        arrays = {key.split(".")[1]: torch.from_numpy(value) for key, value in inputs.items() if key.startswith(case)}
        with torch.no_grad():
            outputs = network(**arrays, return_dict=True)
        found |= {f"{case}.{name}": value.numpy() for name, value in outputs.items() if value is not None}
    return found


def on_a_grid(name: str, value: Tensor) -> Tensor:
    """A matrix, a table or a kernel on a grid of half its standard deviation; anything else as it is."""
    if value.dim() < 2 or not value.is_floating_point():
        return value
    step = value.std() / 2
    return (value / step).round() * step


def in_squares(key: str, value: np.ndarray) -> np.ndarray:
    """A picture (B, 3, 224, 224) in squares that no stride of the network fits; another array as it is."""
    if not key.endswith(".image"):
        return value
    return value[..., ::SQUARE, ::SQUARE].repeat(SQUARE, -2).repeat(SQUARE, -1)


def main(whole: Path) -> None:
    """Write every set of ``whole`` smaller, once the reference has repeated it."""
    reference.requires_backends = lambda *_: None
    reference.LayoutLMv2VisualBackbone = Backbone
    reference.LayoutLMv2PreTrainedModel._init_weights = lambda self, module: None
    for folder in sorted(path for path in whole.iterdir() if path.is_dir()):
        weights = load_file(folder / "model.safetensors")
        inputs, expected = dict(np.load(folder / "inputs.npz")), dict(np.load(folder / "expected.npz"))
        found = outputs_of(reference_of(folder, weights), inputs)
        difference = max(float(np.abs(found[key] - value).max()) for key, value in expected.items())
        print(f"{folder.name}: the reference repeats the whole set to {difference:.1e}")
        if difference > 1e-5 or found.keys() < expected.keys():
            raise SystemExit(f"{folder.name}: the reference gives other values, so nothing is written.")
        weights = {name: on_a_grid(name, value) for name, value in weights.items()}
        inputs = {key: in_squares(key, value) for key, value in inputs.items()}
        made = outputs_of(reference_of(folder, weights), inputs)
        target = HERE / folder.name
        target.mkdir(exist_ok=True)
        (target / "config.json").write_bytes((folder / "config.json").read_bytes())
        (target / "model.safetensors.xz").write_bytes(lzma.compress(save(weights), filters=FILTERS))
        np.savez_compressed(target / "inputs.npz", **inputs)
        np.savez_compressed(target / "expected.npz", **{key: made[key] for key in expected})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
