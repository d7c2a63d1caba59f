#!/usr/bin/env bash
# Runs the test suite in an environment of its own. Arguments go to pytest: ./scripts/test.sh tests/eval -k chair
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh test
export HF_HUB_OFFLINE=1 WANDB_MODE=offline TOKENIZERS_PARALLELISM=false
if [ $# -eq 0 ]; then
    ruff check .
    mypy
fi
exec python -m pytest "$@"
