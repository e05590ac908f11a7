import pytest

from tunewell.tell import text


@pytest.mark.parametrize("hidden", list("\u202e\u2066\u200b\u200f\x1b\x00\x07\x7f\x85\u2028\ufeff"))
def test_what_hides_is_written_out(hidden):
    shown = text.visible(f"a{hidden}b")
    assert hidden not in shown
    assert shown == f"a⟨U+{ord(hidden):04X}⟩b"


@pytest.mark.parametrize(
    "plain", ["two\nlines\tand a tab", "naïve café", "مرحبا", "नमस्ते", "👩‍👩‍👧 family", "价格"]
)
def test_ordinary_texts_stay_as_they_are(plain):
    assert text.visible(plain) == plain


def test_half_a_surrogate_pair_can_be_written():
    text.visible("\ud83d").encode("utf-8")


def test_clean_reaches_every_text_and_key():
    dirty = {"a\x1b": ["b\u202e", {"c": "d\x00"}], "number": 1.5, "none": None}
    clean = text.clean(dirty)
    assert clean == {"a⟨U+001B⟩": ["b⟨U+202E⟩", {"c": "d⟨U+0000⟩"}], "number": 1.5, "none": None}


def test_texts_of_different_spelling_stay_different():
    assert text.visible("a\u200b") != text.visible("a")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("macro F1", "Macro F1"), ("chrF", "chrF"), ("BLEU", "BLEU"), ("", ""), ("a b", "A b")],
)
def test_a_name_with_large_letters_inside_stays_as_it_is(name, shown):
    assert text.capital(name) == shown
