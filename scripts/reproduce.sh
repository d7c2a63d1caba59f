#!/usr/bin/env bash
# The whole loop: images -> dataset -> fine-tuned adapter -> evaluation -> report.
#   ./scripts/reproduce.sh [--out DIR] [--seed N] [--images N] [--fast]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh "" # without an argument it would take ours
exec python scripts/reproduce.py "$@"
