"""Whatever is fitted is fitted on another device than the CPU as well, with the same answers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
CLOSE = {"kernel": 5e-2, "": 5e-3}
"""Most by which numbers in answers may differ, by a word in the name of a case: a kernel rounds
to 16 bits, and the first steps of AdamW make much of little."""


@pytest.mark.slow
def test_answers_are_those_of_a_cpu(tmp_path):
    done = subprocess.run(
        [sys.executable, str(TESTS / "far_fits.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=TESTS,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    wrong = {case: found["error"] for case, found in told.items() if "error" in found}
    assert not wrong, "\n\n".join(f"{case}: {error}" for case, error in wrong.items())
    fitted = {case: found for case, found in told.items() if "apart" in found}
    assert len(fitted) > len(told) / 2
    for case, found in fitted.items():
        close = next(most for word, most in CLOSE.items() if word in case)
        assert found["apart"] <= close, (case, found)
        assert ("kernel" in case) <= (not found["padded"]), (case, found)
