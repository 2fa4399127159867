"""What the plant is made of: constants and state of blocks and strings, as structures of arrays that kernels take."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class BlockParameters(NamedTuple):
    """Constants of each block, `(n_blocks,)` each; "new" = the day it was installed, at 25 degC.

    Attributes:
        cells: working cells in series.
        capacity_ah: charge of both wells together, new.
        r0_ohm: ohmic resistance at full charge, new.
        r1_ohm: resistance of the fast polarisation, new.
        r2_ohm: resistance of the slow polarisation, new.
        charge_r_ohm: charge resistance at half charge.
        ln_gas_a: logarithm of the gassing current (A) at the data sheet's reference voltage, new.
        ocv_offset_v: deviation of the open-circuit voltage (acid density).
        position_k: air around the block minus room air, K.
        life_s: life at 20 degC, s.
        resistance_gain: relative rise of resistance at the end of life.
    """

    cells: Floats
    capacity_ah: Floats
    r0_ohm: Floats
    r1_ohm: Floats
    r2_ohm: Floats
    charge_r_ohm: Floats
    ln_gas_a: Floats
    ocv_offset_v: Floats
    position_k: Floats
    life_s: Floats
    resistance_gain: Floats


class StringParameters(NamedTuple):
    """Constants of each string, `(n_strings,)` each unless stated; the data sheet's values stand for all its blocks.

    Attributes:
        first_block: first block of each string, and one past the last block of all, `(n_strings + 1,)`.
        site: site of the string.
        table: row of `ocv_v` that holds the model's table.
        ocv_v: open-circuit voltage of the whole block on an even grid of charge 0...1, `(n_models, n_grid)`.
        cells: cells that the model has when whole.
        docv_dt_v_k: temperature coefficient of the open-circuit voltage.
        tau1_s: time constant of the fast polarisation.
        tau2_s: time constant of the slow polarisation under current.
        tau2_recovery_s: time constant of the slow polarisation at rest and on float.
        r_per_k: relative change of resistance per K.
        gas_u0_v_cell: reference voltage of the gassing current.
        gas_cu_per_v: its exponent per V and cell.
        gas_ct_per_k: its exponent per K.
        charge_limit_a: current limit of the charger.
        set_point_v: charger's voltage over the string at 25 degC.
        compensation_v_k: change of that voltage per K.
        end_v: voltage over the string at which the load is disconnected.
        charge_overvoltage_v: float voltage minus open-circuit voltage of a full block at 25 degC.
        heat_j_k: heat capacity of a block.
        thermal_k_w: thermal resistance from core to air.
        soh_exponent: exponent of capacity loss over life.
        soh_loss: capacity lost at the end of life, fraction.
        activation_k: activation energy of ageing over the gas constant, K.
        load_w: usual load in an outage.
    """

    first_block: Ints
    site: Ints
    table: Ints
    ocv_v: Floats
    cells: Floats
    docv_dt_v_k: Floats
    tau1_s: Floats
    tau2_s: Floats
    tau2_recovery_s: Floats
    r_per_k: Floats
    gas_u0_v_cell: Floats
    gas_cu_per_v: Floats
    gas_ct_per_k: Floats
    charge_limit_a: Floats
    set_point_v: Floats
    compensation_v_k: Floats
    end_v: Floats
    charge_overvoltage_v: Floats
    heat_j_k: Floats
    thermal_k_w: Floats
    soh_exponent: Floats
    soh_loss: Floats
    activation_k: Floats
    load_w: Floats


class BlockState(NamedTuple):
    """Hidden state of each block, `(n_blocks,)` each.

    Attributes:
        soc: charge over the block's present capacity, 0...1.
        well_gap: charge level of the bound well minus that of the available one (KiBaM), fraction.
        v1: fast polarisation, V, > 0 while charging.
        v2: slow polarisation, V.
        core_c: temperature inside, degC.
        post_c: temperature of the negative post, degC.
        life: life fraction, 1 = end of life.
        capacity_ah: present capacity, of both wells.
        resistance_ratio: present resistance over new at 25 degC.
        ln_gas_a: present logarithm of the gassing current (A) at the reference voltage.
        voltage_v: terminal voltage.
    """

    soc: Floats
    well_gap: Floats
    v1: Floats
    v2: Floats
    core_c: Floats
    post_c: Floats
    life: Floats
    capacity_ah: Floats
    resistance_ratio: Floats
    ln_gas_a: Floats
    voltage_v: Floats


class StringState(NamedTuple):
    """Hidden state of each string, `(n_strings,)` each.

    Attributes:
        time_s: time of this state, s since 1970 UTC.
        current_a: current, > 0 charges.
        disconnected: 1 after the end voltage was reached, until the mains return.
        discharging: 1 while the string carries the load.
    """

    time_s: Floats
    current_a: Floats
    disconnected: Ints
    discharging: Ints
