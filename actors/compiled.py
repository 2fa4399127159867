"""How kernels are compiled: ahead of their first call, without fast-math, with IEEE division, cached by source text.

Numba's own cache looks only at the file of a kernel, not at the helpers it calls, so that a changed helper would leave
an old kernel running; here the cache folder is named by all sources of this package.
"""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., object])


def _cache_folder() -> Path:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    chosen: str = numba.config.CACHE_DIR  # type: ignore[attr-defined] # Numba makes its settings at run time
    base = Path(chosen) if chosen else here / "__pycache__"
    return base / f"kernels-{digest.hexdigest()[:16]}"


_CACHE_FOLDER: Final = _cache_folder()
numba.config.CACHE_DIR = str(_CACHE_FOLDER)  # type: ignore[attr-defined] # as above


@contextmanager
def _one_compiler_at_a_time() -> Iterator[None]:
    """Lets processes that start together wait for the one that compiles, and take its result from the cache."""
    try:
        _CACHE_FOLDER.mkdir(parents=True, exist_ok=True)
        lock = (_CACHE_FOLDER / "lock").open("w")
    except OSError:  # a read-only installation: everyone compiles for himself
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kernel(signature: object) -> Callable[[_Function], _Function]:
    """Compiles a function for these argument types when its module is imported (from the cache, if it is there).

    Args:
        signature: Numba signature, such as `numba.void(numba.float64[::1])`.

    Returns:
        Decorator; the function keeps its Python type.
    """

    def compile_now(function: _Function) -> _Function:
        with _one_compiler_at_a_time():
            return cast("_Function", numba.njit(signature, cache=True)(function))

    return compile_now


def compiled(function: _Function) -> _Function:
    """Compiles a function into each kernel that calls it."""
    return cast("_Function", numba.njit(function, error_model="numpy"))
