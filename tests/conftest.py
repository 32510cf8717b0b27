"""Rules for every test: it leaves nothing behind, and in CI it is not skipped."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.leaks import describe_leaks, take_stock

# Two shared cores make single examples slow now and then: pytest-timeout watches the test as a whole.
settings.register_profile("intercomd", deadline=None, print_blob=True)
settings.load_profile("intercomd")


@pytest.fixture(scope="session", autouse=True)
def _private_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Send the session's temporary files, its child processes' included, where leaks are seen."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def _nothing_left_behind(_private_temporary_folder: Path) -> Iterator[None]:
    """Fail a test that leaves a thread, an actor, a child process or a temporary file behind."""
    before = take_stock()
    yield
    leaks = describe_leaks(before)
    if leaks:
        pytest.fail("left behind:\n  " + "\n  ".join(leaks), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test is a failed one in CI."""
    report = yield
    if _is_ci() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """So is a skipped module."""
    report = yield
    if _is_ci() and report.skipped:
        report.outcome = "failed"
    return report


def _is_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}
