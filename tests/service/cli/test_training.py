"""``layoutserve pretrain``, ``train`` and ``evaluate`` on a handful of pages drawn here."""

import json

import pytest
from PIL import Image, ImageDraw

from layoutserve.model.network import checkpoint
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2
from layoutserve.model.training.stages import initial
from layoutserve.service.cli.main import main


@pytest.fixture
def data(tmp_path):
    """Four receipts and two letters in our JSON-lines format."""
    rows = []
    for number in range(6):
        receipt = number < 4
        lines = [f"ACME {number}", "TEA 4.00", f"TOTAL {number}.50"] if receipt else ["Dear Sir", "goodbye"]
        image = Image.new("L", (200, 200), 255)
        for i, line in enumerate(lines):
            ImageDraw.Draw(image).text((10, 10 + 40 * i), line, fill=0)
        image.save(tmp_path / f"{number}.png")
        row = {"image": f"{number}.png", "width": 200, "height": 200, "class": "receipt" if receipt else "letter"}
        row["lines"] = [{"text": t, "box": [10, 10 + 40 * i, 110, 30 + 40 * i]} for i, t in enumerate(lines)]
        if receipt:
            row["entities"] = {"company": lines[0], "total": f"{number}.50"}
            row["questions"] = [{"question": "How much?", "answers": [f"{number}.50"]}]
        rows.append(json.dumps(row))
    (tmp_path / "pages.jsonl").write_text("\n".join(rows))
    return tmp_path / "pages.jsonl"


@pytest.fixture
def tiny(tmp_path):
    config = Config(
        hidden_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        coordinate_size=4,
        shape_size=4,
        image_feature_pool_shape=(7, 7, 8),
        detectron2_config_args={**initial.BACKBONE, "MODEL.FPN.OUT_CHANNELS": 8},
    )
    folder = tmp_path / "tiny"
    checkpoint.save(LayoutLMv2(config, {}), {}, folder, tokenizer=initial.folder() / "tokenizer.json")
    return folder


def test_pretrain_train_and_evaluate_go_hand_in_hand(data, tiny, tmp_path, capsys):
    quick = ["--batch-size", "2", "--fp32"]
    arguments = ["--data", str(data), "--checkpoint", str(tiny), "--output", str(tmp_path / "pre"), "--steps", "2"]
    assert main(["pretrain", *arguments, *quick]) == 0
    pretrained = capsys.readouterr().out.strip()
    arguments = [
        "--data",
        str(data),
        "--dev",
        str(data),
        "--checkpoint",
        pretrained,
        "--output",
        str(tmp_path / "fine"),
    ]
    assert main(["train", *arguments, "--steps", "2", *quick]) == 0
    trained = capsys.readouterr().out.strip()
    assert set(checkpoint.load(trained).labels) == {"kie", "classification", "docvqa"}
    for task, score in (("kie", "em_no_space"), ("classification", "macro_accuracy"), ("docvqa", "anls")):
        report = tmp_path / f"report-{task}"
        arguments = ["--checkpoint", trained, "--task", task, "--data", str(data), "--json", "--report", str(report)]
        assert main(["evaluate", *arguments]) == 0
        assert 0.0 <= json.loads(capsys.readouterr().out)[score] <= 1.0
        assert (report / "confusion.png").is_file() == (task != "docvqa")


def test_data_without_labels_is_refused(tiny, tmp_path, capsys):
    Image.new("L", (20, 20), 255).save(tmp_path / "a.png")
    (tmp_path / "plain.jsonl").write_text('{"image": "a.png", "words": [{"text": "x", "box": [0, 0, 9, 9]}]}\n')
    arguments = ["--data", str(tmp_path / "plain.jsonl"), "--checkpoint", str(tiny), "--output", str(tmp_path / "out")]
    assert main(["train", *arguments]) == 2
    assert "nothing to train" in capsys.readouterr().err


def test_a_model_without_the_head_is_refused(data, tiny, capsys):
    assert main(["evaluate", "--checkpoint", str(tiny), "--task", "kie", "--data", str(data)]) == 2
    assert "no head for kie" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["image", "layout", "spatial-bias"])
def test_a_part_can_be_left_out(data, tiny, tmp_path, part):
    from layoutserve.model.training.stages.loop import Schedule
    from layoutserve.model.training.train import Options, train

    options = Options(data=(data,), dev=data, output=tmp_path / part, checkpoint=str(tiny), without=(part,))
    trained = checkpoint.load(train(options, Schedule(steps=1, batch_size=1, bf16=False)))
    assert trained.config.has_spatial_attention_bias == (part != "spatial-bias")
