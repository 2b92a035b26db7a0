"""
Checks on every request and headers on every answer: no forms from other sites, and nothing inline in our pages.

There is no session to exploit, and no token to pass through somebody else's application: the browser itself says where
a form was sent from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

SAFE = ("GET", "HEAD")
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def refusal(method: str, headers: Mapping[str, str], trusted: Collection[str]) -> str | None:
    """
    Why a request is refused; None if it is not.

    A request that changes something has to come from our own pages. On HTTPS and localhost, browsers say so in
    `Sec-Fetch-Site`; otherwise in `Origin`, which has to be the requested host, or one of the trusted origins, for
    proxies that use another host name. A client that sends neither is not a browser.

    >>> refusal("GET", {}, ()), refusal("POST", {"sec-fetch-site": "same-origin"}, ())
    (None, None)
    >>> refusal("POST", {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, ())
    'it was sent from another site (cross-site)'
    >>> refusal("POST", {"origin": "http://ops.lan:7070", "host": "ops.lan:7070"}, ())
    >>> refusal("POST", {"origin": "http://evil.example", "host": "ops.lan:7070"}, ())
    'it was sent from http://evil.example, and this is ops.lan:7070; see trusted_origins='
    >>> refusal("POST", {"host": "ops.lan"}, ())
    'it does not say where it was sent from (no Sec-Fetch-Site, no Origin); scripts should use the command line'
    """
    if method in SAFE:
        return None
    origin = headers.get("origin")
    if origin is not None and origin in trusted:
        return None
    site = headers.get("sec-fetch-site")
    if site is not None:
        return None if site == "same-origin" else f"it was sent from another site ({site})"
    if origin is None:
        return (
            "it does not say where it was sent from (no Sec-Fetch-Site, no Origin); scripts should use the command line"
        )
    host = headers.get("host", "")
    if host and urlsplit(origin).netloc == host:
        return None
    return f"it was sent from {origin}, and this is {host or 'no known host'}; see trusted_origins="
