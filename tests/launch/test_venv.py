"""The virtual environment of `make run`: made once, refused with one sentence."""

from pathlib import Path

import pytest

from tradeops.launch import venv

HASH = "0" * 64


@pytest.fixture
def empty_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands for a fresh clone on a machine without a network."""
    monkeypatch.setattr(venv, "ROOT", tmp_path)
    monkeypatch.setattr(venv, "VENV", tmp_path / ".venv")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    return tmp_path


def test_another_python_is_refused_by_its_version() -> None:
    with pytest.raises(venv.VenvError, match=r"needs Python 3\.11, this is 3\.12\.1"):
        venv.require_python((3, 12, 1))
    venv.require_python((3, 11, 0))


def test_an_empty_lock_makes_the_environment_once(empty_clone: Path) -> None:
    (empty_clone / "requirements.lock").write_text("")

    venv.ensure("runtime")
    stamp = empty_clone / ".venv" / ".runtime.sha256"
    made_ns = stamp.stat().st_mtime_ns
    venv.ensure("runtime")

    assert (empty_clone / ".venv" / "bin" / "python").exists()
    assert stamp.stat().st_mtime_ns == made_ns


def test_without_network_the_sentence_names_lock_and_details(empty_clone: Path) -> None:
    (empty_clone / "requirements.lock").write_text(f"django==5.2.19 --hash=sha256:{HASH}\n")

    with pytest.raises(
        venv.VenvError, match=r"requirements\.lock could not be downloaded.*network"
    ):
        venv.ensure("runtime")

    assert not (empty_clone / ".venv" / ".runtime.sha256").exists()
    assert (empty_clone / ".venv" / "install.log").read_text()
