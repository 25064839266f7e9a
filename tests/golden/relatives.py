"""Make the golden sets of LayoutLM, LayoutLMv3 and LiLT in this folder: tiny networks of transformers, random weights.

    python tests/golden/relatives.py

Weights lie on a grid of a sixteenth and pictures in squares, so that they can be compressed. Needs transformers, which
is not among the project's dependencies.
"""

import lzma
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import save

HERE = Path(__file__).parent
CASES = {"short": (1, 17), "batch": (3, 40), "long": (1, 64)}
LABELS = ["O"] + [f"{prefix}-{name}" for name in ("KEY", "VALUE", "HEAD", "DATE", "TOTAL") for prefix in "BI"]
GRID, SQUARE = 16, 32
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 2, "lp": 2, "pb": 2}]
SMALL = {"vocab_size": 60, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40}
BERT = {"hidden_size": 12, "max_position_embeddings": 64}
ROBERTA = {"hidden_size": 24, "max_position_embeddings": 66, "type_vocab_size": 1, "pad_token_id": 1}
PLACES = {"coordinate_size": 4, "shape_size": 4}
SETS = {
    "layoutlm-sequence": (
        "LayoutLM",
        "ForSequenceClassification",
        3,
        {"hidden_size": 12, "max_position_embeddings": 64},
    ),
    "layoutlmv3-qa": ("LayoutLMv3", "ForQuestionAnswering", 0, ROBERTA | PLACES),
    "layoutlmv3-token": ("LayoutLMv3", "ForTokenClassification", 11, ROBERTA | PLACES),
    "lilt-token": ("Lilt", "ForTokenClassification", 5, ROBERTA),
}


def network_of(family, head, labels, sizes):
    named = {"label2id": {label: n for n, label in enumerate(LABELS[:labels])}} if labels else {}
    named |= {"id2label": dict(enumerate(LABELS[:labels]))} if labels else {}
    network = getattr(transformers, family + head)(getattr(transformers, f"{family}Config")(**SMALL, **sizes, **named))
    with torch.no_grad():
        for name, value in network.named_parameters():
            mean, deviation = (1.0, 0.2) if "norm" in name.lower() and name.endswith("weight") else (0.0, 0.2)
            value.copy_((mean + deviation * torch.randn_like(value)).mul(GRID).round().div(GRID))
    return network.eval()


def inputs_of(config, generator, batch, length):
    mask = np.ones((batch, length), np.int64)
    for row in range(1, batch):
        mask[row, length - row * length // 4 :] = 0
    ids = np.where(mask == 1, generator.integers(3, config.vocab_size, (batch, length)), config.pad_token_id)
    corners = np.sort(generator.integers(0, 1001, (batch, length, 2, 2)), axis=2)
    arrays = {"input_ids": ids, "bbox": corners.reshape(batch, length, 4) * mask[:, :, None], "attention_mask": mask}
    if config.model_type == "layoutlm":
        arrays["token_type_ids"] = generator.integers(0, 2, (batch, length)) * mask
    if config.model_type == "layoutlmv3":
        squares = generator.integers(0, 256, (batch, 3, 224 // SQUARE, 224 // SQUARE), np.uint8)
        arrays["image"] = squares.repeat(SQUARE, axis=2).repeat(SQUARE, axis=3)
    return arrays


def main():
    for number, (name, description) in enumerate(SETS.items()):
        torch.manual_seed(number)
        network, generator = network_of(*description), np.random.default_rng(number)
        inputs, expected = {}, {}
        for case, shape in CASES.items():
            arrays = inputs_of(network.config, generator, *shape)
            inputs |= {f"{case}.{key}": value for key, value in arrays.items()}
            tensors = {key: torch.from_numpy(value) for key, value in arrays.items()}
            if "image" in tensors:
                tensors["pixel_values"] = (tensors.pop("image").float() / 255 - 0.5) / 0.5
            with torch.no_grad():
                outputs = network(**tensors)
            expected |= {f"{case}.{key}": value.numpy() for key, value in outputs.items() if "logits" in key}
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        weights = {key: value.contiguous() for key, value in network.state_dict().items()}
        packed = lzma.compress(save(weights, {"format": "pt"}), filters=FILTERS)
        (folder / "model.safetensors.xz").write_bytes(packed)
        network.config.architectures = [type(network).__name__]
        network.config.to_json_file(folder / "config.json")
        np.savez_compressed(folder / "inputs.npz", allow_pickle=False, **inputs)
        np.savez_compressed(folder / "expected.npz", allow_pickle=False, **expected)


if __name__ == "__main__":
    main()
