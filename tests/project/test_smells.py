"""Things that may stand in one place only, or nowhere."""

from __future__ import annotations

import ast
import re
import sys

import pytest

from tests.project.source import Module, modules

PROGRAM = modules("intercomd")
TESTS = modules("tests")

HOMES = {
    "time.sleep": {"agent"},
    "time.time": {"clock"},
    "time.time_ns": {"clock"},
    "datetime.now": {"clock"},
    "datetime.utcnow": set(),
    "datetime.today": set(),
    "date.today": set(),
    "os.environ": {"agent", "cli", "daemon"},
    "os.getenv": set(),
    "os.system": set(),
    "os._exit": {"agent", "daemon"},
    "pykka.ActorRegistry": set(),
    "pykka.ThreadingActor": {"supervision"},
}
"""Names and the packages that may use them; everybody else goes through a port or gets a value passed in."""

CATCHES_EVERYTHING = {"api", "cli", "supervision"}
"""The API's last handler, `main`, and the kit's crash rule."""

_WIDE = {"Exception", "BaseException"}

SQL = re.compile(r"\s*(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s.+\sSET|DELETE\s+FROM|CREATE\s+TABLE)\s", re.DOTALL)


@pytest.mark.parametrize("module", PROGRAM, ids=str)
def test_name_is_used_in_its_home_only(module: Module) -> None:
    """Clock, environment, sleep and the actor library stay where they belong."""
    strays = [name for name in module.dotted_names() if name in HOMES and module.package not in HOMES[name]]
    assert strays == []


@pytest.mark.parametrize("module", [m for m in PROGRAM if m.package not in CATCHES_EVERYTHING], ids=str)
def test_everything_is_caught_at_the_edges_only(module: Module) -> None:
    """Elsewhere `except Exception`, or wider, may clean up and raise again, and never goes on."""
    handlers = [node for node in ast.walk(module.tree) if isinstance(node, ast.ExceptHandler) and _is_wide(node)]
    assert [handler.lineno for handler in handlers if not _raises_again(handler)] == []


def _is_wide(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in _WIDE) for kind in kinds)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None


@pytest.mark.parametrize("module", [module for module in PROGRAM if module.package != "store"], ids=str)
def test_sql_stands_in_the_store_only(module: Module) -> None:
    """Nobody but the store holds statements."""
    texts = [
        node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in texts if SQL.match(text)] == []


@pytest.mark.parametrize("module", [module for module in PROGRAM if module.package == "agent"], ids=str)
def test_agent_needs_the_standard_library_only(module: Module) -> None:
    """The agent program runs alone in a sandbox: its own files (siblings on its path) and the standard library."""
    own = {other.name.rsplit("/", 1)[-1].removesuffix(".py") for other in PROGRAM if other.package == "agent"}
    foreign = {name for name in module.imports() if name.split(".")[0] not in sys.stdlib_module_names | own}
    assert foreign <= {f"intercomd.agent.{name}" for name in own} | {"intercomd.agent"}


@pytest.mark.parametrize("module", TESTS, ids=str)
def test_tests_neither_sleep_nor_mock_nor_skip(module: Module) -> None:
    """Tests wait at probes, use the real parts, and install what they need."""
    names = set(module.dotted_names())
    assert names.isdisjoint({"time.sleep", "mark.skip", "mark.skipif", "pytest.skip", "pytest.importorskip"})
    assert not {name for name in module.imports() if name.split(".")[0] in {"mock", "pytest_mock"}}
    assert "unittest.mock" not in set(module.imports())


@pytest.mark.parametrize("module", TESTS, ids=str)
def test_test_states_its_claim(module: Module) -> None:
    """Every test function has a docstring that begins with a whole sentence."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            claim = ast.get_docstring(node)
            assert claim, node.name
            assert claim.split("\n\n")[0].rstrip().endswith((".", ")")), node.name
