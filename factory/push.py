"""Uploading a dataset folder to the Hugging Face Hub."""

from pathlib import Path
from typing import Any, Protocol

from factory.errors import FactoryError
from factory.export.source import Source

IGNORED = [".work/**", "report.html", ".*"]
"""What stays here: the ledger, which names this machine's folders, and the report."""


class Hub(Protocol):
    """What is used of `huggingface_hub.HfApi`."""

    def create_repo(self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool) -> Any:
        """Make a repository unless it is there."""

    def upload_folder(
        self,
        *,
        repo_id: str,
        repo_type: str,
        folder_path: str,
        ignore_patterns: list[str],
        commit_message: str,
    ) -> Any:
        """Upload what is not there yet."""


def push(folder: Path, repo: str, private: bool = True, hub: Hub | None = None) -> str:
    """Upload a finished dataset and return its address; the token is that of `hf auth login`, or HF_TOKEN.

    Raises:
        FactoryError: there is no dataset, the Hub cannot be reached, or it refuses.
    """
    rows = Source(folder).rows
    if not (folder / "README.md").is_file():
        raise FactoryError(f"{folder} has no card (README.md): finish its build first")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    api: Hub = hub or HfApi()
    try:
        api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo, repo_type="dataset", folder_path=str(folder), ignore_patterns=IGNORED,
            commit_message=f"Upload {rows} described images",
        )  # fmt: skip
    except (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OSError) as error:
        raise FactoryError(
            f"cannot push {folder} to {repo!r}: {error}; see `hf auth login`, then push again"
        ) from error
    return f"https://huggingface.co/datasets/{repo}"
