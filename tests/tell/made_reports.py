"""Reports of made-up comparisons, and a report taken apart."""

from html.parser import HTMLParser

from fake_comparisons import (
    LADDER,
    NASTY,
    TOPICS,
    answers,
    comparison,
    data,
    eight_methods,
    result,
    several_backbones,
    unfinished,
)

from tunewell.tell.report import render

VOID = {"meta", "link", "br", "hr", "img", "input"}
TWO = ["positive", "negative"]
NUMBERS = [str(number) for number in range(20)]


class Page(HTMLParser):
    """A report taken apart; raises where tags are not balanced."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.texts = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes), list(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        raise AssertionError(f"<{tag}/> closes itself")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] not in ("style", "title", "desc"):
            self.texts.append(text)

    def all(self, tag):
        return [attributes for name, attributes, _ in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def nasty_report():
    labels = list(NASTY)
    value = comparison(
        [result(entry) for entry in LADDER[:6]] + [unfinished("full", "failed", NASTY[0])],
        labels,
        recommended="features",
        name=NASTY[0],
        command=NASTY[2] + NASTY[0],
        metric_why=NASTY[1],
        why=NASTY[4] + NASTY[1],
        label_names={NASTY[0]: NASTY[1]},
        machine={"processor": NASTY[0], "versions": {NASTY[1]: NASTY[0]}},
        options=[{"name": NASTY[0], "value": NASTY[1], "origin": NASTY[3], "reason": NASTY[6]}],
    )
    value["results"][4]["notes"] = list(NASTY)
    value["results"][4]["options"] = {NASTY[0]: NASTY[1]}
    fault = {"kind": "x", "severity": NASTY[0], "sentence": NASTY[1], "remedy": NASTY[0]}
    columns = {"input": NASTY[0], "target": NASTY[1], "group": None, "why": f"It is {NASTY[0]}."}
    bad = {"columns": columns, "faults": [fault]}
    return render(value, bad, answers(labels, rows=300, texts=NASTY))


REPORTS = {
    "two classes": lambda: render(comparison(), data(), answers(TWO)),
    "twenty classes": lambda: render(
        eight_methods(NUMBERS, label_names=dict(zip(NUMBERS, TOPICS, strict=True))),
        data(),
        answers(NUMBERS),
    ),
    "forty classes": lambda: render(
        eight_methods([f"label {n}" for n in range(40)]),
        data(),
        answers([f"label {n}" for n in range(40)]),
    ),
    "macro F1": lambda: render(
        comparison([result(entry, metric="macro_f1") for entry in LADDER], metric="macro_f1"),
        data(),
        answers(TWO),
    ),
    "nasty": nasty_report,
    "backbones": lambda: render(several_backbones(), data(), answers(TWO)),
    "one method": lambda: render(
        comparison([result(LADDER[4])], recommended="features"), {}, answers(TWO, rows=3)
    ),
    "nothing finished": lambda: render(
        comparison([unfinished("lora", "failed", "Boom.")], recommended=None, why=""), {}, ()
    ),
    "no results": lambda: render(comparison([], recommended=None, why=""), {}, ()),
    "all right": lambda: render(comparison(), {"faults": []}, answers(TWO, right=1.0)),
}
