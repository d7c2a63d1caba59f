# Sourced by the front-door scripts: makes .venv once for these constraints and extras, and leaves it active.
# Usage: source scripts/setup.sh [extras], with the repository as working directory.

extras="${1:-}"
python_command="${PYTHON:-python3}"
if ! "$python_command" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "error: Python 3.11 or newer is needed; '$python_command' is $("$python_command" --version 2>&1). Set PYTHON=/path/to/python3.11" >&2
    exit 2
fi

# Operators that DeepSpeed compiles belong to this environment, not to the user's home.
export TORCH_EXTENSIONS_DIR="$PWD/.venv/torch_extensions"

inputs="$(cat pyproject.toml constraints.txt scripts/setup.sh | cksum | cut -d' ' -f1)"
installed="$(cat .venv/stamp 2>/dev/null || true)"
# an environment with the test extras also serves without them
if [ "$installed" != "$inputs-$extras" ] && ! { [ -z "$extras" ] && [ "$installed" = "$inputs-test" ]; }; then
    echo "setting up .venv (once; two or three minutes)" >&2
    [ -x .venv/bin/python ] || "$python_command" -m venv .venv
    # torch first: a later package must not pull another build of it
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".${extras:+[$extras]}"
    if ! command -v nvidia-smi >/dev/null; then
        echo "compiling DeepSpeed's CPU communication (once; about a minute)" >&2
        PATH="$PWD/.venv/bin:$PATH" DS_ACCELERATOR=cpu .venv/bin/python -c \
            'from deepspeed.ops.op_builder.cpu.comm import ShareMemCommBuilder; ShareMemCommBuilder().load(verbose=False)' \
            > .venv/compile.log 2>&1 || { echo "error: a C++ compiler is needed (Debian: apt install g++); see .venv/compile.log" >&2; exit 2; }
    fi
    echo "$inputs-$extras" > .venv/stamp
fi
# shellcheck disable=SC1091
source .venv/bin/activate
