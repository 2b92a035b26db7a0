"""
Programs from Debian, unpacked in a cache and never installed.

Nothing on the machine is changed and root is not needed: apt uses lists of its
own below the cache, the packages and all libraries they need are unpacked
there, and the programs are patched to load those libraries. So the version of
any suite can run beside the machine's own.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from servers import account
from servers.unavailable import Unavailable

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# Needed by the packages' set-up scripts, services and documentation, not by the programs.
_NOT_NEEDED = re.compile(
    r"adduser|base-passwd|debconf.*|dpkg|fonts-.*|gawk|gcc-.*-base|init-system-helpers|libc-bin|"
    r"libc-gconv-modules-extra|libc-l10n|libdebconf.*|libjs-.*|libllvm.*|libpam-modules.*|libperl.*|lib.*-perl|libsemanage.*|"
    r"libsepol.*|libsystemd-shared|libz3-.*|locales|login\.defs|netbase|openssl|passwd|perl.*|"
    r"postgresql-client-common|postgresql-common.*|psmisc|readline-common|sensible-utils|ssl-cert|systemd.*|"
    r"sysvinit-utils|tzdata|ucf"
)


def unpacked(suite: str, *packages: str) -> Path:
    """
    The folder that holds `packages` of a Debian suite and what they need.

    The first call downloads them; later calls, including those of other processes,
    find them there. Remove the folder to get newer ones.
    """
    home = cache_folder() / f"{suite}-{packages[0]}"
    root = home / "root"
    done = home / "done"  # contains the root: a cache that was moved must be rebuilt
    with _lock(home):
        if not (done.exists() and done.read_text() == str(root)):
            print(f"servers: fetching {' '.join(packages)} from Debian {suite}", file=sys.stderr)
            shutil.rmtree(root, ignore_errors=True)
            _unpack(suite, packages, root)
            _use_own_libraries(root)
            _run(["chmod", "-R", "a+rX", str(home)])
            done.write_text(str(root))
    return root


def cache_folder() -> Path:
    """Where programs are kept; the account that runs the servers can read it."""
    if chosen := os.environ.get("PROLETARIAN_SERVER_CACHE"):
        folder = Path(chosen).absolute()
    elif os.geteuid() == 0:  # root's home is closed to others
        folder = Path("/var/cache/proletarian-servers")
    else:
        folder = Path.home() / ".cache/proletarian-servers"
    folder.mkdir(parents=True, exist_ok=True)
    account.check_reachable(folder / "any")
    return folder


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    """Only one process at a time unpacks into `home`; the others wait for it."""
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack(suite: str, packages: Sequence[str], root: Path) -> None:
    _merge_usr(root)
    with tempfile.TemporaryDirectory(dir=root.parent) as work:
        apt = _Apt(Path(work), suite)
        apt.download(apt.needed_for([*packages, "patchelf"]))
        for package in sorted(Path(work).glob("*.deb")):
            leave_out = ("doc", "man", "locale", "info", "lintian")
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as archive:
                subprocess.run(
                    ["tar", "-x", "-C", str(root), "--keep-directory-symlink", "--no-same-owner"]
                    + [f"--exclude=./usr/share/{folder}" for folder in leave_out],
                    stdin=archive.stdout,
                    check=True,
                )
            if archive.returncode != 0:
                raise RuntimeError(f"dpkg-deb could not unpack {package.name}")


def _merge_usr(root: Path) -> None:
    """Make /bin the same as /usr/bin and so on, as on the machines that the packages are built for."""
    for folder in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / folder).mkdir(parents=True)
        (root / folder).symlink_to(f"usr/{folder}")


class _Apt:
    """apt-get on another suite, with lists and a record of installed packages (none) of its own."""

    def __init__(self, folder: Path, suite: str) -> None:
        self._folder = folder
        self._suite = suite
        (folder / "lists/partial").mkdir(parents=True)
        (folder / "cache/archives/partial").mkdir(parents=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {_mirror()} {suite} main\n")
        self._get("update")

    def needed_for(self, packages: Sequence[str]) -> list[str]:
        """The packages and those of their dependencies that are needed here, as name=version."""
        plan = self._get("install", "--simulate", "--no-install-recommends", *packages)
        installed = re.findall(r"^Inst (\S+) \((\S+)", plan, re.MULTILINE)
        return [f"{name}={version}" for name, version in installed if not _NOT_NEEDED.fullmatch(name)]

    def download(self, packages: Sequence[str]) -> None:
        self._get("download", *packages)

    def _get(self, *arguments: str) -> str:
        options = {
            "Dir::Etc::sourcelist": self._folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "-",
            "Dir::Etc::preferencesparts": "-",
            "Dir::State::lists": self._folder / "lists",
            "Dir::State::status": self._folder / "status",
            "Dir::Cache": self._folder / "cache",
            "APT::Sandbox::User": "root",
            "APT::Update::Error-Mode": "any",
            "Acquire::Languages": "none",
            "Acquire::Retries": 2,
            "Acquire::http::Timeout": 30,
        }
        argv = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items()), *arguments]
        try:
            return _run(argv, folder=self._folder)
        except subprocess.CalledProcessError as error:
            raise Unavailable(
                f"Debian {self._suite} did not give what we asked for (apt-get {' '.join(arguments)[:80]}); "
                "see that this machine reaches its Debian mirror and that the suite has it. "
                f"apt-get said: {error.stderr.strip()[-500:]}"
            ) from None


def _mirror() -> str:
    """The Debian mirror that this machine already uses."""
    what_to_do = "servers are fetched from Debian; run this on Debian with a mirror in /etc/apt"
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb") and _KEYRING.exists()):
        raise Unavailable(f"apt-get, dpkg-deb or {_KEYRING} is missing; {what_to_do}")
    show = ["indextargets", "--no-release-info", "--format", "$(REPO_URI) $(COMPONENT)"]
    sources = _run(["apt-get", *show, "Created-By: Packages"])
    for line in sources.splitlines():
        uri, _, component = line.rpartition(" ")
        # Debian's own archive, not a third-party archive for Debian, whose name may end the same way.
        if component == "main" and re.search(r"^[a-z]+://[^/]+(/pub)?/debian/?$", uri):
            return uri
    raise Unavailable(f"no Debian mirror is configured here; {what_to_do}")


def _use_own_libraries(root: Path) -> None:
    """Patch every program to run with the libraries unpacked beside it."""
    [libc] = [f for f in (root / "usr/lib").rglob("libc.so.6") if not f.is_symlink()]
    [loader] = [f for f in libc.parent.glob("ld-linux*.so.*") if not f.is_symlink()]
    search = f"{libc.parent}:{root}/usr/lib/mysql/private"
    patchelf = root / "usr/bin/patchelf"  # of that suite too, so its loader runs it
    patch: list[str | Path] = [loader, "--library-path", libc.parent, patchelf, "--set-interpreter", loader]
    patch += ["--force-rpath", "--set-rpath", search]
    for folder in (root / "usr/bin", root / "usr/sbin", *(root / "usr/lib/postgresql").glob("*/bin")):
        for program in folder.iterdir():
            if program.is_symlink() or not program.is_file() or program == patchelf:
                continue
            with program.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    _run([*patch, program])


def _run(argv: Sequence[str | Path], *, folder: Path | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(argv, cwd=folder, env=environment, check=True, text=True, capture_output=True).stdout
