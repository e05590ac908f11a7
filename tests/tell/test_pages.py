import dataclasses
import re

import pytest

from tunewell import registry
from tunewell.tell.docs import write_pages
from tunewell.tell.pages import method_page, option_rows
from tunewell.tell.task_pages import task_page


@pytest.mark.parametrize("name", registry.methods())
def test_a_page_explains_every_option(name):
    cls = registry.method(name)
    page = method_page(cls)
    rows = option_rows(cls)
    assert [row.name for row in rows] == [
        f"--{name}.{field.name}" for field in dataclasses.fields(cls)
    ]
    for row in rows:
        assert row.help and row.default
        assert f"| `{row.name}` |" in page


@pytest.mark.parametrize("name", registry.methods())
def test_a_page_says_what_moves_what_it_costs_and_when_to_choose_it(name):
    page = method_page(registry.method(name))
    assert page.startswith(f"# {name}\n")
    for fact in ("What moves", "Needs", "Costs", "Choose it", "Neighbours", "Source"):
        assert re.search(rf"^\| {fact} \| \S", page, flags=re.MULTILINE)
    line = next(line for line in page.splitlines() if line.startswith("tunewell fit "))
    assert f"--method {name}" in line
    gives = registry.methods()[name].answers
    task = re.search(r"--task (\w+)", line)
    asked = registry.task(task[1])().answers if task else "label"
    assert gives is None or asked in gives


@pytest.mark.parametrize("name", registry.methods())
def test_every_table_of_a_page_has_one_width(name):
    for table in re.findall(r"(?:^\|.*\n)+", method_page(registry.method(name)), re.MULTILINE):
        widths = {line.replace("\\|", "").count("|") for line in table.splitlines()}
        assert len(widths) == 1


def test_trials_are_those_of_the_grid():
    page = method_page(registry.method("lora"))
    rates = [trial.learning_rate for trial in registry.method("lora")().grid()]
    listed = re.search(r"- `learning_rate`: (.*)", page)[1].split(", ")
    assert [float(rate) for rate in listed] == pytest.approx(rates, rel=1e-3)
    assert "## Trials" not in method_page(registry.method("majority"))


@pytest.mark.parametrize("name", registry.tasks())
def test_a_page_of_a_task_names_its_columns_metrics_and_methods(name):
    page, task = task_page(registry.task(name)), registry.task(name)()
    assert page.startswith(f"# {name}\n")
    for column in task.columns:
        assert f"| `{column.name}` |" in page
    assert all(f"`{metric}`" in page for metric in task.metrics)
    assert "(../methods/majority.md)" in page
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


@pytest.mark.parametrize("part", ["methods", "tasks"])
def test_the_index_links_every_page_that_is_written(part, tmp_path):
    written = [path.name for path in write_pages(tmp_path) if path.parent.name == part]
    known = registry.methods() if part == "methods" else registry.tasks()
    index = (tmp_path / part / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\((\w+\.md)\)", index)
    assert sorted([*linked, "README.md"]) == sorted(written)
    assert linked == [f"{name}.md" for name in known]
