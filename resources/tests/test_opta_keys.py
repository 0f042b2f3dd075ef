"""The key file: what is refused, when it is read again, and that no key leaks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import opta_keys
import pytest
from real_litellm import ANNA_KEY, BEN_KEY, write_keys

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"keys": {}}',
        '{"keys": ["sk-plain-text"]}',
        '{"keys": [{"name": "anna"}]}',
        '{"keys": [{"name": "", "key": "sk-x"}]}',
        '{"keys": [{"name": "anna", "key": ""}]}',
        '{"keys": [{"name": "anna", "key": 7}]}',
    ],
)
def test_refuses_a_broken_key_file(text: str) -> None:
    with pytest.raises(opta_keys.KeyFileError):
        opta_keys.parse_client_keys(text)


def test_errors_and_representations_carry_no_key() -> None:
    with pytest.raises(opta_keys.KeyFileError) as caught:
        opta_keys.parse_client_keys('{"keys": [{"name": "anna", "key": "sk-secret"}')
    assert "sk-secret" not in repr(caught.value)
    assert caught.value.__cause__ is None
    keys = opta_keys.parse_client_keys('{"keys": [{"name": "anna", "key": "sk-secret"}]}')
    assert "anna" in repr(keys)
    assert "sk-secret" not in repr(keys)


def test_reads_the_key_file_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "clients.json"
    write_keys(path, {"anna": ANNA_KEY})
    file = opta_keys.KeyFile(str(path))
    assert [key.name for key in file.read()] == ["anna"]
    write_keys(path, {"ben": BEN_KEY})
    assert [key.name for key in file.read()] == ["ben"]
    # In place with the same size and time a change is invisible, so the test changes the time.
    path.write_text(path.read_text(encoding="utf-8").replace("ben", "bob"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert [key.name for key in file.read()] == ["bob"]


def test_reads_a_key_file_with_a_byte_order_mark_as_the_core_does(tmp_path: Path) -> None:
    path = tmp_path / "clients.json"
    write_keys(path, {"anna": ANNA_KEY})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [key.name for key in opta_keys.KeyFile(str(path)).read()] == ["anna"]


def test_refuses_a_key_file_that_others_can_read_or_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "clients.json"
    write_keys(path, {"anna": ANNA_KEY})
    file = opta_keys.KeyFile(str(path))
    file.read()
    path.chmod(0o640)
    with pytest.raises(opta_keys.KeyFileError, match="0640, not 0600"):
        file.read()
    path.chmod(0o600)
    assert len(file.read()) == 1
    path.unlink()
    with pytest.raises(opta_keys.KeyFileError, match="No such file"):
        file.read()
