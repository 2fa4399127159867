"""The health service, whose watches do not outlast the begin of a stop."""

from typing import Any

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health

from batterytwin.errors import UnavailableError
from twin_server.drain import Drain


class DrainingHealth(health.HealthServicer):
    """Ends watches when the server begins to stop; they would else hold the stop up for as long as it may take.

    Args:
        drain: knows when the server stops.
    """

    def __init__(self, drain: Drain) -> None:
        super().__init__()
        self._drain = drain
        self._told: dict[str, Any] = {}

    async def set(self, service: str, status: Any) -> None:
        """Sets the status of a service."""
        self._told[service] = status
        await super().set(service, status)

    async def Watch(  # noqa: N802 - named by gRPC
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> None:
        """Tells the status now and whenever it changes, and once more before the server stops.

        Raises:
            UnavailableError: the server stops.
        """
        try:
            with self._drain.interruptible():
                await super().Watch(request, context)
        except UnavailableError:  # came before the watch could tell of the stop
            unknown = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
            await context.write(health_pb2.HealthCheckResponse(status=self._told.get(request.service, unknown)))
            raise
