"""Starts LiteLLM's own command, faster, and only on the given port.

    python -I opta_litellm.py --config config.yaml --host 127.0.0.1 --port 4000

The command line is LiteLLM's. Added before it runs:

- Python's garbage collector is off while LiteLLM's 4,000 modules load, which produce almost no garbage and millions of objects
  to search. Measured on LiteLLM 1.106.2 and Python 3.11, medians of five: 4.7 s of CPU time instead of 7.1 s until
  /health/liveliness answers.
- Our gate wraps LiteLLM's application (opta_gate.py, opta_connections.py): a request without a valid key never reaches it.
- A taken port is reported at once instead of after 5 s of loading, and port 4000 is not special: LiteLLM would move to a random
  port if 4000 is taken (proxy_cli.py, `is_port_in_use`), where no client finds it.
"""

from __future__ import annotations

import errno
import gc
import itertools
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fastapi import FastAPI

# uvicorn's own status for "could not start" (uvicorn/main.py, STARTUP_FAILURE).
STARTUP_FAILURE: Final = 3

LOOPBACK_OR_ANY: Final = frozenset({"127.0.0.1", "localhost", "0.0.0.0", "::", "::1"})
LITELLM_DEFAULT_PORT: Final = 4000


def option(argv: list[str], name: str) -> str | None:
    """Value of `name VALUE` on the command line, or None."""
    return next((value for flag, value in itertools.pairwise(argv) if flag == name), None)


def listen_failure(host: str, port: int) -> str | None:
    """Why this process cannot listen there, in the words uvicorn would use later; None when it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        return f"[Errno {error.errno}] error while looking up host {host!r}: {error.strerror}"
    with socket.socket(family, kind, protocol) as probe:
        # As asyncio does for servers: connections of a process that just ended don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return bind_failure(host, port, error.errno or 0)
    # BSD lets two processes bind one port, to `*` and to a single address, if both set SO_REUSEADDR: try to connect.
    if (host in LOOPBACK_OR_ANY or port == LITELLM_DEFAULT_PORT) and answers_on_loopback(port):
        return bind_failure(host, port, errno.EADDRINUSE)
    return None


def bind_failure(host: str, port: int, code: int) -> str:
    """uvicorn's line for a failed bind."""
    return f"[Errno {code}] error while attempting to bind on address ({host!r}, {port}): {os.strerror(code).lower()}"


def answers_on_loopback(port: int) -> bool:
    """Whether some process accepts connections on this port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def guard(app: FastAPI) -> None:
    """Wrap LiteLLM's application in our gate and time-limit its connections. Not for a user's own LiteLLM configuration, which
    has its own keys.
    """
    import functools

    import uvicorn

    from opta_connections import GuardedConnection
    from opta_gate import Gate
    from opta_settings import read_settings

    # Starlette puts the middleware that is added last outermost.
    app.add_middleware(Gate, settings=read_settings())
    # LiteLLM's command line has no options for uvicorn's `http` and `ws`; it calls `uvicorn.run` (proxy_cli.py).
    uvicorn.run = functools.partial(uvicorn.run, http=GuardedConnection, ws="none")


def main() -> None:
    """Run LiteLLM with the arguments of this process."""
    host, port = option(sys.argv, "--host"), option(sys.argv, "--port")
    if host is not None and port is not None and port.isdecimal():
        failure = listen_failure(host, int(port))
        if failure is not None:
            print(f"ERROR:    {failure}", file=sys.stderr)
            sys.exit(STARTUP_FAILURE)

    # For the modules beside this file: `-I` keeps all folders but Python's own off the path. Last, so that they shadow nothing.
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))

    gc.disable()
    import litellm.proxy.proxy_server
    from litellm import run_server

    if os.environ.get("OPTA_ROUTER_SETTINGS"):
        from opta_status import StatusPage

        app = litellm.proxy.proxy_server.app
        # Before the gate, so that the gate wraps it too.
        app.add_middleware(StatusPage)
        guard(app)

    # What was loaded stays for the life of the process, so later collections can skip it.
    gc.freeze()
    gc.enable()
    from opta_ending import end

    # Before uvicorn's own handler, which raises the signal again after the last answer.
    signal.signal(signal.SIGTERM, end)
    sys.argv[0] = "litellm"
    run_server()


if __name__ == "__main__":
    main()
