"""The shapes of the house: who imports whom, what is explained, what may not be there."""

import ast
import contextlib
import dataclasses
import fnmatch
import os
import re
import resource
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tunewell import cli, options, registry, run
from tunewell.documents import finding, indexing
from tunewell.mix import comparing
from tunewell.mix.settings import read_mix
from tunewell.pretraining import pipeline
from tunewell.serve import server
from tunewell.serve.web import server as web_server
from tunewell.terminal import talking
from tunewell.yaml_file import read_yaml

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "src" / "tunewell"
MODULES = {
    ".".join(file.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__"): file
    for file in sorted(HOME.rglob("*.py"))
    if file != HOME / "__init__.py"
}

STAGES = ("read", "plan", "fit", "measure", "tell")
FLOORS = [
    {"endpoint", "memory", "surprise"},
    {"values", "errors"},
    {"contracts"},
    {"registry", "convert", "fields", "yaml_file", "kinds", "inputs", "sets", "decide", "lock"},
    {"imbalance"},
    {*STAGES, "settings", "documents", "methods", "tasks", "written"},
    {"options"},
    {"ready"},
    {"chosen"},
    {"folder", "ladder"},
    {"run", "pretraining"},
    {"mix"},
    {"library", "terminal", "cli", "serve"},
    {"__main__"},
]
"""From the ground up; a module imports from lower floors, and from its own part."""
BESIDE = {
    ("methods", "fit"),
    ("methods", "documents"),
    ("tasks", "measure.metrics"),
    ("tasks", "written"),
    ("written", "measure.metrics"),
    ("plan", "measure.cost"),
    ("measure", "fit.prefix"),
    ("settings", "read"),
    ("documents", "read"),
    ("documents", "fit"),
    ("documents", "settings"),
    ("cli", "terminal"),
    ("terminal", "serve"),
}
"""What may be imported from a part on the same floor."""

HEAVY = ("torch", "transformers", "peft", "accelerate", "sklearn", "scipy", "numpy")
HEAVY += ("pandas", "pyarrow", "datasets", "safetensors", "tokenizers", "huggingface_hub")
HEAVY += ("lancedb", "pypdf", "docx", "selectolax", "markdown_it", "sacrebleu", "bitsandbytes")
HELP_TYROS = 8
"""Help may cost as much as this many imports of the parser alone: half a second where that takes
0.06, and as much more as a machine is slower or busier."""


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of all that a module imports, in functions as well."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def at_import(file: Path) -> set[str]:
    """Packages that importing a module imports."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    tops = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [a.name for n in tops if isinstance(n, ast.Import) for a in n.names]
    names += [n.module or "" for n in tops if isinstance(n, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def floor(part: str) -> int:
    """Which floor a part of the house is on."""
    numbers = [number for number, parts in enumerate(FLOORS) if part in parts]
    assert numbers, f"{part} has no floor yet: give it one in FLOORS"
    return numbers[0]


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module: str) -> None:
    part = module.partition(".")[0]
    for line, name in imports(MODULES[module]):
        if name.partition(".")[0] != "tunewell":
            continue
        inside = name.removeprefix("tunewell").removeprefix(".")
        target = inside if inside in MODULES else inside.rpartition(".")[0]
        other = target.partition(".")[0]
        if other in ("", part):  # the version, or its own part
            continue
        down = floor(other) < floor(part) and other not in ("methods", "tasks")
        area = ".".join(target.split(".")[:2])
        beside = {(part, other), (part, target), (part, area)} & BESIDE
        assert down or beside, f"{module}, line {line}: {part} may not import {name}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_and_stays_small(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), f"{module} has no docstring"
    assert len(text.splitlines()) <= 280, f"{module} is two modules"


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith(("methods", "tasks"))])
def test_a_method_or_task_imports_heavy_packages_where_it_uses_them(module: str) -> None:
    assert not at_import(MODULES[module]) & set(HEAVY)


SAVING = ("at_once", "joint_step", "stack", "packing", "few", "prefix", "lower", "kept", "depth")
SAVING += ("once", "feeds", "step", "recompute", "sharing")
"""Parts of `fit` that save work, for every method alike."""


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith(("methods", "tasks"))])
def test_no_method_or_task_knows_of_the_work_that_it_is_saved(module: str) -> None:
    known = {
        name.removeprefix("tunewell.fit.").partition(".")[0] for _, name in imports(MODULES[module])
    }
    assert not known & set(SAVING)
    names = {
        n.attr
        for n in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(n, ast.Attribute)
    }
    assert "beside" not in names


def test_no_option_speaks_of_the_work_that_is_saved() -> None:
    known = options.options_of(options.run_options())
    assert not {name.rpartition(".")[2] for name in known} & {*SAVING, "beside"}


def test_every_package_that_is_imported_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    more = [part for name, part in project["optional-dependencies"].items() if name != "dev"]
    lines = [*project["dependencies"], *(line for part in more for line in part)]
    asked = {re.match(r"[\w-]+", line)[0].replace("-", "_") for line in lines}
    used = {name.partition(".")[0] for file in MODULES.values() for _, name in imports(file)}
    called = {"sklearn": "scikit_learn", "yaml": "pyyaml", "docx": "python_docx"}
    called |= {"markdown_it": "markdown_it_py"}
    named = {called.get(name, name) for name in used}
    assert named - set(sys.stdlib_module_names) - {"tunewell"} <= asked


def test_listing_everything_imports_nothing_heavy() -> None:
    code = (
        "import sys, tunewell\n"
        "from tunewell import options, registry\n"
        "assert registry.methods() and registry.tasks() and options.run_options()\n"
        f"print(*sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("module", MODULES)
def test_nothing_that_runs_foreign_code(module: str) -> None:
    file = MODULES[module]
    unsafe = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
    for line, name in imports(file):
        assert not unsafe & set(name.split(".")), f"{module}, line {line}: {name}"
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called, where = ast.unparse(node.func), f"{module}, line {node.lineno}"
        assert called not in ("torch.load", "yaml.load", "yaml.unsafe_load", "eval", "exec"), where
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        assert given.get("trust_remote_code", "False") == "False", where
        assert given.get("allow_pickle", "False") == "False", where
        if re.fullmatch(r"(\w+\.)*Auto\w+\.from_(pretrained|config)", called):
            assert "trust_remote_code" in given, f"{where}: say trust_remote_code=False"


@pytest.mark.parametrize("method", registry.methods().values(), ids=lambda method: method.name)
def test_every_option_is_explained(method: type) -> None:
    assert dataclasses.is_dataclass(method) and method.__dataclass_params__.frozen
    assert [name for name, doc in options.field_docs(method).items() if not doc] == []


def test_every_option_of_a_run_is_explained() -> None:
    known = options.options_of(options.run_options())
    assert [name for name, option in known.items() if not option.help] == []


def cpu_seconds(argv: list[str]) -> tuple[float, str]:
    """Processor seconds of a command, its own and those of what it starts, and what it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


@pytest.mark.parametrize("command", ["", *cli.COMMANDS])
def test_help_answers_at_once(command: str) -> None:
    """The best of up to five turns of both: neighbours on the same core slow both down."""
    argv = [str(Path(sys.executable).with_name("tunewell")), *command.split(), "--help"]
    helps: list[float] = []
    tyros: list[float] = []
    while not helps or (min(helps) >= HELP_TYROS * min(tyros) and len(helps) < 5):
        tyros.append(cpu_seconds([sys.executable, "-c", "import tyro"])[0])
        seconds, shown = cpu_seconds(argv)
        helps.append(seconds)
        assert f"tunewell {command}" in shown
    assert min(helps) < HELP_TYROS * min(tyros)


def shipped() -> list[Path]:
    """Text files of the project, without those that .gitignore names."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line]
    skipped = re.compile("|".join(map(fnmatch.translate, [".git", *ignored])))
    found = []
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if not skipped.match(name)]
        found += [Path(folder, name) for name in files if not skipped.match(name)]
    return [file for file in found if b"\0" not in file.read_bytes()[:1024]]


def yaml_files() -> list[Path]:
    """Every YAML file that a reader may run."""
    return [f for d in ("examples", "docs") for f in sorted((ROOT / d).rglob("*.y*ml"))]


@pytest.mark.parametrize("file", yaml_files(), ids=lambda file: file.name)
def test_a_shipped_yaml_holds_options(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    if "sets" in read_yaml(file):
        read_mix(str(file), options.Layer("command line", {}))
    else:
        options.from_keywords({"data": file})


def commands_in(text: str) -> list[str]:
    """Lines of code blocks that call tunewell, with continued lines joined."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    blocks += re.findall(r"(?:^ {4}.*\n)+", text, re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    lines = [line.strip().removeprefix("$ ").removeprefix(".venv/bin/") for line in lines]
    return [line for line in lines if re.match(r"tunewell \w", line)]


def pages() -> list[Path]:
    """What people read."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def test_commands_are_found_in_a_page() -> None:
    text = (
        "```sh\ntunewell compare a.csv \\\n  --seed 1\n```\nThen:\n\n    $ tunewell check a.csv\n"
    )
    assert commands_in(text) == ["tunewell compare a.csv    --seed 1", "tunewell check a.csv"]


CONTENTS = {
    ".csv": "text\nfine\n",
    ".yaml": "data: a.csv\n",
    ".yml": "data: a.csv\n",
    "mix.yaml": "sets: [one.yaml, two.yaml]\n",
    "one.yaml": "data: a.csv\ntask: translate\n",
    "two.yaml": "data: b.csv\ntask: chat\n",
}
"""What stands in the files that the commands of a page name, by name or by ending."""


class Accepted(Exception):
    """A command was understood and would now run."""


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_command_line_takes_every_command_in_the_pages(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object, **keywords: object) -> None:
        raise Accepted

    for verb in ("compare", "fit", "check", "plan", "load", "model_folder", "report"):
        monkeypatch.setattr(run, verb, stop)
    monkeypatch.setattr(comparing, "compare_mix", stop)
    monkeypatch.setattr(server, "serve", stop)
    monkeypatch.setattr(web_server, "start", stop)
    monkeypatch.setattr(indexing, "index", stop)
    monkeypatch.setattr(finding, "open_index", stop)
    monkeypatch.setattr(pipeline, "pretrain", stop)
    monkeypatch.setattr(talking, "partner", stop)
    monkeypatch.chdir(tmp_path)
    for name in ("one.yaml", "two.yaml"):
        Path(name).write_text(CONTENTS[name])
    for line in commands_in(page.read_text(encoding="utf-8")):
        argv = re.split(r" [|>&]", line)[0]
        for file in re.findall(r"\S+\.(?:csv|ya?ml)\b", argv):
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(CONTENTS.get(Path(file).name, CONTENTS[Path(file).suffix]))
        with contextlib.suppress(Accepted):
            assert cli.main(shlex.split(argv, comments=True)[1:]) == 0, line


def test_no_file_names_a_place_on_one_machine() -> None:
    home, passing = re.compile(r"(?<![\w.])/work/"), re.compile(r"(?<![\w.])/tmp/")
    data = re.compile(r"\.\./shared")
    for file in shipped():
        text, name = file.read_text(encoding="utf-8", errors="replace"), file.relative_to(ROOT)
        assert not home.search(text) or file.name == Path(__file__).name, name
        assert not data.search(text) or str(name) == ".ci/run", name
        assert not passing.search(text) or name.parts[0] not in ("src", "docs"), name
