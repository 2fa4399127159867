"""How kernels are compiled: at their first call, with IEEE division, cached under the sources of this package.

Numba's own cache looks only at the file of a kernel, not at the helpers it calls, so that a changed helper would leave
an old kernel running; here the cache folder is named by all sources.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., object])


def _cache_folder() -> str:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    base = Path(os.environ.get("NUMBA_CACHE_DIR") or here / "__pycache__")
    return str(base / f"plant-{digest.hexdigest()[:16]}")


_CACHE_FOLDER = _cache_folder()


def kernel(function: _Function) -> _Function:
    """Compiles a function that Python calls; the result is kept on disk for the next start."""
    config = cast("Any", numba.config)
    others, config.CACHE_DIR = config.CACHE_DIR, _CACHE_FOLDER
    try:
        return cast("_Function", numba.njit(function, cache=True, nogil=True, error_model="numpy"))
    finally:
        config.CACHE_DIR = others


def compiled(function: _Function) -> _Function:
    """Compiles a function into each kernel that calls it."""
    return cast("_Function", numba.njit(function, error_model="numpy", forceinline=True))
