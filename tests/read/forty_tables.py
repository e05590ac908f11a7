"""Tables as people have them: those that are read right, and those that are refused."""

from __future__ import annotations

import gzip
import json
from datetime import datetime

from table_makers import Pairs, Table, computed, dumped, excel, objects, parquet, table

PLAIN: Pairs = [(f"a plain text, number {n}", ("good", "bad")[n % 2]) for n in range(40)]
MORE: Pairs = [(f"another text, number {n}", ("good", "bad")[n % 2]) for n in range(40)]
FRENCH: Pairs = [
    (f"Le café était très agréable, nº {n}", ("bon", "raté")[n % 2]) for n in range(40)
]
CHINESE: Pairs = [(f"菜很好吃,服务也不错。一共{n}次", ("好", "坏")[n % 2]) for n in range(40)]
COLUMNS = {"text": [text for text, _ in PLAIN], "label": [label for _, label in PLAIN]}
OBJECTS = objects(PLAIN)
HEADED = [("text", "label"), *PLAIN]
NUMBERED: Pairs = [(text, "01"[label == "bad"]) for text, label in PLAIN]
LONG = "word " * 4_000_000
QUOTES: Pairs = [('He said "no",\nand went', "good"), ("two\r\nlines; here", "bad"), *PLAIN]
ODD_CELLS = ["NA", "null", "1e5", "-", "nan", "TRUE", " x ", "0.10", "1/2"]
AS_WRITTEN: Pairs = [(each, f"00{n % 2}") for n, each in enumerate(ODD_CELLS * 4)]
CURLY: Pairs = [(f"it’s “fine” – café {n}", ("good", "bad")[n % 2]) for n in range(40)]
GERMAN: Pairs = [(f"Schöne Grüße aus Österreich {n}", ("gut", "böse")[n % 2]) for n in range(40)]
CUT = [(*PLAIN[0], "", ""), ("a text that", "good", " was cut", ""), *((*p, "", "") for p in PLAIN)]
DATES = [
    ("text", "rating", "day"),
    *((t, float(n % 3), datetime(2026, 1, 1 + n % 2)) for n, (t, _) in enumerate(PLAIN)),
]

READ = [
    Table("utf8_mark.csv", ("\ufeff" + table(FRENCH)).encode(), FRENCH),
    Table("unicode_text.txt", table(FRENCH, delimiter="\t", end="\r\n").encode("utf-16"), FRENCH),
    Table("utf16_be.csv", b"\xfe\xff" + table(CHINESE).encode("utf-16-be"), CHINESE),
    Table(
        "utf16_le_no_mark.csv",
        table(FRENCH).encode("utf-16-le"),
        FRENCH,
        words=("UTF-16", "'café'", "row 2, column 'text'"),
    ),
    Table("utf16_be_no_mark.csv", table(CHINESE).encode("utf-16-be"), CHINESE, words=("UTF-16",)),
    Table(
        "windows.csv",
        table(CURLY).encode("cp1252"),
        CURLY,
        words=("Windows-1252", "'it’s'", "row 2"),
    ),
    Table(
        "latin.csv",
        table(GERMAN, delimiter=";").encode("latin-1"),
        GERMAN,
        words=("Latin-1", "'Schöne'"),
    ),
    Table(
        "latin_late.csv",
        table([*PLAIN, *FRENCH]).encode("latin-1"),
        [*PLAIN, *FRENCH],
        words=("'café'", "row 42"),
    ),
    Table(
        "latin.jsonl",
        "\n".join(json.dumps(o, ensure_ascii=False) for o in objects(FRENCH)).encode("cp1252"),
        FRENCH,
        range(1, 41),
        words=("Latin-1", "row 1"),
    ),
    Table(
        "semicolons.csv",
        table([(*p, "1,5") for p in PLAIN], ("text", "label", "price, EUR"), ";").encode(),
        PLAIN,
    ),
    Table("bars.csv", table(PLAIN, delimiter="|").encode(), PLAIN),
    Table("tabs.csv", table(PLAIN, delimiter="\t").encode(), PLAIN),
    Table("excel_says.csv", b"sep=;\r\n" + table(PLAIN, delimiter=";", end="\r\n").encode(), PLAIN),
    Table("old_mac.csv", table(PLAIN, end="\r").encode(), PLAIN),
    Table(
        "mixed_ends.csv",
        table(PLAIN[:9]).encode() + table(PLAIN[10:], PLAIN[9], end="\r\n").encode(),
        PLAIN,
    ),
    Table("padded.csv", table(PLAIN, (" text ", "label\t")).encode(), PLAIN),
    Table(
        "spaced_quotes.csv",
        "\n".join(f'"{a}", "{b}"' for a, b in HEADED).encode(),
        PLAIN,
        words=("spaces between a comma and a quote",),
    ),
    Table(
        "no_names.csv",
        table(CUT, ("text", "label", "", "")).encode(),
        [(r[0], r[1]) for r in CUT],
        words=("'column_3', 'column_4'", "hold something in row 3"),
    ),
    Table(
        "pandas_index.csv",
        table([(str(n), *p) for n, p in enumerate(PLAIN)], ("", "text", "label")).encode(),
        PLAIN,
        words=("'column_1'",),
    ),
    Table("name_only_text.csv", table(PLAIN, ("text", "")).encode(), PLAIN, words=("'column_2'",)),
    Table(
        "same_names.csv",
        table([(*p, "x", "y") for p in PLAIN], ("text", "label", "note", "note")).encode(),
        PLAIN,
        words=("'note (column 3)', 'note (column 4)'",),
    ),
    Table(
        "same_names_chosen.csv",
        table([("x", *p) for p in PLAIN], ("text", "text", "label")).encode(),
        PLAIN,
        words=("'text (column 1)', 'text (column 2)'",),
        options={"input": "text (column 2)"},
    ),
    Table(
        "too_long.csv",
        table([(*p, "", " ") for p in PLAIN[:3]] + list(PLAIN[3:])).encode(),
        PLAIN,
        words=("3 rows have empty cells after the last column", "rows 2, 3, 4"),
    ),
    Table(
        "too_short.csv",
        (table(PLAIN, ("text", "label", "", "")).encode()),
        PLAIN,
        words=("40 rows lack cells in columns without a name",),
    ),
    Table("quotes.csv", table(QUOTES).encode(), QUOTES),
    Table("as_written.csv", table(AS_WRITTEN).encode(), AS_WRITTEN),
    Table(
        "long_cell.csv", lambda: table([(LONG, "good"), *PLAIN]).encode(), [(LONG, "good"), *PLAIN]
    ),
    Table(
        "wide.csv",
        table(
            [(*p, *map(str, range(498))) for p in PLAIN],
            ("text", "label", *(f"c{n}" for n in range(498))),
        ).encode(),
        PLAIN,
    ),
    Table(
        "gaps.csv", b"\n\n" + table(PLAIN).encode().replace(b"\n", b"\n\n"), PLAIN, range(5, 85, 2)
    ),
    Table("packed.csv", gzip.compress(table(FRENCH).encode("utf-16")), FRENCH),
    Table(
        "whole_numbers.xlsx",
        lambda: excel({"Sheet1": DATES}),
        [(t, str(n % 3)) for n, (t, _) in enumerate(PLAIN)],
    ),
    Table(
        "dates.xlsx",
        lambda: excel({"Sheet1": DATES}),
        [(t, f"2026-01-0{1 + n % 2}") for n, (t, _) in enumerate(PLAIN)],
        options={"target": "day"},
    ),
    Table(
        "empty_sheets.xlsx",
        lambda: excel({"Empty": [], "Data": [(), *HEADED], "Also": [("",)]}),
        PLAIN,
        range(3, 43),
    ),
    Table(
        "sheet.xlsx",
        lambda: excel({"Notes": [("hello",)], "My reviews": HEADED}),
        PLAIN,
        ask="#My reviews",
    ),
    Table(
        "part_sheets.xlsx",
        lambda: excel({"Test": HEADED[:9], "Train": [("text", "label"), *MORE]}),
        [*PLAIN[:8], *MORE],
        [*range(2, 10), *range(2, 42)],
        parts={"test": 8},
    ),
    Table(
        "formulas.xlsx",
        lambda: computed(
            excel({"S": [*HEADED, ("=A2", "=B2")]}), {"A42": "what was computed", "B42": "good"}
        ),
        [*PLAIN, ("what was computed", "good")],
    ),
    Table(
        "merged.xlsx",
        lambda: excel({"S": HEADED}, S=lambda sheet: sheet.merge_cells("B2:B4")),
        [PLAIN[0], *PLAIN[3:]],
        [2, *range(5, 42)],
        words=("merged in 'B2:B4'", "2 rows have no label (rows 3, 4)"),
    ),
    Table("list.json", dumped(objects(CHINESE), indent=1), CHINESE, range(1, 41)),
    Table("columns.json", dumped(COLUMNS), PLAIN, range(1, 41)),
    Table(
        "pandas.json",
        dumped({name: dict(enumerate(c)) for name, c in COLUMNS.items()}),
        PLAIN,
        range(1, 41),
    ),
    Table(
        "nested.json",
        dumped({"version": "1", "data": OBJECTS, "n": [1, 2]}, indent=2),
        PLAIN,
        range(1, 41),
    ),
    Table("nested_columns.json", dumped({"data": COLUMNS}), PLAIN, range(1, 41)),
    Table(
        "by_name.json",
        dumped({f"id{n}": o for n, o in enumerate(OBJECTS)}),
        PLAIN,
        range(1, 41),
    ),
    Table(
        "parts.json",
        dumped({"train": OBJECTS, "test": objects(MORE[:8]), "dev": objects(MORE[8:10])}),
        [*PLAIN, *MORE[:10]],
        [*range(1, 41), *range(1, 9), 1, 2],
        parts={"test": 8, "validation": 2},
    ),
    Table(
        "utf16.json",
        json.dumps(objects(CHINESE), ensure_ascii=False).encode("utf-16"),
        CHINESE,
        range(1, 41),
    ),
    Table(
        "blank_lines.jsonl",
        b"\xef\xbb\xbf\n" + b"\n\n".join(dumped(o) for o in objects(FRENCH)),
        FRENCH,
        range(2, 82, 2),
    ),
    Table(
        "class_label.parquet",
        lambda: parquet(
            {"text": COLUMNS["text"], "label": [int(n) for _, n in NUMBERED]},
            {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}},
        ),
        NUMBERED,
        range(1, 41),
        label_names={"0": "neg", "1": "pos"},
    ),
    Table(
        "named_beside.csv",
        table(NUMBERED).encode(),
        NUMBERED,
        beside={"labels.txt": "très bon\nmauvais\nunseen\n".encode()},
        label_names={"0": "très bon", "1": "mauvais"},
        words=("labels.txt", "0=très bon, 1=mauvais"),
    ),
    Table(
        "json_beside.csv",
        table(NUMBERED).encode(),
        NUMBERED,
        beside={"label_names.json": b'{"0": "no", "1": "yes"}'},
        label_names={"0": "no", "1": "yes"},
        words=("label_names.json",),
    ),
    Table(
        "misfit_beside.csv",
        table(NUMBERED).encode(),
        NUMBERED,
        beside={"classes.txt": b"only one\n"},
        words=("classes.txt", "not used", "0 to 1"),
    ),
]

REFUSED = [
    Table(
        "too_many.csv",
        table([*PLAIN, ("a", "good", "more")]).encode(),
        words=("row 42", "3 cells", "'more'", "double quotes"),
    ),
    Table(
        "too_few.csv",
        (table(PLAIN) + "only a text\n").encode(),
        words=("row 42", "1 cell", "'label'"),
    ),
    Table(
        "never_closed.csv",
        (table(PLAIN) + '"open,good\nlast,bad\n').encode(),
        words=("row 42", "column 'text'", "never closed"),
    ),
    Table(
        "closed_late.csv",
        (table(PLAIN) + '"open,good\nlast,bad\na 7",good\n').encode(),
        words=("row 42", "3 lines", "Close or remove"),
    ),
    Table(
        "nul.csv",
        table([*PLAIN, ("a\0b", "good")]).encode(),
        words=("row 42", "column 'text'", "NUL", "Save it"),
    ),
    Table(
        "nul.jsonl",
        b"\n".join(map(dumped, objects([*PLAIN, ("a\0b", "x")]))),
        words=("row 41", "column 'text'", "NUL"),
    ),
    Table(
        "russian.csv",
        table([*PLAIN, ("Еда была отличная", "good")]).encode("cp1251"),
        words=("row 42", "'Åäà'", "such letters alone", "UTF-8"),
    ),
    Table(
        "czech.csv",
        table([(f"Příliš žluouký kůň úpěl {n}", "ab"[n % 2]) for n in range(40)]).encode("cp1250"),
        words=("row 2", "these letters together", "UTF-8"),
    ),
    Table(
        "polish.csv",
        table([(f"Była żona, źle się czuła {n}", "ab"[n % 2]) for n in range(40)]).encode("cp1250"),
        words=("row 2", "these letters together"),
    ),
    Table("chinese.csv", table(CHINESE).encode("gbk"), words=("row 2", "UTF-8")),
    Table(
        "undefined.csv",
        table(FRENCH).encode("cp1252").replace(b"able, n\xba 7", b"able, n\x8f 7"),
        words=("row 9", "column 'text'", "0x8F"),
    ),
    Table(
        "one_bad_byte.csv",
        table(FRENCH).encode().replace("able, nº 7".encode(), b"able, n\xe9 7"),
        words=("row 9", "column 'text'", "0xE9"),
    ),
    Table(
        "two_encodings.csv",
        table(GERMAN[:20]).encode()
        + "".join(f"{a},{b}\n" for a, b in GERMAN[20:]).encode("cp1252"),
        words=("row 22", "0xF6"),
    ),
    Table(
        "half_a_character.csv",
        table(FRENCH).encode("utf-16")[:-1],
        words=("middle of a character", "Copy"),
    ),
    Table("binary.csv", bytes(range(256)) * 20, words=("binary", "UTF-8")),
    Table("workbook.csv", lambda: excel({"S": HEADED}), words=("Excel workbook", ".xlsx")),
    Table("one_line.csv", b"text,label\n", words=("header and no rows",)),
    Table("one_line.txt", b"text", words=("header and no rows",)),
    Table("empty.csv", b"", words=("empty",)),
    Table("spaces.csv", b"\r\n \r\n\r\n", words=("empty",)),
    Table(
        "no_header.csv",
        table(PLAIN[1:], PLAIN[0]).encode(),
        words=("row 1", "looks like data", "names on top"),
    ),
    Table(
        "title_above.csv",
        (
            "Reviews of 2026,,\n" + table([(*p, "x") for p in PLAIN], ("text", "label", "note"))
        ).encode(),
        words=("row 1", "title", "Delete the rows above"),
    ),
    Table(
        "same_names_asked.csv",
        table([(*p, *p) for p in PLAIN], ("text", "label", "text", "label")).encode(),
        options={"input": "text", "target": "label"},
        words=("2 columns that are called 'text'", "'text (column 1)'", "'text (column 3)'"),
    ),
    Table(
        "same_names_unasked.csv",
        table([(*p, *p) for p in PLAIN], ("text", "label", "text", "label")).encode(),
        words=("not clear", "'text (column 1)' or 'text (column 3)'", "--input NAME"),
    ),
    Table(
        "several_sheets.xlsx",
        lambda: excel({"May": HEADED, "June": HEADED}),
        words=("2 tables", "'May', 'June'", "several_sheets.xlsx#May"),
    ),
    Table(
        "no_such_sheet.xlsx",
        lambda: excel({"May": HEADED, "June": HEADED}),
        ask="#Jun",
        words=("'Jun'", "Did you mean 'June'"),
    ),
    Table(
        "no_value.xlsx",
        lambda: excel({"S": [*HEADED, ("=A2", "good")]}),
        words=("row 42", "column 'text'", "a formula without a stored value"),
    ),
    Table(
        "error.xlsx",
        lambda: excel({"S": [*HEADED, ("a text", "#N/A")]}),
        words=("row 42", "column 'label'", "the error #N/A"),
    ),
    Table(
        "old.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), words=("old Excel file", "password", ".xlsx")
    ),
    Table("cut.xlsx", lambda: excel({"S": HEADED})[:-300], words=("cut short", "save it again")),
    Table("text.xlsx", table(PLAIN).encode(), words=("no Excel workbook",)),
    Table("empty.xlsx", lambda: excel({"S": []}), words=("empty",)),
    Table(
        "uneven_columns.json",
        dumped({**COLUMNS, "names": ["a", "b"]}),
        words=("not of the same length", "'text' has 40", "'names' has 2"),
    ),
    Table(
        "columns_and_more.json",
        dumped({**COLUMNS, "version": 1}),
        words=("'text', 'label' are lists", "'version' is not"),
    ),
    Table(
        "several.json",
        dumped({"may": OBJECTS, "june": OBJECTS}),
        words=("2 tables", "'may', 'june'", "several.json#may"),
    ),
    Table(
        "no_such_list.json",
        dumped({"may": OBJECTS, "june": OBJECTS}),
        ask="#july",
        words=("no table 'july'",),
    ),
    Table("cut.json", dumped(OBJECTS, indent=0)[:-40], words=("line 159", "not valid JSON")),
    Table("two_values.json", dumped(OBJECTS) + b"\n[]", words=("line 2", "more follows")),
    Table(
        "broken_line.jsonl",
        b"\n".join(map(dumped, OBJECTS)) + b'\n{"text": "a", label: 1}\n',
        words=("line 41", "character 15"),
    ),
    Table(
        "lists.jsonl",
        b"\n".join(map(dumped, [*OBJECTS, {"text": ["a"], "label": "good"}])),
        words=("row 41", "column 'text'", "a list"),
    ),
    Table(
        "twice.jsonl",
        b"\n".join(map(dumped, OBJECTS)) + b'\n{"text": "a", "text": "b", "label": "good"}\n',
        words=("line 41", "'text' stands twice"),
    ),
    Table("cut.parquet", lambda: parquet(COLUMNS, {})[:-9], words=("Parquet", "cut short")),
    Table("cut.csv.gz", gzip.compress(table(PLAIN).encode())[:-20], words=("cut short",)),
    Table("sheet_of_csv.csv", table(PLAIN).encode(), ask="#S", words=("one table",)),
    Table(
        "old.xls",
        b"\xd0\xcf\x11\xe0" + bytes(600),
        words=("'.xls' cannot be read", "Save the table as CSV"),
    ),
]
