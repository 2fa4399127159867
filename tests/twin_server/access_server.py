"""A real gRPC server that has only login, health, and services that answer nothing, behind the gate."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from argon2 import PasswordHasher
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import aio as health

from batterytwin.access import Role
from batterytwin.v1 import (
    alert_service_pb2,
    auth_service_pb2,
    auth_service_pb2_grpc,
    fleet_service_pb2,
    history_service_pb2,
    ingest_service_pb2,
    model_service_pb2,
    prediction_service_pb2,
    scenario_service_pb2,
    twin_service_pb2,
)
from storage.server_store import ServerStore
from tests.storage.server_stores import small_inventory
from twin_server.access import Access, make_access
from twin_server.access_admin import add_user
from twin_server.passwords import Passwords

WEAK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"

METHODS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method
    for module in (
        alert_service_pb2,
        auth_service_pb2,
        fleet_service_pb2,
        history_service_pb2,
        ingest_service_pb2,
        model_service_pb2,
        prediction_service_pb2,
        scenario_service_pb2,
        twin_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
"""Every method of the compiled API by full name."""

_USERS = {
    "viewer": (Role.VIEWER, ["BRK", "CNX"]),
    "engineer": (Role.ENGINEER, ["BRK"]),
    "planner": (Role.ENGINEER, []),
    "admin": (Role.ADMIN, []),
    "gone": (Role.ADMIN, []),
    "left": (Role.ADMIN, []),
}

Behaviour = Callable[[Any, Any], Any]


@dataclass(slots=True)
class AccessServer:
    """A running gate: its address, what stands behind it, and its users' tokens."""

    target: str
    store: ServerStore
    access: Access
    channel: grpc.aio.Channel
    auth: "auth_service_pb2_grpc.AuthServiceAsyncStub"

    async def login(self, username: str, password: str = PASSWORD) -> auth_service_pb2.Session:
        request = auth_service_pb2.LoginRequest(username=username, password=password)
        return (await self.auth.Login(request)).session

    @staticmethod
    def logout_request(refresh_token: str) -> auth_service_pb2.LogoutRequest:
        return auth_service_pb2.LogoutRequest(refresh_token=refresh_token)

    def stub_of(self, method: str) -> Any:
        """What a stub would have for a method."""
        descriptor = METHODS[method]
        request, response = GetMessageClass(descriptor.input_type), GetMessageClass(descriptor.output_type)
        kind = {
            (False, False): self.channel.unary_unary,
            (False, True): self.channel.unary_stream,
            (True, True): self.channel.stream_stream,
        }[descriptor.client_streaming, descriptor.server_streaming]
        return kind(method, request_serializer=request.SerializeToString, response_deserializer=response.FromString)

    async def call(self, method: str, token: str | None = None, scheme: str = "Bearer", **metadata: str) -> None:
        """Calls any method with an empty request and reads one answer."""
        sent = [(name.replace("_", "-"), value) for name, value in metadata.items()]
        if token is not None:
            sent.append(("authorization", f"{scheme} {token}"))
        descriptor = METHODS[method]
        request = GetMessageClass(descriptor.input_type)()
        argument = iter([request]) if descriptor.client_streaming else request
        made = self.stub_of(method)(argument, metadata=sent, timeout=20)
        if descriptor.server_streaming:
            await anext(aiter(made))
        else:
            await made


def generic_handlers(behaviours: dict[str, Behaviour] | None = None) -> list[grpc.GenericRpcHandler]:
    """Handlers that answer every method but those of AuthService, each with one empty message."""
    by_service: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
    for name, method in METHODS.items():
        if "AuthService" in name:
            continue
        handler = _handler(method, (behaviours or {}).get(name))
        by_service.setdefault(method.containing_service.full_name, {})[method.name] = handler
    return [grpc.method_handlers_generic_handler(service, handlers) for service, handlers in by_service.items()]


def _handler(method: MethodDescriptor, behaviour: Behaviour | None) -> Any:
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)

    async def one(_request: Any, _context: Any) -> Any:
        return response()

    async def stream(_request: Any, _context: Any) -> AsyncIterator[Any]:
        yield response()

    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.client_streaming, method.server_streaming]
    default = stream if method.server_streaming else one
    return make(behaviour or default, request.FromString, response.SerializeToString)


@asynccontextmanager
async def serve_access(
    database_url: str, data_dir: Path, behaviours: dict[str, Behaviour] | None = None
) -> AsyncIterator[AccessServer]:
    """Serves until the block ends: locations BRK and CNX, and the users of `_USERS`."""
    store = await ServerStore.connect(database_url)
    await store.register_inventory(small_inventory("BRK", "CNX"))
    passwords = Passwords(WEAK_HASHER)
    for name, (role, locations) in _USERS.items():
        await add_user(store, name, role, locations, password=PASSWORD, passwords=passwords)
    access = make_access(data_dir, store, WEAK_HASHER)
    server = grpc.aio.server(interceptors=[access.interceptor], options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers(generic_handlers(behaviours))
    auth_service_pb2_grpc.add_AuthServiceServicer_to_server(access.auth_servicer, server)
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        async with grpc.aio.insecure_channel(target) as channel:
            auth: Any = auth_service_pb2_grpc.AuthServiceStub(channel)  # its asynchronous type exists in stubs alone
            yield AccessServer(target, store, access, channel, auth)
    finally:
        await server.stop(0.5)
        await store.close()
