"""The house rules, read from the source itself. There is no list of exceptions: a new edge is a decision to be argued."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("gateway", "sessions", "web")
MOST_LINES = 400

#: From the ground up. A part imports only itself and what stands before it.
LAYERS = (
    "gateway",  # the version, nothing else
    "gateway.kit",
    "sessions",
    "sessions.sandbox",
    "sessions.worker",
    "gateway.principal",
    "gateway.capabilities",
    "gateway.archives",
    "gateway.db",
    "gateway.api",
    # the slices
    "gateway.events",
    "gateway.orgs",
    "gateway.access",
    "gateway.media",
    "gateway.contacts",
    "gateway.fleet",
    "gateway.moving",
    "gateway.chats",
    "gateway.pacing",
    "gateway.messages",
    "gateway.search",
    "gateway.calls",
    "gateway.groups",
    "gateway.profiles",
    "gateway.channels",
    "gateway.schedules",
    "gateway.webhooks",
    "gateway.cloud",
    "gateway.maintenance",
    "web",
    # the composition root and what starts it
    "gateway.exits",
    "gateway.loopback_file",
    "gateway.config",
    "gateway.config_text",
    "gateway.datafolder",
    "gateway.health",
    "gateway.startup",
    "gateway.assembly",
    "gateway.daemon",
    "gateway.serve",
    "gateway.blueprint",
    "gateway.admin",
    "gateway.backup",
    "gateway.relocation",
    "gateway.examining",
    "gateway.sandbox",
    "gateway.bench",
    "gateway.torture",
    "gateway.cli",
    "gateway.__main__",
)
SLICES = LAYERS[LAYERS.index("gateway.events") : LAYERS.index("web")]
COMPOSITION = LAYERS[LAYERS.index("gateway.config") :]


@dataclass(frozen=True)
class Module:
    """One source file and what it names."""

    name: str
    path: Path
    tree: ast.Module = field(repr=False)
    #: every module it names in an import, wherever in the file that stands
    imports: frozenset[str] = field(repr=False)

    @property
    def layer(self) -> str:
        return layer_of(self.name)

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if _is_module(f"{base}.{alias.name}"))


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            tree = ast.parse(path.read_text("utf-8"))
            found.append(Module(name, path, tree, frozenset(_imports(tree))))
    return tuple(found)


def layer_of(name: str) -> str:
    """The longest layer that the name begins with; the packages' own files are layers of that name."""
    inside = [layer for layer in LAYERS if name == layer or name.startswith(f"{layer}.")]
    return max(inside, key=len, default="")


def ours(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.split(".")[0] in PACKAGES]


def those_that_import(library: str) -> set[Module]:
    return {
        module
        for module in modules()
        if any(name == library or name.startswith(f"{library}.") for name in module.imports)
    }


def names(found: Iterable[Module]) -> list[str]:
    return sorted(module.name for module in found)


def test_the_layers_are_the_folders_that_exist() -> None:
    parts = {path.stem for path in (ROOT / "gateway").glob("*.py")} | {
        path.parent.name for path in (ROOT / "gateway").glob("*/__init__.py")
    }
    existing = {f"gateway.{part}" for part in parts - {"__init__"}}

    assert existing - set(LAYERS) == set()
    assert {layer for layer in LAYERS if layer.startswith("gateway.")} - existing == set()


def test_every_module_imports_only_what_stands_below_it() -> None:
    rank = {layer: number for number, layer in enumerate(LAYERS)}
    wrong = [
        f"{module.name} -> {imported}"
        for module in modules()
        for imported in ours(module.imports)
        if rank[layer_of(imported)] > rank[module.layer]
    ]

    assert wrong == []


def test_the_whatsapp_side_knows_nothing_of_the_gateway() -> None:
    wrong = [
        f"{module.name} -> {imported}"
        for module in modules()
        if module.name.split(".")[0] == "sessions"
        for imported in ours(module.imports)
        if imported.split(".")[0] != "sessions"
    ]

    assert wrong == []


def test_nobody_imports_the_worker() -> None:
    wrong = [
        f"{module.name} -> {imported}"
        for module in modules()
        if module.layer != "sessions.worker"
        for imported in ours(module.imports)
        if layer_of(imported) == "sessions.worker"
    ]

    assert wrong == []


def test_the_sandbox_is_used_only_where_it_is_offered() -> None:
    allowed = {"sessions.sandbox", "gateway.sandbox", "gateway.bench"}
    wrong = [
        f"{module.name} -> {imported}"
        for module in modules()
        if module.layer not in allowed
        for imported in ours(module.imports)
        if layer_of(imported) == "sessions.sandbox"
    ]

    assert wrong == []


def test_the_engine_in_memory_is_for_tests_only() -> None:
    wrong = {module for module in those_that_import("sessions.fake") if not module.name.startswith("sessions.fake.")}

    assert names(wrong) == []


def test_settings_are_read_by_the_composition_root_alone() -> None:
    readers = {module.layer for module in those_that_import("gateway.config")}

    assert readers <= set(COMPOSITION)


def test_a_slices_store_is_its_own_affair() -> None:
    wrong = [
        f"{module.name} -> {imported}"
        for module in modules()
        for imported in ours(module.imports)
        if _is_store(imported) and layer_of(imported) in SLICES and layer_of(imported) != module.layer
    ]

    assert wrong == []


def _is_store(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last == "store" or last.endswith("_store")


def test_only_models_stores_and_the_database_name_sqlalchemy() -> None:
    wrong = {
        module
        for module in those_that_import("sqlalchemy") | those_that_import("alembic")
        if module.layer != "gateway.db" and module.last != "models" and not _is_store(module.name)
    }

    assert names(wrong) == []


def test_only_routes_pages_and_the_edge_speak_http() -> None:
    speaking = {"gateway.api", "web", "sessions.sandbox", *COMPOSITION}
    wrong = {
        module
        for module in those_that_import("aiohttp") | those_that_import("aiohttp_sse")
        if module.layer not in speaking
        and module.last != "routes"
        and not module.last.endswith("_routes")
        and module.name != "gateway.kit.guarded_http"
    }

    assert names(wrong) == []


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("alembic", "gateway.db"),
        ("apscheduler.jobstores", "gateway.maintenance.timetable"),
        ("apscheduler.schedulers", "gateway.maintenance.timetable"),
        ("apscheduler.triggers.cron", "gateway.schedules.cron_rule"),
        ("apscheduler.triggers.interval", "gateway.maintenance.timetable"),
        ("argon2", "gateway.access"),
        ("cyclopts", "gateway.cli"),
        ("dateutil", "gateway.schedules.calendar_rule"),
        ("jinja2", "web"),
        ("neonize", "sessions.worker"),
        ("PIL", "gateway.media"),
        ("prometheus_client", "gateway.kit.metrics"),
        ("pydantic_settings", "gateway.config"),
        ("qrcode", "gateway.fleet.qr"),
        ("standardwebhooks", "gateway.webhooks.signing"),
    ],
)
def test_a_library_has_one_home(library: str, home: str) -> None:
    strangers = {
        module
        for module in those_that_import(library)
        if module.name != home and not module.name.startswith(f"{home}.")
    }

    assert names(strangers) == []


def test_the_engine_is_named_nowhere_else_in_code() -> None:
    """Loading by a string would slip past the import rule."""
    naming = {
        module
        for module in modules()
        if any(
            isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.split(".")[0] == "neonize"
            for node in ast.walk(module.tree)
        )
    }
    outside = {module for module in naming if module.layer != "sessions.worker"}

    assert names(outside) == ["sessions.protobuf"]


def test_packages_hold_nothing_but_their_docstring() -> None:
    wrong = {module for module in modules() if module.path.name == "__init__.py" and module.imports}

    assert names(wrong) == []


def test_there_are_no_relative_imports() -> None:
    wrong = {
        module
        for module in modules()
        if any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(module.tree))
    }

    assert names(wrong) == []


def test_every_module_says_in_a_sentence_what_lives_there() -> None:
    wrong = {module for module in modules() if len((ast.get_docstring(module.tree) or "").strip()) < 10}

    assert names(wrong) == []


def test_no_file_written_by_hand_is_long() -> None:
    """Migrations are a record: they are written once, by the machine, and never edited."""
    wrong = {
        module
        for module in modules()
        if not module.name.startswith("gateway.db.migrations.versions")
        and len(module.path.read_text("utf-8").splitlines()) > MOST_LINES
    }

    assert names(wrong) == []


def test_no_orm_relationship_ties_tables_together() -> None:
    wrong = {
        module
        for module in those_that_import("sqlalchemy")
        if any(isinstance(node, ast.Name) and node.id == "relationship" for node in ast.walk(module.tree))
    }

    assert names(wrong) == []


def test_only_the_clock_asks_the_machine_for_the_time() -> None:
    asking = {
        module
        for module in modules()
        if module.layer in (*SLICES, "gateway.api", "web")
        if any(
            isinstance(node, ast.Call) and ast.unparse(node.func) in ("datetime.now", "time.time", "time.monotonic")
            for node in ast.walk(module.tree)
        )
    }

    assert names(asking) == []


def test_no_error_is_swallowed() -> None:
    broad = {"Exception", "BaseException"}
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in broad)
        and all(isinstance(statement, ast.Pass | ast.Continue) for statement in node.body)
    ]
    suppressed = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("suppress", "contextlib.suppress")
        and any(ast.unparse(argument) in broad for argument in node.args)
    ]

    assert wrong + suppressed == []


def test_nobody_waits_in_a_way_that_loses_a_cancellation() -> None:
    """In Python 3.11 ``asyncio.wait_for`` returns the result, and not the cancellation, when both come at once."""
    waiting = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.wait_for"
    ]

    assert waiting == []
