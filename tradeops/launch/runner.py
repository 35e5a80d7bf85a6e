"""Start everything in order, tell where it is, keep `run.json` true, end everything."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tradeops.launch import env_file, postgres, redis, supervisor
from tradeops.launch.failure import LaunchError
from tradeops.launch.health import is_ready
from tradeops.launch.plan import Plan, Program, plan_of, processes, servers
from tradeops.launch.ports import port_answers, require_free

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 60
WATCH_PERIOD_S = 1.0


def prepare(root: Path, *, database: str) -> tuple[Plan, dict[str, str]]:
    """Make folder and `.env`, check ports; return the plan and the environment of the processes.

    `database` is `pg`, `sqlite` or empty for what `.env` says. Raises LaunchError with the one
    sentence that tells the operator why it cannot start.
    """
    if sys.version_info[:2] != (3, 11):
        message = f"tradeops needs Python 3.11, this is {sys.version.split()[0]}."
        raise LaunchError(message)
    dotenv = Path(os.environ.get("TRADEOPS_DOTENV") or root / ".env")
    try:
        known = {**env_file.read(dotenv), **os.environ}
        home = Path(known.get("TRADEOPS_HOME") or root / "var").expanduser().resolve()
        home.mkdir(parents=True, exist_ok=True)
        (home / "log").mkdir(exist_ok=True)
        _require_writable(home)
        if port_answers(supervisor.socket_path(home)):
            message = f"tradeops already runs in {home}: end that one first."
            raise LaunchError(message)
        written = env_file.complete(dotenv, os.environ, database=database)
    except OSError as error:
        where = error.filename or dotenv
        message = f"{where} cannot be written ({error.strerror}): use a folder of your own."
        raise LaunchError(message) from error
    values = {**written, **os.environ}
    plan = plan_of(root, home, values)
    _require_ports(plan)
    # Only what says where: secrets stay in .env, which the settings read.
    environment = {**os.environ, "TRADEOPS_HOME": str(home), "TRADEOPS_DOTENV": str(dotenv)}
    environment.setdefault("DJANGO_SETTINGS_MODULE", "tradeops.settings.dev")
    return plan, environment


def _require_writable(home: Path) -> None:
    probe = home / ".writable"
    probe.touch()
    probe.unlink()


def _require_ports(plan: Plan) -> None:
    require_free(plan.host, plan.port, name="web server", setting="TRADEOPS_PORT")
    for port, name, setting in (
        (plan.paper_port, "paper venue", "TRADEOPS_PAPER_PORT"),
        (plan.redis_port if plan.redis_password else None, "Redis", "TRADEOPS_REDIS_PORT"),
        (plan.postgres_port, "PostgreSQL", "TRADEOPS_PG_PORT"),
    ):
        if port is not None:
            require_free("127.0.0.1", port, name=name, setting=setting)


class Runner:
    """One `make run`, from the first process to the last."""

    def __init__(self, plan: Plan, environment: Mapping[str, str]) -> None:
        self._plan = plan
        self._environment = environment
        self._client = supervisor.Supervisor(plan.home)
        self._daemon: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start, announce, watch until interrupted, end; raise LaunchError when it cannot start."""
        try:
            self._start()
            self._watch()
        finally:
            self._stop()

    def _start(self) -> None:
        plan = self._plan
        if plan.postgres_password is not None:
            postgres.prepare(plan.home / "postgres", plan.postgres_password)
        first, rest = servers(plan), processes(plan)
        config = supervisor.write_config(plan.home, first, rest)
        self._daemon = supervisor.start(config, self._environment, plan.root)
        self._wait("supervisord", self._answers)
        for program in first:
            self._wait(program.name, self._ready(program))
        operator = self._bootstrap()
        for program in rest:
            self._client.start(program.name)
        self._wait("the desk", lambda: is_ready(plan.host, plan.port))
        self._write_run_file()
        _say(_banner(plan, operator))

    def _ready(self, program: Program) -> Callable[[], bool]:
        plan = self._plan
        port = {"redis": plan.redis_port, "postgres": plan.postgres_port}.get(
            program.name, plan.paper_port
        )
        return lambda: port is not None and port_answers(("127.0.0.1", port))

    def _answers(self) -> bool:
        try:
            self._client.pids()
        except OSError:
            return False
        return True

    def _wait(self, name: str, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not is_ready():
            daemon = self._daemon
            if daemon is not None and daemon.poll() is not None:
                message = f"supervisord ended: see {self._plan.home}/log/supervisord.log."
                raise LaunchError(message)
            if time.monotonic() > deadline:
                message = (
                    f"{name} is not ready after {START_TIMEOUT_S} s: see {self._plan.home}/log/."
                )
                raise LaunchError(message)
            time.sleep(0.05)

    def _bootstrap(self) -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "manage.py", "bootstrap"],
            cwd=self._plan.root,
            env=dict(self._environment),
            capture_output=True,
            text=True,
            check=False,
        )
        log = self._plan.home / "log" / "bootstrap.log"
        log.write_text(done.stderr)
        if done.returncode != 0:
            message = f"The database could not be prepared, see {log}:\n{done.stderr.strip()}"
            raise LaunchError(message)
        answer: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
        return answer

    def _watch(self) -> None:
        written: dict[str, int] = {}
        while self._daemon is not None and self._daemon.poll() is None:
            time.sleep(WATCH_PERIOD_S)
            try:
                pids = self._client.pids()
            except OSError:
                continue  # busy or ending; the loop's own condition sees the latter
            if pids != written:
                self._write_run_file()
                written = pids
        message = f"supervisord ended by itself: see {self._plan.home}/log/supervisord.log."
        raise LaunchError(message)

    def _write_run_file(self) -> None:
        plan = self._plan
        password = plan.redis_password
        content = {
            "web": plan.web_url,
            "paper": plan.paper_url,
            "redis": redis.url(port=plan.redis_port, password=password) if password else None,
            "pids": {**self._client.pids(), "launch": os.getpid()},
        }
        draft = plan.home / "run.json.new"
        draft.touch(mode=0o600)  # the Redis URL carries its password
        draft.write_text(json.dumps(content, indent=2) + "\n")
        draft.replace(plan.home / "run.json")

    def _stop(self) -> None:
        self._client.close()
        daemon = self._daemon
        if daemon is None:
            return
        if daemon.poll() is None:
            _say("Ending ...")
            daemon.terminate()
        try:
            daemon.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
        (self._plan.home / "run.json").unlink(missing_ok=True)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _banner(plan: Plan, operator: Mapping[str, str]) -> str:
    password = operator.get("password")
    login = f"{operator['operator']}   password: {password}   (shown this once)"
    lines = [
        "",
        f"  Desk      {plan.web_url}/desk/",
        f"  Admin     {plan.web_url}/admin/",
        f"  API       {plan.web_url}/api/v1/docs",
        f"  Operator  {login if password else operator['operator']}",
    ]
    if plan.paper_url:
        lines.append(f"  Venue     {plan.paper_url}   (paper: no real money)")
    lines += [
        "",
        "  Try:  AUTH_TOKEN=$(sed -n 's/^AUTH_TOKEN=//p' .env)",
        f'        curl -s {plan.web_url}/api/trade -H "Authorization: Bearer $AUTH_TOKEN" \\',
        "          -H 'Content-Type: application/json' \\",
        '          -d \'{"symbol":"BTCUSDT","side":"BUY","amount":"50","leverage":10}\'',
        "",
        "  Ctrl-C ends everything; `make run` again keeps all data.",
    ]
    return "\n".join(lines)
