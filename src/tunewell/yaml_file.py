"""A YAML file of options: read as it was typed, written with a comment on every line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tunewell.errors import ConfigError


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Options by dotted name; each value is the text that was typed, a list of texts or None.

    Texts, since YAML's own types are traps: it reads `1e-4` as a text, `no` as false,
    `007` as 7 and `1:30` as 90. The fields' types decide.

    Raises:
        ConfigError: the file cannot be read, or is no mapping of options.
    """
    import yaml

    try:
        root = yaml.compose(Path(path).read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no UTF-8 text.", "Save it as UTF-8.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise ConfigError(
            f"{where}: this is no YAML ({getattr(error, 'problem', None) or 'unreadable'}).",
            "One option a line is expected, as in `seed: 1`.",
        ) from error
    return {} if root is None else _mapping(root, str(path), "")


def write_yaml(values: dict[str, Any], comments: dict[str, str]) -> str:
    """Options by dotted name, those of a section together -> YAML with a comment on each line."""
    lines: list[str] = []
    last = ""
    for name, value in values.items():
        section, dot, own = name.rpartition(".")
        if section != last:
            lines.append(f"{section}:")
            last = section
        lines.append(f"{'  ' * len(dot)}{own}: {_typed(value)}  # {comments[name]}")
    return "\n".join(lines) + "\n"


def _typed(value: Any) -> str:
    """A value or a list of values on one line; what is not printable is escaped."""
    import yaml

    if isinstance(value, list):
        return f"[{', '.join(map(_typed, value))}]"
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    listed = yaml.safe_dump(
        [value], allow_unicode=True, width=math.inf, default_flow_style=True, default_style=style
    )
    return listed.strip()[1:-1]


def _mapping(node: Any, path: str, prefix: str) -> dict[str, Any]:
    """A mapping's options by dotted name."""
    import yaml

    where = f"{path}, line {node.start_mark.line + 1}"
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{where}: `option: value` is expected here.")
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = prefix + str(key.value)
        if isinstance(value, yaml.MappingNode) and not prefix:
            inside = _mapping(value, path, name + ".")
        else:
            inside = {name: _value(value, f"{path}, line {value.start_mark.line + 1}", name)}
        twice = found.keys() & inside.keys()
        if twice:
            raise ConfigError(f"{path}, line {key.start_mark.line + 1}: {min(twice)} is set twice.")
        found |= inside
    return found


def _value(node: Any, where: str, name: str) -> Any:
    import yaml

    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == "tag:yaml.org,2002:null" else node.value
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    if not all(isinstance(item, yaml.ScalarNode) for item in items):
        raise ConfigError(f"{where}: {name} is nested too deeply.", "A value is expected.")
    return [item.value for item in items]
