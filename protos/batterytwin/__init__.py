"""Words that every part of the product shares: wire format, plain column types, errors, data sheets and inventory."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("batterytwin")
except PackageNotFoundError:  # run from a tree that was never installed
    __version__ = "0.0.0"
