"""The log says what happened and keeps secrets, bodies and numbers to itself."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog
from aiohttp.http_exceptions import BadStatusLine

from gateway.kit.log import HIDDEN, configure_logging, hide_secrets


@pytest.fixture
def written():
    """Configure JSON logging to a buffer; gives a function that reads the lines. Puts things back afterwards."""
    root = logging.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    stream = io.StringIO()
    configure_logging(level="info", style="json", stream=stream)

    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]

    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**config)


def test_a_line_is_one_object_with_time_level_and_what_was_bound(written):
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        structlog.get_logger("gateway.test").info("message sent", message_id="msg_1", seconds=0.25)

    (line,) = written()

    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "message sent",
        "level": "info",
        "logger": "gateway.test",
        "message_id": "msg_1",
        "request_id": "req_1",
        "seconds": 0.25,
    }


def test_what_libraries_log_looks_the_same(written):
    logging.getLogger("some.library").warning("reconnected after %s tries", 3)

    (line,) = written()

    assert (line["event"], line["level"], line["logger"]) == ("reconnected after 3 tries", "warning", "some.library")


def test_lines_below_the_level_are_not_written(written):
    structlog.get_logger("gateway.test").debug("noise")
    logging.getLogger("some.library").debug("noise")

    assert written() == []


@pytest.mark.parametrize(
    "name", ["body", "text", "qr", "phone", "from_phone", "push_name", "api_key", "token", "password", "jids"]
)
def test_values_under_a_secret_name_are_never_written(written, name):
    structlog.get_logger("gateway.test").info("something happened", **{name: "hush"})

    assert written()[0][name] == HIDDEN


@pytest.mark.parametrize(
    "secret",
    [
        "wag_0123456789abcdefghijABCDEFGHIJ123456",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "15550001234@s.whatsapp.net",
        "15550001234:7@s.whatsapp.net",
        "123456789012345@lid",
        "+491701234567",
        "15550001234",
        "2@" + "AbC123+/" * 8,
    ],
)
def test_secrets_inside_other_text_are_hidden(secret):
    assert hide_secrets(f"before {secret} after") == f"before {HIDDEN} after"


def test_the_password_in_an_address_is_hidden():
    assert hide_secrets("postgresql://wagate:hush@db/wagate") == f"postgresql://{HIDDEN}@db/wagate"


def test_a_pairing_link_is_hidden():
    assert hide_secrets("GET /pair/AbCdEfGhIjKlMnOpQrSt") == f"GET /pair/{HIDDEN}"


@pytest.mark.parametrize(
    "harmless", ["msg_0123456789abc", "2026-11-20T22:43:00.123456Z", "127.0.0.1:30051", "took 1234567 bytes"]
)
def test_ids_times_and_addresses_of_machines_stay_readable(harmless):
    assert hide_secrets(harmless) == harmless


def test_an_exception_is_written_with_its_traceback_but_without_secrets_or_local_values(written):
    def fail() -> None:
        body = "hush hush"
        raise ValueError(f"cannot send {len(body)} to +491701234567")

    try:
        fail()
    except ValueError:
        structlog.get_logger("gateway.test").exception("pass failed")

    (line,) = written()

    assert "in fail" in line["exception"]
    assert "491701234567" not in line["exception"]
    assert "hush hush" not in line["exception"].replace('body = "hush hush"', "")


def test_a_request_that_is_no_http_is_one_line_that_quotes_nothing(written):
    try:
        raise BadStatusLine("GET /?password=tomato")
    except BadStatusLine:
        logging.getLogger("aiohttp.server").exception("Error handling request from %s", "192.0.2.1")

    (line,) = written()

    assert (line["event"], line["level"]) == ("request not readable as HTTP", "info")
    assert "exception" not in line
    assert "tomato" not in json.dumps(line)
