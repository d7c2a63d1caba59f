#!/usr/bin/env bash
# The whole loop: images -> dataset -> fine-tuned adapter -> evaluation -> report.
#   ./scripts/reproduce.sh [--out DIR] [--seed N] [--images N] [--fast]
#   ./scripts/reproduce.sh --recipe recipes/paper.yaml [--check]
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ " $* " == *" --check "* ]] && [ ! -e .venv/stamp ]; then
    # saying what is needed must not need the gigabytes itself
    light=.venv/check
    [ -e "$light/stamp" ] || {
        "${PYTHON:-python3}" -m venv "$light"
        "$light/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt \
            huggingface-hub jinja2 numpy pillow psutil pyarrow pycocotools pydantic pyyaml rich
        touch "$light/stamp"
    }
    exec "$light/bin/python" scripts/reproduce.py "$@"
fi
source scripts/setup.sh "" # without an argument it would take ours
exec python scripts/reproduce.py "$@"
