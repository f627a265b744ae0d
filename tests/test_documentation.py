"""The documentation against the code: reference tables are made from it, links lead somewhere, nothing is left out.

``WAGATE_WRITE_DOCS=1 pytest tests/test_documentation.py`` writes the tables anew.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import re
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from cyclopts import App

from gateway.api.problems import problem_of
from gateway.api.sockets import MEANINGS
from gateway.blueprint import openapi_document
from gateway.capabilities.row import Row
from gateway.capabilities.table import SECTIONS
from gateway.cli.main import build_app
from gateway.config.settings import ENVIRONMENT_PREFIX, Config
from gateway.config_text import example
from gateway.events.catalogue import CATALOGUE
from gateway.events.payloads import Payload
from gateway.kit.errors import GatewayError
from gateway.kit.metrics import Metrics
from gateway.messages.outbox.waiting import SENTENCES as WAITS
from gateway.messages.states import STEPS, MessageState
from gateway.pacing.reasons import SENTENCES as GATE
from gateway.pacing.reasons import SKIPS
from sessions.capabilities import UNSUPPORTED
from sessions.errors import SessionError
from sessions.sandbox.faults.kinds import AnyFault
from sessions.status import SENTENCES, SessionStatus

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
WRITING = bool(os.environ.get("WAGATE_WRITE_DOCS"))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    lines = [tuple(head), *(tuple(map(cell, row)) for row in rows)]
    lines.insert(1, tuple("---" for _ in lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def code(text: object) -> str:
    return f"`{text}`"


def settings() -> str:
    parts = []
    for name, section in Config.model_construct():
        rows = [
            (
                code(key),
                code(f"{ENVIRONMENT_PREFIX}{name}__{key}".upper()),
                code(json.dumps(getattr(section, key), default=str)),
                field.description,
            )
            for key, field in type(section).model_fields.items()
        ]
        intro = inspect.getdoc(type(section))
        parts.append(f"## [{name}]\n\n{intro}\n\n{table(('key', 'environment', 'default', 'meaning'), rows)}")
    return "\n".join(parts)


async def operations() -> str:
    paths = json.loads(await openapi_document())["paths"]
    by_tag: dict[str, list[tuple[str, str, str]]] = {}
    for path, methods in paths.items():
        for method, operation in methods.items():
            row = (code(f"{method.upper()} {path}"), code(operation["operationId"]), operation["summary"])
            by_tag.setdefault(operation["tags"][0], []).append(row)
    head = ("request", "operation", "what it does")
    return "\n".join(f"## {tag.capitalize()}\n\n{table(head, rows)}" for tag, rows in by_tag.items())


def event_types() -> str:
    return table(("type", "when", "data"), ((code(e.name), e.summary, code(e.payload.__name__)) for e in CATALOGUE))


def event_data() -> str:
    parts = []
    for payload in dict.fromkeys(entry.payload for entry in CATALOGUE):
        rows = [
            (code(key), "" if field.is_required() else "may be missing", field.description or example_of(field))
            for key, field in payload.model_fields.items()
        ]
        body = table(("field", "", "meaning or example"), rows) if rows else "No fields that you can rely on.\n"
        parts.append(f"### {payload.__name__}\n\n{inspect.getdoc(payload)}\n\n{body}")
    return "\n".join(parts)


def event_examples() -> str:
    lines = "\n".join(json.dumps(entry.example, ensure_ascii=False) for entry in CATALOGUE)
    return f"```json\n{lines}\n```\n"


def closes() -> str:
    return table(("code", "meaning"), ((code(int(one)), sentence) for one, sentence in MEANINGS.items()))


def example_of(field: typing.Any) -> str:
    return code(json.dumps(field.examples[0], ensure_ascii=False)) if field.examples else ""


def api_errors() -> str:
    found: dict[str, tuple[int, str]] = {}
    for error in every_subclass(GatewayError):
        found.setdefault(error.default_code, (error.status, error.title))
    for error_code, status, sentence in inline_codes():
        found.setdefault(error_code, (status, sentence))
    for engine_error in every_subclass(SessionError):
        problem = problem_of(engine_error())
        assert problem is not None, f"{engine_error.__name__} is no problem document"
        found.setdefault(problem.code, (problem.status, problem.title))
    rows = ((code(name), status, text) for name, (status, text) in sorted(found.items()))
    return table(("code", "status", "meaning"), rows)


def every_subclass(base: type[typing.Any]) -> Iterator[type[typing.Any]]:
    for package in ("gateway", "web"):
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" not in path.parts and path.stem not in ("__main__", "__init__"):
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    yield base
    waiting = list(base.__subclasses__())
    while waiting:
        error = waiting.pop()
        if error.__module__.split(".")[0] in ("gateway", "web", "sessions"):
            yield error
            waiting += error.__subclasses__()


def inline_codes() -> Iterator[tuple[str, int, str]]:
    """Codes that are given where an error is raised: ``SomethingError("A sentence.", code="a_code")``."""
    for path in [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "web").rglob("*.py")]:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error")):
                continue
            given = [word.value for word in node.keywords if word.arg == "code"]
            if given and isinstance(given[0], ast.Constant):
                error = getattr(importlib.import_module(module), node.func.id)
                yield str(given[0].value), error.status, first_sentence(node, error.title)


def first_sentence(call: ast.Call, otherwise: str) -> str:
    first = call.args[0] if call.args else None
    return str(first.value) if isinstance(first, ast.Constant) else otherwise


def session_errors() -> str:
    every = sorted({error.code: error for error in every_subclass(SessionError) if error is not SessionError}.items())
    meaning = {"no": "never reached WhatsApp", "maybe": "may have reached WhatsApp", "yes": "WhatsApp answered"}
    rows = ((code(name), meaning[error.wire], tried_again(error), inspect.getdoc(error)) for name, error in every)
    return table(("code", "did it go out?", "tried again by itself", "meaning"), rows)


def tried_again(error: type[SessionError]) -> str:
    if error.wire == "maybe":
        return "only with proof that it did not go out"
    return "yes" if error.retryable else "no"


def reasons() -> str:
    return table(("reason", "what is told"), ((code(r.value), sentence) for r, sentence in SENTENCES.items()))


def unsupported() -> str:
    return table(("capability", "why"), ((code(c.value), sentence) for c, sentence in UNSUPPORTED.items()))


def capabilities() -> str:
    return "\n".join(f"## {one.title}\n\n{capability_rows(one.rows)}" for one in SECTIONS)


def capability_rows(rows: Iterable[Row]) -> str:
    head = ("what", "verdict", "why, or what to know", "proven by", "operations and types of messages")
    return table(
        head,
        (
            (
                row.name,
                f"**{row.verdict}**",
                row.why,
                " ".join(map(code, row.proof)),
                " ".join(map(code, (*row.operations, *row.kinds))),
            )
            for row in rows
        ),
    )


def commands() -> str:
    return "\n".join(command(app, words) for words, app in every_command(build_app(), ("wagate",)))


def every_command(app: App, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], App]]:
    for name in app:
        if not name.startswith("-"):
            inner = app[name]
            if inner.default_command is not None:
                yield (*words, name), inner
            yield from every_command(inner, (*words, name))


def command(app: App, words: tuple[str, ...]) -> str:
    help_text = inspect.cleandoc(inspect.getdoc(app.default_command) or "").partition("\n\nParameters\n")[0]
    arguments = [one for one in app.assemble_argument_collection(parse_docstring=True) if one.show]
    rows = [(code(spelt(one)), one.parameter.help or "") for one in arguments]
    options = f"\n{table(('option', 'meaning'), rows)}" if rows else ""
    return f"## {' '.join(words)}\n\n{help_text}\n{options}"


def spelt(argument: typing.Any) -> str:
    """As one types it: a word in its place, or an option, without the opposite that every switch has as well."""
    if argument.index is not None:
        return str(argument.names[0]).removeprefix("--").upper()
    return ", ".join(name for name in argument.names if not name.startswith(("--no-", "--empty-")))


def metrics() -> str:
    rows = [
        (code(family.name + ("_total" if family.type == "counter" else "")), family.type, family.documentation)
        for family in Metrics(version="0").registry.collect()
        if family.name.startswith("wagate_")
    ]
    return table(("series", "kind", "meaning"), sorted([*rows, *watched()]))


def watched() -> Iterator[tuple[str, str, str]]:
    """Numbers that somebody else keeps: ``metrics.watch("name", "sentence", ...)``."""
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                texts = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
                if node.func.attr in ("watch", "watch_by") and len(texts) == 2:
                    yield code(texts[0]), "gauge", str(texts[1])


def steps() -> str:
    rows = ((code(state.value), ", ".join(code(one.value) for one in sorted(STEPS[state]))) for state in MessageState)
    return table(("state", "may become"), rows)


def waits() -> str:
    return table(("`waiting_for.code`", "meaning"), ((code(name), sentence) for name, sentence in WAITS.items()))


def gate() -> str:
    rows = ((code(name), "skip" if name in SKIPS else "wait", sentence) for name, sentence in GATE.items())
    return table(("`reason`", "answer", "meaning"), rows)


TABLES: list[tuple[str, str, Callable[[], typing.Any]]] = [
    ("reference/config.md", "settings", settings),
    ("reference/api.md", "operations", operations),
    ("reference/events.md", "types", event_types),
    ("reference/events.md", "data", event_data),
    ("reference/events.md", "closes", closes),
    ("reference/events.md", "examples", event_examples),
    ("reference/errors.md", "api", api_errors),
    ("reference/errors.md", "messages", session_errors),
    ("reference/errors.md", "reasons", reasons),
    ("reference/errors.md", "unsupported", unsupported),
    ("reference/capabilities.md", "capabilities", capabilities),
    ("reference/cli.md", "commands", commands),
    ("reference/metrics.md", "series", metrics),
    ("explanation/message-states.md", "steps", steps),
    ("explanation/message-states.md", "waiting", waits),
    ("explanation/pacing.md", "gate", gate),
]


@pytest.mark.parametrize(("page", "name", "make"), TABLES, ids=lambda value: value if isinstance(value, str) else "")
async def test_a_reference_table_says_what_the_code_says(page: str, name: str, make: Callable[[], typing.Any]) -> None:
    made = make()
    wanted = (await made) if inspect.isawaitable(made) else made
    path = DOCS / page
    text = path.read_text("utf-8")
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    if WRITING:
        path.write_text(f"{before}{begin}\n{wanted}\n{end}{after}", "utf-8")

    assert path.read_text("utf-8") == f"{before}{begin}\n{wanted}\n{end}{after}"


def test_the_example_settings_are_those_of_the_code() -> None:
    assert (ROOT / "config.example.toml").read_text("utf-8") == example()


def test_every_route_of_the_sandbox_is_described() -> None:
    text = re.sub(r"\{\w+\}", "{}", (REFERENCE / "sandbox.md").read_text("utf-8"))
    told = set(re.findall(r"`(?:(GET|POST|PUT|DELETE) )?(?:/sandbox/v1|\.\.\./\{\})(/[^ ?`]*)", text))
    missing = []
    for path in (ROOT / "sessions/sandbox/control/api.py", ROOT / "sessions/sandbox/control/phones.py"):
        for method, route in re.findall(r"web\.(get|post|put|delete)\((.+?), self\.", path.read_text("utf-8")):
            plain = re.sub(r"\{\{\w+(:[^}]*)?\}\}|\{\w+:[^}]*\}", "{}", route.strip('f"'))
            plain = plain.replace("{PREFIX}", "").replace("{phone}", "")
            plain = {"phone": "/phones/{}", "/": ""}.get(plain, plain)
            if plain and (method.upper(), plain) not in told:
                missing.append(f"{method.upper()} {plain}")

    assert missing == []


def test_every_fault_is_described() -> None:
    text = (REFERENCE / "sandbox.md").read_text("utf-8")
    models = typing.get_args(typing.get_args(AnyFault)[0])
    kinds = [typing.get_args(model.model_fields["kind"].annotation)[0] for model in models]

    assert [kind for kind in kinds if f"\n| `{kind}`" not in text] == []


def test_every_status_and_state_is_explained() -> None:
    statuses = (DOCS / "explanation/session-states.md").read_text("utf-8")
    states = (DOCS / "explanation/message-states.md").read_text("utf-8")

    assert [status.value for status in SessionStatus if f"**{status.value}**" not in statuses] == []
    assert [state.value for state in MessageState if f"**{state.value}**" not in states] == []


def pages() -> list[Path]:
    return [*sorted(DOCS.rglob("*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))]


def slug(heading: str) -> str:
    """A heading's anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (
            anchor and anchor not in map(slug, re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE))
        ):
            broken.append(target)

    assert broken == []


def test_every_page_is_reached_from_the_index() -> None:
    index = (DOCS / "index.md").read_text("utf-8")
    missing = [
        str(page.relative_to(DOCS))
        for page in DOCS.rglob("*.md")
        if page.name != "index.md" and f"({page.relative_to(DOCS)})" not in index
    ]

    assert missing == []


def test_the_readme_holds_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/wagate serve" in readme
    assert "\n.venv/bin/pytest -n 3 --dist loadfile\n" in readme


def test_payloads_in_the_catalogue_are_payloads() -> None:
    assert all(issubclass(entry.payload, Payload) for entry in CATALOGUE)
