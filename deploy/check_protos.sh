#!/usr/bin/env bash
# Lints protos/, compares it with the version before its newest change, and regenerates the committed code.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/$(dirname "$PYTHON"):$PATH"

buf lint protos

base=$(git log -2 --format=%H -- 'protos/batterytwin/v1/*.proto' 2>/dev/null | sed -n 2p)
if [ -n "$base" ]; then
  before=$(mktemp -d)
  trap 'rm -rf "$before"' EXIT
  git archive "$base" protos | tar -x -C "$before"
  buf breaking protos --against "$before/protos"
else
  echo "buf breaking: this is the first version of the API, so there is nothing to break"
fi

generated=$(mktemp -d)
trap 'rm -rf "${before:-}" "$generated"' EXIT
cp -r protos/. "$generated"
find "$generated/batterytwin/v1" -name '*_pb2*' -delete
PYTHON=$(command -v python) bash "$generated/generate.sh" 2>/dev/null
if ! diff -rq --exclude=__pycache__ protos/batterytwin/v1 "$generated/batterytwin/v1"; then
  echo "The generated code does not match the .proto files: run make protos and commit the result." >&2
  exit 1
fi
echo "protos: linted, not broken, generated code up to date"
