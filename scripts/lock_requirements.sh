#!/usr/bin/env bash
# Pin what pyproject.toml asks for, with hashes and without the address of any index.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {
  local name=$1
  shift
  uv pip compile pyproject.toml "$@" --quiet --universal --python-version 3.11 \
    --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
    --upgrade --output-file "requirements/$name.txt"
}

lock light
lock monitor --extra monitor
lock relay --extra relay
lock train --extra train --extra monitor --extra example
# The demo installs both.
lock serve --extra serve --constraint requirements/train.txt
lock dev --extra train --extra monitor --extra relay --extra serve --extra example --extra dask --group dev
lock mutation --extra train --extra monitor --extra relay --extra serve --extra example --extra dask --group mutation
