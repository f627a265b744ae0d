"""A route table of toys that shows every side of the machinery."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.fields import ChatId, UtcTime, id_in_path
from gateway.api.route import ANY_CALLER, Answer, Call, route
from gateway.db.tx import Database, Tx
from gateway.kit.errors import ConflictError
from gateway.orgs.models import Org


class ToyNew(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    size: int = 1
    due_at: UtcTime | None = None


class ToyOut(BaseModel):
    id: ChatId
    name: str
    due_at: UtcTime | None = None


class ToyQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(1, ge=1)
    colour: list[str] = []


class ToyRoutes:
    """Makes toys; each toy made is an organization's row, so that effects can be counted in the store."""

    def __init__(self, *, database: Database | None = None) -> None:
        self.database = database
        self.made = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.failure: Exception | None = None

    @route("GET", "/api/v1/toys", operation="toys.list", summary="List toys", tag="toys", query=ToyQuery, gives=ToyOut)
    async def list(self, call: Call) -> dict[str, Any]:
        return {"size": call.query.size, "colour": call.query.colour}

    @route(
        "POST",
        "/api/v1/toys",
        operation="toys.create",
        summary="Make a toy",
        tag="toys",
        takes=ToyNew,
        gives=ToyOut,
        status=202,
        idempotent_key=True,
        errors=("toy_broken",),
    )
    async def create(self, call: Call) -> ToyOut:
        return await self._make(call, remembered=True)

    @route(
        "POST",
        "/api/v1/careless-toys",
        operation="toys.create_carelessly",
        summary="Make a toy without remembering it in its transaction",
        tag="toys",
        takes=ToyNew,
        gives=ToyOut,
        status=201,
        idempotent_key=True,
    )
    async def create_carelessly(self, call: Call) -> ToyOut:
        return await self._make(call, remembered=False)

    @route(
        "GET",
        "/api/v1/toys/{id}",
        operation="toys.read",
        summary="Read a toy",
        tag="toys",
        gives=ToyOut,
        errors=("toy_not_found",),
    )
    async def read(self, call: Call) -> ToyOut:
        return ToyOut(id=id_in_path("cht", call.path["id"], code="toy_not_found"), name="bear")

    @route("DELETE", "/api/v1/toys/{id}", operation="toys.delete", summary="Delete a toy", tag="toys")
    async def delete(self, call: Call) -> None:
        return None

    @route("GET", "/api/v1/toys-public", operation="toys.public", summary="Look", tag="toys", public=True, gives=ToyOut)
    async def public(self, call: Call) -> Answer:
        return Answer(body={"address": call.address}, headers={"X-Toy": "1"})

    @route(
        "POST",
        "/api/v1/toys-empty",
        operation="toys.nothing",
        summary="Nothing needed",
        tag="toys",
        scope=ANY_CALLER,
        takes=None,
    )
    async def nothing(self, call: Call) -> None:
        return None

    @route("GET", "/api/v1/toys-broken", operation="toys.broken", summary="Break", tag="toys", public=True, hidden=True)
    async def broken(self, call: Call) -> None:
        assert self.failure is not None
        raise self.failure

    @route(
        "POST",
        "/api/v1/toys-large",
        operation="toys.large",
        summary="Large bodies",
        tag="toys",
        takes=ToyNew,
        gives=ToyOut,
        body_limit_bytes=3_000_000,
    )
    async def large(self, call: Call) -> dict[str, int]:
        return {"length": len(call.body.name)}

    async def _make(self, call: Call, *, remembered: bool) -> ToyOut:
        self.entered.set()
        await self.gate.wait()
        body: ToyNew = call.body
        if body.name == "broken":
            raise ConflictError("This toy is broken.", code="toy_broken")

        def work(tx: Tx) -> ToyOut:
            self.made += 1
            row = Org(id=1000 + self.made, name=body.name, created_at=body.due_at, updated_at=body.due_at)
            tx.add(row)
            toy = ToyOut(id=row.id, name=row.name, due_at=body.due_at)
            if remembered:
                call.remember(tx, toy)
            if body.name == "crash":
                raise RuntimeError("the process died here")
            return toy

        assert self.database is not None
        return await self.database.write(work)
