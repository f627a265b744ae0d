"""The daemon's end of a socket pair: answers find their calls, and a lost worker fails them all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.channel import Channel
from sessions.commands.account import SetAbout
from sessions.commands.base import Done
from sessions.commands.presence import SetPresence
from sessions.errors import (
    EngineError,
    InvalidRequestError,
    NotConnectedError,
    OutcomeUnknownError,
    WorkerLostError,
    by_code,
)
from sessions.protocol import (
    MAX_FRAME_BYTES,
    Answer,
    Call,
    Failure,
    FrameError,
    FrameSplitter,
    Ready,
    ToDaemon,
    ToWorker,
    pack,
    unpack_to_worker,
)
from sessions.worker.wire import Wire

ASK = SetPresence(available=True)


@dataclass
class Pair:
    """A channel, and the worker's end of it played by the test."""

    channel: Channel
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    frames: list[ToDaemon] = field(default_factory=list)

    async def next_call(self) -> Call:
        length = int.from_bytes(await self.reader.readexactly(4), "big")
        frame: ToWorker = unpack_to_worker(await self.reader.readexactly(length))
        assert isinstance(frame, Call)
        return frame


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    ours, theirs = socket.socketpair()
    frames: list[ToDaemon] = []
    channel = await Channel.open(ours, on_frame=frames.append)
    reader, writer = await asyncio.open_connection(sock=theirs)
    yield Pair(channel, reader, writer, frames)
    channel.close()
    writer.close()
    await channel.wait_closed()


async def test_answers_find_their_calls_in_any_order(pair: Pair) -> None:
    first = asyncio.create_task(pair.channel.call("ses_1", ASK, timeout_seconds=5))
    second = asyncio.create_task(pair.channel.call("ses_1", ASK, timeout_seconds=5))
    calls = [await pair.next_call(), await pair.next_call()]

    pair.writer.write(pack(Failure(call_id=calls[1].call_id, code="session_not_connected", detail="no")))
    pair.writer.write(pack(Answer(call_id=calls[0].call_id, result=Done())))

    assert await first == Done()
    with pytest.raises(NotConnectedError, match="no"):
        await second


async def test_an_error_that_nobody_knows_is_an_engine_error(pair: Pair) -> None:
    asked = asyncio.create_task(pair.channel.call("ses_1", ASK, timeout_seconds=5))
    call = await pair.next_call()

    pair.writer.write(pack(Failure(call_id=call.call_id, code="brand_new", detail="odd")))

    with pytest.raises(EngineError, match="odd"):
        await asked


async def test_a_late_answer_is_nobodys(pair: Pair) -> None:
    with pytest.raises(OutcomeUnknownError):
        await pair.channel.call("ses_1", ASK, timeout_seconds=0.01)
    late = await pair.next_call()
    asked = asyncio.create_task(pair.channel.call("ses_1", ASK, timeout_seconds=5))
    call = await pair.next_call()

    pair.writer.write(pack(Answer(call_id=late.call_id, result=Done())))
    pair.writer.write(pack(Answer(call_id=call.call_id, result=Done())))

    assert await asked == Done()
    assert late.deadline < call.deadline


async def test_a_lost_worker_fails_what_waits_and_what_comes(pair: Pair) -> None:
    asked = asyncio.create_task(pair.channel.call("ses_1", ASK, timeout_seconds=5))
    await pair.next_call()

    pair.writer.write(pack(Ready()))
    pair.writer.close()

    with pytest.raises(WorkerLostError):
        await asked
    assert pair.frames == [Ready()]
    with pytest.raises(WorkerLostError):
        await pair.channel.call("ses_1", ASK, timeout_seconds=5)


@pytest.mark.parametrize("text", ["\ud800", "x" * MAX_FRAME_BYTES], ids=["unwritable", "too long"])
async def test_what_cannot_be_asked_is_refused_and_the_next_call_is_made(pair: Pair, text: str) -> None:
    with pytest.raises(InvalidRequestError):
        await pair.channel.call("ses_1", SetAbout(about=text), timeout_seconds=5)

    asked = asyncio.create_task(pair.channel.call("ses_1", ASK, timeout_seconds=5))
    call = await pair.next_call()
    pair.writer.write(pack(Answer(call_id=call.call_id, result=Done())))

    assert call.command == ASK
    assert await asked == Done()


@pytest.mark.parametrize("detail", ["\ud800", "x" * MAX_FRAME_BYTES], ids=["unwritable", "too long"])
async def test_a_call_whose_answer_no_frame_can_hold_fails_and_is_not_left_waiting(detail: str) -> None:
    ours, theirs = socket.socketpair()
    channel = await Channel.open(ours, on_frame=lambda _: None)
    with theirs:
        worker = Wire(theirs)
        asked = asyncio.create_task(channel.call("ses_1", ASK, timeout_seconds=5))
        call = await asyncio.to_thread(next, worker.frames())
        assert isinstance(call, Call)

        worker.reply(Failure(call_id=call.call_id, code="refused", detail=detail))

        with pytest.raises(EngineError, match="a frame"):
            await asked
        channel.close()
        await channel.wait_closed()


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02hi"])
async def test_garbage_ends_the_channel(pair: Pair, garbage: bytes) -> None:
    pair.writer.write(garbage)

    await asyncio.wait_for(pair.channel.wait_closed(), 5)


@given(
    bodies=st.lists(st.binary(max_size=50), max_size=8),
    cuts=st.lists(st.integers(min_value=1, max_value=20), min_size=1, max_size=60),
)
def test_frames_survive_being_cut_anywhere(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(len(body).to_bytes(4, "big") + body for body in bodies)
    splitter = FrameSplitter()

    found: list[bytes] = []
    position = 0
    for cut in (*cuts, len(stream)):
        found += splitter.feed(stream[position : position + cut])
        position += cut

    assert found == bodies


def test_a_frame_that_is_too_long_is_refused() -> None:
    with pytest.raises(FrameError):
        FrameSplitter().feed(b"\xff\xff\xff\xff")


def test_every_error_crosses_the_process_boundary_as_itself() -> None:
    for code, error in by_code().items():
        assert error.code == code
        assert str(error())
