"""A document posted to somebody's address, in limited time: for messages that a run must not wait for, or fail with."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

from hourglass.errors import HourglassError, InputError, shorten

CONNECT_S, READ_S, ATTEMPTS = 5.0, 10.0, 3
_LONGEST_WAIT_S, _READ_OF_ANSWER = 10.0, 500
_MAY_PASS = {408, 425, 429, 500, 502, 503, 504}


class NotDelivered(HourglassError):
    """Somebody could not be told; the run itself is not touched by it."""


def shown(address: str) -> str:
    """An address as people may see it: webhooks have their secret in the path.

    >>> shown("https://user:word@hooks.example:8443/services/T0/B0/secret?key=abc")
    'https://hooks.example:8443/…'
    """
    scheme, _, rest = address.partition("://")
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2]
    return f"{scheme}://{host}/…"


def need_address(subject: str, address: str) -> None:
    """InputError for what is no http(s) address with a host."""
    import urllib3

    try:
        url = urllib3.util.parse_url(address)
    except urllib3.exceptions.LocationParseError:
        url = urllib3.util.Url()
    if url.scheme not in {"http", "https"} or not url.host:
        raise InputError(subject, found=shown(address) if "://" in address else "no ://", expected="http(s)://host/path")


def _by_proxy(proxy: str) -> Any:
    """A pool of connections by a proxy, whose name and password may stand in its address."""
    import urllib3

    said = urllib3.util.parse_url(proxy).auth
    return urllib3.ProxyManager(proxy, proxy_headers=urllib3.util.make_headers(proxy_basic_auth=unquote(said)) if said else None)


def post(address: str, body: bytes, headers: Mapping[str, str], *, wait_s: float = 0.5) -> None:
    """Posts JSON; NotDelivered when no attempt was answered with 2xx.

    A connection that fails, a slow answer and a status that may pass are tried again, three times in all, after `wait_s` and
    its multiples or after what Retry-After says, at most 10 s. A redirect is not followed: it might lead elsewhere with the
    secret. The proxy is the environment's (HTTPS_PROXY, NO_PROXY).
    """
    import urllib3

    need_address("address", address)
    url = urllib3.util.parse_url(address)
    known = {"Content-Type": "application/json", "User-Agent": "hourglass", **headers}
    if url.auth:
        known |= urllib3.util.make_headers(basic_auth=unquote(url.auth))
    timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
    proxy = None if proxy_bypass(url.host or "") else getproxies().get(url.scheme or "")
    pool = _by_proxy(proxy) if proxy else urllib3.PoolManager()
    target = url._replace(auth=None, fragment=None).url
    said = ""
    for attempt in range(1, ATTEMPTS + 1):
        wait = wait_s * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311 so that many runs do not come at once
        try:
            answer = pool.request(
                "POST", target, body=body, headers=known, timeout=timeout, retries=False, redirect=False, preload_content=False
            )
            reason = b"" if 200 <= answer.status < 300 else answer.read(_READ_OF_ANSWER)
            answer.close()  # a long answer is nothing to wait for
        except urllib3.exceptions.SSLError as fault:
            raise NotDelivered(shown(address), found=fault, expected="a certificate that this machine trusts") from fault
        except urllib3.exceptions.HTTPError as fault:
            said = f"{type(fault).__name__}"
        else:
            if 200 <= answer.status < 300:
                return
            said = f"HTTP {answer.status} {shorten(reason.decode(errors='replace').strip())}".rstrip()
            if answer.status not in _MAY_PASS:
                raise NotDelivered(shown(address), found=said, expected="HTTP 2xx")
            if (after := answer.headers.get("Retry-After", "")).isdecimal():
                wait = float(after)
        if attempt < ATTEMPTS:
            time.sleep(min(wait, _LONGEST_WAIT_S))
    raise NotDelivered(shown(address), found=f"{said} in {ATTEMPTS} attempts", expected="HTTP 2xx")
