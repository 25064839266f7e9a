"""Pages drawn in code, and the real OCR models to read them with."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from layoutserve.model.network.ocr_int8 import quantize_ocr
from layoutserve.model.ocr import int8, store
from layoutserve.model.ocr.reader import Ocr, OcrConfig
from layoutserve.model.page import Box, Page


@pytest.fixture(scope="session")
def models():
    """The folder of the default models, fetched as ``make setup`` fetches them if they are not there."""
    folder = store.default_folder()
    if not store.is_complete(folder):
        store.fetch(folder)
    for model in store.MODELS:
        if not (folder / model.folder / int8.FILE).is_file():
            quantize_ocr(folder / model.folder / "inference.onnx", folder / model.folder / int8.FILE)
    return folder


@pytest.fixture(scope="session")
def ocr(models):
    engine = Ocr(OcrConfig(models=models))
    yield engine
    engine.close()


@dataclass
class Sheet:
    """White paper that remembers where each word was drawn."""

    width: int = 900
    height: int = 1200

    def __post_init__(self):
        self.image = Image.new("RGB", (self.width, self.height), "white")
        self.words = []

    def write(self, x, y, line, size=26, face="DejaVuSans"):
        fonts = Path(find_spec("matplotlib").submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
        font = ImageFont.truetype(str(fonts / f"{face}.ttf"), size)
        draw = ImageDraw.Draw(self.image)
        for word in line.split():
            draw.text((x, y), word, fill="black", font=font)
            self.words.append((word, Box(*draw.textbbox((x, y), word, font=font))))
            x += font.getlength(word + " ")
        return self

    def page(self):
        return Page(np.asarray(self.image).copy())


@pytest.fixture
def new_sheet():
    """Makes white paper of a size."""
    return Sheet


@pytest.fixture
def sheet():
    return Sheet()


LETTER = [
    "Société Générale de Besançon, 14 rue Crébillon",
    "Invoice No. 2024-00817 of 31/12/2024",
    "Contact: marie.lefevre@example.org",
    "Ref: AB-12/345 (copy)",
    "Subtotal 1,234.50 EUR",
    "VAT 19 % 234.56 EUR",
    "Total due: 1,469.06 EUR",
    "Payable within 30 days of receipt, thank you!",
]


@pytest.fixture
def letter():
    """A letter with accents, an address, dates and amounts."""
    paper = Sheet()
    for number, line in enumerate(LETTER):
        paper.write(80, 100 + 90 * number, line)
    paper.lines = LETTER
    return paper
