"""Errors as the server sends them."""

from typing import Any, NoReturn

import grpc
import grpc.aio

from batterytwin.errors import TwinError
from twin_server.error_status import STATUS_OF_REASON, status_of, trailing_metadata_of


async def abort_with(context: grpc.aio.ServicerContext[Any, Any], error: TwinError) -> NoReturn:
    """Ends an asynchronous call with an error."""
    trailing = trailing_metadata_of(status_of(error, "r"), "r")
    await context.abort(STATUS_OF_REASON[error.reason], error.message, trailing_metadata=trailing)


def abort_blocking(context: grpc.ServicerContext, error: TwinError) -> NoReturn:
    """Ends a blocking call with an error."""
    context.set_trailing_metadata(trailing_metadata_of(status_of(error, "r"), "r"))
    context.abort(STATUS_OF_REASON[error.reason], error.message)


def failed_call(error: TwinError) -> grpc.aio.AioRpcError:
    """What the client library raises for an error of the server."""
    trailing = grpc.aio.Metadata(*trailing_metadata_of(status_of(error, "r"), "r"))
    return grpc.aio.AioRpcError(STATUS_OF_REASON[error.reason], grpc.aio.Metadata(), trailing, error.message)
