"""What a repository says of its checked-out state: GitPython's only door."""

from typing import Any

from rlm_indexers.git.checkout import Checkout


def of(found: Checkout) -> dict[str, Any]:
    """`revision` (None before the first commit), `branch` (None when detached or bare), `shallow` if it is."""
    facts: dict[str, Any] = {"revision": found.git().head(), "branch": _branch(found)}
    if (found.git_dir / "shallow").is_file():
        facts["shallow"] = True
    return facts


def _branch(found: Checkout) -> str | None:
    """The branch that is checked out, read by GitPython, which for this reads files and starts no program."""
    import git

    try:
        # Asked for names only: for objects it would start `git`, with the environment we were started in.
        with git.Repo(found.work_tree or found.git_dir, search_parent_directories=False) as repo:
            return None if repo.head.is_detached else str(repo.active_branch.name)
    except (git.GitError, OSError, ValueError, TypeError):
        return None
