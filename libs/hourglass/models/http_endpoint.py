"""Endpoints at an HTTP address."""

from __future__ import annotations

from urllib.parse import unquote

from hourglass.capture.records import OWN_REQUEST
from hourglass.errors import InputError, ModelError, shorten
from hourglass.models.endpoint import MAY_PASS, TOO_LARGE, Busy, TooLarge, endpoint_model
from hourglass.models.loaded import Loaded
from hourglass.models.model import Predictor, opens

_CONNECT_S = 10.0


@opens("HTTP endpoint", prefixes=("http://", "https://"))
def open_http(predictor: Predictor) -> Loaded:
    """An address that takes a POST with rows; a user and password in it are sent as basic authentication."""
    import urllib3

    try:
        url = urllib3.util.parse_url(predictor.source)
    except urllib3.exceptions.LocationParseError:  # which repeats the address, with its password
        raise InputError(f"model {predictor.name}", found="no address", expected="http(s)://host/path") from None
    headers = {
        "Content-Type": predictor.content_type,
        "Accept": predictor.accept_type or predictor.content_type,
        "X-Amzn-SageMaker-Custom-Attributes": OWN_REQUEST,
        **(urllib3.util.make_headers(basic_auth=unquote(url.auth)) if url.auth else {}),
    }
    address = url._replace(auth=None, fragment=None).url
    timeout = urllib3.Timeout(connect=min(_CONNECT_S, predictor.timeout_s), read=predictor.timeout_s)
    pool = urllib3.PoolManager(headers=headers, timeout=timeout, retries=False)
    subject = f"model {predictor.name}"

    def call(body: bytes) -> bytes:
        try:
            # a redirect is not followed: it might lead elsewhere with the password
            answer = pool.request("POST", address, body=body, redirect=False)
        except urllib3.exceptions.SSLError as fault:
            raise ModelError(subject, found=fault, expected="a certificate that this machine trusts") from fault
        except urllib3.exceptions.HTTPError as fault:
            raise Busy(f"{type(fault).__name__}: {fault}") from fault
        said = f"HTTP {answer.status} {shorten(answer.data.decode(errors='replace').strip())}".rstrip()
        if answer.status == TOO_LARGE:
            raise TooLarge(said)
        if answer.status in MAY_PASS:
            wait = answer.headers.get("Retry-After", "")
            raise Busy(said, float(wait) if wait.isdecimal() else None)
        if answer.status != 200:
            raise ModelError(subject, found=said, expected="HTTP 200")
        return answer.data

    return endpoint_model("http", predictor, call)
