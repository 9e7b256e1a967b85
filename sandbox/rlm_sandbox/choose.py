"""Which provider: by name, or the first that can be had. Each is imported only when it is wanted."""

from collections.abc import Callable

from rlm_sandbox.base import Provider
from rlm_sandbox.errors import SandboxError, SandboxUnavailable

NAMES = ("auto", "local", "docker", "daytona", "unsafe-no-isolation")


def _local() -> Provider:
    from rlm_sandbox.local import LocalProvider

    return LocalProvider()


def _docker(*, pull: bool = True) -> Provider:
    from rlm_sandbox.docker import DockerProvider

    return DockerProvider(pull=pull)


def _unsafe() -> Provider:
    from rlm_sandbox.unsafe import UnsafeProvider

    return UnsafeProvider()


def _daytona(api_key: str, api_url: str) -> Provider:
    from rlm_sandbox.daytona import DEFAULT_URL, Access, DaytonaProvider

    if not api_key:
        raise SandboxUnavailable(
            "The daytona sandbox needs a DAYTONA_API_KEY, and none is set: set it, or choose another sandbox."
        )
    return DaytonaProvider(Access(api_key, api_url or DEFAULT_URL))


async def choose(name: str = "auto", *, daytona_api_key: str = "", daytona_api_url: str = "") -> Provider:
    """The provider of that name. `auto`: Daytona when there is a key for it, else local, else docker, whichever starts.

    Raises SandboxUnavailable when nothing isolates here: running without isolation is never a choice of ours.
    """
    if name == "auto" and daytona_api_key:
        name = "daytona"
    makers: dict[str, Callable[[], Provider]] = {
        "local": _local,
        "docker": _docker,
        "daytona": lambda: _daytona(daytona_api_key, daytona_api_url),
        "unsafe-no-isolation": _unsafe,
    }
    if name == "auto":
        # A download of some 40 MB is for those who asked for Docker by name.
        return await _first([makers["local"], lambda: _docker(pull=False)])
    if name not in makers:
        raise SandboxError(f"There is no sandbox named {name!r}; choose one of {', '.join(NAMES)}.")
    return makers[name]()


async def _first(makers: list[Callable[[], Provider]]) -> Provider:
    """The first that really starts a session; one that does is warm then."""
    refusals = []
    for make in makers:
        provider = make()
        try:
            session = await provider.open(None)
            await session.close()
        except SandboxUnavailable as refusal:
            await provider.close()
            refusals.append(f"{provider.name}: {refusal}")
        else:
            return provider
    raise SandboxUnavailable(
        f"No sandbox can be had here, and code is not run without one. {' '.join(refusals)} Use Linux 5.13 or newer "
        "(on Windows: WSL2), start Docker, or set DAYTONA_API_KEY."
    )
