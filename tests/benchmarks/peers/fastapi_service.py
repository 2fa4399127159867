"""A service as most teams would begin one: FastAPI, SQLAlchemy, a table, one POST a reading, one commit a request."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import DateTime, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    """Tables."""


class Reading(Base):
    """A stored reading."""

    __tablename__ = "plain_reading"

    battery_id: Mapped[str] = mapped_column(primary_key=True)
    sample_time: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    voltage_v: Mapped[float | None]
    current_a: Mapped[float | None]
    temperature_c: Mapped[float | None]
    internal_resistance_mohm: Mapped[float | None]


class NewReading(BaseModel):
    """A reading as it is posted."""

    battery_id: str
    sample_time: float
    voltage_v: float | None = None
    current_a: float | None = None
    temperature_c: float | None = None
    internal_resistance_mohm: float | None = None


engine = create_engine(os.environ["PLAIN_DATABASE_URL"], pool_size=20, max_overflow=20)
make_session = sessionmaker(engine)
Base.metadata.create_all(engine)
app = FastAPI()


def get_session() -> Iterator[Session]:
    """A session for one request."""
    with make_session() as session:
        yield session


@app.get("/health")
def health() -> dict[str, bool]:
    """Says that it runs."""
    return {"ok": True}


@app.post("/readings", status_code=201)
def take(reading: NewReading, session: Annotated[Session, Depends(get_session)]) -> dict[str, bool]:
    """Stores one reading."""
    values = reading.model_dump() | {"sample_time": datetime.fromtimestamp(reading.sample_time, UTC)}
    session.add(Reading(**values))
    session.commit()
    return {"stored": True}
