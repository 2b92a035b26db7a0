"""Forms as browsers send them: reading them within a size limit, and where they lead."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from proletarian.web.asking import Refused

LONGEST = 64 * 1024  # bytes


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; raises `Refused` for one that is not ours, or is too long."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise Refused("Only this dashboard's own forms are accepted.", 415)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            raise Refused("This form is too long.", 413)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=False, max_num_fields=200))
    except ValueError:
        raise Refused("This form cannot be read.", 400) from None


def way_back(given: str) -> str:
    """
    The page to return to after a form, if it is one of ours; otherwise the first page.

    >>> way_back("/jobs?q=state:failed"), way_back("//evil.example"), way_back("javascript:alert(1)")
    ('/jobs?q=state:failed', '/', '/')
    """
    target = urlsplit(given)
    if target.scheme or target.netloc or not given.startswith("/") or given.startswith(("//", "/\\")):
        return "/"
    return given
