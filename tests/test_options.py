"""Options: read, converted, merged, written, and every mistake told in three lines."""

import dataclasses
import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewell.convert import convert, expected
from tunewell.errors import ConfigError
from tunewell.fields import field_docs, options_of, with_sections
from tunewell.methods.bag_of_words import BagOfWords
from tunewell.methods.few_shot import FewShot
from tunewell.options import (
    Layer,
    Resolved,
    flatten,
    from_keywords,
    parse_bytes,
    parse_duration,
    resolve,
    run_options,
    to_yaml,
    yaml_layer,
)
from tunewell.settings import RunOptions


@dataclass(frozen=True)
class Trained:
    """What methods that train share."""

    learning_rate: float = 2e-5
    """Size of a step.

    Tried at a third and at three times it too."""
    epochs: int = 3
    """Times that each row is seen."""


@dataclass(frozen=True)
class Lora(Trained):
    """Low-rank updates."""

    name: ClassVar[str] = "lora"
    learning_rate: float = 2e-4
    rank: int = 8
    """Rank of each update."""
    bias: bool = False
    """Whether biases move."""
    c: float | None = None


@dataclass(frozen=True)
class Full(Trained):
    """All weights."""

    name: ClassVar[str] = "full"

    def __post_init__(self):
        if self.epochs > 1000:
            raise ConfigError(f"full.epochs is {self.epochs}.", "At most 1000 is expected.")


@dataclass(frozen=True)
class Run:
    data: str
    """The file."""
    label_names: tuple[str, ...] | None = None
    pooling: Literal["mean", "cls", "last"] | None = None
    """How tokens become one vector."""
    memory: str | None = None
    budget: str = "30m"
    seed: int = 0
    margin: float = 0.02
    out: str | None = None


Options = with_sections(Run, {"lora": Lora, "full": Full})


def typed(**values):
    return resolve(Options, Layer("keyword", flatten({"data": "a.csv", **values}))).options


def written(tmp_path: Path, text: str, *more: Layer) -> Resolved:
    path = tmp_path / "run.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return resolve(Options, yaml_layer(path), *more)


def complaint(call, *args, **keywords) -> str:
    with pytest.raises(ConfigError) as caught:
        call(*args, **keywords)
    text = str(caught.value)
    assert 1 <= len(text.splitlines()) <= 3
    return text


# --- docs and descriptions


def test_the_docstring_under_a_field_is_its_help_also_when_inherited():
    docs = field_docs(Lora)
    assert docs["rank"] == "Rank of each update."
    assert docs["learning_rate"] == "Size of a step. Tried at a third and at three times it too."
    assert docs["c"] == ""


def test_every_option_is_described_once_by_its_dotted_name():
    described = options_of(Options)
    assert described["lora.learning_rate"].default == 2e-4
    assert described["full.learning_rate"].default == 2e-5
    assert described["data"].default is dataclasses.MISSING
    assert described["pooling"].help == "How tokens become one vector."
    assert "lora" not in described and "lora.name" not in described


# --- types


@pytest.mark.parametrize(
    ("value", "hint", "result"),
    [
        ("1e-4", float, 1e-4),
        (3, float, 3.0),
        ("16", int, 16),
        ("true", bool, True),
        ("No", bool, False),
        ("features, lora", tuple[str, ...], ("features", "lora")),
        (["features", "lora"], tuple[str, ...], ("features", "lora")),
        ("lora", tuple[str, ...], ("lora",)),
        ("1,2", tuple[int, ...], (1, 2)),
        ([0, 1], tuple[str, ...], ("0", "1")),
        (900, str, "900"),
        (Path("a.csv"), str, "a.csv"),
        ("a.csv", Path, Path("a.csv")),
        ("mean", Literal["mean", "cls"] | None, "mean"),
        ("2", Literal[1, 2], 2),
        (None, int | None, None),
        ("5", int | None, 5),
    ],
)
def test_values_become_the_type_of_the_field(value, hint, result):
    converted = convert(value, hint)
    assert converted == result
    assert type(converted) is type(result)


@pytest.mark.parametrize(
    ("value", "hint", "words"),
    [
        (True, int, "a whole number"),
        (True, float, "a number"),
        (True, str, "a text"),
        (1, bool, "true or false"),
        (3.0, int, "a whole number"),
        ("3.5", int, "a whole number"),
        ("nan", float, "a number"),
        ("inf", float, "a number"),
        ("", tuple[str, ...], "names separated by commas"),
        ({"a": 1}, str, "a text"),
        (None, int, "a whole number"),
        ("max", Literal["mean", "cls"] | None, "one of mean, cls"),
        (True, Literal[1, 2], "one of 1, 2"),
    ],
)
def test_what_is_no_value_of_that_type_is_refused(value, hint, words):
    with pytest.raises(ValueError):
        convert(value, hint)
    assert expected(hint) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("900", 900), ("90s", 90), ("15m", 900), ("2h", 7200), ("1h30m", 5400), ("1.5h", 5400)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "15 minutes", "-5m", "0", "1h 30m x", "5m5"])
def test_what_is_no_duration_says_how_to_write_one(text):
    assert "15m" in complaint(parse_duration, text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("8GB", 8 * 10**9), ("8 gb", 8 * 10**9), ("512MiB", 512 * 2**20), ("1.5TB", 1500 * 10**9)],
)
def test_amounts_of_memory(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["8", "GB", "8 GX", "-1GB", "0GB", "8G B"])
def test_what_is_no_amount_of_memory_says_how_to_write_one(text):
    assert "8GB" in complaint(parse_bytes, text)


# --- layers


def test_the_command_line_wins_over_yaml_and_yaml_over_defaults(tmp_path):
    resolved = written(
        tmp_path,
        """
        data: a.csv
        seed: 7
        lora:
          rank: 16
          learning_rate: 1e-4
        """,
        Layer("command line", {"lora.rank": "32"}),
    )
    assert resolved.options.seed == 7
    assert resolved.options.lora == Lora(rank=32, learning_rate=1e-4)
    assert resolved.options.full == Full()
    assert resolved.origins["lora.rank"] == "command line"
    assert resolved.origins["lora.learning_rate"] == "yaml"
    assert resolved.origins["lora.epochs"] == "default"


def test_a_mapping_may_stand_where_names_are_given_to_labels(tmp_path):
    @dataclass(frozen=True)
    class Named:
        data: str
        names: str | None = None

    assert resolve(
        Named, Layer("keyword", flatten({"data": "a", "names": {0: "no", 1: "yes"}}))
    ) == (resolve(Named, Layer("keyword", {"data": "a", "names": "0=no,1=yes"})))


def test_names_known_from_elsewhere_and_dashes_are_understood():
    options = typed(**{"output-dir": "runs/x", "lora": {"num_train_epochs": 5}})
    assert options.out == "runs/x"
    assert options.lora.epochs == 5


def test_yamls_own_types_do_no_harm(tmp_path):
    options = written(
        tmp_path,
        """
        data: 2024-01-01
        label_names: [no, yes, 007, null]
        budget: 900
        lora: {bias: yes}
        full:
        pooling: null
        """,
    ).options
    assert options.data == "2024-01-01"
    assert options.label_names == ("no", "yes", "007", "null")
    assert parse_duration(options.budget) == 900
    assert options.lora.bias is True
    assert options.full == Full()
    assert options.pooling is None


def test_a_list_in_yaml_may_be_a_text_with_commas(tmp_path):
    for text in ("label_names: a,b", "label_names: [a, b]", "label_names:\n- a\n- b"):
        assert written(tmp_path, "data: a\n" + text).options.label_names == ("a", "b")


# --- mistakes


def test_a_wrong_type_says_what_is_expected():
    text = complaint(typed, lora={"rank": "many"})
    assert "lora.rank is 'many'" in text
    assert "whole number" in text


def test_true_is_no_whole_number():
    assert "lora.rank is True" in complaint(typed, lora={"rank": True})


def test_choices_are_listed():
    assert "mean, cls, last" in complaint(typed, pooling="max")


def test_a_misspelt_option_names_the_nearest():
    assert "lora.rank" in complaint(typed, lora={"rnk": 3})
    assert "lora.rank" in complaint(typed, lroa={"rank": 3})
    assert "lora.epochs or full.epochs" in complaint(typed, epochs=3)
    assert "label_names" in complaint(typed, label_name="a")


def test_on_the_command_line_names_are_shown_as_they_are_typed():
    layer = Layer("command line", {"data": "a", "label-name": "a"})
    assert "--label-names" in complaint(resolve, Options, layer)


def test_all_mistakes_are_told_at_once(tmp_path):
    text = complaint(
        written,
        tmp_path,
        """
        data: a.csv
        sed: 1
        margin: wide
        budget: soon
        lora: {rank: many, colour: red}
        """,
    )
    for word in ("sed", "wide", "soon", "many", "colour"):
        assert word in text


def test_what_a_method_refuses_itself_is_told_too():
    assert "At most 1000" in complaint(typed, full={"epochs": 1001})


def test_counts_begin_at_one_and_nothing_is_below_zero():
    assert "from 1 up" in complaint(typed, full={"epochs": 0})
    assert "from 0 up" in complaint(typed, margin=-0.1)
    assert typed(seed=0, margin=0).margin == 0.0


def test_times_and_memory_say_which_option_is_wrong():
    text = complaint(typed, budget="soon", memory="lots")
    assert "budget is 'soon'" in text and "15m" in text
    assert "memory is 'lots'" in text and "8GB" in text


def test_missing_data_is_told():
    assert "data" in complaint(resolve, Options)


def test_an_option_of_a_method_that_is_not_chosen_is_not_ignored_in_silence():
    text = complaint(from_keywords, {"data": "a", "methods": "full", "lora": {"rank": 3}})
    assert "lora.rank does nothing" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: [1", "line"),
        ("just words", "line 1"),
        ("seed: 1\nseed: 2", "seed is set twice"),
        ("lora.rank: 1\nlora: {rank: 2}", "lora.rank is set twice"),
        ("lora: {rank: {deep: 1}}", "nested"),
        ("lora: 16", "lora"),
        ("seed: !!python/object/apply:os.system ['true']", "seed"),
        ("&a [*a]", "line 1"),
        ("seed: \x00", "no YAML"),
    ],
)
def test_a_bad_yaml_file_is_refused_with_its_place(tmp_path, text, words):
    message = complaint(written, tmp_path, text)
    assert words in message
    assert "run.yaml" in message


def test_a_missing_or_binary_yaml_file_is_refused(tmp_path):
    assert "nowhere.yaml" in complaint(yaml_layer, tmp_path / "nowhere.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in complaint(yaml_layer, tmp_path / "b.yaml")


# --- round trip

texts = st.text(st.characters(codec="utf-8"), min_size=1)


@given(
    data=texts,
    label_names=st.none() | st.lists(texts, min_size=1).map(tuple),
    pooling=st.sampled_from([None, "mean", "cls", "last"]),
    margin=st.floats(min_value=0, allow_nan=False, allow_infinity=False),
    rank=st.integers(min_value=1),
    bias=st.booleans(),
    out=st.none() | texts,
)
def test_what_is_written_is_read_again(
    tmp_path_factory, data, label_names, pooling, margin, rank, bias, out
):
    options = Options(
        data=data,
        label_names=label_names,
        pooling=pooling,
        margin=margin,
        out=out,
        lora=Lora(rank=rank, bias=bias, learning_rate=margin),
    )
    origins = dict.fromkeys(options_of(Options), "default") | {"lora.rank": "command line"}
    path = tmp_path_factory.getbasetemp() / "round.yaml"
    path.write_bytes(to_yaml(Resolved(options, origins)).encode())
    again = resolve(Options, yaml_layer(path))
    assert again.options == options
    assert set(again.origins.values()) == {"yaml"}


def test_the_origin_stands_beside_each_option():
    resolved = resolve(Options, Layer("command line", {"data": "a.csv", "lora.rank": "16"}))
    lines = to_yaml(resolved).splitlines()
    assert "data: a.csv  # command line" in lines
    assert "  rank: 16  # command line" in lines
    assert "  epochs: 3  # default" in lines
    assert "pooling: null  # default" in lines


def test_options_without_an_origin_were_given_in_python():
    assert "seed: 0  # keyword" in to_yaml(Resolved(Options(data="a"), {}))


# --- the options of a real run


def test_every_option_of_a_run_is_explained():
    silent = [name for name, option in options_of(run_options()).items() if not option.help]
    assert silent == []


def test_a_real_run_is_read_again_from_what_was_stored(tmp_path):
    resolved = from_keywords({"data": "a.csv", "methods": ["full", "lora"], "lora": {"rank": 16}})
    assert resolved.options.methods == ("full", "lora")
    path = tmp_path / "run.yaml"
    path.write_text(to_yaml(resolved), encoding="utf-8")
    again = from_keywords({"data": path})
    assert again.options == resolved.options
    assert set(again.origins.values()) == {"yaml"}


def test_a_yaml_file_in_the_place_of_the_data_lies_below_the_keywords(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("data: a.csv\nmethods: [full, lora]\nmargin: 0.05\nlora: {rank: 4}\n")
    resolved = from_keywords({"data": path, "margin": 0.1})
    assert (resolved.options.data, resolved.options.methods) == ("a.csv", ("full", "lora"))
    assert (resolved.options.margin, resolved.options.lora.rank) == (0.1, 4)
    assert (resolved.origins["margin"], resolved.origins["lora.rank"]) == ("keyword", "yaml")
    path.write_text("margin: 0.05\n")
    assert "No data is given" in complaint(from_keywords, {"data": str(path)})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"margin": 2}, "margin is 2. A share from 0 to 1 is expected: 0.02 is two points."),
        ({"features": {"C": 0}}, "features.C is 0. More than 0 is expected."),
        ({"bag_of_words": {"C": 0}}, "bag_of_words.C is 0. More than 0 is expected."),
        ({"lora": {"dropout": 0.95}}, "lora.dropout is 0.95. A share from 0 to 0.9 is expected."),
        (
            {"zero_shot": {"template": "a text"}},
            "zero_shot.template is 'a text'. A text with {label} is expected.",
        ),
    ],
)
def test_what_cannot_be_run_with_is_refused_by_its_name(given, told):
    assert complaint(from_keywords, {"data": "a", **given}).replace("\n", " ") == told


def test_what_methods_and_the_run_refuse_is_told_with_the_other_mistakes():
    given = {"data": "a", "budget": "soon", "margin": 2, "full": {"warmup": 3}}
    text = complaint(from_keywords, given)
    for word in ("budget", "margin is 2", "full.warmup is 3"):
        assert word in text


def test_what_is_refused_is_spelt_as_it_was_typed():
    values = {"data": "a", "margin": "2", "lora.dropout": "0.95"}
    text = complaint(resolve, run_options(), Layer("command line", values))
    assert "--margin is 2." in text and "--lora.dropout is 0.95." in text


@pytest.mark.parametrize("name", ["rows", "test_rows", "trials", "seeds", "max_length"])
def test_none_of_something_is_refused_in_python_too(name):
    assert f"{name} is 0." in complaint(RunOptions, "a.csv", **{name: 0})


@pytest.mark.parametrize("setting", [{"C": 0.0}, {"C": -1.0}, {"max_features": 0}])
def test_counted_words_want_numbers_above_nothing(setting):
    assert "More than 0" in complaint(BagOfWords, **setting)


def test_a_vote_wants_a_voter():
    assert "k is 0." in complaint(FewShot, k=0)


def test_names_of_labels_with_a_comma_stay_whole():
    names = {0: "bad, really", 1: "good"}
    options = from_keywords({"data": "a", "label_names": names}).options
    assert json.loads(options.label_names) == {"0": "bad, really", "1": "good"}


def test_other_names_of_a_task_are_understood():
    assert from_keywords({"data": "a", "task": "text-classification"}).options.task == "classify"


def test_an_unknown_method_or_task_names_the_nearest():
    assert "features" in complaint(from_keywords, {"data": "a", "methods": ["featurs"]})
    assert "classify" in complaint(from_keywords, {"data": "a", "task": "clasify"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_tokens_spent", -1), ("max_money_spent", -0.5), ("price_per_million", [1, -1])],
)
def test_caps_and_prices_are_not_below_nothing(name, value):
    with pytest.raises(ConfigError):
        from_keywords({"data": "a.csv", "backbone": ["openai:small"], name: value})
