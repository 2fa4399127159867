#!/usr/bin/env bash
# Makes the environment in $1 with the first Python >= 3.11 found, from requirements.lock (hashes checked), and installs
# this tree into it. Running it again renews what changed and nothing else. PYTHON=/path/to/python chooses another one.
set -euo pipefail
venv=$1
cd "$(dirname "$0")/.."

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

if [ ! -x "$venv/bin/python" ] || ! new_enough "$venv/bin/python"; then
  chosen=
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && new_enough "$candidate"; then chosen=$candidate; break; fi
  done
  if [ -z "$chosen" ]; then
    echo "batterytwin needs Python 3.11 or newer; none was found. Install one, or name it: PYTHON=/path/to/python make up" >&2
    exit 1
  fi
  echo "[1/4] environment in $venv ($("$chosen" --version))"
  rm -rf "$venv"
  if ! "$chosen" -m venv "$venv" 2>/dev/null; then
    rm -rf "$venv"
    # Some distributions ship Python without ensurepip; the system's pip can fill the environment then.
    "$chosen" -m venv --without-pip "$venv"
    "$chosen" -m pip --python "$venv/bin/python" install --quiet pip || {
      echo "This Python has neither ensurepip nor pip. On Debian: apt-get install python3-venv" >&2
      rm -rf "$venv"
      exit 1
    }
  fi
else
  echo "[1/4] environment in $venv is there ($("$venv/bin/python" --version))"
fi

echo "[2/4] $(grep -c '^[a-zA-Z0-9_.-]*==' requirements.lock) packages from requirements.lock (half a minute the first time)"
# uv unpacks on all processors; where it cannot reach what pip can (it does not read pip's settings), pip does the rest.
pip_install() { "$venv/bin/python" -m pip install --disable-pip-version-check --quiet "$@"; }
uv_only=$(mktemp)
trap 'rm -f "$uv_only"' EXIT
awk '/^[a-zA-Z0-9]/ { wanted = /^uv==/ } wanted' requirements.lock >"$uv_only"
pip_install --require-hashes -r "$uv_only"
"$venv/bin/uv" pip install --quiet --system-certs --python "$venv/bin/python" --require-hashes -r requirements.lock ||
  pip_install --require-hashes -r requirements.lock

echo "[3/4] batterytwin itself"
pip_install --no-deps --no-build-isolation -e .

echo "[4/4] compiling the filter and the simulated plant"
"$venv/bin/python" deploy/compile_kernels.py twins &
twins=$!
"$venv/bin/python" deploy/compile_kernels.py plant
wait $twins
