from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[2] / "golden"
SETS = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


@pytest.fixture(params=SETS)
def golden(request, golden_sets):
    return golden_sets / request.param


@pytest.fixture
def tiny_token(golden_sets):
    return golden_sets / "tiny-token"
