"""Files and formats to examples; what is wrong with them, row by row; the split."""

from tunewell.kinds import unequal
from tunewell.read.check import check, separable_points
from tunewell.read.columns import find, find_columns
from tunewell.read.examples import read_inputs, read_texts
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
    "find_columns",
    "load",
    "near_key",
    "read_inputs",
    "read_rows",
    "read_texts",
    "separable_points",
    "unequal",
]
