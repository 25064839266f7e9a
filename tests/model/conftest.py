from pathlib import Path

import pytest

from model.network import checkpoint, export

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """Export a golden set once; ``exported("tiny-token")`` returns its bundle."""
    made = {}

    def bundle_of(name):
        if name not in made:
            folder = tmp_path_factory.mktemp("bundles") / name
            made[name] = export.export(checkpoint.load(GOLDEN / name), folder)
        return made[name]

    return bundle_of
