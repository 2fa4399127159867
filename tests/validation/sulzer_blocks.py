"""Another group's lead-acid physics as a battery: PyBaMM's models with the parameters of Sulzer 2019 (17 Ah, 12 V)."""

import os
from typing import Any, Final

import numpy as np

from tests.validation.open_loop import Floats, Record

NOMINAL_AH: Final = 17.0
RATES_C: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
MODELS: Final = ("LOQS", "Full")
"""Leading-order quasi-static, and the full porous-electrode model."""
_SAMPLE_S: Final = 60.0
_ISOTHERMAL_C: Final = 25.0


def discharge(model: str, rate_c: float) -> Record:
    """A discharge from full to 1.75 V/cell at constant current, read once a minute."""
    os.environ["PYBAMM_DISABLE_TELEMETRY"] = "true"
    import pybamm  # noqa: PLC0415  # takes seconds, and must find the setting above

    pybamm.set_logging_level("ERROR")
    simulation: Any = pybamm.Simulation(
        getattr(pybamm.lead_acid, model)(), parameter_values=pybamm.ParameterValues("Sulzer2019"), C_rate=rate_c
    )
    solution = simulation.solve(np.arange(0.0, 1.5 * 3600.0 / rate_c, _SAMPLE_S))  # ends by itself at the cut-off
    solved_s: Floats = np.asarray(solution["Time [s]"].entries, np.float64)
    solved_v: Floats = np.asarray(solution["Battery voltage [V]"].entries, np.float64)
    time_s = np.arange(_SAMPLE_S, solved_s[-1], _SAMPLE_S)
    voltage_v = np.interp(time_s, solved_s, solved_v)
    current_a = np.full(time_s.size, -rate_c * NOMINAL_AH)
    return Record(f"{model} {rate_c:g}C", time_s, voltage_v, current_a, np.full(time_s.size, _ISOTHERMAL_C))
