"""The seal of payment tokens."""

from base64 import b64encode, urlsafe_b64encode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.payments.seal import Seal, SealError, is_sealed, new_key, read_key

ORDER = UUID(int=1)
OLD, NEW = bytes(range(32)), bytes(range(32, 64))


@given(st.text("tok_4 é€\0:="))
def test_what_was_closed_opens_to_what_it_was_and_does_not_show_it(token: str) -> None:
    text = Seal([NEW]).close(token, ORDER)
    assert is_sealed(text)
    assert len(token) < 4 or token not in text
    assert Seal([NEW]).open(text, ORDER) == token


def test_the_same_token_never_looks_the_same() -> None:
    seal = Seal([NEW])
    assert len({seal.close("tok_ok", ORDER) for _ in range(10)}) == 10


def test_keys_are_changed_by_adding_the_new_one_then_sealing_with_it_then_dropping_the_old_one() -> None:
    before = Seal([OLD]).close("tok_ok", ORDER)
    for keys in ([OLD, NEW], [NEW, OLD]):
        assert Seal(keys).open(before, ORDER) == "tok_ok"
    after = Seal([NEW, OLD]).close("tok_ok", ORDER)
    assert Seal([NEW]).open(after, ORDER) == "tok_ok"
    assert Seal([OLD, NEW]).open(after, ORDER) == "tok_ok"


def test_without_its_key_a_token_stays_closed_and_the_setting_is_named() -> None:
    text = Seal([OLD]).close("tok_secret", ORDER)
    with pytest.raises(SealError, match="WARREN_SEAL_KEYS") as error:
        Seal([NEW]).open(text, ORDER)
    assert "tok_secret" not in str(error.value)


def test_a_token_does_not_open_beside_another_order_nor_when_it_was_changed() -> None:
    seal = Seal([NEW])
    text = seal.close("tok_ok", ORDER)
    with pytest.raises(SealError, match="another order"):
        seal.open(text, UUID(int=2))
    with pytest.raises(SealError, match="was changed"):
        seal.open(text[:-2] + ("AA" if text[-2:] != "AA" else "BB"), ORDER)


@pytest.mark.parametrize("text", ["sealed:", "sealed:x", "sealed:ä", "sealed:AAAA"])
def test_what_only_says_that_it_is_sealed_is_told(text: str) -> None:
    with pytest.raises(SealError):
        Seal([NEW]).open(text, ORDER)


def test_what_is_not_sealed_is_given_as_it_is() -> None:
    assert Seal([NEW]).open("tok_ok", ORDER) == "tok_ok"


def test_a_token_that_says_it_is_sealed_is_sealed_all_the_same() -> None:
    seal = Seal([NEW])
    assert seal.open(seal.close("sealed:x", ORDER), ORDER) == "sealed:x"


def test_without_keys_there_is_one_for_as_long_as_the_process_lives() -> None:
    seal = Seal()
    assert seal.open(seal.close("tok_ok", ORDER), ORDER) == "tok_ok"
    with seal.keyed([NEW]):
        assert Seal([NEW]).open(seal.close("tok_ok", ORDER), ORDER) == "tok_ok"
    with pytest.raises(SealError):
        Seal([NEW]).open(seal.close("tok_ok", ORDER), ORDER)


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_a_key_is_read_in_both_alphabets(encode: object) -> None:
    assert callable(encode)
    for key in (NEW, b"\xff\xfe" * 16, new_key()):
        assert read_key(encode(key).decode()) == key


@pytest.mark.parametrize("text", ["", "short", b64encode(bytes(range(31))).decode(), "ä" * 44, "not base64!" * 4])
def test_what_is_no_key_is_refused_with_the_setting_and_without_its_text(text: str) -> None:
    with pytest.raises(SealError, match="WARREN_SEAL_KEYS") as error:
        read_key(text)
    assert not text or text not in str(error.value)
    with pytest.raises(SealError, match="WARREN_SEAL_KEYS"):
        Seal([b"too short"])
