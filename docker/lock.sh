#!/usr/bin/env bash
# Pins every package of the images, with the hashes of its files: writes requirements-cpu.lock and
# requirements-gpu.lock from pyproject.toml. Needs uv; what is given here is passed on to it (--upgrade, say).
# The locks name no package index: pip is told by its own settings where packages come from.
set -euo pipefail
cd "$(dirname "$0")"
for runtime in cpu gpu; do
  uv pip compile --quiet --no-config --generate-hashes --no-emit-index-url --no-annotate \
    --python-version 3.11 --python-platform x86_64-manylinux_2_28 --custom-compile-command docker/lock.sh \
    --extra "$runtime" --extra otel --extra postgresql "$@" --output-file "requirements-$runtime.lock" ../pyproject.toml
done
