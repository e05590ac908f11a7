"""Every option of a run that had a say, and where each came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewell import registry
from tunewell.fit.schedule import chosen_rates
from tunewell.ready import MOST_TOKENS, Ready
from tunewell.values import to_json


def chosen_options(ready: Ready, origins: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every option that had a say, its value, where it came from, and why if it was chosen."""
    from tunewell.options import flatten

    local = [each for each in ready.backbones if each.endpoint is None]
    asked = [each.endpoint for each in ready.backbones if each.endpoint is not None]
    backbone = local[0] if local else None
    chosen = {
        "methods": (", ".join(ready.methods), "all that there are"),
        "metric": (ready.task.metric, ready.metric_why),
        "device": (ready.machine.device, "found on this machine"),
        "dtype": (ready.machine.dtype, "by the processor's flags"),
        "out": (str(ready.folder), "named after the data"),
    }
    if asked:
        url = asked[0].base_url
        why = "OPENAI_BASE_URL says so" if url else "none is given"
        chosen["base_url"] = (url or "OpenAI", why)
        chosen["max_tokens_spent"] = (MOST_TOKENS, "so that no run costs a fortune")
    columns = ready.data.columns
    if columns.named.keys() <= {"input", "target"}:
        chosen |= {"input": (columns.input, columns.why), "target": (columns.target, columns.why)}
    else:
        named = ",".join(f"{name}={','.join(each)}" for name, each in columns.named.items())
        chosen["columns"] = (named, columns.why)
    if backbone is not None:
        pooling = backbone.pooling or "the architecture's own head"
        chosen["backbone"] = (backbone.name, "the default")
        chosen["max_length"] = (backbone.max_length, "the backbone's own figure")
        chosen["pooling"] = (pooling, "as the backbone was made for")
    chosen |= chosen_rates(ready.methods, backbone)
    rows = []
    for name, value in flatten(to_json(ready.options)).items():
        section = name.partition(".")[0]
        if "." in name and section in registry.methods() and section not in ready.methods:
            continue
        if "." in name and section in registry.task_options() and section != ready.task.name:
            continue
        row = {"name": name, "value": value, "origin": origins.get(name, "default"), "reason": ""}
        if value is None and name in chosen:
            row |= {"value": chosen[name][0], "origin": "chosen", "reason": chosen[name][1]}
        rows.append(row)
    return rows
