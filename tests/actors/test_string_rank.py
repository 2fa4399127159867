"""What a discharge says of capacities: the weak block is the lowest, the level is not touched, shallow says nothing."""

import copy
from functools import cache

import numpy as np

from actors.string_rank import discharge_ranks
from tests.actors.signature_string import N_BLOCKS, SHEET, SignatureFleet

BLOCK, WEAK = 5, 0.30


@cache
def rested() -> SignatureFleet:
    fleet = SignatureFleet(1, seed=8)
    fleet.rest_on_float(26.0, period_s=600.0)
    fleet.faults["weak"][0, BLOCK] = WEAK
    return fleet


@cache
def discharged(minutes: float) -> SignatureFleet:
    fleet = copy.deepcopy(rested())
    fleet.discharge(minutes)
    return fleet


def test_the_rank_of_a_weak_block_is_its_capacity_within_its_sigma() -> None:
    soh, sigma = np.full(N_BLOCKS, 0.95), np.full(N_BLOCKS, 0.03)
    told, told_sigma = discharge_ranks(discharged(40.0).fleet.states, SHEET, soh, sigma)
    assert np.nanargmin(told) == BLOCK
    assert abs(told[BLOCK] - 0.95 * (1.0 - WEAK)) < 2.0 * told_sigma[BLOCK]
    assert abs(float(np.nanmedian(told)) - 0.95) < 0.01
    others = np.delete(np.abs(told - 0.95) / told_sigma, BLOCK)
    assert (others < 3.0).all()


def test_a_shallow_discharge_says_nothing() -> None:
    told, _ = discharge_ranks(discharged(8.0).fleet.states, SHEET, np.ones(N_BLOCKS), np.full(N_BLOCKS, 0.05))
    assert np.isnan(told).all()


def test_deeper_is_surer() -> None:
    soh, sigma = np.full(N_BLOCKS, 0.95), np.full(N_BLOCKS, 0.03)
    sigmas = [np.nanmedian(discharge_ranks(discharged(m).fleet.states, SHEET, soh, sigma)[1]) for m in (20.0, 40.0)]
    assert sigmas[1] < sigmas[0]
