"""Random numbers that are functions of what they are for, so that nothing depends on the order of asking."""

import math

import numpy as np

from simulator.compiled import compiled


@compiled
def uniform(seed: np.uint64, channel: int, source: int, time_us: int) -> float:
    """Number in 0...1 (open below) that depends on nothing but its arguments (SplitMix64 of all of them)."""
    word = seed
    for part in (channel, source, time_us):
        word = (word ^ np.uint64(part)) + np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word ^= word >> np.uint64(31)
    return (np.float64(word >> np.uint64(11)) + 1.0) * 2.0**-53


@compiled
def normal(seed: np.uint64, channel: int, source: int, time_us: int) -> float:
    """Standard normal number that depends on nothing but its arguments (Box and Muller)."""
    radius = math.sqrt(-2.0 * math.log(uniform(seed, channel, source, time_us)))
    return radius * math.cos(2.0 * math.pi * uniform(seed, channel + 100, source, time_us))
