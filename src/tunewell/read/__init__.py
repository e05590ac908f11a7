"""Files and formats to examples; what is wrong with them, row by row; the split."""

from tunewell.kinds import unequal
from tunewell.read.asked import input_of, input_typed
from tunewell.read.check import check, separable_points
from tunewell.read.columns import find
from tunewell.read.examples import read_inputs
from tunewell.read.formats import read_rows
from tunewell.read.load import load
from tunewell.read.near import near_key
from tunewell.read.records import Columns, Data, Fault, Source

__all__ = [
    "Columns",
    "Data",
    "Fault",
    "Source",
    "check",
    "find",
    "input_of",
    "input_typed",
    "load",
    "near_key",
    "read_inputs",
    "read_rows",
    "separable_points",
    "unequal",
]
