"""What works on this machine, found out by trying it, and one sentence on what to do about what does not."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from rlm_mcp import __version__
from rlm_mcp.errors import RlmError

if TYPE_CHECKING:
    from rlm_mcp.app import App

JSON = Any
AGENT_ROLES = {
    "claude": "root model and sub-model, at the cost of your plan or key there (about 2 KB of prompt a call)",
    "codex": "root model only, at the cost of your plan or key there (about 7 KB of prompt a call)",
}
PACKAGES = ("mcp", "litellm", "tree-sitter", "GitPython", "daytona")
OTHER_KEYS = ("OPENROUTER_API_KEY", "DAYTONA_API_KEY")
"""Keys worth naming besides those by which a model is chosen."""


async def examine(app: "App") -> dict[str, JSON]:
    """A report as JSON; `ready` says whether a question can be answered here. Never shows a key's value."""
    sandbox, models = await _sandbox(app), await _models(app)
    return {
        "ready": sandbox["available"] and models["available"],
        "rlm_mcp": __version__,
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()} {platform.release()}",
        "packages": {name: _version(name) for name in PACKAGES},
        "cache": str(app.settings.cache_dir),
        "keys_visible": [name for name in _keys() if app.environment.get(name)],
        "models": models,
        "sandbox": sandbox,
    }


def told(report: dict[str, JSON]) -> str:
    """The report for a person."""
    models, sandbox = report["models"], report["sandbox"]
    lines = [
        f"rlm-mcp {report['rlm_mcp']}, Python {report['python']}, {report['platform']}",
        "packages: " + ", ".join(f"{name} {found or 'MISSING'}" for name, found in report["packages"].items()),
        f"cache: {report['cache']}",
        "keys this process can see: " + (", ".join(report["keys_visible"]) or "none"),
        f"models: root {models['root']}, sub {models['sub']}. {models['reason']}"
        if models["available"]
        else f"models: {models['reason']}",
        *(f"  {agent}" for agent in models["agents"]),
        f"sandbox {sandbox['provider']}: " + ("works" if sandbox["available"] else "DOES NOT WORK"),
        *(f"  {reason}" for reason in sandbox["reasons"]),
        "ready" if report["ready"] else "NOT READY: see above",
    ]
    return "\n".join(lines)


async def _sandbox(app: "App") -> dict[str, JSON]:
    from rlm_sandbox.errors import SandboxError

    try:
        probe = await (await app.provider()).probe()
    except SandboxError as error:
        return {"provider": app.settings.sandbox, "available": False, "isolation": "none", "reasons": [str(error)]}
    return {
        "provider": probe.provider,
        "available": probe.available,
        "isolation": probe.isolation,
        "reasons": list(probe.reasons),
    }


async def _models(app: "App") -> dict[str, JSON]:
    from rlm_mcp.models.choose import choice

    agents = _agents(app)
    try:
        models = await app.models()
    except RlmError as error:
        return {"available": False, "reason": str(error), "agents": agents}
    why = choice(app.settings.model, app.settings.sub_model, app.environment).reason
    return {"available": True, "root": models.root.name, "sub": models.sub.name, "reason": why, "agents": agents}


def _agents(app: "App") -> list[str]:
    """The agents on this machine that could be models, what they would cost, and how to choose them."""
    from rlm_mcp.models.agent_cli import found

    return [
        f"{path} is here and could be {AGENT_ROLES[name]}: set RLM_MODEL=agent:{name}"
        for name, path in found(app.environment).items()
    ]


def _keys() -> tuple[str, ...]:
    from rlm_mcp.models.choose import DEFAULTS

    return (*(default.key for default in DEFAULTS), *OTHER_KEYS)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
