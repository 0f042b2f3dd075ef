"""Fixtures, and the modules under test on the path, as opta_litellm.py puts them there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

from real_litellm import Engine, Proxy, serve_litellm

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A stand-in for llama-server that answers when the test says so."""
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def proxy(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The real LiteLLM, serving: two slots, one may wait, everything on."""
    yield from serve_litellm(tmp_path_factory.mktemp("litellm"), engine)
