import pytest
from made_reports import REPORTS


@pytest.fixture(scope="session")
def reports():
    return {name: make() for name, make in REPORTS.items()}


@pytest.fixture(params=REPORTS)
def html(request, reports):
    return reports[request.param]
