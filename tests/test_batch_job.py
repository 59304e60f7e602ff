"""The way for very large buckets: a role, a job, and a function that the job's calls suit."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import quote_plus
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from journeys import Deployed
from recorder import ACCOUNT, REGION, Declared, Program, declare
from test_ops_backfill import of, without_notification

from ops.__main__ import main

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ROLE_ARN = "arn:aws:iam::123456789012:role/batch"


@pytest.fixture(scope="module")
def batch() -> Program:
    return declare("dev", {"batchOperations": "true"})


def job_role(program: Program) -> Declared:
    [role] = [role for role in program.all(ROLE) if "batch" in role.name]
    return role


def test_the_role_is_made_only_when_asked_for(dev: Program, batch: Program) -> None:
    assert len(batch.all(ROLE)) == len(dev.all(ROLE)) + 1
    assert dev.outputs["BatchOperationsRoleArn"] == ""


def test_the_role_is_an_output(batch: Program) -> None:
    name = job_role(batch).name
    assert (
        batch.outputs["BatchOperationsRoleArn"] == f"arn:aws:iam:{REGION}:{ACCOUNT}:{name}-1234567"
    )


def test_only_batch_operations_may_assume_it(batch: Program) -> None:
    [statement] = json.loads(job_role(batch).inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "batchoperations.s3.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_it_may_list_this_bucket_and_invoke_this_function_and_nothing_else(
    batch: Program,
) -> None:
    role = job_role(batch)
    [policy] = [p for p in batch.all(ROLE_POLICY) if p.inputs["role"] == f"{role.name}-1234567"]
    allowed = {
        (statement["Effect"], statement["Action"], statement["Resource"])
        for statement in json.loads(policy.inputs["policy"])["Statement"]
    }
    bucket = batch.one("aws:s3/bucket:Bucket").name
    function = batch.one("aws:lambda/function:Function").name
    assert allowed == {
        (
            "Allow",
            "s3:PutInventoryConfiguration",
            f"arn:aws:s3:{REGION}:{ACCOUNT}:{bucket}-1234567",
        ),
        (
            "Allow",
            "lambda:InvokeFunction",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:{function}-1234567",
        ),
    }


class Control:
    """Stands where S3 Control would, and keeps what it is asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, ElementTree.Element]] = []
        self.status = 200
        self.endpoint = ""


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    control = Control()
    # The client puts the account before the host of any endpoint, which no resolver knows here.
    resolve = socket.getaddrinfo

    def without_account(host: str, *rest: Any) -> Any:
        return resolve(host.removeprefix(f"{ACCOUNT}."), *rest)

    monkeypatch.setattr(socket, "getaddrinfo", without_account)

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            account = str(self.headers["x-amz-account-id"])
            control.requests.append((self.path, account, ElementTree.fromstring(body)))  # noqa: S314
            answer = (
                "<CreateJobResult><JobId>job-1</JobId></CreateJobResult>"
                if control.status == 200
                else "<ErrorResponse><Error><Code>AccessDenied</Code>"
                "<Message>no iam:PassRole</Message></Error></ErrorResponse>"
            ).encode()
            self.send_response(control.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
            answer = json.dumps({"FunctionName": "f", "FunctionArn": arn}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        control.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield control
        server.shutdown()
        thread.join()


def submit(control: Control, *options: str) -> Result:
    names = ["--bucket", "b", "--table", "t", "--function", "f", "--region", "us-east-1"]
    where = [*names, "--endpoint-url", control.endpoint]
    return CliRunner().invoke(main, ["backfill", "--batch-job", *where, *options])


def asked(control: Control) -> dict[str, str]:
    """The leaves of the one request, by their path."""
    [(path, account, root)] = control.requests
    assert path == "/v20180820/jobs"
    assert account == ACCOUNT
    found: dict[str, str] = {}

    def walk(element: ElementTree.Element, above: str) -> None:
        name = f"{above}/{element.tag.rpartition('}')[2]}"
        for child in element:
            walk(child, name)
        if not len(element):
            found[name.removeprefix("/CreateJobRequest/")] = element.text or ""

    walk(root, "")
    return found


def test_a_job_invokes_this_function_for_every_object_of_this_bucket(control: Control) -> None:
    result = submit(control, "--batch-role", ROLE_ARN)
    assert result.exit_code == 0, result.output
    request = asked(control)
    assert request.pop("ClientRequestToken")
    generator = "ManifestGenerator/S3JobManifestGenerator"
    assert request == {
        "ConfirmationRequired": "false",
        "Operation/LambdaInvoke/FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f",
        "Operation/LambdaInvoke/InvocationSchemaVersion": "1.0",
        "Report/Enabled": "false",
        "Description": "Backfill of b",
        "Priority": "10",
        "RoleArn": ROLE_ARN,
        "Tags/member/Key": "Project",
        "Tags/member/Value": "DataPipeline",
        f"{generator}/ExpectedBucketOwner": ACCOUNT,
        f"{generator}/SourceBucket": "arn:aws:s3:::b",
        f"{generator}/Filter": "",
        f"{generator}/EnableManifestOutput": "false",
    }


def test_a_job_says_how_to_follow_it(control: Control) -> None:
    told = f"aws s3control describe-job --account-id {ACCOUNT} --job-id job-1"
    assert told in submit(control, "--batch-role", ROLE_ARN).output
    as_json = submit(control, "--batch-role", ROLE_ARN, "--json")
    assert json.loads(as_json.stdout) == {"accountId": ACCOUNT, "jobId": "job-1"}


def test_a_job_takes_prefix_and_time(control: Control) -> None:
    submit(control, "--batch-role", ROLE_ARN, "--prefix", "in/", "--since", "2026-03-14")
    chosen = "ManifestGenerator/S3JobManifestGenerator/Filter"
    request = asked(control)
    assert request[f"{chosen}/KeyNameConstraint/MatchAnyPrefix/member"] == "in/"
    assert request[f"{chosen}/CreatedAfter"] == "2026-03-14T00:00:00Z"


def test_each_job_is_a_new_one(control: Control) -> None:
    """S3 takes two requests with the same token for one."""
    tokens = set()
    for _ in range(2):
        submit(control, "--batch-role", ROLE_ARN)
        tokens.add(asked(control)["ClientRequestToken"])
        control.requests.clear()
    assert len(tokens) == 2


def test_a_refusal_is_told(control: Control) -> None:
    control.status = 403
    result = submit(control, "--batch-role", ROLE_ARN)
    assert result.exit_code == 1
    assert "no job was made" in result.output
    assert "no iam:PassRole" in result.output


def test_without_a_role_nothing_is_asked(control: Control) -> None:
    result = submit(control)
    assert result.exit_code == 2
    assert "set batchOperations to true" in result.output
    assert control.requests == []


def test_a_job_cannot_be_rehearsed(control: Control) -> None:
    assert submit(control, "--batch-role", ROLE_ARN, "--dry-run").exit_code == 2
    assert control.requests == []


def test_a_job_s_calls_make_every_row(deploy: Callable[..., Deployed]) -> None:
    """Batch Operations' part is played here: one task a call, keys URL-encoded, and it waits."""
    stack = deploy(environmentSuffix="batch", batchOperations="true")
    assert stack.outputs["BatchOperationsRoleArn"].startswith("arn:aws:iam:")
    keys = [f"large/é + {n}%\n" for n in range(8)]
    without_notification(stack, lambda: [stack.put(name) for name in keys] and None)
    for number, name in enumerate(keys):
        task = {
            "taskId": f"task-{number}",
            "s3Key": quote_plus(name),
            "s3VersionId": None,
            "s3BucketArn": f"arn:aws:s3:::{stack.bucket}",
        }
        event = {
            "invocationSchemaVersion": "1.0",
            "invocationId": f"invocation-{number}",
            "job": {"id": "job-1"},
            "tasks": [task],
        }
        with contextlib.closing(
            stack.client("lambda").invoke(
                FunctionName=stack.function, Payload=json.dumps(event).encode()
            )["Payload"]
        ) as payload:
            answer = json.loads(payload.read())
        assert answer["results"] == [
            {"taskId": f"task-{number}", "resultCode": "Succeeded", "resultString": "completed"}
        ]
    checked = CliRunner().invoke(main, ["verify", *of(stack), "--grace", "0"])
    assert checked.exit_code == 0, checked.output
    assert "8 keys compared: all agree" in checked.output
