"""The visual backbone of LayoutLMv2: a ResNet or ResNeXt with a feature pyramid, without detectron2.

Parameter names, padding, strides and norms follow detectron2's ``build_resnet_fpn_backbone`` as
``detectron2_config_args`` describes it, so its weights load by name. Papers: arXiv 1512.03385 (ResNet),
1611.05431 (ResNeXt), 1612.03144 (FPN). LayoutLMv2 uses the pyramid's finest level p2 alone; the parameters of the
other levels are kept, so that a checkpoint can be written back whole, but nothing computes them unless asked.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from layoutserve.model.errors import CheckpointError

# What detectron2 assumes for an absent key.
_DEFAULTS: dict[str, Any] = {
    "MODEL.PIXEL_MEAN": [103.53, 116.28, 123.675],
    "MODEL.PIXEL_STD": [1.0, 1.0, 1.0],
    "MODEL.RESNETS.DEPTH": 50,
    "MODEL.RESNETS.NUM_GROUPS": 1,
    "MODEL.RESNETS.WIDTH_PER_GROUP": 64,
    "MODEL.RESNETS.NORM": "FrozenBN",
    "MODEL.RESNETS.STRIDE_IN_1X1": True,
    "MODEL.RESNETS.RES5_DILATION": 1,
    "MODEL.RESNETS.STEM_OUT_CHANNELS": 64,
    "MODEL.RESNETS.RES2_OUT_CHANNELS": 256,
    "MODEL.FPN.OUT_CHANNELS": 256,
    "MODEL.FPN.NORM": "",
    "MODEL.FPN.FUSE_TYPE": "sum",
}
_BLOCKS_PER_STAGE = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


class FrozenBatchNorm(nn.Module):
    """Batch norm whose statistics and affine part are constants: (B, C, h, w) -> the same shape."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Normalise (B, C, h, w)."""
        return functional.batch_norm(
            features,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=False,
            eps=self.eps,
        )


def _norm(kind: str, channels: int) -> nn.Module:
    if kind == "FrozenBN":
        return FrozenBatchNorm(channels)
    # Synchronised variants differ only in training over several devices.
    if kind in ("BN", "SyncBN", "nnSyncBN", "naiveSyncBN"):
        return nn.BatchNorm2d(channels)
    if kind == "GN":
        return nn.GroupNorm(32, channels)
    raise CheckpointError(
        f"The visual backbone's norm {kind!r} is not supported; use FrozenBN, BN, SyncBN, GN or none."
    )


class Conv(nn.Conv2d):
    """A convolution with its norm inside, as detectron2 names it (``conv1.weight``, ``conv1.norm.weight``)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        norm: str,
        stride: int = 1,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = False,
    ) -> None:
        padding = dilation * (kernel - 1) // 2
        super().__init__(
            inputs,
            outputs,
            kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )
        if norm:
            self.norm = _norm(norm, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, outputs, h / stride, w / stride)."""
        features = super().forward(features)
        return self.norm(features) if hasattr(self, "norm") else features


class _Stem(nn.Module):
    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        self.conv1 = Conv(3, channels, 7, stride=2, norm=norm)

    def forward(self, image: Tensor) -> Tensor:
        return functional.max_pool2d(functional.relu(self.conv1(image)), kernel_size=3, stride=2, padding=1)


class _BasicBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, norm: str) -> None:
        super().__init__()
        self.conv1 = Conv(inputs, outputs, 3, stride=stride, norm=norm)
        self.conv2 = Conv(outputs, outputs, 3, norm=norm)
        self.shortcut = Conv(inputs, outputs, 1, stride=stride, norm=norm) if inputs != outputs else None

    def forward(self, features: Tensor) -> Tensor:
        residual = self.shortcut(features) if self.shortcut is not None else features
        return functional.relu(self.conv2(functional.relu(self.conv1(features))) + residual)


class _BottleneckBlock(nn.Module):
    def __init__(
        self,
        inputs: int,
        bottleneck: int,
        outputs: int,
        *,
        stride: int,
        groups: int,
        stride_in_1x1: bool,
        dilation: int,
        norm: str,
    ) -> None:
        super().__init__()
        first, second = (stride, 1) if stride_in_1x1 else (1, stride)
        self.conv1 = Conv(inputs, bottleneck, 1, stride=first, norm=norm)
        self.conv2 = Conv(bottleneck, bottleneck, 3, stride=second, groups=groups, dilation=dilation, norm=norm)
        self.conv3 = Conv(bottleneck, outputs, 1, norm=norm)
        self.shortcut = Conv(inputs, outputs, 1, stride=stride, norm=norm) if inputs != outputs else None

    def forward(self, features: Tensor) -> Tensor:
        residual = self.shortcut(features) if self.shortcut is not None else features
        features = functional.relu(self.conv2(functional.relu(self.conv1(features))))
        return functional.relu(self.conv3(features) + residual)


class ResNet(nn.Module):
    """Image (B, 3, h, w) -> stages res2..res5 at strides 4, 8, 16, 32."""

    def __init__(self, args: Mapping[str, Any]) -> None:
        super().__init__()
        depth, norm = args["MODEL.RESNETS.DEPTH"], args["MODEL.RESNETS.NORM"]
        if depth not in _BLOCKS_PER_STAGE:
            raise CheckpointError(
                f"A ResNet of depth {depth} is not supported; use one of {sorted(_BLOCKS_PER_STAGE)}."
            )
        groups = args["MODEL.RESNETS.NUM_GROUPS"]
        channels = args["MODEL.RESNETS.STEM_OUT_CHANNELS"]
        bottleneck = groups * args["MODEL.RESNETS.WIDTH_PER_GROUP"]
        outputs = args["MODEL.RESNETS.RES2_OUT_CHANNELS"]
        self.stem = _Stem(channels, norm)
        self.channels: list[int] = []
        for stage, blocks in enumerate(_BLOCKS_PER_STAGE[depth]):
            dilation = args["MODEL.RESNETS.RES5_DILATION"] if stage == 3 else 1
            stage_stride = 1 if stage == 0 or dilation == 2 else 2
            modules: list[nn.Module] = []
            for block in range(blocks):
                stride = stage_stride if block == 0 else 1
                if depth < 50:
                    modules.append(_BasicBlock(channels, outputs, stride, norm))
                else:
                    modules.append(
                        _BottleneckBlock(
                            channels,
                            bottleneck,
                            outputs,
                            stride=stride,
                            groups=groups,
                            stride_in_1x1=args["MODEL.RESNETS.STRIDE_IN_1X1"],
                            dilation=dilation,
                            norm=norm,
                        )
                    )
                channels = outputs
            self.add_module(f"res{stage + 2}", nn.Sequential(*modules))
            self.channels.append(outputs)
            outputs, bottleneck = outputs * 2, bottleneck * 2

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the four stages, finest first."""
        features, stages = self.stem(image), []
        for name in ("res2", "res3", "res4", "res5"):
            features = self.get_submodule(name)(features)
            stages.append(features)
        return stages


class ResNetFPN(nn.Module):
    """Image (B, 3, h, w), normalised BGR -> pyramid level p2 (B, MODEL.FPN.OUT_CHANNELS, h/4, w/4).

    Raises CheckpointError for a backbone that these settings do not describe.
    """

    def __init__(self, detectron2_config_args: Mapping[str, Any]) -> None:
        super().__init__()
        args = complete(detectron2_config_args)
        fuse, norm = args["MODEL.FPN.FUSE_TYPE"], args["MODEL.FPN.NORM"]
        if fuse not in ("sum", "avg"):
            raise CheckpointError(f"MODEL.FPN.FUSE_TYPE {fuse!r} is not supported; use sum or avg.")
        self.average = fuse == "avg"
        self.bottom_up = ResNet(args)
        channels = args["MODEL.FPN.OUT_CHANNELS"]
        for level, inputs in enumerate(self.bottom_up.channels, start=2):
            self.add_module(f"fpn_lateral{level}", Conv(inputs, channels, 1, norm=norm, bias=not norm))
            self.add_module(f"fpn_output{level}", Conv(channels, channels, 3, norm=norm, bias=not norm))
        self._initialise()

    def merged(self, image: Tensor) -> list[Tensor]:
        """Return the top-down maps before their 3x3 output convolutions, coarsest (stride 32) first."""
        stages = self.bottom_up(image)
        maps: list[Tensor] = []
        for level in (5, 4, 3, 2):
            lateral: Tensor = self.get_submodule(f"fpn_lateral{level}")(stages[level - 2])
            if maps:
                lateral = lateral + functional.interpolate(maps[-1], scale_factor=2.0, mode="nearest")
                lateral = lateral / 2 if self.average else lateral
            maps.append(lateral)
        return maps

    def forward(self, image: Tensor, *, all_levels: bool = False) -> Tensor:
        """Return p2. ``all_levels`` also computes p3..p6 and drops them: what the reference spends, for benchmarks."""
        maps = self.merged(image)
        if all_levels:
            for level, features in zip((5, 4, 3), maps, strict=False):
                output = self.get_submodule(f"fpn_output{level}")(features)
                if level == 5:
                    functional.max_pool2d(output, kernel_size=1, stride=2)
        p2: Tensor = self.get_submodule("fpn_output2")(maps[-1])
        return p2

    def _initialise(self) -> None:
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d):
                if name.startswith("bottom_up"):
                    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                else:
                    nn.init.kaiming_uniform_(module.weight, a=1)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def complete(detectron2_config_args: Mapping[str, Any]) -> dict[str, Any]:
    """Fill the keys a checkpoint leaves out with detectron2's own defaults.

    Raises CheckpointError when the settings name another backbone than a ResNet-FPN over res2..res5.
    """
    args = {**_DEFAULTS, **detectron2_config_args}
    name = args.get("MODEL.BACKBONE.NAME", "build_resnet_fpn_backbone")
    features = list(args.get("MODEL.FPN.IN_FEATURES", ["res2", "res3", "res4", "res5"]))
    if name != "build_resnet_fpn_backbone" or features != ["res2", "res3", "res4", "res5"]:
        raise CheckpointError(
            f"The visual backbone {name!r} over {features} is not supported; "
            "only build_resnet_fpn_backbone over res2..res5 is."
        )
    return args
