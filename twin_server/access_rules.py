"""Who may call what: one table of every method of the server. A method that is missing here is refused."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from batterytwin.access import Role
from batterytwin.errors import PermissionDeniedError, Reason, UnauthenticatedError
from twin_server.principal import Principal, PrincipalKind


class Access(Enum):
    """Kinds of callers that a method is open to."""

    PUBLIC = "anyone; a token is not looked at"
    LOCAL_OR_USER = "any user, and whoever is on the server's own machine"
    USER = "any user"
    ENGINEER = "engineers and admins"
    ADMIN = "admins"
    EXTEND_FLEET = "engineers and admins of all locations"
    FEED = "the gateway of a location, and admins"


@dataclass(frozen=True, slots=True)
class Rule:
    """How one method is guarded.

    Attributes:
        access: who may call it. What of a location may be seen is checked where the request is understood.
        hot: called so often that calls are counted in the log instead of written one by one.
    """

    access: Access
    hot: bool = False


_V1: Final = "/batterytwin.v1"

RULE_OF_METHOD: Final[dict[str, Rule]] = {
    f"{_V1}.AuthService/Login": Rule(Access.PUBLIC),
    f"{_V1}.AuthService/RefreshToken": Rule(Access.PUBLIC),
    f"{_V1}.AuthService/Logout": Rule(Access.PUBLIC),
    f"{_V1}.AuthService/ChangePassword": Rule(Access.USER),
    f"{_V1}.IngestService/IngestReadings": Rule(Access.FEED, hot=True),
    f"{_V1}.IngestService/StreamReadings": Rule(Access.FEED),
    f"{_V1}.TwinService/GetTwin": Rule(Access.USER),
    f"{_V1}.TwinService/GetTwinAt": Rule(Access.USER),
    f"{_V1}.TwinService/GetString": Rule(Access.USER),
    f"{_V1}.TwinService/ListTwins": Rule(Access.USER),
    f"{_V1}.TwinService/GetFleetSnapshot": Rule(Access.USER),
    f"{_V1}.TwinService/WatchTwins": Rule(Access.USER),
    f"{_V1}.FleetService/ListLocations": Rule(Access.USER),
    f"{_V1}.FleetService/GetFleetHealth": Rule(Access.USER),
    f"{_V1}.FleetService/GetStatus": Rule(Access.LOCAL_OR_USER, hot=True),
    f"{_V1}.FleetService/RegisterGrid": Rule(Access.EXTEND_FLEET),
    f"{_V1}.HistoryService/QueryHistory": Rule(Access.USER),
    f"{_V1}.HistoryService/ExportHistory": Rule(Access.USER),
    f"{_V1}.HistoryService/ListEvents": Rule(Access.USER),
    f"{_V1}.HistoryService/RecordEvent": Rule(Access.ENGINEER),
    f"{_V1}.AlertService/ListAlerts": Rule(Access.USER),
    f"{_V1}.AlertService/WatchAlerts": Rule(Access.USER),
    f"{_V1}.AlertService/AcknowledgeAlert": Rule(Access.ENGINEER),
    f"{_V1}.AlertService/ResolveAlert": Rule(Access.ENGINEER),
    f"{_V1}.FleetService/GetReplacementForecast": Rule(Access.USER),
    f"{_V1}.PredictionService/GetRemainingLife": Rule(Access.USER),
    f"{_V1}.PredictionService/ListRemainingLife": Rule(Access.USER),
    f"{_V1}.PredictionService/GetFleetLife": Rule(Access.USER),
    f"{_V1}.PredictionService/GetLifeHistory": Rule(Access.USER),
    f"{_V1}.PredictionService/GetMaintenancePlan": Rule(Access.USER),
    f"{_V1}.ModelService/ListModels": Rule(Access.USER),
    f"{_V1}.ModelService/GetModel": Rule(Access.USER),
    f"{_V1}.ModelService/ImportModel": Rule(Access.ADMIN),
    f"{_V1}.ModelService/ApproveModel": Rule(Access.ADMIN),
    f"{_V1}.ModelService/ActivateModel": Rule(Access.ADMIN),
    f"{_V1}.ModelService/ShadowModel": Rule(Access.ADMIN),
    f"{_V1}.ScenarioService/ListLibrary": Rule(Access.USER),
    f"{_V1}.ScenarioService/CheckScenario": Rule(Access.ENGINEER),
    f"{_V1}.ScenarioService/StartScenario": Rule(Access.ENGINEER),
    f"{_V1}.ScenarioService/UpdateScenario": Rule(Access.ENGINEER),
    f"{_V1}.ScenarioService/StopScenario": Rule(Access.ENGINEER),
    f"{_V1}.ScenarioService/GetScenario": Rule(Access.USER),
    f"{_V1}.ScenarioService/ListScenarios": Rule(Access.USER),
    f"{_V1}.ScenarioService/WatchScenario": Rule(Access.USER),
    f"{_V1}.ScenarioService/ProjectScenario": Rule(Access.ENGINEER),
    f"{_V1}.ScenarioService/CancelProjection": Rule(Access.ENGINEER),
    f"{_V1}.ScenarioService/GetProjection": Rule(Access.USER),
    f"{_V1}.ScenarioService/ListProjections": Rule(Access.USER),
    f"{_V1}.ScenarioService/CompareScenarios": Rule(Access.USER),
    "/grpc.health.v1.Health/Check": Rule(Access.PUBLIC, hot=True),
    "/grpc.health.v1.Health/List": Rule(Access.PUBLIC, hot=True),
    "/grpc.health.v1.Health/Watch": Rule(Access.PUBLIC),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Rule(Access.LOCAL_OR_USER),
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": Rule(Access.LOCAL_OR_USER),
}
"""Every user is at least a viewer, so reads are open to `Access.USER`."""


def authorise(access: Access, principal: Principal, *, is_local: bool) -> None:
    """Lets a caller in whose token, if any, has been found good.

    Args:
        access: who may call.
        principal: who calls.
        is_local: whether the call comes from the server's own machine.

    Raises:
        UnauthenticatedError: the method needs a token and none came (TOKEN_MISSING).
        PermissionDeniedError: the caller may not use the method (ROLE_NOT_ALLOWED).
    """
    if _is_allowed(access, principal) or (is_local and access is Access.LOCAL_OR_USER):
        return
    if principal.kind in (PrincipalKind.LOCAL, PrincipalKind.ANONYMOUS):
        raise UnauthenticatedError(
            "This call needs a token: log in, and send the metadata `authorization: Bearer <token>`.",
            reason=Reason.TOKEN_MISSING,
        )
    raise PermissionDeniedError(
        f"{principal.name} may not call this; it is open to {access.value}.", reason=Reason.ROLE_NOT_ALLOWED
    )


def _is_allowed(access: Access, principal: Principal) -> bool:
    match access:
        case Access.PUBLIC:
            return True
        case Access.USER | Access.LOCAL_OR_USER:
            return principal.has_role(Role.VIEWER)
        case Access.ENGINEER:
            return principal.has_role(Role.ENGINEER)
        case Access.ADMIN:
            return principal.has_role(Role.ADMIN)
        case Access.EXTEND_FLEET:
            return principal.has_role(Role.ENGINEER) and principal.location_ids is None
        case Access.FEED:
            return principal.kind is PrincipalKind.GATEWAY or principal.has_role(Role.ADMIN)
