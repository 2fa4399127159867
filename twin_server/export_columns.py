"""Columns of exported history: names, types and units, and how rows of the store become them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batterytwin import __version__
from batterytwin.units import UNIT_OF_COLUMN

Columns = Mapping[str, NDArray[Any]]
"""Columns by name, each of shape `(n_rows,)`."""

TIME: Final = "time"
BATTERY: Final = "battery_id"


def export_schema(metrics: Sequence[str], *, bucket_us: int | None) -> pa.Schema:
    """Schema of an export.

    Raw rows: `battery_id`, `time` (microseconds UTC), a column a metric, `suspect` (implausible and not applied) and
    `late` (came after a newer row of its battery). Buckets: `time` is their start, each metric is the mean with
    `<metric>_min` and `<metric>_max` beside it, and `row_count` says how many rows they hold; whether one of them was
    late is not known any more.

    (`battery_id`, `time`) names a row, so that whatever else is known per battery and time joins on the two.

    Args:
        metrics: names of the metrics, in order.
        bucket_us: length of the buckets, us; None = raw rows.

    Returns:
        The schema. Each field has its unit as metadata `unit`; all units stand in the schema's metadata `units` as JSON
        as well, for readers that know nothing of Arrow.
    """
    units = {TIME: "us since 1970-01-01 UTC"}
    fields = [pa.field(BATTERY, pa.string(), nullable=False)]
    fields.append(_field(TIME, pa.timestamp("us", "UTC"), units[TIME], nullable=False))
    for metric in metrics:
        for name in (metric,) if bucket_us is None else (metric, f"{metric}_min", f"{metric}_max"):
            units[name] = UNIT_OF_COLUMN[metric]
            fields.append(_field(name, pa.float32(), units[name], nullable=True))
    if bucket_us is not None:
        fields.append(pa.field("row_count", pa.int32(), nullable=False))
    fields.append(pa.field("suspect", pa.bool_(), nullable=False))
    if bucket_us is None:
        fields.append(pa.field("late", pa.bool_(), nullable=False))
    about = {"source": f"batterytwin {__version__}", "units": json.dumps(units)}
    if bucket_us is not None:
        about["bucket_s"] = f"{bucket_us / 1e6:g}"
    return pa.schema(fields, metadata=about)


def arrow_rows(schema: pa.Schema, battery_ids: Sequence[str], battery_of: NDArray[np.int64], rows: Columns) -> pa.Table:
    """Rows as Arrow columns; NaN becomes null.

    Args:
        schema: from `export_schema`.
        battery_ids: slot names.
        battery_of: place in `battery_ids` of each row's battery, shape `(n_rows,)`.
        rows: every column of the schema but `battery_id`; `time` in us since 1970 UTC.
    """
    arrays = []
    for field in schema:
        if field.name == BATTERY:
            named = pa.DictionaryArray.from_arrays(pa.array(battery_of, pa.int32()), pa.array(battery_ids, pa.string()))
            arrays.append(named.cast(pa.string()))
        else:
            # from_pandas turns NaN into null, which every reader takes for "none"
            arrays.append(pa.array(rows[field.name], field.type, from_pandas=True))
    return pa.Table.from_arrays(arrays, schema=schema)


def _field(name: str, kind: pa.DataType, unit: str, *, nullable: bool) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"unit": unit})
