"""Past cases: where batteries stood, what the model said of them without having seen them, and what became of them."""

from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import AGEING_MONTHS, life_records
from batterytwin.life import CASES_TOLD, Floats, Ints, LifeCase
from ml.features import MONOTONE

SIMILAR: Final = 25
"""Cases by which the model is judged at a place."""
RIGHT_WITHIN: Final = 0.20
RIGHT_WITHIN_DAYS: Final = 60.0
"""A prediction is right within a fifth of the life that was left, or within two months."""
_CHUNK: Final = 512
_DAY_US: Final = 86_400e6
_OF_SPACE: Final = ("centre", "scale")
_NEUTRAL: Final = np.flatnonzero(np.array(MONOTONE) == 0)


@dataclass(frozen=True, slots=True)
class CaseLibrary:
    """Cases of training; columns, `(n_cases,)` unless said.

    Attributes:
        places: in the space of the model's features, scaled, unknown ones at 0, `(n_cases, n_features)`.
        centre: what was taken from features before they were scaled, `(n_features,)`.
        scale: what they were divided by.
        age_days: age of the battery then.
        remaining_days: how long it then lasted, or was followed.
        predicted_days: what a model that had not seen its plant said.
        ended: whether its end was seen.
        warmth: mean ageing factor of its room, 1 at 20 degC.
        drift: rise of its resistance, relative; NaN = not known.
        soh: capacity over rated as its twin told it; NaN = not known.
    """

    places: NDArray[np.float32]
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    age_days: NDArray[np.float32]
    remaining_days: NDArray[np.float32]
    predicted_days: NDArray[np.float32]
    ended: NDArray[np.bool_]
    warmth: NDArray[np.float32]
    drift: NDArray[np.float32]
    soh: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ended)

    def at(self, places: NDArray[np.float32]) -> Self:
        """The same cases at other places."""
        return replace(self, places=places)

    def take(self, cases: NDArray[np.bool_]) -> Self:
        """Some of the cases."""
        kept = {name: getattr(self, name) for name in self.__slots__ if name not in _OF_SPACE}
        return replace(self, **{name: values[cases] for name, values in kept.items()})

    def placed(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features as places of the library's space, like `places`."""
        scaled = np.nan_to_num((features - self.centre) / self.scale, nan=0.0)
        return np.asarray(np.clip(scaled, -5.0, 5.0), np.float32)

    def nearest(self, features: NDArray[np.float32], *, by_evidence: bool = False) -> tuple[Ints, Floats]:
        """The most similar cases, nearest first: positions and distances, `(n_batteries, SIMILAR)`.

        A library of fewer cases (at least one) gives so many columns.

        Args:
            features: of the batteries, `(n_batteries, n_features)`.
            by_evidence: alike in wear and in how much is known of them, whatever that says of their health.
        """
        columns = _NEUTRAL if by_evidence else slice(None)
        wanted = self.placed(features)[:, columns].astype(np.float64)
        places = self.places[:, columns].astype(np.float64)
        found, away = [], []
        square = (places**2).sum(axis=1)
        count = min(SIMILAR, len(self))
        for begin in range(0, len(wanted), _CHUNK):
            mine = wanted[begin : begin + _CHUNK]
            # rounded, so that a battery has the same cases in any company
            distance = np.round((mine**2).sum(axis=1)[:, None] + square - 2.0 * mine @ places.T, 6)
            some = np.argpartition(distance, count - 1, axis=1)[:, :count]
            near = np.take_along_axis(distance, some, axis=1)
            order = np.argsort(near, axis=1, kind="stable")
            found.append(np.take_along_axis(some, order, axis=1))
            away.append(np.take_along_axis(near, order, axis=1))
        distance = np.sqrt(np.maximum(np.concatenate(away) if away else np.empty((0, count)), 0.0))
        index = np.concatenate(found) if found else np.empty((0, count))
        return index.astype(np.int64), distance.astype(np.float64)

    def right_share(self, index: Ints) -> Floats:
        """Share of those cases whose end was seen that the model got right, `(n_batteries,)`; NaN = no end was seen."""
        error = np.abs(self.predicted_days - self.remaining_days)
        right = error <= np.maximum(RIGHT_WITHIN * self.remaining_days, RIGHT_WITHIN_DAYS)
        ended = self.ended[index]
        count = ended.sum(axis=1)
        share = np.divide((right[index] & ended).sum(axis=1), count, out=np.full(len(index), np.nan), where=count > 0)
        return np.asarray(share, np.float64)

    def confidence(self, features: NDArray[np.float32]) -> Floats:
        """Share of cases alike in wear and evidence that the model got right, `(n_batteries,)`.

        Health itself does not enter: better health must not move the weight of the twin.
        """
        return self.right_share(self.nearest(features, by_evidence=True)[0])

    def case(self, number: int) -> LifeCase:
        """One case with its story.

        Args:
            number: as in `LifeScores.case_index`, >= 0.
        """
        return LifeCase(
            case_id=f"library/{number}",
            age_days=float(self.age_days[number]),
            remaining_days=float(self.remaining_days[number]),
            predicted_days=float(self.predicted_days[number]),
            ended=bool(self.ended[number]),
            story=self._story(number),
        )

    def standing(self, number: int) -> str:
        """Where a case stood, for people: its age and what was known of it."""
        seen = [f"in a room that aged it {self.warmth[number]:.1f} times as fast as 20 degC"]
        if np.isfinite(self.soh[number]):
            seen.append(f"with {100.0 * self.soh[number]:.0f} % of its capacity by its twin")
        if np.isfinite(self.drift[number]):
            seen.append(f"its resistance {100.0 * self.drift[number]:+.0f} %")
        return f"{self.age_days[number] / 365.25:.1f} years old, {', '.join(seen)}"

    def _story(self, number: int) -> str:
        left = self.remaining_days[number] / 365.25
        end = "reached its end of life" if self.ended[number] else "was still good when it was last seen,"
        return f"A simulated block, {self.standing(number)}; it {end} {left:.1f} years later."

    def as_bytes(self) -> bytes:
        """The library as a compressed file."""
        buffer = BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **{name: getattr(self, name) for name in self.__slots__})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `as_bytes` has made."""
        with np.load(BytesIO(data), allow_pickle=False) as stored:
            return cls(**{name: stored[name] for name in cls.__slots__})


def standing_of(inputs: Floats) -> dict[str, NDArray[np.float32]]:
    """Columns `age_days`, `warmth`, `drift` and `soh` of cases, from rows of `LifeInputs`."""
    x = life_records(np.ascontiguousarray(inputs))
    months = np.stack([x[name] for name in AGEING_MONTHS], axis=1)
    seen = np.isfinite(months)
    return {
        "age_days": ((x["as_of_us"] - x["installed_us"]) / _DAY_US).astype(np.float32),
        "warmth": (np.where(seen, months, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)).astype(np.float32),
        "drift": x["resistance_drift"].astype(np.float32),
        "soh": x["told_soh_capacity"].astype(np.float32),
    }


def told_cases(index: Ints, distance: Floats) -> tuple[Ints, Floats]:
    """The cases that are told with an answer."""
    return index[:, :CASES_TOLD], distance[:, :CASES_TOLD]
