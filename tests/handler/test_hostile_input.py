"""Whatever a key or an event holds, it stays data: no line forged, no row or byte too many."""

import json
import logging
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import pytest
from awslambdaric.lambda_runtime_log_utils import JsonFormatter

from answers import Answer
from local.cloud import Cloud
from signature import Request
from support.faults import FaultProxy
from support.handler_env import SEQUENCER, TEXTS, Bench, load, set_up, with_field
from support.journeys import Deployed

KEYS = {
    "nul": "before\0after",
    "control characters": "".join(map(chr, range(1, 32))) + "\x7f\x85",
    "new lines": "a\r\n\u2028\u2029\n[ERROR]\tforged",
    "json": '"}\n{"level":"ERROR","message":"forged","_aws":{}}',
    "header": "a\r\nx-amz-copy-source: other/secret",
    "query": "a?versionId=other&x-id=GetObject#fragment",
    "format": "%(message)s %s {file_key} ${aws:username}",
    "up": "../../../../etc/passwd",
    "up and down": "a/../b/./c",
    "one dot": ".",
    "leading slash": "/root",
    "slashes": "//a//b/",
    "lone percent": "%",
    "percent": "100%zz%0a%2500",
    "blank": " ",
    "right to left": "report\u202egnp.exe\u200f\u2066",
    "1024 bytes": "\U00010348" * 256,
    "not a character": "\uffff\U0010ffff",
}
FORGED = "a\n[ERROR]\tforged\r\n\u2028{}"
MANY = 1000
MOST_MEMORY = 3_500_000
"""Bytes, for a thousand records, half of them failed: names and outcomes, no requests."""
MOST_ERROR = 256 * 1024
"""Characters of an error, which travels beside its event in a message of at most 1 MB."""
MOST_LINE = 16 * 1024
TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
"""https://github.com/aws/aws-lambda-python-runtime-interface-client, bootstrap.py"""
every_key = pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="hostile")


class Runtime(logging.Handler):
    """Writes lines as Lambda's runtime does; what it raises, it raises into the handler."""

    def __init__(self) -> None:
        super().__init__()
        self.json: list[str] = []
        self.text: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        vars(record)["aws_request_id"] = "1-2"
        text = logging.Formatter(TEXT_FORMAT).format(record)
        record.exc_text = None
        self.text.append(text.encode().decode())
        self.json.append(JsonFormatter().format(record).encode().decode())


@pytest.fixture
def runtime(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    handler, logger = Runtime(), logging.Logger("process_file", logging.DEBUG)
    logger.addHandler(handler)
    monkeypatch.setattr(bench.handler, "LOG", logger)
    return handler


def failure(bench: Bench, *records: Any) -> str:
    with pytest.raises(bench.handler.RecordsError) as caught:
        bench.handle(*records)
    return str(caught.value)


@every_key
def test_an_uploaded_object_has_a_row_under_its_key_whatever_the_key(
    stack: Deployed, key: str
) -> None:
    assert stack.completed(key, stack.put(key, b"123"))["file_size"] == 3


def test_a_key_does_not_climb_into_another_bucket(bench: Bench, cloud: Cloud) -> None:
    other = f"{bench.bucket}-other"
    cloud("s3").create_bucket(Bucket=other)
    cloud("s3").put_object(Bucket=other, Key="secret", Body=b"secret")
    key = f"../{other}/secret"
    bench.handle(bench.record(quote_plus(key)))
    assert bench.row(key)["processing_status"] == "deleted"


@every_key
def test_a_key_stays_inside_its_log_lines(bench: Bench, runtime: Runtime, key: str) -> None:
    bench.handle(bench.record("plain"))
    bench.handle(bench.record(quote_plus(key)))
    assert [line.index("\n") for line in runtime.json] == [len(line) - 1 for line in runtime.json]
    plain, _, notified, done = map(json.loads, runtime.json)
    assert (notified["file_key"], done["file_key"]) == (key, key)
    assert notified.keys() == plain.keys()
    assert [len(line.splitlines()) for line in runtime.text] == [1] * 4


@pytest.mark.parametrize("path", [*TEXTS, SEQUENCER], ids=".".join)
def test_a_failed_record_stays_inside_its_log_lines(
    bench: Bench, runtime: Runtime, path: tuple[str, ...]
) -> None:
    record = bench.record("plain")
    record["s3"]["bucket"]["name"] = "another"
    message = failure(bench, with_field(record, *path, value=FORGED))
    assert message.isprintable()
    assert all(line.count("\n") == 1 for line in runtime.json)
    assert json.loads(runtime.json[-1])["errorMessage"].isprintable()
    first, *others = runtime.text[-1].splitlines()
    assert first.startswith("[ERROR]")
    assert [line for line in others if line.startswith(("[", "{"))] == []


def test_the_names_of_a_records_fields_stay_inside_its_log_lines(
    bench: Bench, runtime: Runtime
) -> None:
    assert failure(bench, {FORGED: 1}).isprintable()
    assert [line for line in runtime.text[0].splitlines()[1:] if line.startswith("[")] == []
    assert json.loads(runtime.json[0])["errorMessage"].isprintable()


FOREIGN: list[Callable[[str], str]] = [
    lambda ours: "another",
    lambda ours: f"{ours}\n",
    lambda ours: f"{ours}/",
    str.upper,
    lambda ours: f"../{ours}",
    lambda ours: f"arn:aws:s3:::{ours}",
]


@pytest.mark.parametrize("name", FOREIGN, ids=range(len(FOREIGN)))
@pytest.mark.parametrize("sequencer", ["0055AED6DCD90281E5", None])
def test_a_record_of_another_bucket_raises_before_any_call(
    bench: Bench, name: Callable[[str], str], sequencer: str | None
) -> None:
    bench.put("there")
    record = bench.record("there")
    record["s3"]["bucket"]["name"] = name(bench.bucket)
    record["s3"]["object"]["sequencer"] = sequencer
    told = f"s3.bucket.name must be {bench.bucket}, got {name(bench.bucket)!r}"
    assert told in failure(bench, record)
    assert bench.proxy.calls == []
    assert bench.rows() == []


@dataclass
class Thousand:
    """What became of a thousand records in one event, every other one refused by S3."""

    read: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    error: str = ""
    peak: int = 0
    """Bytes that the handler held at most."""

    def s3(self, request: Request) -> Answer:
        key = request.path.rpartition("/")[2]
        self.read.append(key)
        self.threads.add(threading.get_ident())
        return Answer(403 if int(key) % 2 else 404, {}, b"")

    def dynamodb(self, request: Request) -> Answer:
        self.written.append(json.loads(request.body)["Item"]["file_key"]["S"])
        return Answer(200, {}, b"{}")


@pytest.fixture(scope="module")
def thousand(cloud: Cloud, session_proxy: FaultProxy) -> Thousand:
    seen = Thousand()
    with pytest.MonkeyPatch.context() as patch:
        bench = set_up(cloud, session_proxy, patch)
        patch.setattr(bench.handler.LOG, "disabled", True)
        catalog = bench.handler.CATALOG
        # Not over a network, whose memory would count too.
        patch.setattr(catalog.s3.service.host, "exchange", seen.s3)
        patch.setattr(catalog.dynamodb.service.host, "exchange", seen.dynamodb)
        records = [bench.record(str(number)) for number in range(MANY)]
        tracemalloc.start()
        seen.error = failure(bench, *records)
        seen.peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return seen


def test_a_thousand_records_of_one_event_are_all_tried(thousand: Thousand) -> None:
    assert sorted(map(int, set(thousand.read))) == list(range(MANY))
    assert sorted(map(int, thousand.written)) == list(range(0, MANY, 2))
    assert thousand.error.startswith(f"{MANY // 2} of {MANY} records failed: ")


def test_a_thousand_records_take_a_few_megabytes(thousand: Thousand) -> None:
    assert thousand.peak < MOST_MEMORY


def test_a_thousand_records_take_a_bounded_number_of_threads(
    bench: Bench, thousand: Thousand
) -> None:
    assert len(thousand.threads) <= bench.handler.CONCURRENCY


def test_ten_thousand_junk_records_are_one_small_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.handler.LOG, "disabled", True)
    message = failure(bench, *[None, {}, [], "x" * 5000, 1] * 2000)
    assert message.startswith("10000 of 10000 records failed: ")
    assert len(message) < 4096


@pytest.mark.parametrize("letters", ["\1", "\u202e", "x"])
@pytest.mark.parametrize("count", [1024, 3072, 1_000_000])
@pytest.mark.parametrize("encode", [str, quote_plus])
def test_an_error_and_its_lines_stay_small_however_long_the_keys(
    bench: Bench, runtime: Runtime, letters: str, count: int, encode: Callable[[str], str]
) -> None:
    record = bench.record(encode(letters * count), eventTime=letters * count)
    assert len(failure(bench, *[record] * 30)) < MOST_ERROR
    assert max(map(len, runtime.json + runtime.text)) < MOST_LINE


def test_a_bucket_or_an_event_with_a_long_name_is_a_small_error(
    bench: Bench, runtime: Runtime
) -> None:
    record = bench.record("any", eventName="x" * 1_000_000)
    other = with_field(bench.record("any"), "s3", "bucket", "name", value="x" * 3000)
    assert len(failure(bench, record, other)) < 1024
    assert max(map(len, runtime.json)) < MOST_LINE


@pytest.mark.parametrize("key", ["[" * 100_000, "[" * 800 + "]" * 800, r'"a\ud800"', "1e999"])
@pytest.mark.parametrize("name", ["key", "sequencer"])
def test_a_poisoned_message_fails_alone(
    bench: Bench, runtime: Runtime, key: str, name: str
) -> None:
    good, poisoned = load("queue_batch")["Records"][:2]
    record = json.dumps(bench.record("good"))
    good["body"] = f'{{"Records":[{record}]}}'
    value = json.loads(record)["s3"]["object"][name]
    poisoned["body"] = good["body"].replace(f'"{name}": "{value}"', f'"{name}": {key}')
    answer = bench.handle(poisoned, good)
    assert answer["batchItemFailures"] == [{"itemIdentifier": poisoned["messageId"]}]
    assert bench.rows() == ["good"]
