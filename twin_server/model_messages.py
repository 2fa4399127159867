"""Models as messages of `ModelService`."""

from batterytwin.life_models import ModelComparison, ModelDrift
from batterytwin.v1 import model_pb2
from ml.model_archive import read_card
from storage.life_model_table import LifeModelRecord
from twin_server.model_registry import obstacles
from twin_server.time_proto import optional_timestamp, us_to_timestamp


def model_message(
    model: LifeModelRecord,
    *,
    comparison: ModelComparison | None = None,
    drift: ModelDrift | None = None,
    with_card: bool = False,
) -> model_pb2.LifeModel:
    """Message of one model.

    Args:
        model: the model.
        comparison: against the active one; None = nothing can be compared.
        drift: how true its predictions were; None = nothing can be said.
        with_card: send all that its training said of it.
    """
    facts = read_card(model.card)
    return model_pb2.LifeModel(
        version=model.version,
        state=model_pb2.ModelState.ValueType(model.state),
        train_time=optional_timestamp(model.trained_us),
        import_time=us_to_timestamp(model.imported_us),
        imported_by=model.imported_by,
        approved_by=model.approved_by,
        approve_time=optional_timestamp(model.approved_us),
        approve_note=model.approve_note,
        activate_time=optional_timestamp(model.activated_us),
        activated_by=model.activated_by,
        sha256=model.sha256,
        byte_count=model.byte_count,
        inputs_layout=model.inputs_layout,
        data_range=facts.data_range,
        gates=[
            model_pb2.ModelGate(name=gate.name, value=gate.value, limit=gate.limit, passed=gate.passed)
            for gate in facts.gates
        ],
        metrics=[model_pb2.ModelMetric(name=name, value=value) for name, value in facts.metrics.items()],
        card_json=model.card if with_card else "",
        obstacles=[error.message for error in obstacles(model, facts)],
        comparison=None
        if comparison is None
        else model_pb2.ModelComparison(
            active_version=comparison.active_version,
            pair_count=comparison.pair_count,
            median_log_ratio=comparison.median_log_ratio,
            median_difference=comparison.median_difference,
            differing_share=comparison.differing_share,
        ),
        drift=None
        if drift is None
        else model_pb2.ModelDrift(
            pair_count=drift.pair_count,
            error=drift.error,
            bias=drift.bias,
            limit=drift.limit,
            realised_count=drift.realised_count,
        ),
    )
