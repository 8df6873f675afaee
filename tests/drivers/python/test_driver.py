"""The official Python driver, unmodified, against `fql serve`."""
import threading
from datetime import date, datetime, timedelta, timezone

import pytest
from fauna import Document, DocumentReference, Module, NamedDocument, NullDocument, Page, fql
from fauna.client import Client, FeedOptions, QueryOptions, StreamOptions
from fauna.errors import (
    AbortError,
    AuthenticationError,
    InvalidRequestError,
    QueryCheckError,
    QueryRuntimeError,
    QueryTimeoutError,
)
from fauna.query import EventSource


def test_values_come_out_as_what_they_are(client):
    data = client.query(fql("""{
        int: 42, long: 9007199254740993, double: 1.5, string: "a\\nb", yes: true, nothing: null,
        time: Time("2024-01-02T03:04:05.678Z"), date: Date("2024-01-02"), bytes: Bytes("AQID"),
        array: [1, [2]], object: { a: 1 }, module: Math, at: { "@int": "x" }
    }""")).data
    assert data["int"] == 42 and data["long"] == 9007199254740993
    assert data["double"] == 1.5 and data["string"] == "a\nb"
    assert data["yes"] is True and data["nothing"] is None
    assert data["time"] == datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)
    assert data["date"] == date(2024, 1, 2)
    assert bytes(data["bytes"]) == b"\x01\x02\x03"
    assert data["array"] == [1, [2]] and data["object"] == {"a": 1}
    assert data["module"] == Module("Math")
    assert data["at"] == {"@int": "x"}


def test_values_go_in_and_come_back_the_same(client, collection):
    value = {
        "int": -7, "long": 123456789012345, "double": 0.25, "string": 'quotes " and #{braces}',
        "flag": False, "nothing": None, "date": date(2024, 5, 6), "bytes": bytearray(b"\x00\xff"),
        "time": datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=timezone(timedelta(hours=2))),
        "array": [1, "two", {"three": 3}], "object": {"@int": "1"}, "module": Module("Math"),
    }
    assert client.query(fql("${v}", v=value)).data == value
    reference = DocumentReference(collection, "404")
    missing = client.query(fql("${r}", r=reference)).data
    assert isinstance(missing, NullDocument) and missing.cause == "not found"


def test_queries_compose(client):
    inner = fql("1 + ${two}", two=2)
    assert client.query(fql("[(${inner}) * 2, ${list}]", inner=inner, list=[2, 3])).data == [6, [2, 3]]


def test_documents(client, collection):
    coll = Module(collection)
    made = client.query(fql("${c}.create({ n: 1 })", c=coll)).data
    assert isinstance(made, Document) and made["n"] == 1 and made.coll == coll
    assert client.query(fql("${d}.update({ n: 2 }) { n }", d=made)).data == {"n": 2}
    linked = client.query(fql("${c}.create({ other: ${d} })", c=coll, d=made)).data
    assert linked["other"] == DocumentReference(coll, made.id)
    assert isinstance(client.query(fql("${c}.definition", c=coll)).data, NamedDocument)
    assert isinstance(client.query(fql("${c}.all", c=coll)).data, str)


def test_pages(client, collection):
    coll = Module(collection)
    client.query(fql("Set.sequence(0, 70).forEach(i => ${c}.create({ i: i }))", c=coll))
    page = client.query(fql("${c}.all()", c=coll)).data
    assert isinstance(page, Page) and len(page.data) == 16 and page.after
    pages = [list(items) for items in client.paginate(fql("${c}.all().map(.i)", c=coll))]
    assert len(pages) == 5 and sum(pages, []) == list(range(70))
    plain = client.query(fql("${c}.all().paginate(3)", c=coll)).data
    assert set(plain) == {"data", "after"}


def test_what_a_result_tells(client, collection):
    result = client.query(
        fql("dbg('x'); ${c}.create({ n: 1 }).n", c=Module(collection)),
        QueryOptions(query_tags={"project": "x"}, traceparent="00-750efa5fb6a131eb2cf4db39f28366cb-000000000000000b-00"),
    )
    assert result.summary.startswith("info: ")
    assert result.query_tags == {"project": "x"}
    assert result.traceparent.startswith("00-750efa5fb6a131eb2cf4db39f28366cb-")
    assert result.stats.compute_ops > 0 and result.stats.query_time_ms > 0 and result.stats.write_ops > 0
    assert result.schema_version > 0
    assert client.query(fql("1")).summary == ""


def test_static_types(client):
    options = QueryOptions(typecheck=True)
    assert client.query(fql("if (true) 42 else 41"), options).static_type == "42 | 41"


def test_errors_of_every_class(endpoint, client):
    with pytest.raises(QueryCheckError) as caught:
        client.query(fql("1 +"))
    assert caught.value.status_code == 400 and caught.value.stats.compute_ops > 0 and caught.value.stats.query_time_ms > 0
    with pytest.raises(AbortError) as caught:
        client.query(fql("abort({ foo: 123 })"))
    assert caught.value.abort == {"foo": 123} and caught.value.stats.compute_ops == 1
    with pytest.raises(QueryRuntimeError) as caught:
        client.query(fql("[1][3]"), QueryOptions(typecheck=False))
    assert caught.value.code == "index_out_of_bounds"
    with pytest.raises(QueryRuntimeError) as caught:
        client.query(fql("Function.create({ name: 'false', body: '_ => 1' })"))
    assert [f.paths for f in caught.value.constraint_failures] == [[["name"]]]
    with pytest.raises(AuthenticationError):
        Client(endpoint=endpoint, secret="nah").query(fql("1"))
    with pytest.raises(QueryRuntimeError) as caught:
        Client(endpoint=endpoint, secret="secret:server").query(fql("Role.create({ name: 'x' })"))
    assert caught.value.code == "permission_denied"
    with pytest.raises(InvalidRequestError):
        client.query(fql("1"), QueryOptions(query_tags={"a b": "c"}))


def test_timeouts(client, collection):
    with pytest.raises(QueryTimeoutError) as caught:
        client.query(fql("${c}.create({})", c=Module(collection)), QueryOptions(query_timeout=timedelta(milliseconds=1)))
    assert caught.value.status_code == 440
    assert client.query(fql("${c}.all().count()", c=Module(collection))).data == 0


def test_transaction_times(client, collection):
    last = 0
    for i in range(20):
        ts = client.query(fql("1") if i % 2 else fql("${c}.create({})", c=Module(collection))).txn_ts
        assert ts > last and client.get_last_txn_ts() == ts
        last = ts


def test_streams(client, collection, endpoint):
    coll = Module(collection)
    source = client.query(fql("${c}.all().eventSource()", c=coll)).data
    assert isinstance(source, EventSource)
    first = client.query(fql("${c}.create({ n: 0 })", c=coll))
    seen, ready = [], threading.Event()

    def follow():
        mine = Client(endpoint=endpoint, secret="secret")
        with mine.stream(source, StreamOptions(status_events=True)) as stream:
            for event in stream:
                seen.append(event)
                ready.set()
                if event["type"] == "remove":
                    break

    thread = threading.Thread(target=follow)
    thread.start()
    assert ready.wait(10)
    client.query(fql("${c}.all().forEach(.update({ n: 1 }))", c=coll))
    client.query(fql("${c}.all().forEach(.delete())", c=coll))
    thread.join(10)
    assert [event["type"] for event in seen] == ["status", "add", "update", "remove"]
    assert all("txn_ts" in event for event in seen)
    assert seen[1]["txn_ts"] == first.txn_ts
    with client.stream(source, StreamOptions(start_ts=first.txn_ts)) as stream:
        assert next(iter(stream))["type"] == "update"
    with client.stream(source, StreamOptions(cursor=seen[2]["cursor"])) as stream:
        assert next(iter(stream))["type"] == "remove"


def test_a_stream_tells_its_error(client, collection):
    coll = Module(collection)
    source = client.query(fql("${c}.all().map(_ => abort('oops')).eventSource()", c=coll)).data
    client.query(fql("${c}.create({})", c=coll))
    with pytest.raises(AbortError) as caught, client.stream(source) as stream:
        for _ in stream:
            raise AssertionError("no events")
    assert caught.value.abort == "oops"


def test_feeds(client, collection):
    coll = Module(collection)
    source = client.query(fql("${c}.all().eventSource()", c=coll)).data
    client.query(fql("Set.sequence(0, 64).forEach(i => ${c}.create({ n: i }))", c=coll))
    feed = client.feed(source, FeedOptions(page_size=5))
    pages = list(feed)
    assert len(pages) == 13
    assert [event["data"]["n"] for page in pages for event in page] == list(range(64))
    assert pages[0].stats.compute_ops >= 1
    client.query(fql("${c}.create({ n: 64 })", c=coll))
    assert [event["data"]["n"] for event in feed.flatten()] == [64]
    with pytest.raises(InvalidRequestError):
        list(client.feed(source, FeedOptions(cursor="nonsense")))
    with pytest.raises(QueryTimeoutError):
        list(client.feed(source, FeedOptions(query_timeout=timedelta(milliseconds=1))))
