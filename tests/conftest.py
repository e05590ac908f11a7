"""What many tests share: quiet dependencies, the toy world, real data where it is."""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from tunewell.fit.machine import quiet

quiet()
# With lxml openpyxl writes errors as texts, and the tests write such cells.
os.environ["OPENPYXL_LXML"] = "False"

import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402
from hypothesis import settings  # noqa: E402

# A shell starts what runs in the background with Ctrl-C ignored; tests send it to themselves.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of the machine than of the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

import toy  # noqa: E402


def _made_once(tmp_path_factory, name, make):
    """A folder that is made by the first worker that asks and shared by all."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root
    folder = root / "toy" / name
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            make(folder)
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def toy_backbone(tmp_path_factory):
    """A tiny sentence encoder that has read the toy language."""
    return _made_once(tmp_path_factory, "pretrained", toy.pretrained_backbone)


@pytest.fixture(scope="session")
def filling_backbone(tmp_path_factory):
    """The same encoder with the layer that fills in words."""

    def make(folder):
        toy.pretrained_backbone(folder, with_words=True)

    return _made_once(tmp_path_factory, "filling", make)


@pytest.fixture(scope="session")
def random_backbone(tmp_path_factory):
    """Makes a tiny backbone of random weights of a shape."""
    return lambda shape: _made_once(
        tmp_path_factory, shape, lambda folder: toy.random_backbone(shape, folder)
    )


@pytest.fixture(scope="session")
def real_data():
    """The folder of real data sets that TUNEWELL_DATA names."""
    folder = os.environ.get("TUNEWELL_DATA")
    if not folder:
        pytest.skip("TUNEWELL_DATA does not name a folder of real data")
    return Path(folder)
