"""The static files of the pages (style, scripts, icon), at an address that changes when one of them changes."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from proletarian.web.guard import SAFE

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
YEAR = "public, max-age=31536000, immutable"
FOLDER = "/static/"


@dataclass(frozen=True)
class File:
    """A file that pages need, ready to be sent."""

    media_type: str
    data: bytes
    zipped: bytes


class Files:
    """All of them, under one version: browsers may cache them for a year."""

    def __init__(self) -> None:
        self.by_name = static_files()
        self.version = version_of(self.by_name)

    def answer(self, request: Request, path: str) -> Response:
        """One file, compressed if the browser accepts that; 404 if there is none with this name and version."""
        version, _, name = path.removeprefix(FOLDER).partition("/")
        file = self.by_name.get(name)
        if file is None or version != self.version or request.method not in SAFE:
            return Response("no such file", 404)
        headers = {"Cache-Control": YEAR, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.zipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.media_type)
        return Response(file.data, headers=headers, media_type=file.media_type)


def static_files() -> Mapping[str, File]:
    """All files by name."""
    found = {}
    for path in files("proletarian.web").joinpath("static").iterdir():
        suffix = path.name.rpartition(".")[2]
        if suffix in TYPES:
            data = path.read_bytes()
            found[path.name] = File(TYPES[suffix], data, gzip.compress(data, 9, mtime=0))
    return found


def version_of(found: Mapping[str, File]) -> str:
    """The version in their address, which lets browsers cache them for a year."""
    return hashlib.sha256(b"".join(found[name].data for name in sorted(found))).hexdigest()[:12]
