# Sourced by the front-door scripts: makes .venv once for these constraints and extras, and leaves it active.
# Usage: source scripts/setup.sh [extras], with the repository as working directory.

extras="${1:-}"
python_command="${PYTHON:-python3}"
if ! "$python_command" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "error: Python 3.11 or newer is needed; '$python_command' is $("$python_command" --version 2>&1). Set PYTHON=/path/to/python3.11" >&2
    exit 2
fi
stamp="$(cat pyproject.toml constraints.txt scripts/setup.sh | cksum | cut -d' ' -f1)-$extras"
if [ "$(cat .venv/stamp 2>/dev/null)" != "$stamp" ] && ! { [ -z "$extras" ] && [ "$(cat .venv/stamp 2>/dev/null)" = "${stamp}test" ]; }; then
    echo "setting up .venv (once; a minute or two)" >&2
    [ -x .venv/bin/python ] || "$python_command" -m venv .venv
    # torch first: a later package must not pull another build of it
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".${extras:+[$extras]}"
    echo "$stamp" > .venv/stamp
fi
# shellcheck disable=SC1091
source .venv/bin/activate
