"""A tiny network, the real tokenizer, and receipts drawn in a few lines of code."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2
from layoutserve.model.page import Box, Word
from layoutserve.model.training.data.example import Example, Question, Span
from layoutserve.model.training.stages import initial
from layoutserve.model.training.stages.batches import sheet


@pytest.fixture(scope="session")
def tokenizer():
    return initial.folder() / "tokenizer.json"


@pytest.fixture
def tiny():
    """Build a network of two layers, 24 wide, with the given heads."""

    def build(heads):
        backbone = {**initial.BACKBONE, "MODEL.RESNETS.RES2_OUT_CHANNELS": 64, "MODEL.FPN.OUT_CHANNELS": 8}
        config = Config(
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=48,
            coordinate_size=4,
            shape_size=4,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            image_feature_pool_shape=(7, 7, 8),
            detectron2_config_args=backbone,
        )
        return LayoutLMv2(config, heads)

    return build


@pytest.fixture
def receipt(tmp_path):
    """Make a labelled receipt: company, date and total, with two questions."""

    def build(company="ACME TRADING", date="25/12/2018", total="9.00", name="receipt"):
        lines = [company, "NO 5 MAIN STREET", f"DATE: {date}", "TEA 4.00", "CAKE 5.00", f"TOTAL {total}"]
        image = Image.new("L", (200, 400), 255)
        draw = ImageDraw.Draw(image)
        words, spans = [], {}
        for number, line in enumerate(lines):
            draw.text((10, 20 + 40 * number), line, fill=0)
            x = 10.0
            for text in line.split():
                width = 8.0 * len(text)
                place = Box(x, 20 + 40 * number, x + width, 40 + 40 * number)
                words.append(Word.from_box(text, place, line=number))
                x += width + 8
        path = tmp_path / f"{name}.png"
        image.save(path)
        texts = [word.text for word in words]
        size = len(company.split())
        spans = (
            Span("COMPANY", tuple(range(size)), company),
            Span("DATE", (texts.index(date),), date),
            Span("TOTAL", (len(texts) - 1,), total),
        )
        questions = (
            Question("How much is it?", (total,), ((len(texts) - 1,),)),
            Question("Who is the patient?", (), ()),
        )
        values = {"COMPANY": (company,), "DATE": (date,), "TOTAL": (total,)}
        return Example(path, 1, 200, 400, tuple(words), values, spans, "receipt", questions, company)

    return build


@pytest.fixture
def page(receipt):
    return sheet(receipt())


@pytest.fixture
def rng():
    return np.random.default_rng(0)
