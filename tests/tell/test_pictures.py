import itertools
import random

import pytest

from tunewell.tell.axes import share_axis, time_axis
from tunewell.tell.pictures import Dot, picture
from tunewell.tell.placing import Box, Spot, place
from tunewell.tell.scores import Reading

ACCURACY = Reading("accuracy")


def dot(name, value, seconds, recommended=False, backbone="", half=0.03):
    score = {"value": value, "low": max(value - half, 0), "high": min(value + half, 1)}
    told = ACCURACY.interval(score)
    return Dot(name, name, backbone, score, told, seconds, f"{seconds} s", recommended)


def crowd(kind, number):
    chance = random.Random(number)
    names = [f"method_{n}" for n in range(number)]
    if kind == "same":
        return [dot(name, 0.85, 10.0) for name in names]
    if kind == "nearly the same":
        return [dot(name, 0.85 + chance.uniform(0, 0.01), 10 + chance.random()) for name in names]
    return [dot(name, chance.uniform(0.5, 0.9), 10 ** chance.uniform(-2, 4)) for name in names]


def name_box(mark, font):
    """Where a name is drawn, at the width that its letters have in a usual font."""
    width = 0.56 * font * len(mark.label)
    left = mark.label_x - {"start": 0, "middle": width / 2, "end": width}[mark.anchor]
    return Box(left, mark.label_y - 0.8 * font, left + width, mark.label_y + 0.25 * font)


@pytest.mark.parametrize("width", [328.0, 560.0])
@pytest.mark.parametrize("number", [1, 2, 8, 14])
@pytest.mark.parametrize("kind", ["same", "nearly the same", "spread"])
def test_no_name_covers_another_and_all_are_inside(kind, number, width):
    drawn = picture(crowd(kind, number), width, 12.0, ACCURACY)
    boxes = [name_box(mark, 12.0) for mark in drawn.marks]
    assert all(one.overlap(other) == 0 for one, other in itertools.combinations(boxes, 2))
    assert all(drawn.frame.encloses(box) for box in boxes)
    assert {m.label for m in drawn.marks} == {f"method_{n}" for n in range(number)}


def test_farther_right_is_dearer_and_higher_is_better():
    dots = [dot("a", 0.6, 0.5), dot("b", 0.7, 20), dot("c", 0.9, 4000)]
    marks = {mark.dot.name: mark for mark in picture(dots, 560.0, 13.0, ACCURACY).marks}
    assert marks["a"].x < marks["b"].x < marks["c"].x
    assert marks["a"].y > marks["b"].y > marks["c"].y
    assert all(mark.high < mark.y < mark.low for mark in marks.values())


def test_a_picture_says_the_same_in_words():
    drawn = picture([dot("a", 0.6, 0.5), dot("b", 0.7, 20)], 560.0, 13.0, ACCURACY)
    assert "a: 60.0 % [57.0, 63.0] at 0.5 s" in drawn.sentences
    assert "b: 70.0 % [67.0, 73.0] at 20 s" in drawn.sentences


def test_the_recommended_name_is_placed_first():
    dots = [*crowd("same", 5), dot("chosen", 0.4, 10, recommended=True)]
    assert picture(dots, 560.0, 13.0, ACCURACY).marks[0].dot.name == "chosen"


def test_backbones_differ_by_shape():
    dots = [dot("a", 0.6, 1, backbone=name) for name in ("", "x/one", "x/two")]
    outlines = {
        mark.dot.backbone: mark.outline for mark in picture(dots, 560.0, 13.0, ACCURACY).marks
    }
    assert len(set(outlines.values())) == 3


@pytest.mark.parametrize(
    "times", [[1e-6], [0.0], [1.0, 1.0], [0.0, 1e5], [0.004, 0.0041], [3, 9000], [1e-9, 1e9]]
)
def test_a_time_axis_holds_its_times_and_few_ticks(times):
    axis = time_axis(times, most_ticks=6)
    assert 0 < axis.low < axis.high
    assert 1 <= len(axis.ticks) <= 6
    assert all(0 <= axis.part(time) <= 1 for time in times)
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)


@pytest.mark.parametrize(
    "shares", [[0.0], [1.0], [0.5, 0.5], [0.0, 1.0], [0.871, 0.874], [0.03, 0.97]]
)
def test_a_share_axis_holds_its_shares_between_0_and_1(shares):
    axis = share_axis(shares)
    assert 0 <= axis.low < axis.high <= 1
    assert axis.low <= min(shares) and max(shares) <= axis.high
    assert 2 <= len(axis.ticks) <= 11


def test_a_name_wider_than_the_picture_is_pushed_in():
    area = Box(0, 0, 100, 100)
    spot = Spot(90, 50, 6, 40, 60, 95, 15)
    assert area.encloses(place([spot], area)[0].box)


def test_an_axis_of_correlations_goes_below_nothing():
    read = Reading("Spearman correlation", percent=False, low=-1.0)
    low = {"value": -0.05, "low": -0.3, "high": 0.2}
    high = {"value": 0.91, "low": 0.88, "high": 0.94}
    dots = [
        Dot(name, name, "", score, read.interval(score), 1.0, "1 s", False)
        for name, score in (("guess", low), ("full", high))
    ]
    drawn = picture(dots, 560.0, 13.0, read)
    labels = [tick.label for tick in drawn.up]
    assert "0" in labels and labels[0].startswith("−") and "%" not in "".join(labels)
    assert "full: 0.910 [0.880, 0.940] at 1 s" in drawn.sentences
