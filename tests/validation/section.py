"""A part of the validation: where its code is, what it needs and what it should show."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.validation.target import Target

_SHARED_DATA = [parent / "shared" / "data" for parent in Path(__file__).resolve().parents[2:5]]


@dataclass(frozen=True, slots=True)
class Section:
    """One section; its function is `measure(context: Context) -> Mapping[str, float]`.

    Attributes:
        name: as given to `--only`.
        module: imported in the section's own process.
        targets: figures it must return. Others it returns are reported without a target.
        needs_shared: reads measured data that lie beside the checkout.
        function: of the module.
        alone: uses both cores by itself, or times something: nothing runs beside it.
        limit_s: after this it is ended and counts as failed.
    """

    name: str
    module: str
    targets: tuple[Target, ...] = ()
    needs_shared: bool = False
    function: str = "measure"
    alone: bool = False
    limit_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Context:
    """What a section is given.

    Attributes:
        quick: less of everything, for a look while working; figures are then only indications.
        shared_data: folder of the measured data; only sections with `needs_shared` may use it.
        say: prints a line of progress.
    """

    quick: bool
    shared_data: Path | None
    say: Callable[[str], None]

    @property
    def data(self) -> Path:
        """Folder of the measured data.

        Raises:
            RuntimeError: the section did not say that it needs them.
        """
        if self.shared_data is None:
            raise RuntimeError("the measured data are absent; the section should declare needs_shared")
        return self.shared_data


def find_shared_data() -> Path | None:
    """Folder of the measured data beside this checkout, or None."""
    return next((folder for folder in _SHARED_DATA if folder.is_dir()), None)


def measure(section: Section, context: Context) -> Mapping[str, float]:
    """Runs a section here and now."""
    found: Mapping[str, float] = getattr(importlib.import_module(section.module), section.function)(context)
    return found
