"""The way for very large buckets: a role, a job, and a function that the job's calls suit."""

import contextlib
import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import quote_plus, urlsplit
from xml.etree import ElementTree

import boto3
import pytest
from click.testing import Result

from ops import batch_job
from ops.bucket import Scope
from support.journeys import Deployed
from support.recorder import ACCOUNT
from support.servers import serving
from support.tool import of, ops, without_notification

ROLE_ARN = "arn:aws:iam::123456789012:role/batch"
GENERATOR = "ManifestGenerator/S3JobManifestGenerator"
KEYS = f"{GENERATOR}/Filter/KeyNameConstraint"


@dataclass
class Control:
    """Stands where S3 Control would, and keeps what it is asked."""

    requests: list[tuple[str, str, ElementTree.Element]] = field(default_factory=list)
    status: int = 200
    scope: Scope = field(default_factory=Scope)
    endpoint: str = ""
    function_arn: str = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    control = Control()
    # The client puts the account before the host of any endpoint, which no resolver knows here.
    resolve = socket.getaddrinfo

    def without_account(host: str, *rest: Any) -> Any:
        return resolve(re.sub(r"^\d{12}\.", "", host), *rest)

    monkeypatch.setattr(socket, "getaddrinfo", without_account)

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            account = str(self.headers["x-amz-account-id"])
            control.requests.append((self.path, account, ElementTree.fromstring(body)))  # noqa: S314
            answer = "<CreateJobResult><JobId>job-1</JobId></CreateJobResult>"
            if control.status != 200:
                answer = (
                    "<ErrorResponse><Error><Code>AccessDenied</Code>"
                    "<Message>no iam:PassRole</Message></Error></ErrorResponse>"
                )
            self.answer(control.status, answer)

        def do_GET(self) -> None:
            answer = json.dumps({"FunctionName": "f", "FunctionArn": control.function_arn})
            if urlsplit(self.path).query == "notification":
                scope = {"prefix": control.scope.prefix, "suffix": control.scope.suffix}
                rules = "".join(
                    f"<FilterRule><Name>{name}</Name><Value>{value}</Value></FilterRule>"
                    for name, value in scope.items()
                    if value
                )
                answer = (
                    "<NotificationConfiguration><CloudFunctionConfiguration>"
                    f"<CloudFunction>{control.function_arn}</CloudFunction>"
                    f"<Filter><S3Key>{rules}</S3Key></Filter>"
                    "</CloudFunctionConfiguration></NotificationConfiguration>"
                )
            self.answer(200, answer)

        def answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with serving(HTTPServer(("127.0.0.1", 0), Answers)) as address:
        control.endpoint = f"http://{address}"
        yield control


def submit(control: Control, *options: str, role: str = ROLE_ARN, exits: int = 0) -> Result:
    names = ("--bucket", "b", "--table", "t", "--function", "f", "--region", "us-east-1")
    where = (*names, "--endpoint-url", control.endpoint, "--batch-role", role)
    return ops("backfill", "--batch-job", *where, *options, exits=exits)


def asked(control: Control, account: str = ACCOUNT) -> dict[str, str]:
    """The leaves of the one request, which an account makes, by their path."""
    [(path, in_name_of, root)] = control.requests
    assert path == "/v20180820/jobs"
    assert in_name_of == account
    found: dict[str, str] = {}

    def walk(element: ElementTree.Element, above: str) -> None:
        name = f"{above}/{element.tag.rpartition('}')[2]}"
        for child in element:
            walk(child, name)
        if not len(element):
            found[name.removeprefix("/CreateJobRequest/")] = element.text or ""

    walk(root, "")
    return found


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_job_invokes_this_function_for_every_object_of_this_bucket(
    control: Control, partition: str
) -> None:
    control.function_arn = f"arn:{partition}:lambda:us-east-1:{ACCOUNT}:function:f"
    submit(control)
    request = asked(control)
    assert request.pop("ClientRequestToken")
    assert request == {
        "ConfirmationRequired": "false",
        "Operation/LambdaInvoke/FunctionArn": control.function_arn,
        "Operation/LambdaInvoke/InvocationSchemaVersion": "2.0",
        "Report/Enabled": "false",
        "Description": "Backfill of b",
        "Priority": "10",
        "RoleArn": ROLE_ARN,
        "Tags/member/Key": "Project",
        "Tags/member/Value": "DataPipeline",
        f"{GENERATOR}/ExpectedBucketOwner": ACCOUNT,
        f"{GENERATOR}/SourceBucket": f"arn:{partition}:s3:::b",
        f"{GENERATOR}/EnableManifestOutput": "false",
    }


def test_a_job_says_how_to_follow_it(control: Control) -> None:
    told = f"aws s3control describe-job --account-id {ACCOUNT} --job-id job-1"
    assert told in submit(control).output
    as_json = submit(control, "--json")
    assert json.loads(as_json.stdout) == {"accountId": ACCOUNT, "jobId": "job-1"}


def test_a_job_takes_prefix_and_time(control: Control) -> None:
    submit(control, "--prefix", "in/", "--since", "2026-03-14")
    request = asked(control)
    assert request[f"{KEYS}/MatchAnyPrefix/member"] == "in/"
    assert request[f"{GENERATOR}/Filter/CreatedAfter"] == "2026-03-14T00:00:00Z"


@pytest.mark.parametrize(
    ("scope", "prefix", "chosen"),
    [
        (Scope(prefix="in/"), "", {"MatchAnyPrefix": "in/"}),
        (Scope(prefix="in/"), "in/2026/", {"MatchAnyPrefix": "in/2026/"}),
        (Scope(prefix="in/"), "i", {"MatchAnyPrefix": "in/"}),
        (Scope(suffix=".csv"), "", {"MatchAnySuffix": ".csv"}),
        (Scope("in/", ".csv"), "", {"MatchAnyPrefix": "in/", "MatchAnySuffix": ".csv"}),
    ],
)
def test_a_job_requests_only_keys_whose_changes_are_notified(
    control: Control, scope: Scope, prefix: str, chosen: dict[str, str]
) -> None:
    """A row of any other would be right once, and nobody would keep it so."""
    control.scope = scope
    submit(control, "--prefix", prefix)
    found = {name: value for name, value in asked(control).items() if name.startswith(KEYS)}
    assert found == {f"{KEYS}/{name}/member": value for name, value in chosen.items()}


@pytest.mark.parametrize("prefix", ["out/", "ix", "in-other/"])
def test_a_prefix_of_no_notified_key_is_wrong_usage(control: Control, prefix: str) -> None:
    control.scope = Scope(prefix="in/")
    result = submit(control, "--prefix", prefix, exits=2)
    assert "--prefix must start with 'in/'" in result.output
    assert f"got {prefix!r}" in result.output
    assert control.requests == []


def test_each_job_is_a_new_one(control: Control) -> None:
    """S3 takes two requests with the same token for one."""
    tokens = set()
    for _ in range(2):
        submit(control)
        tokens.add(asked(control)["ClientRequestToken"])
        control.requests.clear()
    assert len(tokens) == 2


def test_a_refusal_is_told(control: Control) -> None:
    control.status = 403
    result = submit(control, exits=1)
    assert "no job was made" in result.output
    assert "no iam:PassRole" in result.output


def test_without_a_role_nothing_is_asked(control: Control) -> None:
    result = submit(control, role="", exits=2)
    assert "set batchOperations to true" in result.output
    assert control.requests == []


@pytest.mark.parametrize(
    "options",
    [("--dry-run",), ("--all",), ("--rate", "500"), ("--state", "f.json"), ("--restart",)],
    ids=lambda options: options[0],
)
def test_an_option_that_a_job_cannot_heed_is_refused(
    control: Control, options: tuple[str, ...]
) -> None:
    result = submit(control, *options, exits=2)
    assert f"{options[0]} must not be given with --batch-job" in result.output
    assert control.requests == []


def manifest(stack: Deployed, job: dict[str, str]) -> list[str]:
    """What S3 would generate: the keys of a job's bucket that its filter takes."""
    bucket = job[f"{GENERATOR}/SourceBucket"].rpartition(":")[2]
    start, end = (
        job.get(f"{KEYS}/{name}/member", "") for name in ("MatchAnyPrefix", "MatchAnySuffix")
    )
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return [key for key in keys if key.startswith(start) and key.endswith(end)]


def run(stack: Deployed, job: dict[str, str]) -> list[dict[str, str]]:
    """Play Batch Operations' part in a job: one task a call, and it waits for the answer.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
    """
    results = []
    for number, name in enumerate(manifest(stack, job)):
        event = {
            "invocationSchemaVersion": job["Operation/LambdaInvoke/InvocationSchemaVersion"],
            "invocationId": f"invocation-{number}",
            "job": {"id": "job-1", "userArguments": {}},
            "tasks": [
                {
                    "taskId": f"task-{number}",
                    "s3Key": quote_plus(name),
                    "s3VersionId": None,
                    "s3Bucket": job[f"{GENERATOR}/SourceBucket"].rpartition(":")[2],
                }
            ],
        }
        called = stack.client("lambda").invoke(
            FunctionName=job["Operation/LambdaInvoke/FunctionArn"],
            Payload=json.dumps(event).encode(),
        )
        with contextlib.closing(called["Payload"]) as payload:
            answer = json.loads(payload.read())
        assert answer["invocationId"] == event["invocationId"]
        results += answer["results"]
    return results


def test_a_submitted_job_makes_every_row_and_no_other(
    deploy: Callable[..., Deployed], control: Control
) -> None:
    """The emulator has no jobs: what was submitted is read back, and its tasks played here."""
    stack = deploy(environmentSuffix="batch", batchOperations="true", objectPrefix="large/")
    keys = [f"large/é + {n}%\n" for n in range(8)]
    without_notification(stack, lambda: [stack.put(name) for name in [*keys, "other"]])
    s3control = boto3.client("s3control", region_name="us-east-1", endpoint_url=control.endpoint)
    account, _ = batch_job.submit(
        s3control,
        stack.client("lambda"),
        bucket=stack.bucket,
        function=stack.function,
        role_arn=stack.outputs["BatchOperationsRoleArn"],
        prefix="",
        since=None,
        scope=Scope.of_notification(stack.client("s3"), stack.bucket, stack.function),
    )
    job = asked(control, account)
    found = stack.client("iam").get_role(RoleName=job["RoleArn"].rpartition("/")[2])["Role"]
    assert found["Arn"] == job["RoleArn"]
    assert run(stack, job) == [
        {"taskId": f"task-{n}", "resultCode": "Succeeded", "resultString": "completed"}
        for n in range(8)
    ]
    assert stack.row("other") is None
    ops("verify", *of(stack), "--grace", "0")
    for name in keys:
        row = stack.row(name)
        assert row is not None
        assert row["event_name"] == "BatchOperations:LambdaInvoke"
