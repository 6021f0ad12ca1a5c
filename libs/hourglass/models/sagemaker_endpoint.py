"""SageMaker endpoints, with the account's usual credentials."""

from __future__ import annotations

from typing import Any

from hourglass.capture.records import OWN_REQUEST
from hourglass.errors import EnvironmentFault, ModelError, shorten
from hourglass.models.endpoint import MAY_PASS, TOO_LARGE, Busy, TooLarge, endpoint_model
from hourglass.models.loaded import Loaded
from hourglass.models.model import Predictor, opens

_PREFIX = "sagemaker:"
_LARGEST_BODY = 6 * 1024 * 1024  # bytes of a request to a real-time endpoint
_CONNECT_S = 10.0


@opens("SageMaker endpoint", prefixes=(_PREFIX,))
def open_sagemaker(predictor: Predictor) -> Loaded:
    """`sagemaker:NAME`; requests carry a custom attribute that says whose they are, which capture keeps."""
    import boto3
    from botocore import exceptions
    from botocore.config import Config

    subject = f"model {predictor.name}"
    patience = Config(
        connect_timeout=min(_CONNECT_S, predictor.timeout_s), read_timeout=predictor.timeout_s, retries={"total_max_attempts": 1}
    )
    request = {
        "EndpointName": predictor.source.removeprefix(_PREFIX),
        "ContentType": predictor.content_type,
        "Accept": predictor.accept_type or predictor.content_type,
        "CustomAttributes": OWN_REQUEST,
        **({"TargetVariant": predictor.variant} if predictor.variant else {}),
    }
    try:
        client = boto3.client("sagemaker-runtime", config=patience)
    except exceptions.NoRegionError as fault:
        raise EnvironmentFault(subject, found=fault, expected="a region", hint="set AWS_REGION") from fault

    def call(body: bytes) -> bytes:
        if len(body) > _LARGEST_BODY:
            raise TooLarge(f"{len(body)} bytes")
        try:
            return bytes(client.invoke_endpoint(**request, Body=body)["Body"].read())
        except exceptions.ClientError as fault:
            raise _told(fault.response, subject) from fault
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as fault:
            raise EnvironmentFault(subject, found=fault, expected="credentials of an account that may call it") from fault
        except (exceptions.HTTPClientError, exceptions.ConnectionError) as fault:
            raise Busy(f"{type(fault).__name__}: {fault}") from fault

    return endpoint_model("sagemaker", predictor, call)


def _told(response: dict[str, Any], subject: str) -> Exception:
    """What a refusal means: the model's own status where it is the model that failed, else the service's."""
    error = response.get("Error", {})
    status = response.get("OriginalStatusCode") or response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    said = f"{error.get('Code')} {status}: {shorten(str(error.get('Message', '')))}"
    if status == TOO_LARGE:
        return TooLarge(said)
    if status in MAY_PASS or error.get("Code") in {"ThrottlingException", "ModelNotReadyException"}:
        return Busy(said)
    return ModelError(subject, found=said, expected="an answer", hint="check the name, the variant and the right sagemaker:InvokeEndpoint")
