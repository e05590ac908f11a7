"""What is computed in steps: who goes on in the same way goes on together."""

import asyncio
import time
from contextlib import aclosing

import pytest

from tunewell.serve.batching import Queue


class Counting:
    """Counts down, for several at once, and notes for how many."""

    def __init__(self, seconds=0.0):
        self.together, self.left, self.seconds = [], [], seconds

    def go_on(self, counts):
        time.sleep(self.seconds)
        self.together.append(len(counts))
        for count in counts:
            count[0] -= 1
        return [count[0] if count[0] >= 0 else None for count in counts]


def computed(*clients, **options):
    """What each of some coroutines, made of a running queue, gives."""

    async def all_of_them():
        queue = Queue(100, 50, **options)
        running = asyncio.create_task(queue.run())
        found = await asyncio.gather(*(client(queue) for client in clients), return_exceptions=True)
        queue.close()
        await running
        assert queue.present == 0
        return found

    return asyncio.run(all_of_them())


def counting(how, first, wait=0.0, patience=5.0):
    """A client who counts down from a number after a while."""

    async def client(queue):
        await asyncio.sleep(wait)
        steps = queue.steps(lambda: [first], how.go_on, how.left.append, patience)
        return [count async for count in steps]

    return client


def test_those_who_go_on_in_the_same_way_do_so_together():
    how, other = Counting(), Counting()
    clients = [counting(how, 3), counting(how, 5), counting(other, 4)]
    assert computed(*clients) == [[2, 1, 0], [4, 3, 2, 1, 0], [3, 2, 1, 0]]
    assert how.together == [2, 2, 2, 2, 1, 1] and set(other.together) == {1}
    assert len(how.left) == 2 and len(other.left) == 1


def test_who_comes_later_joins():
    how = Counting(seconds=0.005)
    computed(counting(how, 40), counting(how, 20, wait=0.05))
    assert how.together.count(2) >= 19 and how.together[0] == 1


def test_others_are_answered_between_two_steps():
    how, answered = Counting(seconds=0.005), []

    async def asks(queue):
        await asyncio.sleep(0.02)
        found = await queue.ask(lambda texts: [text.upper() for text in texts], ["a"], 5)
        answered.append(len(how.together))
        return found

    assert computed(counting(how, 50), asks)[1] == ["A"]
    assert answered[0] < 25


def test_who_leaves_is_told_of():
    how = Counting()

    async def leaves(queue):
        steps = queue.steps(lambda: [9], how.go_on, how.left.append, 5)
        async with aclosing(steps):
            return await anext(steps)

    assert computed(leaves) == [8]
    assert how.left == [[8]]


def test_what_is_refused_at_the_beginning_goes_on_no_further():
    how = Counting()

    async def refused(queue):
        steps = queue.steps(lambda: 1 / 0, how.go_on, how.left.append, 5)
        return [count async for count in steps]

    one, other = computed(refused, counting(how, 2))
    assert isinstance(one, ZeroDivisionError) and other == [1, 0]
    assert len(how.left) == 1


def test_a_step_that_takes_too_long_ends_it():
    how = Counting(seconds=0.3)
    (late,) = computed(counting(how, 3, patience=0.1))
    assert isinstance(late, TimeoutError) and how.left == [[2]]


@pytest.mark.parametrize("faulty", [0, 1])
def test_a_fault_of_one_is_not_that_of_the_others(faulty):
    class Faulty(Counting):
        def go_on(self, counts):
            if any(count[0] == 3 and count[1:] for count in counts):
                raise ValueError("three")
            return super().go_on(counts)

    how = Faulty()

    def client(number):
        async def counts(queue):
            begin = [3, "marked"] if number == faulty else [5]
            steps = queue.steps(lambda: begin, how.go_on, how.left.append, 5)
            return [count async for count in steps]

        return counts

    found = computed(client(0), client(1))
    assert isinstance(found[faulty], ValueError) and found[1 - faulty] == [4, 3, 2, 1, 0]
