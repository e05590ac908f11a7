"""Rows that are learnt during a part of the training only."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewell.errors import DataError
from tunewell.fit.batches import epoch_batches
from tunewell.fit.phases import more_come, phase_batches

shares = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.8])


def steps(during, batch_size, epochs, seed=0):
    """Row numbers of each step of a training."""
    lengths = [1 + row % 7 for row in range(len(during))]
    return [
        rows
        for epoch in range(epochs)
        for rows in phase_batches(during, lengths, batch_size, seed, epoch, epochs)
    ]


@given(
    joins=st.lists(shares, min_size=1, max_size=40),
    batch_size=st.integers(1, 9),
    epochs=st.integers(1, 5),
)
def test_each_row_is_learnt_in_its_part_of_the_training_alone(joins, batch_size, epochs):
    during = [(0.0, 1.0), *((since, 1.0) for since in joins)]
    read = steps(during, batch_size, epochs)
    ordinary = len(epoch_batches([1] * len(during), batch_size, 0, 0))
    assert len(read) == epochs * ordinary
    assert all(len(rows) == batch_size for rows in read)
    for number, rows in enumerate(read):
        assert all(number >= round(during[row][0] * len(read)) for row in rows)
    assert read == steps(during, batch_size, epochs)


def test_rows_of_one_part_are_read_equally_often_also_across_epochs():
    during = [(0.0, 0.5)] * 30 + [(0.5, 1.0)] * 10 + [(0.5, 1.0)] * 20
    read = steps(during, 4, epochs=4)  # 60 steps of 4: 120 rows in each half
    counts = Counter(row for rows in read for row in rows)
    assert {counts[row] for row in range(30)} == {4}
    assert {counts[row] for row in range(30, 60)} == {4}
    assert {row for rows in read[:30] for row in rows} == set(range(30))
    other = steps(during, 4, epochs=4, seed=1)
    assert other != read and Counter(map(len, other)) == Counter(map(len, read))


def test_a_part_without_rows_is_refused():
    with pytest.raises(DataError, match="No row is learnt from 50% to 100%"):
        steps([(0.0, 0.5)] * 8, 4, epochs=2)


def test_it_is_known_whether_more_rows_come():
    during = [(0.0, 1.0), (0.5, 1.0)]
    assert more_come(during, 0.25) and not more_come(during, 0.5)
