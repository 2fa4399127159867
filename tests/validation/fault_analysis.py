"""The product's analysis of strings, as the fault campaign calls it."""

from collections.abc import Iterator, Sequence

import numpy as np

from batterytwin.datasheet import BatteryDatasheet
from batterytwin.diagnosis import FaultClass
from tests.validation.fault_score import Said
from tests.validation.fault_worlds import Window
