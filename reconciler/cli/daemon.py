"""The daemon as a process: doors, signals, the small web front, logs and the status file."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn

from reconciler.bootstrap import Spaces, SystemClock, Writers, open_doors
from reconciler.cli.crash import redacted
from reconciler.cli.editing import asked_by_service
from reconciler.core.text import clean
from reconciler.daemon.backoff import Timing
from reconciler.daemon.notify import Notifier, informed
from reconciler.daemon.service import TICK, Service
from reconciler.daemon.shown import as_json, remembered
from reconciler.daemon.supervisor import Supervisor
from reconciler.daemon.tracking import Tracker
from reconciler.engine.events import (
    Ended,
    Launched,
    NotStarted,
    Recorded,
    Resumed,
    RunEnded,
    RunStarted,
    Said,
)
from reconciler.errors import StoreTrouble, UsageError
from reconciler.store.lock import daemon_lock
from reconciler.store.statusfile import read_status, write_status
from reconciler.web.health import HealthApp

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from pathlib import Path

    from reconciler.core.condition import EnvironmentStatus
    from reconciler.engine.events import Event
    from reconciler.errors import ReconcilerError
    from reconciler.settings import Settings


async def serve(settings: Settings, repositories: tuple[str, ...]) -> None:
    """Watch repositories until a signal says stop.

    Raises: UsageError, LeaseHeld (another daemon), StoreTrouble, GitTrouble; before anything ran.
    """
    log = _logger()
    with daemon_lock(settings.state_dir):
        async with AsyncExitStack() as stack:
            clock = SystemClock()
            service = Service(clock)
            timing = Timing(poll=settings.serve.poll, full_look=settings.serve.full_look)

            writers: Writers = {}
            spaces = Spaces(settings, clock, partial(_tell, log))
            stack.push_async_callback(spaces.close)
            keeper = _Keeper(settings.state_dir, service, log)
            earlier = _told_earlier(settings.state_dir)
            stack.callback(keeper.close)
            for repo in dict.fromkeys(repositories) or (None,):
                doors = await stack.enter_async_context(
                    open_doors(
                        settings,
                        repo,
                        records=True,
                        tell=lambda e: _tell(log, e),
                        clock=clock,
                        halted=service.halted,
                        writers=writers,
                        spaces=spaces,
                    )
                )
                name = clean(repo or settings.repo or ".")
                tracker = Tracker(
                    doors, asked_by_service(settings), timing.full_look / 2, service.start
                )
                service.supervisors[name] = Supervisor(
                    doors,
                    timing,
                    service.start,
                    keep=partial(keeper.keep, name),
                    tell_trouble=partial(keeper.tell_trouble, name),
                    rival=partial(service.rival, name),
                    statuses=remembered(earlier, name),
                    looked=tracker.looked,
                )
            web = _Web(HealthApp(service))
            with _listen(settings.serve.listen) as listener, _signals(service, log):
                shown = asyncio.create_task(web.serve(sockets=[listener]))
                where = _address(listener)
                log.info("daemon.started", listen=where, repositories=list(service.supervisors))
                try:
                    async with informed(Notifier.of(os.environ, os.getpid()), service, clock):
                        await service.run()
                finally:
                    web.should_exit = True
                    await shown
            log.info("daemon.ended")


def _told_earlier(state_dir: Path) -> dict[str, Any] | None:
    """Return how things stood when the daemon before this one ended; None where it is not told."""
    try:
        return read_status(state_dir)
    except StoreTrouble:
        return None  # it is written anew


@contextmanager
def _signals(service: Service, log: Any) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the service cleanly; the second one of either ends it at once."""
    loop = asyncio.get_running_loop()
    both = (signal.SIGTERM, signal.SIGINT)

    def stop() -> None:
        for number in both:
            loop.remove_signal_handler(number)
        service.stop()
        log.info("daemon.ending", passes=service.passing())

    for number in both:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in both:
            loop.remove_signal_handler(number)


class _Web(uvicorn.Server):
    """uvicorn without its own signal handlers: it answers until the last pass has ended."""

    def __init__(self, app: HealthApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `_signals`."""
        yield


def _listen(where: str) -> socket.socket:
    host, _, port = where.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen()
    except (OSError, OverflowError, UnicodeError) as error:
        listener.close()
        words = error.strerror if isinstance(error, OSError) else None
        why = words or "no such address or port"
        raise UsageError(
            f"cannot listen on {clean(where)}: {clean(why)}; nothing was started",
            hint="set RECONCILER_SERVE__LISTEN to a free address, such as 127.0.0.1:0",
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Keeper:
    """Keeps the status file, and logs how an environment stands when that is news."""

    def __init__(self, state_dir: Path, service: Service, log: Any) -> None:
        self._state_dir, self._service, self._log = state_dir, service, log
        self._said: dict[str, dict[str, Any]] = {}
        self._later: asyncio.TimerHandle | None = None

    def keep(self, repository: str, status: EnvironmentStatus) -> None:
        """Take a status that changed."""
        told = _told(status)
        key = f"{repository} {status.environment}"
        if self._said.get(key) == told:  # a look without news: its time can wait for others'
            if self._later is None:
                self._later = asyncio.get_running_loop().call_later(TICK, self._write)
            return
        self._said[key] = told
        self._write()
        self._log.info("environment.stood", environment=status.environment, **told)

    def close(self) -> None:
        """Write what waits for others."""
        if self._later is not None:
            self._write()

    def tell_trouble(self, repository: str, trouble: ReconcilerError | None) -> None:
        """Take what keeps a repository from being read, or that nothing does any more."""
        self._write()
        if trouble is None:
            self._log.info("repository.read_again", repository=repository)
        else:
            self._log.warning(
                "repository.not_read", repository=repository, why=trouble.message, hint=trouble.hint
            )

    def _write(self) -> None:
        """Write the file. A disk that is full stops passes, never the daemon."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        try:
            write_status(self._state_dir, self._service.status())
        except StoreTrouble as error:
            self._log.warning("status.not_written", why=error.message, hint=error.hint)


def _logger() -> Any:
    """Return a logger of JSON lines on stderr, without secrets; libraries' words go there too."""

    def render(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
        return json.dumps(_redacted(dict(event)), ensure_ascii=True)

    log = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render,
        ],
    )
    logging.basicConfig(handlers=[_FromLibraries(log)], level=logging.WARNING, force=True)
    return log


def _redacted(value: Any) -> Any:
    """Return JSON values without secrets: each text for itself, so that a line stays JSON."""
    match value:
        case dict():
            return {str(key): _redacted(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted(each) for each in value]
        case None | bool() | int() | float():
            return value
        case _:
            return redacted(str(value))


class _FromLibraries(logging.Handler):
    """Passes on what libraries warn of."""

    def __init__(self, log: Any) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record as a line; of an exception its type, since text of it may be foreign."""
        kind = record.exc_info[0] if record.exc_info else None
        self._log.warning(
            "library.warned",
            library=clean(record.name),
            text=clean(record.getMessage(), 500),
            exception=None if kind is None else kind.__name__,
        )


def _told(status: EnvironmentStatus) -> dict[str, Any]:
    facts = as_json(status)
    conditions = {c["type"]: f"{c['reason']}: {c['message']}" for c in facts["conditions"]}
    return {"commit": facts["commit"], "conditions": conditions}


def _tell(log: Any, event: Event) -> None:
    """Log what a pass tells: one line a fact."""
    match event:
        case Launched(action=action, task_id=task):
            log.info(
                "deployment.started",
                component=action.cell,
                was=action.from_version,
                version=action.to_version,
                task=task,
            )
        case Ended(cell=name, version=version, outcome=outcome, task_id=task):
            log.info(
                "deployment.ended", component=name, version=version, outcome=outcome, task=task
            )
        case RunStarted(cell=name, runbook=runbook, moment=moment, task_id=task):
            log.info("run.started", component=name, runbook=runbook, moment=moment, task=task)
        case RunEnded(cell=name, runbook=runbook, outcome=outcome, task_id=task):
            log.info("run.ended", component=name, runbook=runbook, outcome=outcome, task=task)
        case NotStarted(cell=name, why=why):
            log.warning("deployment.not_started", component=name, why=why)
        case Resumed(found=found):
            log.info("pass.resumed", found=list(found))
        case Recorded(tip=tip, receipts=receipts):
            log.info("pass.recorded", tip=tip, receipts=receipts)
        case Said(text=text):
            log.warning("pass.said", text=text)
        case _:
            pass
