"""What a first start writes into `.env`, and what later starts leave alone."""

from pathlib import Path

from accounts.sealing.envelope import seal, unseal
from tradeops.launch import env_file


def test_complete_on_a_new_folder_writes_fresh_secrets_for_the_owner_only(tmp_path: Path) -> None:
    values = env_file.complete(tmp_path / ".env", {}, database="")
    other = env_file.complete(tmp_path / "other.env", {}, database="")

    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert values["TRADEOPS_ENV"] == "paper"
    for name in ("SECRET_KEY", "AUTH_TOKEN", "REDIS_PASSWORD", "SEAL_PRIVATE_KEYS"):
        assert len(values[name]) >= 32
        assert values[name] != other[name]
    assert env_file.read(tmp_path / ".env") == values


def test_complete_writes_a_seal_pair_that_fits_together(tmp_path: Path) -> None:
    values = env_file.complete(tmp_path / ".env", {}, database="")

    sealed = seal(b"key", public_key=values["SEAL_PUBLIC_KEY"], context="here")

    assert unseal(sealed, private_keys=[values["SEAL_PRIVATE_KEYS"]], context="here") == b"key"


def test_complete_twice_changes_nothing(tmp_path: Path) -> None:
    env_file.complete(tmp_path / ".env", {}, database="")
    before = (tmp_path / ".env").read_text()

    env_file.complete(tmp_path / ".env", {}, database="")

    assert (tmp_path / ".env").read_text() == before


def test_complete_keeps_lines_of_the_operator_and_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# mine\nALLOWED_SYMBOLS=BTCUSDT\nAUTH_TOKEN=chosen\n")
    path.chmod(0o644)

    values = env_file.complete(path, {"SECRET_KEY": "from the environment"}, database="")

    assert path.read_text().startswith("# mine\nALLOWED_SYMBOLS=BTCUSDT\nAUTH_TOKEN=chosen\n")
    assert "SECRET_KEY" not in values
    assert path.stat().st_mode & 0o777 == 0o600


def test_complete_with_a_redis_url_makes_no_password_of_its_own(tmp_path: Path) -> None:
    values = env_file.complete(tmp_path / ".env", {"REDIS_URL": "redis://elsewhere"}, database="")

    assert "REDIS_PASSWORD" not in values


def test_complete_remembers_the_chosen_database(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    first = env_file.complete(path, {}, database="pg")

    again = env_file.complete(path, {}, database="")
    back = env_file.complete(path, {}, database="sqlite")

    assert again["TRADEOPS_DB"] == "pg"
    assert again["POSTGRES_PASSWORD"] == first["POSTGRES_PASSWORD"]
    assert back["TRADEOPS_DB"] == "sqlite"
    assert path.read_text().count("TRADEOPS_DB=") == 1
