"""Orders in which twins are listed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError
from batterytwin.v1 import twin_service_pb2 as pb
from twin_server.twin_view import TwinView

_LOWEST_FIRST: Final[dict[int, str]] = {pb.TWIN_ORDER_SOH_CAPACITY: "soh_capacity", pb.TWIN_ORDER_SOC: "soc"}


def order_rows(view: TwinView, order: int) -> NDArray[np.intp]:
    """Rows of a view in the order asked for, shape `(n_twins,)`.

    Equal twins stay in fleet order; twins without the value in question come last, twins that never had a sample come
    first where the oldest is wanted.

    Args:
        view: twins in fleet order.
        order: number of `TwinOrder`.

    Raises:
        InvalidArgumentError: there is no such order.
    """
    if order == pb.TWIN_ORDER_UNSPECIFIED:
        return np.arange(len(view.ordinals))
    if order in _LOWEST_FIRST:
        keys = view.live[_LOWEST_FIRST[order]]  # NaN sorts last
    elif order == pb.TWIN_ORDER_TEMPERATURE:
        keys = -view.live["temperature_c"]
    elif order == pb.TWIN_ORDER_ALERTS:
        keys = -view.alert_counts
    elif order == pb.TWIN_ORDER_AGE:
        keys = -np.where(np.isnan(view.ages_s), np.inf, view.ages_s)
    else:
        raise InvalidArgumentError(f"There is no order number {order}.", field="order", value=order)
    return np.argsort(keys, kind="stable")
