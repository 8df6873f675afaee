"""The official Python driver of FQL v4, unmodified, against `fql serve`."""
from datetime import date, datetime, timezone
from urllib.parse import urlsplit

import pytest
from faunadb import errors, query as q
from faunadb.client import FaunaClient
from faunadb.objects import FaunaTime, Query, Ref, SetRef


def connect(endpoint, secret="secret"):
    at = urlsplit(endpoint)
    return FaunaClient(secret=secret, domain=at.hostname, port=at.port, scheme="http")


@pytest.fixture(scope="module")
def legacy(endpoint):
    client = connect(endpoint)
    client.query(q.create_collection({"name": "fish"}))
    client.query(q.create_index({
        "name": "fish_by_kind",
        "source": q.collection("fish"),
        "terms": [{"field": ["data", "kind"]}],
        "values": [{"field": ["data", "size"]}],
    }))
    return client


def test_values_go_in_and_come_back_the_same(legacy):
    value = {
        "int": -7, "long": 9007199254740993, "double": 0.25, "string": "a\nb", "flag": False, "nothing": None,
        "list": [1, [2]], "date": date(2024, 5, 6), "bytes": bytearray(b"\x00\xff"),
        "time": datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=timezone.utc),
    }
    echoed = legacy.query(value)
    assert echoed.pop("time") == FaunaTime("2024-05-06T07:08:09.123Z")
    value.pop("time")
    assert echoed == value


def test_documents(legacy):
    created = legacy.query(q.create(q.collection("fish"), {"data": {"name": "Ada"}}))
    ref = created["ref"]
    assert isinstance(ref, Ref) and ref.collection() == Ref("fish", Ref("collections"))
    assert legacy.query(q.select(["data", "name"], q.get(ref))) == "Ada"
    assert legacy.query(q.update(ref, {"data": {"name": "Bob"}}))["data"] == {"name": "Bob"}
    assert legacy.query(q.replace(ref, {"data": {"x": 1}}))["data"] == {"x": 1}
    assert legacy.query(q.exists(ref)) is True
    legacy.query(q.delete(ref))
    with pytest.raises(errors.NotFound) as failure:
        legacy.query(q.get(ref))
    assert failure.value.errors[0].code == "instance not found"
    assert failure.value.errors[0].description == "Document not found."


def test_indexes_and_pages(legacy):
    legacy.query(q.foreach(
        lambda n: q.create(q.collection("fish"), {"data": {"kind": "cod", "size": n}}),
        [3, 1, 2],
    ))
    match = q.match(q.index("fish_by_kind"), "cod")
    page = legacy.query(q.paginate(match, size=2))
    assert page["data"] == [1, 2] and page["after"][0] == 3
    assert legacy.query(q.paginate(match, size=2, after=page["after"]))["data"] == [3]
    assert legacy.query(q.map_(lambda n: q.add(n, 1), q.paginate(match)))["data"] == [2, 3, 4]
    assert isinstance(legacy.query(match), SetRef)


def test_functions_and_let(legacy):
    created = legacy.query(q.create_function({
        "name": "twice", "body": q.query(lambda x: q.multiply(x, 2)),
    }))
    assert isinstance(created["body"], Query)
    assert legacy.query(q.call(q.function("twice"), 21)) == 42
    assert legacy.query(q.let({"a": 1, "b": 2}, q.add(q.var("a"), q.var("b")))) == 3


def test_errors(legacy, endpoint):
    with pytest.raises(errors.BadRequest) as failure:
        legacy.query(q.add(1, "a"))
    (error,) = failure.value.errors
    assert error.code == "invalid argument"
    assert error.description == "Number expected, String provided."
    assert error.position == ["add", 1]
    with pytest.raises(errors.BadRequest) as failure:
        legacy.query(q.create_collection({"name": "not a name"}))
    (failed,) = failure.value.errors[0].failures
    assert failed.code == "invalid characters" and failed.field == ["name"]
    with pytest.raises(errors.Unauthorized):
        connect(endpoint, "nobody").query(1)
    with pytest.raises(errors.PermissionDenied):
        secret = legacy.query(q.create_key({"role": "client"}))["secret"]
        connect(endpoint, secret).query(q.create_collection({"name": "mine"}))


def test_login(legacy):
    ref = legacy.query(q.create(q.collection("fish"), {"credentials": {"password": "sekrit"}}))["ref"]
    token = legacy.query(q.login(ref, {"password": "sekrit"}))
    session = legacy.new_session_client(token["secret"])
    assert session.query(q.current_identity()) == ref
    assert session.query(q.logout(True)) is True
    assert legacy.query(q.identify(ref, "wrong")) is False


def test_ping_and_last_seen(legacy):
    assert legacy.ping("node") == "Scope node is OK"
    legacy.query(q.create(q.collection("fish"), {}))
    assert legacy.get_last_txn_time() > 0
