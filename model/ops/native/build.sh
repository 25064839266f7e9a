#!/usr/bin/env bash
# Builds the native operator library. Its C headers are looked for in this order: ONNXRUNTIME_INCLUDE_DIR, the
# system, and Debian's libonnxruntime-dev, unpacked for the headers alone. Older Debian releases do not have that
# package; its headers fit any of them, so it is then taken from a newer suite of the mirror this system uses,
# with package lists of its own, so that nothing is installed and nothing about the system changes. With
# --offline nothing is downloaded.
set -euo pipefail
cd "$(dirname "$0")"
suite=trixie
build=build

fail() { echo "The native operators are not built: $1. The models run without them, on the function bodies." >&2; exit 1; }

find_headers() {
  local folder
  for folder in "${ONNXRUNTIME_INCLUDE_DIR:-}" /usr/include/onnxruntime /usr/local/include/onnxruntime \
      "$PWD/$build/headers/usr/include/onnxruntime"; do
    if [[ -n $folder && -f $folder/onnxruntime_cxx_api.h ]]; then echo "$folder"; return; fi
  done
  return 1
}

fetch_headers() {
  local work options mirror keyring
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$build/headers"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$keyring] $mirror $suite main" > "$work/sources.list"
  options=(-qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)"
    -o APT::Get::List-Cleanup=false)
  apt-get "${options[@]}" update && (cd "$work" && apt-get "${options[@]}" download libonnxruntime-dev) &&
    dpkg -x "$work"/libonnxruntime-dev_*.deb "$build/headers"
}

command -v cmake >/dev/null || fail "cmake is missing"
command -v "${CXX:-c++}" >/dev/null || fail "a C++ compiler is missing"
if ! headers=$(find_headers); then
  [[ ${1:-} != --offline ]] && command -v apt-get >/dev/null || fail "ONNX Runtime's C headers are missing; set ONNXRUNTIME_INCLUDE_DIR"
  fetch_headers >&2 || fail "ONNX Runtime's C headers could not be downloaded; set ONNXRUNTIME_INCLUDE_DIR"
  headers=$(find_headers) || fail "the downloaded package has no C headers"
fi
cmake -S . -B "$build" -DONNXRUNTIME_INCLUDE_DIR="$headers" >/dev/null && cmake --build "$build" >&2 ||
  fail "the compiler failed"
echo "Built $PWD/liblayoutserve_ops.so" >&2
