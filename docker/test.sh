#!/usr/bin/env bash
# Tries the images and compose.yaml for real: docker/test.sh builds the CPU image, starts two instances behind the proxy
# and checks what docs/deploy.md promises of them. Ends with what it made removed; the image stays.
#
#     BUILD=0                   do not build; test IMAGE
#     IMAGE=layoutserve:cpu     the image
#     BUILD_OPTIONS="..."       more for docker build (--build-arg BASE=..., --secret ..., --network host)
#     BUNDLES=DIR               a folder of bundles to serve instead of the starter bundle
#     PROXY_IMAGE, PROMETHEUS_IMAGE, CPUS, MEMORY   as in compose.yaml
#     OBSERVABILITY=1           also ask Prometheus everything the dashboard asks
set -euo pipefail
cd "$(dirname "$0")"
export IMAGE=${IMAGE:-layoutserve:cpu} COMPOSE_PROJECT_NAME=layoutserve-test COMPOSE_HTTP_TIMEOUT=600
export PORT=${PORT:-18080} PROMETHEUS_PORT=${PROMETHEUS_PORT:-19090} REPLICAS=2
[[ -z ${BUNDLES:-} ]] || export BUNDLES LAYOUTSERVE_BUNDLES=/bundles
url=http://127.0.0.1:$PORT
work=$(mktemp -d)
unfinished=1
profiles=(--profile cpu --profile observability)
services=(layoutserve proxy)
[[ ${OBSERVABILITY:-0} == 1 ]] && services+=(prometheus)

compose() { if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi; }
say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
end() {
  local code=$?
  # Whoever stops it has not seen it pass.
  ((code)) || code=$unfinished
  ((code == 0)) || compose "${profiles[@]}" logs --tail 20 2>&1 | cut -c1-300 || true
  compose "${profiles[@]}" down --volumes --timeout 5 >/dev/null 2>&1 || true
  rm -rf "$work"
  ((code == 0)) && echo "All container checks passed."
  exit "$code"
}
trap end EXIT
instances() { docker ps --all --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" \
  --filter label=com.docker.compose.service=layoutserve; }
# Counts of an answer of load.py: count STATUS FILE
count() { python3 -c 'import json, sys; print(json.load(open(sys.argv[2]))["statuses"].get(sys.argv[1], 0))' "$@"; }
admitted() { docker exec "$1" python -c '
import urllib.request as r
lines = r.urlopen("http://127.0.0.1:8080/metrics").read().decode().splitlines()
print(int(float(next(line.split()[1] for line in lines if line.startswith("layoutserve_documents ")))))'; }
wait_healthy() {
  for _ in $(seq 120); do
    [[ $(docker inspect --format '{{.State.Health.Status}}' $(instances) | grep -c '^healthy') == "$1" ]] && return
    sleep 2
  done
  fail "$1 instances did not become healthy"
}

if [[ ${BUILD:-1} == 1 ]]; then
  say "build"
  # shellcheck disable=SC2086
  DOCKER_BUILDKIT=1 docker build ${BUILD_OPTIONS:-} --build-arg "REVISION=$(git rev-parse --short HEAD)" \
    --file Dockerfile --tag "$IMAGE" ..
fi

say "what is in the image"
docker image inspect --format '{{.Size}}' "$IMAGE" | awk '{printf "size: %.0f MB\n", $1 / 1e6}'
docker image inspect --format '{{json .Config.Labels}}' "$IMAGE" | grep -q '"org.opencontainers.image.licenses":"Apache-2.0"' ||
  fail "the image has no licence label"
docker run --rm --read-only --network none --entrypoint python "$IMAGE" -c '
import importlib.util, os, shutil
from pathlib import Path
from layoutserve.model.ops import LIBRARY
from layoutserve.model.ocr import int8, store
assert os.getuid() != 0, "it runs as root"
there = [name for name in ("torch", "paddle", "pytest", "onnx", "mypy", "pip") if importlib.util.find_spec(name)]
there += [name for name in ("cc", "gcc", "c++", "cmake", "make") if shutil.which(name)]
there += [str(path) for path in Path("/opt/layoutserve").rglob("tests/service")]
assert not there, f"it holds {there}"
assert LIBRARY.is_file(), "it has no native operators"
assert store.is_intact(store.default_folder()), "it has no OCR models"
for of_ours in store.MODELS:
    assert (store.default_folder() / of_ours.folder / int8.FILE).is_file(), f"{of_ours.name} runs in float32"
print("no root, no compilers, no torch, no paddlepaddle, no tests; native operators and OCR models are there")'

say "two instances behind the proxy"
compose "${profiles[@]}" up --detach --no-build "${services[@]}"
wait_healthy 2
read -r first second <<<"$(instances | tr '\n' ' ')"
docker run --rm --network none --entrypoint python "$IMAGE" -c '
import sys
from PIL import Image, ImageDraw, ImageFont
image = Image.new("RGB", (480, 360), "white")
for row, text in enumerate(("ACME TRADING", "Date 31/01/2024", "Coffee 4.50", "TOTAL 12.50")):
    ImageDraw.Draw(image).text((40, 40 + 70 * row), text, "black", ImageFont.load_default(28))
image.save(sys.stdout.buffer, "BMP")' >"$work/receipt.bmp"
curl --fail --silent --show-error --form "file=@$work/receipt.bmp" "$url/v1/ocr" >"$work/words.json"
grep -q '"12.50"' "$work/words.json" || fail "the document came back without its words"
echo "a document posted from the host came back with its words"
[[ $(curl --silent --output /dev/null --write-out '%{http_code}' "$url/metrics") == 404 ]] || fail "metrics can be read from outside"

say "locked down"
docker exec "$first" python -c '
import socket
from pathlib import Path
for folder in ("/opt/layoutserve", "/etc", "/bundles"):
    try:
        Path(folder, "probe").touch()
    except OSError:
        continue
    raise SystemExit(f"{folder} can be written to")
status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
assert int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1", "it has privileges"
try:
    socket.create_connection(("192.0.2.1", 80), 2)
except OSError:
    print("read-only, no capabilities, no way out")
else:
    raise SystemExit("it can reach other networks")'

say "SIGTERM to one of two instances under load: the other takes over"
python3 load.py "$url/v1/kie" "$work/receipt.bmp" 40 6 >"$work/first.json" &
load=$!
until (($(admitted "$first") > 0)); do sleep 0.05; done
docker stop --time 75 "$first" >/dev/null
wait "$load"
cat "$work/first.json"
[[ $(docker inspect --format '{{.State.ExitCode}}' "$first") == 0 ]] || fail "the instance did not exit with 0"
(($(count 200 "$work/first.json") + $(count 429 "$work/first.json") == 40)) || fail "requests were lost"

say "SIGTERM to the last instance: what it has accepted is answered"
python3 load.py "$url/v1/kie" "$work/receipt.bmp" 24 8 >"$work/second.json" &
load=$!
until (((accepted = $(admitted "$second")) > 0)); do sleep 0.05; done
docker stop --time 75 "$second" >/dev/null
wait "$load"
echo "accepted when it was told to stop: $accepted"
cat "$work/second.json"
[[ $(docker inspect --format '{{.State.ExitCode}}' "$second") == 0 ]] || fail "the instance did not exit with 0"
(($(count 200 "$work/second.json") >= accepted)) || fail "accepted requests were not answered"
[[ $(count 0 "$work/second.json") == 0 ]] || fail "requests got no answer at all"
[[ $(curl --silent --output /dev/null --write-out '%{http_code}' "$url/health/ready") == 503 ]] || fail "the proxy does not say 503"

if [[ ${OBSERVABILITY:-0} == 1 ]]; then
  say "Prometheus has data for every panel"
  docker start "$first" "$second" >/dev/null
  wait_healthy 2
  for _ in $(seq 8); do
    python3 load.py "$url/v1/kie" "$work/receipt.bmp" 6 3
    curl --silent --output /dev/null --form "file=@$work/receipt.bmp" "$url/v1/kie"
    curl --silent --output /dev/null --form file=none "$url/v1/kie"
    curl --silent --output /dev/null --header 'Prefer: respond-async' --form "file=@$work/receipt.bmp" "$url/v1/kie"
    sleep 5
  done
  sleep 20
  python3 check_dashboard.py "http://127.0.0.1:$PROMETHEUS_PORT"
fi
unfinished=0
