"""``layoutserve serve``: the HTTP service."""

import argparse
from pathlib import Path

HELP = "Serve documents over HTTP until SIGTERM; every setting is a variable LAYOUTSERVE_*."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 8080)")
    parser.add_argument(
        "--bundle", type=Path, action="append", metavar="DIR", help="a bundle, or a folder of bundles; repeatable"
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings in TOML (default: none)")


def run(arguments: argparse.Namespace) -> int:
    """Serve, and return the process's exit code. The first time, the OCR models are fetched before."""
    import os

    from layoutserve.model.ocr import store
    from layoutserve.service.cli.ocr_models import provide
    from layoutserve.service.server import serve
    from layoutserve.service.settings import FILE_VARIABLE, load

    environment = dict(os.environ)
    if arguments.settings is not None:
        environment[FILE_VARIABLE] = str(arguments.settings)
    given = {"host": arguments.host, "port": arguments.port, "bundles": arguments.bundle}
    settings = load(environment, **{name: value for name, value in given.items() if value is not None})
    # Models of one's own, or of a language, are somebody else's to bring.
    if settings.ocr_models is None and not settings.ocr_languages and not store.is_complete(store.default_folder()):
        provide(store.default_folder())
    return serve(settings)
