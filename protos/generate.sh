#!/usr/bin/env bash
# Regenerates the committed code of protos/batterytwin/v1 (messages, stubs and their types).
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-../.venv/bin/python}
PATH="$(dirname "$(command -v "$python" || echo "$python")"):$PATH" "$python" -m grpc_tools.protoc \
  --proto_path=. --python_out=. --mypy_out=. --grpc_python_out=. --mypy_grpc_out=. \
  batterytwin/v1/*.proto
