"""The encoding is found; a guess is told, and one that cannot be right is refused."""

from __future__ import annotations

import pytest

from tunewell.errors import DataError
from tunewell.read import read_rows

WESTERN = {
    "French": "Le café était très agréable, à côté de la gare. Où est l'œuvre ? Ça va, Noël.",
    "German": "Das Essen war überhaupt nicht schön, große Enttäuschung. Ärgerlich für die Gäste.",
    "Spanish": "El niño comió mañana, ¿qué pasó? ¡Increíble! Un pingüino.",
    "Portuguese": "Não gostei da refeição, muito cara. É ótimo às vezes; há três anos.",
    "Italian": "Perché non è così? Più buono, però in città.",
    "Catalan": "La cuina és bona però el servei és dolent, l'any passat això no passava, çò és.",
    "Swedish": "Maten var jättebra och läckert på kvällen. Öl är gott.",
    "Danish": "Maden var ikke særlig god, men køen på gaden var lang. Ærgerligt.",
    "Finnish": "Hyvää päivää, tämä on hyvä. Äyriäisiä söimme myös.",
    "Icelandic": "Það er ekki gott að fara þangað. Maðurinn sá ýsu í sjónum. Ætli það sé?",
    "Dutch": "De coördinatie was slecht, één keer geprobeerd. Drieëntwintig ideeën.",
    "English": "A naïve café, “quoted” – he said it’s fine… £5 or €6, 20°",
}
OTHERS = {
    "Czech": ("cp1250", "Příliš žluoučký kůň úpěl. Není to špatné, číšník byl nepříjemný."),
    "Polish": ("cp1250", "Była żona źle się czuła, dziękuję. Jakość świetna, mąż oddałem."),
    "Hungarian": (
        "cp1250",
        "Őszintén szólva tűz van, öröm és üröm. Szörnyű, többé nem.",
    ),
    "Romanian": ("cp1250", "Mâncarea a fost foarte bună, mulţumesc. Aş mai veni, însă preţul."),
    "Croatian": ("cp1250", "Hrana je bila loša. Konobar ljubazan, što je češće, međutim već."),
    "Turkish": ("cp1254", "Hızlı kargo teşekkürler, ürün çok güzel. Hiç beğenmedim, değil."),
    "Lithuanian": ("cp1257", "Maistas buvo labai skanus, ačiū. Žmonės šnekėjo, ąžuolas žydėjo."),
    "Russian": ("cp1251", "Еда была отличная, спасибо."),
    "Bulgarian": ("koi8-r", "Храната беше много добра."),
    "Greek": ("cp1253", "Το φαγητό ήταν εξαιρετικό."),
    "Hebrew": ("cp1255", "האוכל היה מצוין, תודה"),
    "Japanese": ("shift_jis", "料理はとてもおいしかったです。"),
    "Chinese": ("gbk", "菜很好吃,服务也不错。"),
    "Korean": ("euc_kr", "음식이 맛있었어요."),
    "an old Mac": ("mac_roman", "Das Essen war überhaupt nicht schön, große Enttäuschung."),
}
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


def table(text: str) -> str:
    return f'text,label\n"plain words",1\n"{text}",0\n"more plain words",1\n'


def texts(path, told=None):
    tell = [] if told is None else told
    return [cells["text"] for _, cells in read_rows(path, tell.append)]


@pytest.mark.parametrize("language", WESTERN)
def test_western_texts_without_a_mark(content, language):
    told = []
    found = texts(content(table(WESTERN[language]).encode("cp1252")), told)
    assert found == ["plain words", WESTERN[language], "more plain words"]
    (fault,) = told
    assert fault.kind == "encoding" and fault.severity == "note" and fault.rows == (3,)
    assert "Windows-1252" in fault.sentence or "Latin-1" in fault.sentence
    assert "row 3, column 'text'" in fault.sentence


@pytest.mark.parametrize("language", OTHERS)
def test_other_texts_without_a_mark_are_refused_where_they_begin(content, language):
    codec, text = OTHERS[language]
    path = content(table(text).encode(codec))
    with pytest.raises(DataError, match="row 3") as caught:
        texts(path)
    assert "UTF-8" in caught.value.found and "Save it as UTF-8" in caught.value.remedy


@pytest.mark.parametrize("codec", UNICODE)
@pytest.mark.parametrize("language", [*WESTERN, *OTHERS])
def test_unicode_with_and_without_a_mark(content, codec, language):
    text = WESTERN.get(language) or OTHERS[language][1]
    assert texts(content(table(text).encode(codec)))[1] == text


def test_one_foreign_name_in_a_long_english_file(content):
    rows = "".join(f"plain English words in row {n},1\n" for n in range(2, 500))
    russian = f"text,label\n{rows}and then Привет,0\n".encode("cp1251")
    with pytest.raises(DataError, match=r"row 500, column 'text'.*'Ïðèâåò'"):
        texts(content(russian))
    czech = f"text,label\n{rows}and then Dvořák,0\n".encode("cp1250")
    told = []
    assert texts(content(czech), told)[-1] == "and then Dvoøák"
    assert "'Dvoøák' (row 500, column 'text')" in told[0].sentence


def test_utf_8_with_some_damage_stays_utf_8(content):
    rows = [f"naïve {n}" for n in range(50)]
    good = "text\n" + "\n".join(rows)
    broken = good.encode().replace(b"ve 30", b"v\xe9 30")
    with pytest.raises(DataError, match="row 32, column 'text': the byte 0xE9"):
        texts(content(broken))
    with pytest.raises(DataError, match="row 51, column 'text': the byte 0xC3"):
        texts(content(good.encode()[:-6]))


def test_the_first_letter_may_stand_far_behind(content):
    rows = "".join(f"plain words {n}\n" for n in range(200_000))
    told = []
    assert texts(content(f"text\n{rows}café\n".encode("latin-1")), told)[-1] == "café"
    assert "(row 200002, column 'text')" in told[0].sentence


def test_a_name_of_a_column_may_show_it(content):
    told = []
    rows = list(read_rows(content("texte,catégorie\na,1\n".encode("latin-1")), told.append))
    assert rows == [(2, {"texte": "a", "catégorie": "1"})]
    assert "'catégorie' (a column's name)" in told[0].sentence


def test_a_changed_file_is_looked_at_again(content):
    assert texts(content("text\ncafé\n".encode("latin-1"))) == ["café"]
    assert texts(content("text\ncafés\n".encode())) == ["cafés"]
