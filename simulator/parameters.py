"""What the plant is made of: constants and state of blocks and strings.

The classes name and explain the columns; kernels take them as one array of records each (`records`), because every
array that a kernel takes costs at each call inside it. Both read the same from outside: `state.soc[7]`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Records = np.recarray[Any, Any]


def records(columns: NamedTuple) -> Records:
    """Columns of equal length as one array of records, which copies them."""
    dtype = np.dtype([(name, column.dtype) for name, column in zip(columns._fields, columns, strict=True)])
    rows = np.empty(len(columns[0]), dtype=dtype)
    for name, column in zip(columns._fields, columns, strict=True):
        rows[name] = column
    return rows.view(np.recarray)


class BlockParameters(NamedTuple):
    """Constants of each block, `(n_blocks,)` each; "new" = formed, half a year after it was installed, at 25 degC.

    Attributes:
        cells: cells in series when whole.
        capacity_ah: charge of both wells together, new.
        r0_ohm: ohmic resistance at full charge, new.
        ohmic_over_instrument: that resistance over what an instrument reads.
        r1_ohm: resistance of the fast polarisation, new.
        r2_ohm: resistance of the slow polarisation, new.
        charge_r_ohm: charge resistance at half charge.
        ln_gas_a: logarithm of the gassing current (A) at the data sheet's reference voltage, new.
        ocv_offset_v: deviation of the open-circuit voltage (acid density).
        dip_v_cell: scale of the coup de fouet.
        position_k: air around the block minus room air, K.
        installed_s: when it was installed, s since 1970 UTC.
        life_s: life at 20 degC and the recommended voltage, s.
        soh_exponent: exponent of capacity loss over life.
        soh_loss: capacity lost at the end of life, fraction.
        resistance_gain: rise of resistance at the end of life that dry-out does not explain, relative.
        sulfation_v: open-circuit voltage lost at the end of life to acid that stays in the plates.
        water_per_ah: electrolyte lost with each Ah of gassing, fraction.
    """

    cells: Floats
    capacity_ah: Floats
    r0_ohm: Floats
    ohmic_over_instrument: Floats
    r1_ohm: Floats
    r2_ohm: Floats
    charge_r_ohm: Floats
    ln_gas_a: Floats
    ocv_offset_v: Floats
    dip_v_cell: Floats
    position_k: Floats
    installed_s: Floats
    life_s: Floats
    soh_exponent: Floats
    soh_loss: Floats
    resistance_gain: Floats
    sulfation_v: Floats
    water_per_ah: Floats


class StringParameters(NamedTuple):
    """Constants of each string, `(n_strings,)` each; the data sheet's values stand for all its blocks.

    Attributes:
        site: site of the string.
        table: row of the world's `ocv_v` that holds the model's table.
        cells: cells that the model has when whole.
        rated_ah: capacity that the data sheet names.
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
        recommended_v_cell: float voltage of the data sheet at 25 degC.
        recommended_v_cell_k: its change per K.
        end_v: voltage over the string at which the load is disconnected.
        charge_overvoltage_v: float voltage minus open-circuit voltage of a full block at 25 degC.
        heat_j_k: heat capacity of a block.
        thermal_k_w: thermal resistance from core to air.
        activation_k: activation energy of ageing over the gas constant, K.
        load_w: usual load in an outage.
    """

    site: Ints
    table: Ints
    cells: Floats
    rated_ah: Floats
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
    recommended_v_cell: Floats
    recommended_v_cell_k: Floats
    end_v: Floats
    charge_overvoltage_v: Floats
    heat_j_k: Floats
    thermal_k_w: Floats
    activation_k: Floats
    load_w: Floats


class BlockState(NamedTuple):
    """Hidden state of each block, `(n_blocks,)` each.

    Attributes:
        soc: charge of both wells over the block's present capacity; 1 = full, about 0 = exhausted in 20 hours.
        well_gap: charge level of the bound well minus that of the available one (KiBaM), fraction.
        weak_soc: charge of the weakest cell over its own capacity; follows `soc` unless a fault makes it weaker.
        v1: fast polarisation, V, > 0 while charging.
        v2: slow polarisation, V.
        dip_left: depth that the next coup de fouet would have, 1 = that of a block long on float.
        dip_passed: charge of the present discharge over that of the coup de fouet.
        core_c: temperature inside, degC.
        post_c: temperature of the negative post, degC.
        life: life fraction, 1 = end of life.
        water_lost: electrolyte lost, fraction.
        cooked_cells: cells that heat has shorted.
        discharged_from: `soc` at which the present or last discharge began.
        wear_counted: depth of that discharge that `life` knows of, fraction.
        capacity_ah: present capacity, of both wells.
        resistance_ratio: present resistance over new at 25 degC.
        ln_gas_a: present logarithm of the gassing current (A) at the reference voltage.
        ocv_shift_v: present deviation of the open-circuit voltage from the data sheet's.
        voltage_v: terminal voltage.
        gassing_a: gassing current.
    """

    soc: Floats
    well_gap: Floats
    weak_soc: Floats
    v1: Floats
    v2: Floats
    dip_left: Floats
    dip_passed: Floats
    core_c: Floats
    post_c: Floats
    life: Floats
    water_lost: Floats
    cooked_cells: Floats
    discharged_from: Floats
    wear_counted: Floats
    capacity_ah: Floats
    resistance_ratio: Floats
    ln_gas_a: Floats
    ocv_shift_v: Floats
    voltage_v: Floats
    gassing_a: Floats


class StringState(NamedTuple):
    """Hidden state of each string, `(n_strings,)` each.

    Attributes:
        time_s: time of this state, s since 1970 UTC.
        aged_s: time up to which its blocks have aged, at most a quarter of an hour behind.
        fault_change_s: next time at which a fault begins or ends.
        current_a: current, > 0 charges.
        disconnected: 1 after the end voltage was reached, until the mains return.
        discharging: 1 while the string carries the load.
        calm: 1 while nothing but gassing takes current: the closed form of float holds.
    """

    time_s: Floats
    aged_s: Floats
    fault_change_s: Floats
    current_a: Floats
    disconnected: Ints
    discharging: Ints
    calm: Ints
