"""What the errors of an object store mean, and what a person can do about each.

Arrow hands on what its S3 client says as the text of an OSError; that text is all there is to read, so it is read here and
nowhere else. Tests hold every case against a store that fails so, with the Arrow that is locked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from hourglass.errors import StoreFault, shorten

_SAID = re.compile(
    r"AWS Error (?P<kind>\w+)(?: \(HTTP status (?P<status>\d+)\))? during (?P<operation>\w+) operation(?: \([^)]*\))?: (?P<rest>.*)",
    re.DOTALL,
)
_CODED = re.compile(r"Unable to parse ExceptionName: (?P<code>\w+) Message: ?(?P<message>.*)", re.DOTALL)
_REQUEST = re.compile(r"\s*\(Request ID: [^)]*\)")
_CURL = re.compile(r"curlCode: (?P<number>\d+), (?P<words>[^;]*)(?:; Details: (?P<details>.*))?", re.DOTALL)
_REGION = re.compile(r"Looks like the configured region is '[^']*' while the bucket is located in '(?P<region>[^']*)'")
_EXPECTING = re.compile(r"expecting '(?P<region>[\w-]+)'")
# a HEAD's answer has no reason in it; Arrow has no room for one that is longer than the part of an object it asked for
_MUTE = ("No response body.", "Failed to flush response stream")

_THROTTLED = {"slowdown", "throttling", "throttlingexception", "requestlimitexceeded", "toomanyrequests", "serviceunavailable"}
_EXPIRED = {"expiredtoken", "expiredtokenexception", "requestexpired", "tokenrefreshrequired"}
_UNKNOWN_CALLER = {"invalidaccesskeyid", "signaturedoesnotmatch", "invalidtoken", "unrecognizedclient", "missingauthenticationtoken"}
_ELSEWHERE = {"authorizationheadermalformed", "permanentredirect", "illegallocationconstraintexception", "temporaryredirect"}
# what a policy calls the right to each operation that Arrow asks for
_RIGHTS: Mapping[str, str] = MappingProxyType(
    {
        "ListObjectsV2": "s3:ListBucket on the bucket",
        "HeadBucket": "s3:ListBucket on the bucket",
        "HeadObject": "s3:GetObject on the object, and s3:ListBucket on the bucket, without which what is missing is denied",
        "GetObject": "s3:GetObject on the object",
        "CopyObject": "s3:GetObject and s3:PutObject on the object",
        "DeleteObject": "s3:DeleteObject on the object",
        **dict.fromkeys(("PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"), "s3:PutObject on the object"),
    }
)
_NOBODY = {6, 7}  # curl's numbers
_CURL_WORDS: Mapping[int, str] = MappingProxyType(
    {
        6: "a host name that is not known",
        7: "nobody who listens there",
        18: "a connection that is cut in the middle of an answer",
        28: "no answer in time",
        52: "a connection that is cut before any answer",
        55: "a connection that is cut while it is written to",
        56: "a connection that is cut while it is read from",
    }
)


@dataclass(frozen=True)
class Said:
    """What a store has said: a code such as ExpiredToken, the HTTP status, the operation, and the sentence."""

    code: str
    status: int
    operation: str
    sentence: str
    region: str = ""

    @property
    def is_mute(self) -> bool:
        """Whether it came without a reason; whoever asks for something else may learn it."""
        return self.sentence.startswith(_MUTE)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the bucket is in another region than it was looked for."""
        return bool(self.region) or self.code in _ELSEWHERE or self.status in {301, 307}


def parse_fault(text: str) -> Said | None:
    """What a store has said, from the text of Arrow's error; None for an error that is no store's, such as a missing file's.

    >>> said = parse_fault("When listing: AWS Error SLOW_DOWN during ListObjectsV2 operation: Please reduce your request rate.")
    >>> said.code, said.operation, said.sentence
    ('slowdown', 'ListObjectsV2', 'Please reduce your request rate.')
    >>> parse_fault("[Errno 2] Path does not exist")
    """
    found = _SAID.search(text)
    if found is None:
        return None
    rest = _REQUEST.sub("", found["rest"]).strip()
    coded = _CODED.match(rest)
    code = coded["code"] if coded else found["kind"].replace("_", "")
    region = _REGION.search(rest) or (_EXPECTING.search(rest) if coded else None)
    sentence = coded["message"].strip() if coded else rest
    return Said(code.lower(), int(found["status"] or 0), found["operation"], sentence, region["region"] if region else "")


def store_fault(path: str, said: Said, attempts: int, subject: str = "") -> StoreFault:
    """The error for whoever runs the job, of a path of which a store has said something after so many attempts."""
    bucket = path.removeprefix("s3://").partition("/")[0]
    if said.code == "nosuchbucket":
        return missing_bucket(path, subject)
    words = "" if said.is_mute or not said.sentence else f": {shorten(said.sentence.rstrip('.'))}"
    status = f"HTTP {said.status}" if said.status else said.code
    if said.is_elsewhere:
        where = f"in {said.region}" if said.region else f"in another region ({status}{words})"
        hint = f"set AWS_REGION={said.region}" if said.region else "set AWS_REGION to the bucket's region"
        found, expected = f"bucket {bucket} {where}", "the region that was asked"
    elif caller := _caller(said, words):
        found, expected, hint = caller
    elif passing := _passing(said, f"{said.operation}, {status}" if said.status else said.operation, attempts, words):
        found, hint = passing
        expected = "an answer"
    else:
        found, expected, hint = f"{status} of {said.operation}{words}", "an answer", "check the path, the credentials and AWS_ENDPOINT_URL"
    return StoreFault(subject or path, found=found, expected=expected, hint=hint)


def _caller(said: Said, words: str) -> tuple[str, str, str] | None:
    """Found, expected and hint where whoever asks is not let in."""
    if said.code in _EXPIRED:
        hint = "renew them and run it again; those of a role renew themselves"
        return f"credentials that have expired{words}", "credentials that last as long as the run", hint
    if said.code in _UNKNOWN_CALLER:
        hint = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_ENDPOINT_URL"
        return f"credentials that the store does not take{words}", "credentials that it knows", hint
    if said.code == "requesttimetooskewed":
        return f"a clock that is wrong{words}", "the store's time", "set this machine's clock"
    if said.code == "accessdenied" or said.status == HTTPStatus.FORBIDDEN:
        right = _RIGHTS.get(said.operation, f"the right to {said.operation}")
        hint = "have it granted to the role or user of these credentials; who has none is denied everything"
        return f"access denied ({said.operation}{words})", right, hint
    return None


def _passing(said: Said, operation: str, attempts: int, words: str) -> tuple[str, str] | None:
    """Found and hint where it was tried again, and may work later."""
    again = "run it again later; HOURGLASS_S3_ATTEMPTS has it try more often"
    tried = f"{operation}, {attempts} attempt{'s' if attempts != 1 else ''}"
    if said.code in _THROTTLED or said.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return f"a store that throttles ({tried}{words})", f"{again}, fewer tasks at a time have it ask less"
    if said.code == "networkconnection":
        number, sentence = _connection(said)
        if number in _NOBODY:
            return f"{sentence} ({tried})", "check AWS_ENDPOINT_URL, AWS_REGION and the network"
        hint = "check the network and run it again; HOURGLASS_S3_TIMEOUT has it wait longer, HOURGLASS_S3_ATTEMPTS try more often"
        return f"{sentence} ({tried})", hint
    if said.is_mute and not said.status:
        return f"an answer that is no object, and whose reason is lost ({tried})", again
    if said.status >= HTTPStatus.INTERNAL_SERVER_ERROR or said.code in {"internalfailure", "internalerror"}:
        return f"a fault of the store itself ({tried}{words})", again
    return None


def missing_bucket(path: str, subject: str = "") -> StoreFault:
    """The error of a path whose bucket is not there."""
    bucket = path.removeprefix("s3://").partition("/")[0]
    hint = "check its spelling and AWS_ENDPOINT_URL, or create it"
    return StoreFault(subject or path, found=f"no bucket {bucket}", expected="a bucket that exists", hint=hint)


def _connection(said: Said) -> tuple[int, str]:
    """The number and the words of what the network did."""
    found = _CURL.search(said.sentence)
    if found is None:
        return 0, shorten(said.sentence)
    return int(found["number"]), _CURL_WORDS.get(int(found["number"]), found["words"].strip())
