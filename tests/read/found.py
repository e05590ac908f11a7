"""The columns of one text and one label, as the tests ask for them."""

from tunewell.read import find
from tunewell.registry import task


def find_columns(path, input=None, target=None, group=None, need_target=True, usual=None):
    given = {"input": input, "target": target}
    said = {name: value for name, value in given.items() if value is not None}
    columns = task("classify").columns
    wanted = [c for c in columns if need_target or not c.target or c.name in said]
    return find(path, wanted, said, group, {"input": usual} if usual else {})
