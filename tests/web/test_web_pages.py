"""Steps 1 to 3: what the pages say, and what their forms change."""

import gzip
import html
import json
import re

import pytest
from visitors import asked_of, settled

from tunewell import options, registry
from tunewell.serve.web import asked, forms


def test_the_first_page_offers_a_file_and_an_example(page):
    text = page.get("/").text
    assert 'type="file"' in text and "Messages to a shop" in text


EXAMPLES = {"guests": "breakfast", "ratings": "a number", "same_question": "different"}
"""What each asks for, beside the first."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_taken_with_its_question(page, name):
    assert f'name="name" value="{name}"' in page.get("/").text
    page.post("/examples", data={"name": name})
    assert "could not be read" not in settled(page, f"/runs/{name}/data")
    assert EXAMPLES[name] in settled(page, f"/runs/{name}/question")


def test_the_example_is_copied_and_shown(page, home):
    answer = page.post("/examples", data={"name": "support"})
    assert answer.url.path == "/runs/support/data"
    assert (home / "support/rows/support.csv").stat().st_size > 10_000
    assert "Receipt lost" in settled(page, "/runs/support/data")


def test_a_second_file_of_the_same_name_is_another_run(page, home):
    for _ in range(2):
        page.post("/examples", data={"name": "support"})
    assert sorted(path.name for path in home.iterdir()) == ["support", "support-2"]
    text = page.get("/").text
    assert "/runs/support-2/data" in text and text.count("not started") == 2


def test_only_a_run_that_has_not_begun_is_removed(begun, home):
    page, name = begun
    assert f'action="/runs/{name}/remove"' in page.get("/").text
    (home / name / "data.json").write_text("{}")  # as a run of the command line writes it first
    assert "/remove" not in page.get("/").text
    assert "its folder holds results" in page.post(f"/runs/{name}/remove").text
    (home / name / "data.json").unlink()
    assert "Your runs" not in page.post(f"/runs/{name}/remove").text
    assert list(home.iterdir()) == []
    assert page.post("/runs/..%2Fother/remove").status_code == 404


def test_what_was_guessed_is_said_and_changed_with_one_click(begun):
    page, name = begun
    text = settled(page, f"/runs/{name}/data")
    assert "The text is in column <strong><bdi>message</bdi></strong>" in text
    assert "; the answer is in column <strong><bdi>topic</bdi></strong> and is learnt" in text
    assert "rows to learn from" in text
    text = page.post(f"/runs/{name}/data", data={"use": "target:2"}).text
    assert asked_of(name)["target"] == "customer"
    text = settled(page, f"/runs/{name}/data")
    assert "the answer is in column <strong><bdi>customer</bdi></strong> and is learnt" in text
    page.post(f"/runs/{name}/data", data={"use": "group:2"})
    assert asked_of(name).get("target") is None and asked_of(name)["group"] == "customer"
    assert "stay together" in settled(page, f"/runs/{name}/data")
    page.post(f"/runs/{name}/data", data={"use": "group:none"})
    assert "group" not in asked_of(name)


@pytest.mark.parametrize("use", ["target:3", "target:99", "out:1", "nothing", "target:-1"])
def test_a_column_that_there_is_not_changes_nothing(begun, use):
    page, name = begun
    before = asked_of(name)
    page.post(f"/runs/{name}/data", data={"use": use})
    assert asked_of(name) == before


def test_problems_are_sentences_and_marked_in_their_rows(page, table):
    lines = table.read_text().splitlines()
    lines[3] = "," + ",".join(lines[3].split(",")[1:])
    lines[60] = ",".join([lines[60].split(",")[0], "", "c1"])
    files = {"files": ("messages.csv", "\n".join(lines).encode())}
    page.post("/files", files=files)
    text = settled(page, "/runs/messages/data")
    assert "messages.csv: 1 row has no text (row 4). It is left out." in text
    marked = re.findall(r'<tr id="row-(\d+)" class="marked">.*?</th>', text, re.DOTALL)
    assert "4" in marked and "61" in marked
    assert re.search(r'id="row-61".*?missing label', text, re.DOTALL)
    assert "runs/messages/rows" not in re.sub("<pre.*?</pre>", "", text, flags=re.DOTALL)


def test_a_file_that_cannot_be_read_says_why_and_what_to_do(page):
    answer = page.post("/files", files={"files": ("photo.png", b"\x89PNG")})
    assert answer.status_code == 400
    assert "photo.png is not a table that can be read" in answer.text
    assert "save the table as CSV" in answer.text
    text = page.post("/files", files={"files": ("a.csv", b"only\n1\n2\n")}).text
    text = settled(page, "/runs/a/data")
    assert "What to do:" in text and "Traceback" not in text
    assert "in a column of its own" in text and "Choose another file" in text


def test_the_same_with_columns_that_are_not_clear_offers_buttons(page):
    rows = "one,two,three\n" + "\n".join(f"{n % 2},{n % 3},{n}" for n in range(60))
    page.post("/files", files={"files": ("x.csv", rows.encode())})
    text = settled(page, "/runs/x/data")
    assert "it is not clear which column" in text and 'value="input:0"' in text
    assert "with the buttons under their names" in text and "--input" not in text


def test_two_files_that_would_become_one_are_refused(page, home, table):
    parts = [("files", (name, table.read_bytes())) for name in ("a b.csv", "a-b.csv")]
    answer = page.post("/files", files=parts)
    assert answer.status_code == 400 and "would both be kept as a-b.csv" in answer.text
    assert not home.exists()


@pytest.mark.parametrize("name", ["trials", "seeds"])
def test_a_number_that_is_half_typed_is_told(begun, name):
    page, run = begun
    fields = {"methods": ["bag_of_words"], "budget_step": "3", name: "1e"}
    told = page.post(f"/runs/{run}/methods/costs", data=fields)
    assert told.status_code == 200 and f"{name} is '1e'" in told.json()["problem"]
    told = page.post(f"/runs/{run}/methods/costs", data={**fields, name: "2"})
    assert "by_method" in told.json()


def test_three_files_are_three_parts(page, table):
    parts = [("files", (f"{part}.csv", table.read_bytes())) for part in ("train", "test")]
    answer = page.post("/files", files=parts)
    text = settled(page, answer.url.path)
    assert "train.csv" in text and "rows for the test" in text


def test_rows_that_do_not_fit_the_question_may_be_asked_another(page):
    rows = [
        {"instruction": f"Name {n} birds.", "input": "", "output": f"{n}: wren"} for n in range(60)
    ]
    page.post("/files", files={"files": ("told.json", json.dumps(rows).encode())})
    text = settled(page, "/runs/told/data")
    assert "not clear which column" in text and 'href="/runs/told/question"' in text
    text = settled(page, "/runs/told/question")
    assert 'value="instruct"' in text and "choose another kind of question" in text
    answer = page.post("/runs/told/question", data={"task": "instruct"})
    text = settled(page, answer.url.path)
    assert "the output is in column <strong><bdi>output</bdi></strong> and is learnt" in text


def test_packed_and_workbook_files_are_taken(page, table):
    packed = gzip.compress(table.read_bytes())
    answer = page.post("/files", files={"files": ("Käufe 2024.CSV.gz", packed)})
    assert "is learnt" in settled(page, answer.url.path)


def test_a_workbook_with_two_sheets_asks_which(page, tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "One"
    for sheet in (book.active, book.create_sheet("Two")):
        sheet.append(["text", "label"])
        for number in range(40):
            sheet.append([f"a text about {sheet.title} {number}", "ab"[number % 2]])
    book.save(tmp_path / "book.xlsx")
    page.post("/files", files={"files": ("book.xlsx", (tmp_path / "book.xlsx").read_bytes())})
    text = settled(page, "/runs/book/data")
    assert "holds 2 tables" in text
    page.post("/runs/book/data", data={"table": "Three"})
    assert not asked_of("book")["data"].endswith("#Three")
    page.post("/runs/book/data", data={"table": "Two"})
    assert "a text about Two" in settled(page, "/runs/book/data")


def test_the_question_names_the_categories_in_plain_words(begun):
    page, name = begun
    text = settled(page, f"/runs/{name}/question")
    assert "The 3 categories" in text and "one of 3" in text
    assert "The share of rows that are answered right" in text


def test_categories_get_names_and_never_from_a_file(begun, tmp_path):
    page, name = begun
    (tmp_path / "secret.txt").write_text("sea=stolen")
    settled(page, f"/runs/{name}/question")
    fields = {"name-0": str(tmp_path / "secret.txt"), "name-1": "wüste, groß", "name-2": ""}
    page.post(f"/runs/{name}/question", data=fields, follow_redirects=False)
    resolved = asked.resolved(asked_of(name)).options
    assert resolved.label_names.startswith("{") and "stolen" not in resolved.label_names
    assert "wüste, groß" in settled(page, f"/runs/{name}/question")
    assert "stolen" not in settled(page, f"/runs/{name}/question")


def test_the_ladder_has_every_method_and_the_drawer_every_option(begun):
    page, name = begun
    text = html.unescape(page.get(f"/runs/{name}/methods").text)
    able = asked.methods_of({})
    others = registry.methods().keys() - set(able) | registry.task_options().keys() - {"classify"}
    assert [method for method in able if f'value="{method}"' not in text] == []
    known = options.options_of(options.run_options())
    known = {n: o for n, o in known.items() if n.partition(".")[0] not in others}
    elsewhere = {*asked.OURS, "input", "target", "columns", "group", "rows", "test_rows", "seed"}
    elsewhere |= {"task", "metric", "methods", "budget"}
    assert [n for n in known if n not in elsewhere and f'name="{n}"' not in text] == []
    assert [n for n in asked.OURS if f'name="{n}"' in text] == []


def test_every_setting_has_a_label_and_an_explanation(begun):
    page, name = begun
    for address in ("data", "question", "methods"):
        text = page.get(f"/runs/{name}/{address}").text
        for control in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
            own = re.search(r'\bid="([^"]+)"', control)
            labelled = "aria-label=" in control or (own and f'for="{own[1]}"' in text)
            assert labelled, control
            for said in re.findall(r'aria-describedby="([^"]+)"', control):
                for part in said.split():
                    body = re.search(rf'id="{re.escape(part)}"[^>]*>(.*?)</p>', text, re.DOTALL)
                    assert body and body[1].strip(), (control, part)
    assert all(forms.field(option, {}).help for option in asked.known().values())


def test_the_budget_and_the_options_are_kept_and_shown_as_command_and_yaml(begun):
    page, name = begun
    fields = {"methods": ["bag_of_words", "full"], "budget_step": "6", "go": "keep"}
    fields |= {"full.learning_rate": "2e-5", "lora.rank": "4", "seeds": "2", "margin": "0.02"}
    text = html.unescape(page.post(f"/runs/{name}/methods", data=fields).text)
    assert asked_of(name) == {
        "data": "runs/messages/rows/messages.csv",
        "methods": ["bag_of_words", "full"],
        "budget": "1h",
        "seeds": "2",
        "out": "runs/messages",
        "full.learning_rate": "2.0e-05",
    }
    assert (
        "tunewell compare runs/messages/rows/messages.csv --methods bag_of_words,full --budget 1h"
        " --seeds 2 --out runs/messages --full.learning_rate 2.0e-05"
    ) in text
    assert "full:\n  learning_rate: 2.0e-05" in text
    resolved = asked.resolved(asked_of(name)).options
    assert resolved.full.learning_rate == 2e-5 and resolved.lora.rank == 8


def test_a_wrong_option_is_told_and_nothing_is_kept(begun):
    page, name = begun
    before = asked_of(name)
    fields = {"methods": ["lora"], "budget_step": "3", "lora.rank": "many", "go": "keep"}
    answer = page.post(f"/runs/{name}/methods", data=fields)
    assert answer.status_code == 400 and asked_of(name) == before
    assert "lora.rank is 'many'." in html.unescape(answer.text)
    answer = page.post(f"/runs/{name}/methods", data={"budget_step": "3", "go": "keep"})
    assert "No method is ticked" in answer.text


def test_what_is_not_there_is_a_page_that_says_so(page):
    for address in ("/runs/none/data", "/nothing", "/runs/none/methods", "/static/none.css"):
        answer = page.get(address)
        assert answer.status_code == 404 and "What to do:" in answer.text
    assert page.post("/examples", data={"name": "../secret"}).status_code == 404


def test_another_kind_of_question_is_asked_of_other_columns(begun):
    page, name = begun
    page.post(f"/runs/{name}/data", data={"use": "target:2"})
    answer = page.post(f"/runs/{name}/question", data={"task": "score", "metric": "accuracy"})
    assert answer.url.path == f"/runs/{name}/data" and asked_of(name)["task"] == "score"
    assert not asked_of(name).keys() & {"target", "metric"}
