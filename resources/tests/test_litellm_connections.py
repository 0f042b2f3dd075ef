"""LiteLLM opens a new connection to llama-server for each request, because a kept one may have been closed meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys

from real_litellm import KEPT_ALIVE

PRINT_KEPT_S = """
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler
transport = AsyncHTTPHandler._create_aiohttp_transport()
async def main():
    print(transport._get_valid_client_session().connector._keepalive_timeout)
import asyncio
asyncio.run(main())
"""


def test_keeps_connections_as_long_as_the_environment_says() -> None:
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LITELLM_LOCAL_MODEL_COST_MAP": "True", **KEPT_ALIVE}
    told = subprocess.run([sys.executable, "-c", PRINT_KEPT_S], env=env, capture_output=True, text=True, check=True)
    assert told.stdout.split()[-1] == "0"
