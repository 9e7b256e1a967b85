"""The docker provider: one container per session, without network, files, capabilities or a user of any standing.

The runner locks itself inside, as everywhere. It is driven over standard input and output of `docker run`; the engine
is reached through its own command-line client only. Written without an engine at hand: the command, the transport and
their failures are tested up to the client, see docs/daytona-and-docker.md.
"""

import asyncio
import contextlib
import functools
import json
import logging
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rlm_sandbox import program
from rlm_sandbox.base import JSON, Blob, HostCall, Limits, Preload, Probe, Session
from rlm_sandbox.channel import StreamChannel
from rlm_sandbox.errors import SandboxError, SandboxUnavailable
from rlm_sandbox.owner import orphaned, owner
from rlm_sandbox.session import Opening
from rlm_sandbox.tracked import TrackedSession

log = logging.getLogger(__name__)

IMAGE = "python:3.13-slim"
FOLDER = "/rlm"
NOBODY = "65534:65534"
LAYERS = ("descriptors", "limits", "identity", "landlock", "seccomp")
LABEL = "rlm-owner"
BESIDES_MB = 256
"""Of a container's memory, beyond the session's own: Python itself, and room for the mapped blob's pages."""
BESIDES_PROCESSES = 16

ASK_SECONDS = 20.0
PULL_SECONDS = 900.0
START_SECONDS = 60.0

WAY_OUT = "Install or start Docker, or choose another sandbox by RLM_SANDBOX: local, or daytona with a DAYTONA_API_KEY."


@dataclass(frozen=True, slots=True)
class Container:
    """What `docker run` is told."""

    name: str
    image: str
    program: Path
    preamble: str
    limits: Limits
    blob: Path | None = None
    user: str = NOBODY
    runtime: str = ""
    folder: str = FOLDER

    def arguments(self) -> list[str]:
        """Everything after `docker`."""
        memory = f"{self.limits.memory_mb + BESIDES_MB}m"
        processes = str(self.limits.processes + BESIDES_PROCESSES)
        runtime = ["--runtime", self.runtime] if self.runtime else []
        blob = ["--mount", _mount(self.blob, f"{self.folder}/blob")] if self.blob else []
        return [
            *("run", "--rm", "--interactive", "--name", self.name, "--label", f"{LABEL}={owner()}"),
            *("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *("--pids-limit", processes, "--memory", memory, "--memory-swap", memory, "--ipc", "none"),
            # Without this the engine would keep everything a session says in a log file.
            *("--log-driver", "none"),
            *("--user", self.user, "--workdir", "/", "--env", "LANG=C.UTF-8", "--env", "PYTHONHASHSEED=0"),
            *runtime,
            *("--mount", _mount(self.program, f"{self.folder}/runner.py"), *blob),
            *("--entrypoint", "python3", self.image, "-s", "-P", "-S", f"{self.folder}/runner.py"),
            *("stdio", self.preamble),
        ]


def _mount(source: Path, target: str) -> str:
    """A read-only bind mount in Docker's comma-separated form, where a field with a comma or a quote is quoted."""
    field = f"source={source}"
    if "," in field or '"' in field:
        field = '"' + field.replace('"', '""') + '"'
    return f"type=bind,{field},target={target},readonly"


def reader(blob: Path | None) -> str:
    """The user that a container runs as: nobody, or the blob's owner where the file is private to them."""
    if blob is None or blob.stat().st_mode & 0o004:
        return NOBODY
    status = blob.stat()
    if status.st_uid == 0:
        raise SandboxUnavailable(
            f"Only root may read {blob}, and no container runs as root. Make it readable: chmod o+r."
        )
    return f"{status.st_uid}:{status.st_gid}"


def written() -> tempfile.TemporaryDirectory[str]:
    """A folder that anybody may read, with the runner in it as one file."""
    folder = tempfile.TemporaryDirectory(prefix="rlm-docker-")
    Path(folder.name).chmod(0o755)
    (Path(folder.name) / "runner.py").write_text(program.text(), "utf-8")
    return folder


class Client:
    """The `docker` command."""

    def __init__(self) -> None:
        self._path = shutil.which("docker")

    @property
    def path(self) -> str:
        if self._path is None:
            raise SandboxUnavailable(f"There is no `docker` command on the PATH. {WAY_OUT}")
        return self._path

    async def ask(self, *arguments: str, seconds: float = ASK_SECONDS) -> str:
        """What the command prints. Raises SandboxUnavailable with what it complained about."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            self.path, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, cwd="/"
        )
        try:
            async with asyncio.timeout(seconds):
                output, complaint = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise SandboxUnavailable(f"`docker {arguments[0]}` took more than {seconds:.0f} s. {WAY_OUT}") from None
        if process.returncode:
            words = complaint.decode(errors="replace").strip()[-500:]
            raise SandboxUnavailable(f"`docker {arguments[0]}` failed: {words} {WAY_OUT}")
        return output.decode(errors="replace")

    async def runtimes(self) -> set[str]:
        """The engine's runtimes by name; so this also says whether there is an engine."""
        try:
            found = json.loads(await self.ask("info", "--format", "{{json .Runtimes}}"))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise SandboxUnavailable(f"The Docker engine does not answer. {WAY_OUT}")
        return set(found)


class DockerChannel(StreamChannel):
    """Standard input and output of `docker run`."""

    def __init__(self, client: Client, name: str, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise TypeError("the process has no pipes")
        super().__init__(process.stdout, process.stdin)
        self._client = client
        self._name = name
        self._process = process

    async def begin(self, preamble: str) -> None:
        """Skip what is said before the runner speaks. Raises SandboxUnavailable when it never does."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._reader.readuntil(preamble.encode())
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError) as error:
            await self.kill()
            raise SandboxUnavailable(
                f"The container did not start: {await self.epitaph() or error}. {WAY_OUT}"
            ) from error

    async def interrupt(self) -> None:
        with contextlib.suppress(SandboxUnavailable):
            await self._client.ask("kill", "--signal", "INT", self._name)

    async def kill(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(SandboxUnavailable):
                await self._client.ask("rm", "--force", self._name)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        await self.close_streams()

    async def epitaph(self) -> str:
        code = await self._process.wait()
        complaint = await self._process.stderr.read(2_000) if self._process.stderr else b""
        return f"exit code {code} {complaint.decode(errors='replace').strip()}".strip()

    def cpu_seconds(self) -> float | None:
        return None


class DockerProvider:
    """See base.Provider. `runsc` (gVisor) is used when the engine has it."""

    name = "docker"

    def __init__(self, *, image: str = IMAGE, folder: str = FOLDER, pull: bool = True) -> None:
        """With `pull`, an image that is not here is fetched; else there is no sandbox without it."""
        self._image = image
        self._pull = pull
        self._folder = folder
        self._client = Client()
        self._runtime: str | None = None
        self._files: tempfile.TemporaryDirectory[str] | None = None
        self._sessions: set[TrackedSession] = set()
        self._preparing = asyncio.Lock()

    async def probe(self) -> Probe:
        """See Provider.probe."""
        try:
            session = await self.open(None)
            result = await session.exec("print(6 * 7)")
            await session.close()
        except SandboxError as error:
            return Probe(self.name, available=False, isolation="container", reasons=(str(error),))
        if result.stdout != "42\n":
            return Probe(self.name, available=False, isolation="container", reasons=(f"A cell said {result}.",))
        shared = "gVisor (runsc) stands between it and the kernel." if self._runtime else "It shares the host's kernel."
        return Probe(self.name, available=True, isolation="container", reasons=(f"A container ran a cell. {shared}",))

    async def publish(self, blob: Blob, *, progress: Callable[[str], None] | None = None) -> None:
        """See Provider.publish: the file is mounted from where it is; only the image may have to come."""
        await self._prepare(progress or (lambda _: None))
        reader(blob.path)

    async def open(
        self,
        blob: Blob | None,
        *,
        preloads: Sequence[Preload] = (),
        host_calls: Mapping[str, HostCall] | None = None,
        arguments: Mapping[str, JSON] | None = None,
        limits: Limits | None = None,
    ) -> Session:
        """See Provider.open."""
        place = {"path": f"{self._folder}/blob", "size": blob.size} if blob else None
        opening = Opening(tuple(preloads), dict(arguments or {}), limits or Limits(), blob, place, LAYERS)
        return await self._open(opening, host_calls or {})

    async def close(self) -> None:
        """See Provider.close."""
        await asyncio.gather(*(session.close() for session in list(self._sessions)))
        if self._files is not None:
            self._files.cleanup()

    async def _open(self, opening: Opening, host_calls: Mapping[str, HostCall]) -> Session:
        launch = functools.partial(self._launch, opening)
        return await TrackedSession(launch, opening, host_calls, self._open, self._sessions).start()

    async def _prepare(self, tell: Callable[[str], None]) -> Path:
        """The runner as a file that can be mounted; the engine asked once what it offers, leftovers ended."""
        async with self._preparing:
            if self._files is None:
                self._runtime = "runsc" if "runsc" in await self._client.runtimes() else ""
                await self._sweep()
                await self._fetch(tell)
                self._files = written()
            return Path(self._files.name) / "runner.py"

    async def _fetch(self, tell: Callable[[str], None]) -> None:
        try:
            await self._client.ask("image", "inspect", "--format", "{{.Id}}", self._image)
        except SandboxUnavailable:
            if not self._pull:
                raise SandboxUnavailable(
                    f"The image {self._image} is not here: `docker pull {self._image}`, or ask for docker by its name."
                ) from None
            tell(f"fetching the image {self._image}")
            log.info("fetching the image %s", self._image)
            await self._client.ask("pull", "--quiet", self._image, seconds=PULL_SECONDS)

    async def _sweep(self) -> None:
        """End containers whose process died without a chance to."""
        shown = f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
        for line in (
            await self._client.ask("ps", "--all", "--filter", f"label={LABEL}", "--format", shown)
        ).splitlines():
            ident, _, label = line.partition(" ")
            if orphaned(label):
                log.info("ending the container %s that an earlier process left behind", ident)
                with contextlib.suppress(SandboxUnavailable):
                    await self._client.ask("rm", "--force", ident)

    async def _launch(self, opening: Opening) -> DockerChannel:
        runner = await self._prepare(lambda _: None)
        blob = await asyncio.to_thread(opening.blob.path.resolve) if opening.blob else None
        container = Container(
            name=f"rlm-{secrets.token_hex(8)}",
            image=self._image,
            program=runner,
            preamble=secrets.token_hex(12),
            limits=opening.limits,
            blob=blob,
            user=reader(blob),
            runtime=self._runtime or "",
            folder=self._folder,
        )
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            self._client.path,
            *container.arguments(),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            cwd="/",
            start_new_session=True,
        )
        channel = DockerChannel(self._client, container.name, process)
        await channel.begin(container.preamble)
        return channel
