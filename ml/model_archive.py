"""A model's folder as one block of bytes (tar.xz), and back; and what its card says, without reading its trees."""

import io
import json
import lzma
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from batterytwin.errors import InvalidArgumentError
from batterytwin.life_models import ModelGate

CARD_FILE: Final = "card.json"
CASES_FILE: Final = "cases.npz"
_LONGEST_VERSION: Final = 100
_MOST_FILES: Final = 16
_MOST_BYTES: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the registry must know of a model.

    Attributes:
        version: its name.
        layout: layout of inputs that it was trained on.
        trained_us: when, microseconds since 1970 UTC; None = not said.
        data_range: what it was trained on, for people.
        gates: conditions and how it met them.
        metrics: measured figures by name.
    """

    version: str
    layout: str
    trained_us: int | None
    data_range: str
    gates: tuple[ModelGate, ...]
    metrics: dict[str, float]


def pack_model(folder: Path) -> bytes:
    """The folder as one block; the same files always give the same bytes.

    Raises:
        InvalidArgumentError: the folder has no card, or cannot be read.
    """
    block = io.BytesIO()
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        with tarfile.open(fileobj=block, mode="w:xz", preset=6) as archive:
            for path in paths:
                content = path.read_bytes()
                entry = tarfile.TarInfo(path.name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    except OSError as error:
        raise InvalidArgumentError(f"{folder} cannot be read: {error}", field="model_folder", value=folder) from error
    if CARD_FILE not in {path.name for path in paths}:
        raise InvalidArgumentError(f"{folder} holds no {CARD_FILE}.", field="model_folder", value=folder)
    return block.getvalue()


def open_model(archive: bytes) -> dict[str, bytes]:
    """Files of an archive by name.

    Raises:
        InvalidArgumentError: it is no archive of a model: broken, too large, or with anything but plain files.
    """
    files: dict[str, bytes] = {}
    left = _MOST_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:xz") as opened:
            for entry in opened:
                content = opened.extractfile(entry) if entry.isreg() else None
                if content is None or not _is_plain(entry.name) or len(files) == _MOST_FILES or entry.size > left:
                    raise _refused(f"{entry.name[:80]} is no plain file, or there is too much")
                files[entry.name] = content.read()
                left -= entry.size
    except (tarfile.TarError, lzma.LZMAError, EOFError, OSError) as error:
        raise _refused(str(error)) from error
    if CARD_FILE not in files:
        raise _refused(f"it has no {CARD_FILE}")
    return files


def read_card(card: str | bytes) -> CardFacts:
    """What a card says.

    Raises:
        InvalidArgumentError: it is no card of a model.
    """
    try:
        told: dict[str, Any] = json.loads(card if isinstance(card, str) else card.decode())
        version = str(told["version"])
        if not (0 < len(version) <= _LONGEST_VERSION and version.isprintable()):
            raise ValueError(f"a version has 1 to {_LONGEST_VERSION} characters that can be printed")
        data = told.get("data", {})
        trained = told.get("trained_at") or data.get("trained_at")
        return CardFacts(
            version=version,
            layout=str(told["layout"]),
            trained_us=None if trained is None else _time_us(str(trained)),
            data_range=", ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in data.items()),
            gates=tuple(
                ModelGate(str(gate["name"]), float(gate["value"]), str(gate["limit"]), bool(gate["passed"]))
                for gate in told["gates"]
            ),
            metrics={str(name): float(value) for name, value in told["metrics"].items() if _is_number(value)},
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise _refused(f"its card cannot be read ({type(error).__name__}: {error})") from error


def _is_plain(name: str) -> bool:
    return "/" not in name and "\\" not in name and not name.startswith(".") and name.isprintable()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _time_us(text: str) -> int:
    time = datetime.fromisoformat(text)
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1e6)


def _refused(why: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"The archive holds no model: {why}. Pack a model's folder with `batterytwin models import FOLDER`.",
        field="archive",
    )
