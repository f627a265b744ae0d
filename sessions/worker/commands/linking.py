"""Ties a session to its phone and unties it."""

from __future__ import annotations

from sessions.commands.linking import LogOut, PairCodeIssued, RequestPairCode
from sessions.worker.commands.area import Area, Desk
from sessions.worker.guard import linking

_PAIR_CODE_WAIT_SECONDS = 15.0


def request_pair_code(desk: Desk, command: RequestPairCode) -> PairCodeIssued:
    code = linking.pair_code(desk.handle, command.phone, desk.qr_shown, wait_seconds=_PAIR_CODE_WAIT_SECONDS)
    return PairCodeIssued(code=code)


def log_out(desk: Desk, command: LogOut) -> None:
    linking.log_out(desk.handle)


AREA = Area(does={RequestPairCode: request_pair_code, LogOut: log_out})
