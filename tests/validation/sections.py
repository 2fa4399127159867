"""All sections of the validation, in the order in which they are reported."""

from tests.validation.life_sections import LIFE_SECTIONS
from tests.validation.measured_sections import MEASURED_SECTIONS
from tests.validation.simulated_sections import SIMULATED_SECTIONS

SECTIONS = (*MEASURED_SECTIONS, *SIMULATED_SECTIONS, *LIFE_SECTIONS)
