"""Page tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.api.paging import page, read_token, token
from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid

ROW = "018e2d5f-0000-7000-8000-000000000001"


def test_a_token_is_read_back_for_its_own_list():
    made = token("pipelines", Micros(17), ROW)
    assert read_token("pipelines", made) == (17, ROW)
    with pytest.raises(Invalid):
        read_token("workflows", made)


@pytest.mark.parametrize("text", [None, ""])
def test_an_absent_or_empty_token_is_the_first_page(text: str | None):
    assert read_token("pipelines", text) is None


@given(st.text(max_size=120))
def test_whatever_is_no_token_is_refused_and_nothing_else_happens(text: str):
    if text:
        with pytest.raises(Invalid, match="page token"):
            read_token("pipelines", text)


def test_a_page_has_a_last_row_only_when_more_follows():
    assert page([1, 2], 2) == ([1, 2], None)
    assert page([1, 2, 3], 2) == ([1, 2], 2)
