"""Seals open for the right key in the right place, and for nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.sealing.envelope import (
    SealError,
    SealFault,
    generate_keypair,
    key_id_of,
    seal,
    unseal,
)

PUBLIC, PRIVATE = generate_keypair()
OTHER_PUBLIC, OTHER_PRIVATE = generate_keypair()


@given(plaintext=st.binary(max_size=500), context=st.text(max_size=40))
def test_unseal_right_key_and_context_returns_the_plaintext(plaintext: bytes, context: str) -> None:
    sealed = seal(plaintext, public_key=PUBLIC, context=context)

    assert unseal(sealed, private_keys=[OTHER_PRIVATE, PRIVATE], context=context) == plaintext


def test_seal_same_text_twice_differs() -> None:
    first = seal(b"secret", public_key=PUBLIC, context="account:1")

    assert first != seal(b"secret", public_key=PUBLIC, context="account:1")
    assert "secret" not in first


def test_unseal_other_context_is_broken() -> None:
    sealed = seal(b"secret", public_key=PUBLIC, context="account:1")

    with pytest.raises(SealError) as caught:
        unseal(sealed, private_keys=[PRIVATE], context="account:2")

    assert caught.value.fault is SealFault.SEAL_BROKEN


@pytest.mark.parametrize("keys", [[], [OTHER_PRIVATE]])
def test_unseal_without_the_key_is_unknown(keys: list[str]) -> None:
    sealed = seal(b"secret", public_key=PUBLIC, context="account:1")

    with pytest.raises(SealError) as caught:
        unseal(sealed, private_keys=keys, context="account:1")

    assert caught.value.fault is SealFault.KEY_UNKNOWN


def test_unseal_public_key_in_place_of_the_private_one_is_broken() -> None:
    sealed = seal(b"secret", public_key=PUBLIC, context="account:1")

    with pytest.raises(SealError) as caught:
        unseal(sealed, private_keys=[PUBLIC], context="account:1")

    assert caught.value.fault is SealFault.SEAL_BROKEN


def test_unseal_any_changed_character_never_opens() -> None:
    sealed = seal(b"secret", public_key=PUBLIC, context="account:1")
    start = sealed.rindex(".") + 1

    for place in range(start, len(sealed) - 1):  # the last character may carry unused bits
        changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(SealError):
            unseal(changed, private_keys=[PRIVATE], context="account:1")


@pytest.mark.parametrize("text", ["", "v1", "v1.k.", "v1.k.AAAA", "v2.k.AAAA", "plain secret"])
def test_unseal_something_else_is_malformed(text: str) -> None:
    with pytest.raises(SealError) as caught:
        unseal(text, private_keys=[PRIVATE], context="account:1")

    assert caught.value.fault is SealFault.SEAL_MALFORMED


@pytest.mark.parametrize("key", ["", "abc", "abc:", ":AAAA", "abc:AAAA", "abc:!!!!"])
def test_seal_with_something_that_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(SealError) as caught:
        seal(b"secret", public_key=key, context="account:1")

    assert caught.value.fault is SealFault.KEY_MALFORMED


def test_key_id_is_the_same_in_both_halves_and_in_the_seal() -> None:
    sealed = seal(b"secret", public_key=PUBLIC, context="account:1")

    assert key_id_of(PUBLIC) == key_id_of(PRIVATE) == key_id_of(sealed)
    assert key_id_of(PUBLIC) != key_id_of(OTHER_PUBLIC)
