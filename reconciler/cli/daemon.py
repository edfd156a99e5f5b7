"""The daemon as a process: doors, signals, the small web front, logs and the status file."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn

from reconciler.bootstrap import SystemClock, open_doors
from reconciler.cli.crash import redacted
from reconciler.core.text import clean
from reconciler.daemon.backoff import Timing
from reconciler.daemon.service import Service, as_json
from reconciler.daemon.supervisor import Supervisor
from reconciler.engine.events import Ended, Launched, NotStarted, Recorded, Resumed, Said
from reconciler.errors import UsageError
from reconciler.store.lock import daemon_lock
from reconciler.store.statusfile import write_status
from reconciler.web.health import HealthApp

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from reconciler.core.condition import EnvironmentStatus
    from reconciler.engine.events import Event
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

            said: dict[str, dict[str, Any]] = {}

            def keep(status: EnvironmentStatus) -> None:
                write_status(settings.state_dir, service.status())
                told = _told(status)
                if said.get(status.environment) != told:  # a look without news is no news
                    said[status.environment] = told
                    log.info("environment.stood", environment=status.environment, **told)

            for repo in repositories or (None,):
                doors = await stack.enter_async_context(
                    open_doors(
                        settings,
                        repo,
                        records=True,
                        tell=lambda e: _tell(log, e),
                        clock=clock,
                        halted=service.halted,
                    )
                )
                name = clean(repo or settings.repo or ".")
                service.supervisors[name] = Supervisor(doors, timing, service.start, keep)
            listener = _listen(settings.serve.listen)
            web = uvicorn.Server(
                uvicorn.Config(HealthApp(service), log_config=None, access_log=False, lifespan="on")
            )
            with _signals(service), listener:
                shown = asyncio.create_task(web.serve(sockets=[listener]))
                where = "{}:{}".format(*listener.getsockname()[:2])
                log.info("daemon.started", listen=where, repositories=list(service.supervisors))
                try:
                    await service.run()
                finally:
                    web.should_exit = True
                    await shown
            log.info("daemon.ended")


@contextmanager
def _signals(service: Service) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the service cleanly; the second one of either ends it at once."""
    loop = asyncio.get_running_loop()
    both = (signal.SIGTERM, signal.SIGINT)

    def stop() -> None:
        service.stop()
        for number in both:
            loop.remove_signal_handler(number)

    for number in both:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in both:
            loop.remove_signal_handler(number)


def _listen(where: str) -> socket.socket:
    host, _, port = where.rpartition(":")
    try:
        return socket.create_server((host.strip("[]"), int(port)))
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else "no such port"
        raise UsageError(
            f"cannot listen on {clean(where)}: {clean(str(why))}; nothing was started",
            hint="set RECONCILER_SERVE__LISTEN to a free address, such as 127.0.0.1:0",
        ) from error


def _logger() -> Any:
    """Return a logger of JSON lines on stderr, without secrets."""

    def render(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
        return redacted(json.dumps(event, default=str, ensure_ascii=True))

    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[structlog.processors.add_log_level, stamp, render],
    )


def _told(status: EnvironmentStatus) -> dict[str, Any]:
    facts = as_json(status)
    conditions = {c["type"]: f"{c['reason']}: {c['message']}" for c in facts["conditions"]}
    return {"commit": facts["commit"], "conditions": conditions}


def _tell(log: Any, event: Event) -> None:
    """Log what a pass tells: one line a fact."""
    match event:
        case Launched(action=action, task_id=task):
            log.info("deployment.started", component=action.component, task=task)
        case Ended(component=name, version=version, outcome=outcome, task_id=task):
            log.info(
                "deployment.ended", component=name, version=version, outcome=outcome, task=task
            )
        case NotStarted(component=name, why=why):
            log.warning("deployment.not_started", component=name, why=why)
        case Resumed(found=found):
            log.info("pass.resumed", found=list(found))
        case Recorded(tip=tip, receipts=receipts):
            log.info("pass.recorded", tip=tip, receipts=receipts)
        case Said(text=text):
            log.warning("pass.said", text=text)
        case _:
            pass
