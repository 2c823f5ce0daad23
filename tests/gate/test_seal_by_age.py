"""Where pyrage is not installed the age command seals; where neither is, nothing is granted or sealed. Around 3 s."""

import os
import shutil
import sys
import time
from dataclasses import replace

import numpy as np
import pyrage
import pytest

from tests.gate.test_seal import clip, finish, listen, opened, request
from tests.gate.world import IDENTITY, World, find
from wakegate.consent import sealing
from wakegate.consent.grant import checked_keys
from wakegate.errors import ConfigError, SealError
from wakegate.events import Purpose
from wakegate.gate.clip import CLASSES
from wakegate.gate.seal import Sealing

KEY = str(IDENTITY.to_public())


@pytest.fixture(autouse=True)
def no_pyrage(monkeypatch):
    """Whoever looks for pyrage finds none; this file has it already, to open what was sealed."""
    monkeypatch.setitem(sys.modules, "pyrage", None)


@pytest.fixture
def age(no_pyrage):
    if sealing.tool() is None:
        if os.environ.get("WAKEGATE_REQUIRE_AGE") == "1":
            pytest.fail("the age tool is missing: apt-get install age")
        pytest.skip("the age tool is not installed (apt-get install age)")


def test_a_request_is_granted_and_sealed_by_age_and_opens_as_any_other(age, tmp_path, monkeypatch):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)
    sound = request()
    listen(world, sound)
    (path,) = world.clips(Purpose.REVIEW)
    assert path.read_bytes().startswith(b"age-encryption.org/v1\n") and path.stat().st_mode & 0o777 == 0o600
    samples, header = opened(path)
    assert len(samples) == CLASSES[2] and find(samples[: header["samples"]], sound) == 8_000


def test_every_recipient_and_nobody_else_can_open_it(age, tmp_path):
    other, stranger = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    one = clip()
    grant = replace(one.grant, keys=(KEY, str(other.to_public())))
    sealing_one = Sealing(replace(one, grant=grant), [np.full(24_000, 0x1212, np.int16)], tmp_path, 0.0)
    spare = os.dup(sealing_one._clear)
    finish(sealing_one)
    sealed = sealing_one.part.read_bytes()
    assert pyrage.decrypt(sealed, [IDENTITY]) == pyrage.decrypt(sealed, [other])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [stranger])
    assert not any(os.pread(spare, 1 << 20, 0)), "the clear clip is overwritten"
    os.close(spare)


@pytest.mark.parametrize(
    "keys", [(), ("age1nonsense",), ("/etc/passwd",), (KEY, KEY[:-1] + ("q" if KEY[-1] == "x" else "x"))]
)
def test_a_bad_key_seals_nothing(age, tmp_path, keys):
    one = clip()
    failed = Sealing(replace(one, grant=replace(one.grant, keys=keys)), [np.ones(24_000, np.int16)], tmp_path, 0.0)
    with pytest.raises(SealError, match=r"code [34]: is the grant's key valid"):
        finish(failed)
    failed.drop()
    assert list(tmp_path.iterdir()) == []


def test_dropped_in_the_middle_age_dies_too(age, tmp_path):
    dropped = Sealing(clip(), [np.ones(24_000, np.int16)], tmp_path, 0.0)
    dropped.drop()
    time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []
    dropped.drop()


WRONG = {
    "short": KEY[:-1],
    "one letter changed": KEY[:-1] + ("q" if KEY[-1] != "q" else "p"),
    "capitals inside": KEY[:4] + KEY[4:].upper(),
    "two keys": f"{KEY}\n{KEY}",
    "a comment": "# " + KEY,
    "an ssh key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmnGbXwJ8n3fDqGjUe7SLNSwYUfKXDqkPnXXhTrVfzw",
    "an option": "--version",
    "nothing": "",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_key_that_pyrage_would_refuse_is_refused_and_not_repeated(age, name):
    with pytest.raises(ConfigError, match="this is no age public key") as caught:
        checked_keys(Purpose.REVIEW, [WRONG[name]])
    assert not WRONG[name] or WRONG[name] not in str(caught.value)


def test_a_good_key_is_the_same_by_both(age):
    assert checked_keys(Purpose.REVIEW, [f" {KEY}\n"]) == (KEY,)


@pytest.mark.parametrize("age", [b"\x7fELF cut short", b"#!/bin/sh\nexec sleep 60\n"], ids=["damaged", "hangs"])
def test_a_command_that_does_not_run_or_does_not_end_is_no_fault_of_the_keys(tmp_path, monkeypatch, age):
    (tmp_path / "age").write_bytes(age)
    (tmp_path / "age").chmod(0o755)
    monkeypatch.setattr(sealing, "COMMANDS", (tmp_path / "age",))
    monkeypatch.setattr(sealing, "PATIENCE_S", 0.2)
    with pytest.raises(ConfigError, match=r"/age does not do what it should .*: install it anew"):
        checked_keys(Purpose.REVIEW, [KEY])


def test_with_neither_nothing_is_granted_or_sealed_and_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(sealing, "COMMANDS", (tmp_path / "age",))
    with pytest.raises(ConfigError, match="apt install age"):
        checked_keys(Purpose.REVIEW, [KEY])
    with pytest.raises(SealError, match="apt install age"):
        Sealing(clip(), [np.ones(24_000, np.int16)], tmp_path, 0.0)
    assert list(tmp_path.iterdir()) == []


def test_path_does_not_choose_the_command(tmp_path, monkeypatch):
    """Whoever sets PATH would read every clip."""
    shutil.copy("/bin/true", tmp_path / "age")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sealing.tool() in (None, "/usr/bin/age", "/usr/local/bin/age")
