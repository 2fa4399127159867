#!/usr/bin/env bash
# Builds the wheel and, with each other Python >= 3.11 on this machine, installs it into a throw-away environment,
# brings a whole server up on free ports, and asks it how it is. Versions that are not here are passed over, and said so.
# With "newest" as argument only the newest of them: what works there and on the oldest works in between as a rule.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mine=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
.venv/bin/python -m pip wheel --disable-pip-version-check -qq --no-deps --no-build-isolation -w "$work/wheel" .

bring_up() { # VERSION PYTHON: its output appears when it is done, since several run at once
  "$2" -m venv "$work/$1"
  .venv/bin/uv pip install --quiet --system-certs --python "$work/$1/bin/python" --require-hashes -r requirements.lock ||
    "$work/$1/bin/python" -m pip install --disable-pip-version-check -qq --require-hashes -r requirements.lock
  "$work/$1/bin/python" -m pip install --disable-pip-version-check -qq --no-deps "$work"/wheel/*.whl
  cd "$work"
  "$work/$1/bin/python" "$root/tests/smoke/bring_up.py" "$work/$1/bin/batterytwin"
}

runs=()
for version in 3.13 3.12 3.11; do
  [ "$version" = "$mine" ] && continue
  [ "${1:-}" = newest ] && [ ${#runs[@]} -gt 0 ] && continue
  python=
  for candidate in "python$version" "$HOME"/.pyenv/versions/"$version".*/bin/python /usr/local/bin/"python$version"; do
    if "$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then python=$candidate; break; fi
  done
  if [ -z "$python" ]; then echo "smoke: Python $version is not on this machine"; continue; fi
  echo "smoke: Python $version: installing the wheel"
  (set -e; bring_up "$version" "$python") >"$work/$version.log" 2>&1 &
  runs+=("$version $!")
done
failed=0
for run in "${runs[@]}"; do
  wait "${run#* }" || failed=1
  sed "s/^/smoke: Python ${run% *}: /" "$work/${run% *}.log"
done
exit $failed
