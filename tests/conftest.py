"""What holds for the whole suite: no surprising skip where it counts, benchmarks apart.

With `RECONCILER_CI=1` a skipped test fails the run and is named, because a green build in which
something did not run says more than it knows. A reason that is expected there is listed in
`EXPECTED_SKIPS`, by the words it starts with.
"""

import os
import signal
from pathlib import Path

import pytest

EXPECTED_SKIPS: tuple[str, ...] = ()

BENCHMARKS = Path(__file__).parent / "benchmarks"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`: golden files and generated pages are written anew, then reviewed."""
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")


def pytest_configure() -> None:
    """Let Ctrl-C reach what tests start, also where a job without a terminal runs them.

    A shell without job control starts such jobs with SIGINT ignored, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every benchmark as a proof: ratios on a busy machine do not gate a change."""
    for item in items:
        if item.path.is_relative_to(BENCHMARKS):
            item.add_marker(pytest.mark.proof)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a passing run with an unexpected skip into a failed one."""
    if session.exitstatus == pytest.ExitCode.OK and unexpected_skips(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name the skips that failed the run."""
    for line in unexpected_skips(config):
        terminalreporter.write_line(f"UNEXPECTED SKIP {line}", red=True)


def unexpected_skips(config: pytest.Config) -> list[str]:
    """Skipped tests whose reason is not in `EXPECTED_SKIPS`; none outside of CI or in a worker."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("RECONCILER_CI") != "1" or reporter is None or hasattr(config, "workerinput"):
        return []
    skips = ((report.nodeid, _reason(report)) for report in reporter.stats.get("skipped", []))
    return [f"{where}: {why}" for where, why in skips if not why.startswith(EXPECTED_SKIPS)]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    longrepr = report.longrepr
    message = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return message.removeprefix("Skipped: ")
