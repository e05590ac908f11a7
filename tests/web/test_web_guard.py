"""The rules of security, one by one."""

import base64
import html
import re

import pytest
from visitors import asked_of, settled, visitor

from tunewell.errors import ConfigError
from tunewell.serve.web import guard, server, shelf
from tunewell.serve.web.app import WebOptions


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", ""])
def test_another_host_name_is_refused(page, host):
    assert page.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:80", "[::1]:8000"])
def test_the_names_of_this_computer_are_taken(page, host):
    assert page.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:9", "https://localhost.evil", "", "http://["],
)
def test_a_form_from_another_site_is_refused(page, home, origin):
    answer = page.post("/examples", data={"name": "support"}, headers={"origin": origin})
    assert answer.status_code == 403 and not home.exists()


def test_a_form_that_does_not_say_where_it_is_from_is_refused(home):
    with visitor(WebOptions(home=home)) as page:
        del page.headers["origin"]
        assert page.post("/examples", data={"name": "support"}).status_code == 403
        same = {"sec-fetch-site": "same-origin"}
        told = page.post("/examples", data={"name": "none"}, headers=same)
        assert told.status_code == 404


def test_every_answer_forbids_foreign_scripts_frames_and_guesses(page):
    for address in ("/", "/static/page.js", "/nothing", "/runs/none/data"):
        headers = page.get(address).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers
    assert page.get("/", headers={"host": "evil"}).headers["x-frame-options"] == "DENY"


def test_no_page_has_a_script_or_a_style_of_its_own(begun):
    page, name = begun
    for address in ("/", f"/runs/{name}/data", f"/runs/{name}/question", f"/runs/{name}/methods"):
        text = page.get(address).text
        assert not re.search(r"<script(?! src=\"/static/)|<style|\sstyle=|\son\w+=", text)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)


def test_a_password_is_asked_for_before_anything_is_read(home):
    with visitor(WebOptions(home=home, password="a long sentence")) as page:
        answer = page.get("/")
        assert answer.status_code == 401 and "Basic" in answer.headers["www-authenticate"]
        for wrong in ("a long sentenc", "é"):
            given = base64.b64encode(f"me:{wrong}".encode()).decode()
            assert page.get("/", headers={"authorization": f"Basic {given}"}).status_code == 401
        for odd in ("Basic", "Basic %%%", "Bearer x"):
            assert page.get("/", headers={"authorization": odd}).status_code == 401
        assert page.post("/files", content=b"x" * 100).status_code == 401
        right = base64.b64encode(b"anyone:a long sentence").decode()
        assert page.get("/", headers={"authorization": f"Basic {right}"}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "my-computer"])
def test_beyond_this_computer_a_password_is_compulsory(host):
    with pytest.raises(ConfigError, match="has no password"):
        server.refuse_open(WebOptions(host=host))
    with pytest.raises(ConfigError, match="5 characters"):
        server.refuse_open(WebOptions(host=host, password="short"))
    server.refuse_open(WebOptions(host=host, password="long enough"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_on_this_computer_none_is_needed(host):
    server.refuse_open(WebOptions(host=host))
    assert host in guard.names_of(host)


def test_uploads_are_bounded_with_and_without_a_length(home):
    with visitor(WebOptions(home=home, largest_upload=20_000)) as page:
        answer = page.post("/files", files={"files": ("a.csv", b"x" * 30_000)})
        assert answer.status_code == 413 and "the most that this page takes" in answer.text
        kind = {"content-type": "multipart/form-data; boundary=b"}
        piece = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\n'
        many = (part for part in [piece, *[b"y" * 1000] * 40])
        assert page.post("/files", content=many, headers=kind).status_code == 413
        assert not home.exists()
        small = page.post("/files", files={"files": ("a.csv", b"text,label\n" * 100)})
        assert small.status_code == 200


def test_other_forms_are_small(begun):
    page, name = begun
    fields = {"methods": "majority", "zero_shot.template": "x" * 1_100_000}
    assert page.post(f"/runs/{name}/methods", data=fields).status_code == 413


@pytest.mark.parametrize(
    "given",
    [
        "../../outside.csv",
        "/etc/outside.csv",
        "..\\..\\outside.csv",
        "C:\\outside.csv",
        "a/../b.csv",
    ],
)
def test_a_file_name_is_no_path(page, home, tmp_path, given):
    answer = page.post("/files", files={"files": (given, b"text,label\na,b\nc,d\n")})
    assert answer.status_code == 200
    files = list(tmp_path.rglob("*.csv"))
    assert len(files) == 1 and files[0].is_relative_to(tmp_path / home)
    assert files[0].parent.name == "rows"


@pytest.mark.parametrize(
    "name", ["..", ".", "%2e%2e", "..%2f..%2fetc", ".hidden", "a%00b", "notes"]
)
def test_a_run_is_found_by_its_name_in_the_list_alone(page, home, name):
    (home / ".hidden/page").mkdir(parents=True)
    (home / "notes").mkdir()
    assert page.get(f"/runs/{name}/data").status_code == 404
    assert page.get(f"/runs/{name}/methods").status_code == 404


def test_options_that_name_files_are_taken_from_no_form(begun, tmp_path):
    page, name = begun
    before = asked_of(name)
    outside = str(tmp_path)
    fields = dict.fromkeys(("data", "out", "validation", "test", "label_names"), outside)
    page.post(f"/runs/{name}/methods", data={**fields, "methods": "majority", "go": "keep"})
    page.post(f"/runs/{name}/data", data=fields)
    page.post(f"/runs/{name}/question", data=fields, follow_redirects=False)
    kept = {n: v for n, v in asked_of(name).items() if n != "methods"}
    assert kept == before


@pytest.mark.parametrize(
    "backbone", ["/etc", "../x", "~/x", "runs/messages", "a/b/c", ".", "a,../b"]
)
def test_a_backbone_is_the_name_of_a_model_and_no_folder(begun, backbone):
    page, name = begun
    fields = {"methods": "features", "go": "keep", "backbone": backbone}
    answer = page.post(f"/runs/{name}/methods", data=fields)
    assert answer.status_code == 400 and "not the name of a model" in answer.text
    assert "backbone" not in asked_of(name)


def test_whatever_a_file_holds_is_shown_as_text(page):
    nasty = '<script>alert(1)</script><img src=x onerror="alert(1)">'
    rows = "\n".join(
        f'"{nasty.replace(chr(34), chr(34) * 2)} {n}",<b>{n % 2}</b>' for n in range(60)
    )
    name = '"><script>alert(2)</script>.csv'
    page.post("/files", files={"files": (name, f"text,label\n{rows}".encode())})
    (kept,) = shelf.all_kept(page.app.app.state.home)
    for step in ("data", "question", "methods"):
        settled(page, f"/runs/{kept.name}/{step}")
        text = page.get(f"/runs/{kept.name}/{step}").text
        assert "<script>" not in text and "<img" not in text and "<b>" not in text
    assert html.escape("<script>alert(1)") in page.get(f"/runs/{kept.name}/data").text
    answer = page.get("/runs/<script>alert(3)</script>/data")
    assert "<script>alert" not in answer.text
