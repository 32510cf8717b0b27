"""setup.cfg and the code name the same packages."""

from __future__ import annotations

import configparser
import re
import sys

from tests.project.source import ROOT, modules

NEEDED_WITHOUT_IMPORT = {"tzdata"}
"""zoneinfo finds it by itself where the machine has no time zones."""

TOOLS = {"coverage", "import-linter", "mypy", "pytest-timeout", "ruff"}
"""Run by scripts or loaded by pytest, never imported."""

IMPORT_NAMES = {"python-telegram-bot": "telegram"}
"""Packages that are imported under another name."""


def declared(section: str, option: str) -> set[str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return {
        re.split(r"[\s<>=!~;\[]", line, maxsplit=1)[0] for line in parser[section][option].split("\n") if line.strip()
    }


def imported(folder: str) -> set[str]:
    roots = {name.split(".")[0] for module in modules(folder) for name in module.imports()}
    own = {path.stem for path in (ROOT / "intercomd" / "agent").glob("*.py")}
    return roots - sys.stdlib_module_names - own - {"intercomd", "tests"}


def import_name(package: str) -> str:
    return IMPORT_NAMES.get(package, package.replace("-", "_"))


def test_every_dependency_is_used_and_every_import_declared() -> None:
    """Nothing is installed for nothing, and nothing is there by luck."""
    assert imported("intercomd") == declared("options", "install_requires") - NEEDED_WITHOUT_IMPORT


def test_tests_import_only_what_dev_installs() -> None:
    """Test packages stand in the dev extra, and each is imported or a tool."""
    extra = declared("options.extras_require", "dev")
    known = extra | declared("options", "install_requires")
    assert imported("tests") <= {import_name(package) for package in known}
    assert {import_name(package) for package in extra - TOOLS} <= imported("tests")


def test_every_data_file_is_installed() -> None:
    """What is not Python lies in a package, or one folder below it, and is SQL: the patterns of package_data."""
    files = [path for path in (ROOT / "intercomd").rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}]
    for path in files:
        assert path.suffix == ".sql", path
        assert any((folder / "__init__.py").exists() for folder in (path.parent, path.parent.parent)), path
