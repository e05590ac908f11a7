import json
import re
from pathlib import Path

import pytest
from fake_comparisons import LADDER, answers, comparison, data
from made_reports import TWO, Page

from tunewell.errors import DataError
from tunewell.tell import units
from tunewell.tell.report import render, write_report


def test_nasty_texts_are_shown_as_texts(reports):
    page = Page(reports["nasty"])
    assert page.text.count("<script>alert('x')</script>") > 10
    assert '"><img src=http://evil.example/x.png onerror=alert(1)>' in page.text
    assert "invoice⟨U+202E⟩fdp.exe" in page.text
    assert "{{ 7 * 7 }}" in page.text


@pytest.mark.parametrize("name", ["two classes", "twenty classes", "backbones", "macro F1"])
def test_every_method_is_named_with_its_figures(reports, name):
    text = Page(reports[name]).text
    ladder = LADDER[:2] + LADDER[3:] if name == "backbones" else LADDER
    for method, value, half, seconds, *_ in ladder:
        assert method in text
        if not (name == "twenty classes" and method in ("zero_shot", "full")):
            score = {"value": value, "low": value - half, "high": value + half}
            assert units.interval(score) in text
            assert units.seconds(seconds) in text


@pytest.mark.parametrize("name", ["two classes", "twenty classes", "backbones"])
def test_a_picture_and_the_table_below_it_tell_the_same(reports, name):
    figures = re.findall(r"<figure>.*?</figure>", reports[name], flags=re.DOTALL)
    assert len(figures) == 2
    for figure in figures:
        words = re.findall(r"<desc[^>]*>(.*?)</desc>", figure, flags=re.DOTALL)
        assert len(words) == 2 and words[0].count("[") == words[1].count("[")
        caption = re.search(r"<figcaption>(.*?)</figcaption>", figure, flags=re.DOTALL)[1]
        lines = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', figure)
        assert len(lines) == len(figure.split('scope="row"')) - 1 >= 6
        for method, cells in lines:
            score, cost = re.findall(r"<td[^>]*>(.*?)</td>", cells)
            sentence = f"{method}: {score} at {cost}"
            assert all(sentence in told for told in words) or sentence in caption


def test_every_method_stands_against_every_other(reports):
    table = re.search(r'<table class="versus">.*?</table>', reports["two classes"], re.DOTALL)[0]
    lines = re.findall(r"<tr>(.*?)</tr>", table, flags=re.DOTALL)[1:]
    assert len(lines) == len(LADDER)
    for at, (line, (name, value, *_)) in enumerate(zip(lines, LADDER, strict=True)):
        assert name in line
        cells = re.findall(r"<td class=\"([^\"]*)\">([^<]*)", line)
        assert cells[at] == ("number", "–")
        for (kind, shown), (other, score, *_) in zip(cells, LADDER, strict=True):
            if other != name:
                assert shown == units.points(value - score)
                assert ("apart" in kind) == (abs(value - score) > 0.03)


def test_the_sentence_comes_first(reports):
    text = Page(reports["two classes"]).text
    start = text.index("Use lora")
    assert text.index("Right in 89 of 100 cases, between 86 and 92.") < text.index("Side by side")
    assert start < text.index("Right in 89")


def test_macro_f1_is_told_beside_the_accuracy(reports):
    text = Page(reports["macro F1"]).text
    assert "Right in 87 of 100 cases, between 84 and 90." in text
    assert "Macro F1, which decides here: 88.9 % [86.1, 91.7]." in text


def test_skipped_and_failed_methods_are_rows_with_their_reason(reports):
    text = Page(reports["twenty classes"]).text
    assert "zero_shot skipped The labels are numbers without names." in text
    assert "full failed The loss stopped being finite at step 12." in text


def test_every_trial_and_option_is_there(reports):
    text = Page(reports["two classes"]).text
    trials = [trial for item in comparison()["results"] for trial in item["trials"]]
    for trial in trials:
        assert units.percent(trial["validation"]) in text
    assert text.count("picked") >= 8
    for option in comparison()["options"]:
        assert f"{option['name']} {units.option(option['value'])} {option['origin']}" in text
    assert comparison()["command"] in text
    assert "transformers 5.23.0" in text


def test_what_check_found_is_told_with_rows_and_remedy(reports):
    text = Page(reports["two classes"]).text
    assert "warning 3 texts stand in the file with two different labels." in text
    assert "Rows 17, 88, 203, 204, 377, 512." in text
    assert "Keep the right label and delete the other row." in text


def test_the_columns_are_told_once():
    why = "The texts are in column 'a' (by its name), the labels in column 'b' (as you said)."
    fault = {"kind": "columns", "severity": "note", "sentence": why, "rows": [], "count": 0}
    columns = {"input": "a", "target": "b", "group": None, "why": why}
    text = Page(render(comparison(), {"columns": columns, "faults": [fault]}, ())).text
    assert text.count("The texts are in column") == 1
    assert "Nothing that needs mending." in text


def test_many_rows_of_a_fault_are_counted():
    fault = {"kind": "x", "severity": "note", "sentence": "Many.", "rows": [*range(2, 22)]}
    page = Page(render(comparison(), {"faults": [fault | {"count": 5000, "remedy": ""}]}, ()))
    assert "Rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 and 4,988 more." in page.text


def test_seeds_and_a_stop_are_told(reports):
    assert "One seed" in Page(reports["two classes"]).text
    assert "3 seeds" not in Page(reports["two classes"]).text
    value = comparison(interrupted=True)
    for item in value["results"]:
        item["seeds"] = [0, 1, 2]
    text = Page(render(value, {}, ())).text
    assert "3 seeds" in text and "One seed" not in text
    assert "Stopped before the end." in text


def test_a_confusion_matrix_up_to_thirty_classes(reports):
    assert 'class="matrix' in reports["twenty classes"]
    assert 'class="matrix' not in reports["forty classes"]
    assert "too many labels for a whole matrix" in reports["forty classes"]
    assert "Analyst Update (0)" in Page(reports["twenty classes"]).text


@pytest.fixture
def run_folder(tmp_path):
    folder = tmp_path / "runs of möbius" / "run"
    (folder / "trials" / "lora-1").mkdir(parents=True)
    (folder / "comparison.json").write_text(json.dumps(comparison()), encoding="utf-8")
    (folder / "data.json").write_text(json.dumps(data()), encoding="utf-8")
    lines = [json.dumps(line, ensure_ascii=False) for line in answers(TWO, rows=40)]
    path = folder / "trials" / "lora-1" / "answers.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_a_run_folder_is_reported_and_again(run_folder):
    path = write_report(run_folder)
    first = path.read_text(encoding="utf-8")
    assert path == run_folder / "report.html"
    assert "of 40 test rows" in Page(first).text
    assert write_report(run_folder).read_text(encoding="utf-8") == first
    assert not list(run_folder.glob("*.part"))


def test_a_run_without_data_or_answers_is_reported(run_folder):
    (run_folder / "data.json").unlink()
    (run_folder / "trials" / "lora-1" / "answers.jsonl").unlink()
    page = Page(write_report(run_folder).read_text(encoding="utf-8"))
    assert "The run folder has no data.json" in page.text
    assert "Which labels are taken for which" not in page.text


def test_answers_outside_the_run_are_not_read(run_folder):
    secret = run_folder.parent / "secret"
    secret.mkdir()
    line = {"row": 2, "input": "secret", "target": "a", "answer": "b"}
    (secret / "answers.jsonl").write_text(json.dumps(line), encoding="utf-8")
    value = comparison()
    value["results"][6]["folder"] = "../secret"
    (run_folder / "comparison.json").write_text(json.dumps(value), encoding="utf-8")
    assert "secret" not in write_report(run_folder).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["comparison.json", "data.json", "trials/lora-1/answers.jsonl"])
def test_a_broken_file_is_named(run_folder, name):
    path = run_folder / name
    path.write_text(path.read_text(encoding="utf-8")[:50], encoding="utf-8")
    with pytest.raises(DataError) as error:
        write_report(run_folder)
    assert Path(name).name in str(error.value)
    assert len(str(error.value).splitlines()) <= 3


def test_a_folder_that_is_no_run_is_told(tmp_path):
    with pytest.raises(DataError, match=r"There is no comparison\.json"):
        write_report(tmp_path)


def test_scores_with_and_without_rows_that_leaked():
    told = comparison()
    finished = [result for result in told["results"] if result["status"] == "ok"]
    for result in finished:
        result["scores_without_leaked"] = {
            "accuracy": {"value": 0.4321, "low": 0.4, "high": 0.46},
        }
    page = render(told, {"leaked": [3, 5]}, [])
    assert "2 test rows stand among the training or validation rows too" in page
    assert page.count("43.2 % [40.0, 46.0]") == len(finished)
    assert "too. Accuracy with and without" not in render(comparison(), {"leaked": []}, [])
