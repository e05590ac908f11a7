import itertools
import re
from pathlib import Path

import pytest
from made_reports import Page

import tunewell.tell.report


def test_tags_are_balanced_and_ids_are_unique_and_found(html):
    page = Page(html)
    ids = [attributes["id"] for _, attributes, _ in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes, _ in page.tags:
        named = attributes.get("aria-labelledby", "").split()
        linked = [attributes["href"][1:]] if attributes.get("href", "").startswith("#") else []
        assert set(named + linked) <= set(ids)


def test_one_file_without_script_or_network(html):
    page = Page(html)
    names = {name for name, _, _ in page.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "form", "base", "video"}
    for _, attributes, _ in page.tags:
        assert not any(key.startswith("on") for key in attributes)
        assert not {"src", "srcset", "action", "data"} & set(attributes)
        assert attributes.get("href", "#").startswith(("#", "data:,"))
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style and "@import" not in style
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_headings_are_in_order_and_the_first_is_the_sentence(html):
    page = Page(html)
    levels = [int(name[1]) for name, _, _ in page.tags if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_tables_have_captions_and_scopes_and_pictures_have_words(html):
    page = Page(html)
    assert all(cell.get("scope") in ("row", "col") for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    for picture in page.all("svg"):
        assert picture.get("aria-hidden") == "true" or (
            picture["role"] == "img" and len(picture["aria-labelledby"].split()) == 2
        )
    for _, attributes, _ in page.tags:
        if "scroll" in attributes.get("class", "").split():
            assert attributes["tabindex"] == "0" and attributes["role"] == "region"
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("main")) == len(page.all("header")) == len(page.all("footer")) == 1


def test_lines_of_a_table_are_equally_long(html):
    for table in re.findall(r"<table.*?</table>", html, flags=re.DOTALL):
        widths = set()
        for line in re.findall(r"<tr.*?</tr>", table, flags=re.DOTALL):
            spans = re.findall(r'<t[hd][^>]*colspan="(\d+)"', line)
            widths.add(len(re.findall(r"<t[hd][ >]", line)) - len(spans) + sum(map(int, spans)))
        assert len(widths) == 1


def test_nothing_is_left_of_what_hides(html):
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff]", html
    )
    html.encode("utf-8")


def brightness(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((brightness(one), brightness(other)))
    return (light + 0.05) / (dark + 0.05)


def blended(tone, share, ground):
    parts = [int(ground[at : at + 2], 16) for at in (1, 3, 5)]
    mixed = [round(p + share * (int(t) - p)) for p, t in zip(parts, tone.split(), strict=True)]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def palettes():
    home = Path(tunewell.tell.report.__file__).parent
    css = (home / "templates" / "report.css").read_text(encoding="utf-8")
    shades = dict(re.findall(r"rgb\(var\(--(right|wrong)\) / calc\(.*? \* (\.\d+)\)\)", css))
    for block in re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL):
        found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", block))
        colours = {
            key: value if len(value) == 7 else "#" + "".join(2 * digit for digit in value[1:])
            for key, value in found.items()
        }
        for name, tone in re.findall(r"--(right|wrong): (\d+ \d+ \d+);", block):
            colours[name] = blended(tone, float(shades[name]), colours["surface"])
        yield colours


@pytest.mark.parametrize("colours", list(palettes()), ids=["light", "dark", "print"])
def test_contrast_is_enough(colours):
    for ground in ("paper", "surface", "accent-soft"):
        for letters in ("ink", "soft", "accent"):
            assert contrast(colours[letters], colours[ground]) >= 4.5
    assert contrast(colours["warn"], colours["warn-soft"]) >= 4.5
    for shade in ("right", "wrong"):
        assert contrast(colours["ink"], colours[shade]) >= 4.5
