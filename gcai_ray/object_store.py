"""Paths on S3 → a filesystem with retries and a limit; its errors → what failed and the likely fix.

Credentials, region and endpoint come from the usual AWS environment and files, and from nowhere
else. Knows nothing of what is stored.
"""

from __future__ import annotations

import os
from typing import Any

S3 = "s3://"
# Waits between attempts are random, at most 1, 2, 4 … s: about a minute in all, and twice that at
# the most, which outlives the restart of a gateway. AWS_MAX_ATTEMPTS and AWS_RETRY_MODE override.
MAX_ATTEMPTS = 8
FIRST_CONTACT_ATTEMPTS = 3  # a wrong endpoint is to be told in seconds
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 8  # a request that stalls longer is made again
PERMISSIONS = "s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject"
KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine"
REFUSED = f"the credentials are not accepted; look at {KEYS}"
FIXES = {
    "NoSuchBucket": "the bucket does not exist; create it or name another, and with a service "
    "other than AWS set AWS_ENDPOINT_URL",
    "InvalidBucketName": "no bucket can have this name",
    "InvalidAccessKeyId": REFUSED,
    "SignatureDoesNotMatch": REFUSED,
    "InvalidToken": REFUSED,
    "ExpiredToken": "the credentials have expired; renew them and run the same command again",
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
    "AccessDenied": f"no permission; this needs {PERMISSIONS} on the bucket",
    "AllAccessDisabled": f"no permission; this needs {PERMISSIONS} on the bucket",
    "403": f"no permission, or credentials that are not accepted; this needs {PERMISSIONS} on the "
    f"bucket, and {KEYS}",
    "PermanentRedirect": "the bucket is in another region; set AWS_DEFAULT_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set AWS_DEFAULT_REGION",
    "QuotaExceeded": "the quota of the bucket is used up; free some space, or choose another root",
    "NoCredentialsError": f"no credentials were found; give {KEYS}",
    "PartialCredentialsError": f"the credentials are not complete; give {KEYS}",
    "ProfileNotFound": "AWS_PROFILE names a profile that is not in the AWS files",
    "ParamValidationError": "no bucket can have this name",
}
UNREACHABLE = (
    "the service cannot be reached; look at AWS_ENDPOINT_URL and the network; what is finished is "
    "kept and the same command goes on"
)
KEPT_FAILING = (
    "the service kept failing, however often it was asked; what is finished is kept and the same "
    "command goes on"
)


def is_s3(path: str) -> bool:
    """Whether a path names an object store."""
    return path.startswith(S3)


def s3_options(max_attempts: int = MAX_ATTEMPTS) -> dict[str, Any]:
    """What the client of S3 is told. Nothing of it is secret."""
    from gcai_ray.s3_client import patient_socket

    settings: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": READ_TIMEOUT_S,
        "max_pool_connections": 32,
    }
    if not {"AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"} & set(os.environ):
        settings["retries"] = {"mode": "legacy", "total_max_attempts": max_attempts}
    if os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_S3"):
        # Services other than AWS mostly refuse the checksums that boto adds by default.
        for name in ("request_checksum_calculation", "response_checksum_validation"):
            if f"AWS_{name.upper()}" not in os.environ:
                settings[name] = "when_required"
    settings["connector_args"] = {"socket_factory": patient_socket}
    # Listings are never kept: another run may have written meanwhile.
    return {"config_kwargs": settings, "use_listings_cache": False}


def open_s3(place: str, **options: Any) -> tuple[Any, str]:
    """The filesystem of a path on S3 (cached by fsspec), and the path as it wants it."""
    from gcai_ray.s3_client import S3Files

    return S3Files(**{**s3_options(), **options}), str(S3Files._strip_protocol(place))


def store_errors() -> tuple[type[Exception], ...]:
    """What an object store raises beside OSError."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def code_of(error: BaseException) -> str:
    """The service's own code of an error, such as `SlowDown`; the name of its class when the
    request never came to an answer.
    """
    for of in (error, error.__cause__):
        response = getattr(of, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def why(error: BaseException) -> str:
    """What the service or the connection said, with the service's code, on one line."""
    code, said = code_of(error), str(error).partition("\n")[0]
    return f"{code}: {said}" if said not in {"", "None", code} else code


def is_missing(error: BaseException) -> bool:
    """Whether a file is not there; that its bucket is not there is an error."""
    return isinstance(error, FileNotFoundError) and code_of(error) != "NoSuchBucket"


def is_taken(error: BaseException) -> bool:
    """Whether a conditional put failed because the object exists."""
    return isinstance(error, FileExistsError) or code_of(error) in {"PreconditionFailed", "412"}


def is_contended(error: BaseException) -> bool:
    """Whether a conditional put met another under way and has to be made again (S3: 409)."""
    return code_of(error) in {"ConditionalRequestConflict", "OperationAborted", "409"}


def fix_of(error: BaseException) -> str:
    """What a person can do about an error of an object store."""
    from botocore import exceptions as boto

    known = FIXES.get(code_of(error))
    if known is not None:
        return known
    if isinstance(error, boto.ConnectionError) or "Invalid endpoint" in str(error):
        return UNREACHABLE
    return KEPT_FAILING


def greet(place: str) -> None:
    """Ask for one key, with few attempts: a wrong bucket, key or endpoint shows here in seconds.

    Raises the filesystem's own error.
    """
    options = s3_options(FIRST_CONTACT_ATTEMPTS)
    filesystem, path = open_s3(place, skip_instance_cache=True, **options)
    bucket, _, key = path.partition("/")
    filesystem.retries = 1
    filesystem.call_s3("list_objects_v2", Bucket=bucket, Prefix=key, MaxKeys=1)
