"""Packed accumulators come back as they were, and nothing else is taken for them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.life_bytes import pack_life, unpack_life
from actors.life_layout import LIFE_DTYPE


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.01, 0.5, 0.99, 1.0]))
def test_any_bytes_come_back(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 256, LIFE_DTYPE.itemsize, np.uint8) * (rng.random(LIFE_DTYPE.itemsize) < share)
    life = data.astype(np.uint8).view(LIFE_DTYPE)
    back = unpack_life(pack_life(life))
    assert back is not None
    assert back.tobytes() == life.tobytes()


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    packed = pack_life(np.zeros(1, LIFE_DTYPE))
    assert unpack_life(data) is None
    assert unpack_life(packed[:-1]) is None
    assert unpack_life(packed + data) is None or not data
    assert unpack_life(packed.replace(b"life", b"lime")) is None
