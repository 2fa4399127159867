"""Whether a folder holds a model that can be used here: `python -m ml.check_model FOLDER`, in a process of its own.

It is read and asked: about a battery of which nothing is known but its data sheet, and about none that was ever read.
Prints one JSON object: {"version": ...} or {"error": ...}. The server asks it before it registers a model, because a
broken file may end the process that reads it, and because the server itself can spare what reading takes.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import N_LIFE_INPUTS, life_records
from batterytwin.errors import TwinError
from batterytwin.life import CASES_TOLD


def main(folder: Path) -> None:
    """Reads the model, asks it, and tells what came of it."""
    from ml.artefact import load_model  # noqa: PLC0415 # what is to be tried
    from ml.scorer import Scorer  # noqa: PLC0415 # likewise

    try:
        model = load_model(folder)
        scores = Scorer(model).score(trial_inputs())
        if not np.isfinite(scores.quantile_days[0]).all() or scores.case_index.shape != (2, CASES_TOLD):
            raise ValueError("its answers are no numbers, or it knows too few cases")
        print(json.dumps({"version": model.card.version}))  # the answer
    except TwinError as error:
        print(json.dumps({"error": error.message}))  # the answer
    except Exception as error:  # noqa: BLE001 # whatever a damaged model raises
        print(json.dumps({"error": f"The model cannot answer ({type(error).__name__}: {error})."}))  # the answer


def trial_inputs() -> NDArray[np.float64]:
    """A battery of which nothing is known but that it was read once, and one that never was."""
    inputs = np.full((2, N_LIFE_INPUTS), np.nan)
    known = life_records(inputs)
    known["as_of_us"], known["installed_us"] = 1.8e15, 1.7e15
    known["capacity_ah"], known["fade_at_end"], known["fade_per_resistance"] = 120.0, 0.2, 0.44
    known["life_per_s_20c"], known["life_activation_k"], known["life_exponent"] = 1.0 / 3.16e8, 6_014.0, 1.5
    known["observed_s"] = known["thermal_age_s"] = known["stress_age_s"] = 1.0e8
    known["cycle_wear"] = known["depth_max"] = 0.0
    known["as_of_us"][1] = 0.0
    return inputs


if __name__ == "__main__":
    main(Path(sys.argv[1]))
