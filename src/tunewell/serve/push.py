"""A run's model on the Hugging Face Hub, exported and tried on real rows before it goes there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tunewell import run
from tunewell.errors import ConfigError, ResourceError
from tunewell.serve.export import Exported, export
from tunewell.serve.settings import Form


@dataclass(frozen=True)
class Pushed:
    """Where the model is, and how the copy did before it went there."""

    url: str
    exported: Exported


def push(folder: str | Path, repo: str, form: Form = "hf", private: bool = True) -> Pushed:
    """Export a run's model and send it, with its card, to a repository of the Hub.

    A repository that is there gets a new commit; one that is not is made.

    Args:
        folder: a run, for its recommended model, or the folder of a model inside a run.
        repo: `owner/name`, or a name in one's own space.
        form: as `serve.export.export` knows them.
        private: whether a new repository is seen by its owner alone.

    Raises:
        ConfigError: nobody is logged in, or there cannot be such a repository; else as `export`.
        ResourceError: the Hub cannot be reached, or refuses.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (  # HTTPError is that of the client it is built on
        HFValidationError,
        HTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    folder, hub = run.model_folder(folder), HfApi(library_name="tunewell")
    try:
        me = hub.whoami()["name"]
    except LocalTokenNotFoundError:
        raise ConfigError(
            "Nobody is logged in to the Hugging Face Hub on this machine.",
            "",
            "`hf auth login` logs in; a token in HF_TOKEN does as well.",
        ) from None
    except (HTTPError, OfflineModeIsEnabled) as error:
        raise _refused(error) from None
    repo = repo if "/" in repo else f"{me}/{repo}"
    with tempfile.TemporaryDirectory() as aside:
        exported = export(folder, form, Path(aside) / "model")
        try:
            url = hub.create_repo(repo, private=private, exist_ok=True)
            hub.upload_folder(
                repo_id=repo, folder_path=exported.folder, commit_message="Model, card and figures"
            )
        except HFValidationError as error:
            raise ConfigError(f"There can be no repository {repo!r}.", str(error)) from None
        except (HTTPError, OfflineModeIsEnabled) as error:
            raise _refused(error) from None
    return Pushed(str(url), exported)


def _refused(error: Exception) -> ResourceError:
    response = getattr(error, "response", None)
    if response is None:
        return ResourceError(
            "The Hugging Face Hub cannot be reached.",
            "",
            "Try again later; `tunewell export` writes the same folder on this machine.",
        )
    told = " ".join(str(error).split())[:300]
    return ResourceError(
        f"The Hub refuses: {told}", "", "Look at the token's rights: it must be one that may write."
    )
