// The official JavaScript driver, unmodified, against `fql serve` (checklist: the protocol's section on clients).

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  AbortError,
  AuthenticationError,
  ConstraintFailureError,
  DateStub,
  Document,
  DocumentReference,
  EmbeddedSet,
  InvalidRequestError,
  Module,
  NamedDocument,
  NamedDocumentReference,
  NullDocument,
  Page,
  QueryCheckError,
  QueryRuntimeError,
  QueryTimeoutError,
  StreamToken,
  TimeStub,
  fql,
} from "fauna";
import { start } from "./server.mjs";

let server;
let client;

before(async () => {
  server = await start();
  client = server.client({ long_type: "bigint" });
  await client.query(fql`Collection.create({ name: "Thing", indexes: { byN: { terms: [{ field: "n" }] } } })`);
});

after(async () => {
  client.close();
  await server.stop();
});

test("values come out as what they are", async () => {
  const { data } = await client.query(fql`{
    int: 42, long: 9007199254740993, double: 1.5, string: "a\nb", yes: true, nothing: null,
    time: Time("2024-01-02T03:04:05.678Z"), date: Date("2024-01-02"), bytes: Bytes("AQID"),
    array: [1, [2]], object: { a: { b: 1 } }, module: Math, at: { "@sign": "x" }
  }`);
  assert.equal(data.int, 42);
  assert.equal(data.long, 9007199254740993n);
  assert.equal(data.double, 1.5);
  assert.equal(data.string, "a\nb");
  assert.equal(data.yes, true);
  assert.equal(data.nothing, null);
  assert.ok(data.time instanceof TimeStub);
  assert.equal(data.time.isoString, "2024-01-02T03:04:05.678Z");
  assert.ok(data.date instanceof DateStub);
  assert.equal(data.date.dateString, "2024-01-02");
  assert.deepEqual([...data.bytes], [1, 2, 3]);
  assert.deepEqual(data.array, [1, [2]]);
  assert.deepEqual(data.object, { a: { b: 1 } });
  assert.ok(data.module instanceof Module);
  assert.deepEqual(data.at, { "@sign": "x" });
});

test("values go in and come back the same", async () => {
  const values = {
    int: -7,
    long: 123456789012345n,
    double: 0.25,
    string: 'quotes " and #{braces}',
    flag: false,
    nothing: null,
    time: TimeStub.from("2024-05-06T07:08:09.123Z"),
    date: DateStub.from("2024-05-06"),
    bytes: new Uint8Array([0, 255, 7]),
    array: [1, "two", { three: 3 }],
    object: { "@sign": 1, plain: { deep: [] } },
    module: new Module("Thing"),
    reference: new DocumentReference({ coll: "Thing", id: "404" }),
  };
  const { data } = await client.query(fql`${values}`);
  assert.ok(data.reference instanceof NullDocument || data.reference instanceof DocumentReference);
  assert.equal(data.long, values.long);
  assert.equal(data.time.isoString, values.time.isoString);
  assert.equal(data.date.dateString, values.date.dateString);
  assert.deepEqual([...data.bytes], [0, 255, 7]);
  assert.deepEqual(data.array, values.array);
  assert.deepEqual(data.object, values.object);
  assert.equal(data.module.name, "Thing");
  for (const key of ["int", "double", "string", "flag", "nothing"]) assert.equal(data[key], values[key]);
});

test("arguments", async () => {
  const { data } = await client.query(fql`a + b.c`, { arguments: { a: 1, b: { c: 2 } } });
  assert.equal(data, 3);
});

test("queries compose", async () => {
  const double = (query) => fql`(${query}) * 2`;
  const { data } = await client.query(fql`[${double(fql`1 + ${2}`)}, ${[fql`1 + 1`, 3]}, ${{ x: fql`"a" + ${"b"}` }}]`);
  assert.deepEqual(data, [6, [2, 3], { x: "ab" }]);
});

test("documents, references, projections", async () => {
  const { data: made } = await client.query(fql`Thing.create({ n: 1, tags: ["x"], at: Time.now() })`);
  assert.ok(made instanceof Document);
  assert.equal(made.coll.name, "Thing");
  assert.ok(made.ts instanceof TimeStub);
  const { data: updated } = await client.query(fql`${made}.update({ n: 2 }) { id, n, tags }`);
  assert.deepEqual(updated, { id: made.id, n: 2, tags: ["x"] });
  const { data: missing } = await client.query(fql`Thing.byId("1")`);
  assert.ok(missing instanceof NullDocument);
  assert.equal(missing.cause, "not found");
  const { data: linked } = await client.query(fql`Thing.create({ other: ${made} })`);
  assert.ok(linked.other instanceof DocumentReference);
  assert.equal(linked.other.id, made.id);
  const { data: definition } = await client.query(fql`Thing.definition`);
  assert.ok(definition instanceof NamedDocument);
  assert.equal(definition.name, "Thing");
  const { data: named } = await client.query(fql`{ d: Thing.create({ def: Thing.definition }) }.d.def`);
  assert.ok(named instanceof NamedDocument || named instanceof NamedDocumentReference);
});

test("pages", async () => {
  await client.query(fql`Collection.create({ name: "Many" })`);
  await client.query(fql`Set.sequence(0, 70).forEach(i => Many.create({ i: i }))`);
  const { data: page } = await client.query(fql`Many.all()`);
  assert.ok(page instanceof Page);
  assert.equal(page.data.length, 16);
  assert.equal(typeof page.after, "string");
  const seen = [];
  let pages = 0;
  for await (const items of client.paginate(fql`Many.all().map(.i)`)) {
    pages++;
    seen.push(...items);
  }
  assert.equal(pages, 5);
  assert.deepEqual(seen, Array.from({ length: 70 }, (_, i) => i));
  const flat = [];
  for await (const item of client.paginate(fql`Many.all().pageSize(50).map(.i)`).flatten()) flat.push(item);
  assert.equal(flat.length, 70);
  const { data: nested } = await client.query(fql`{ inner: Many.all() }`);
  assert.ok(nested.inner instanceof Page || nested.inner instanceof EmbeddedSet);
});

test("what a result tells besides its data", async () => {
  const result = await client.query(fql`log("hello"); Thing.create({ n: 9 }).n`, { query_tags: { project: "x", step: "1" } });
  assert.match(result.summary, /hello/);
  assert.deepEqual(result.query_tags, { project: "x", step: "1" });
  assert.ok(result.stats.write_ops >= 1);
  assert.ok(result.stats.query_time_ms >= 1);
  assert.deepEqual(result.stats.rate_limits_hit, []);
  assert.ok(result.schema_version > 0);
});

test("static types", async () => {
  const checked = await client.query(fql`"a".length`, { typecheck: true });
  assert.equal(checked.static_type, "Number");
  const unchecked = await client.query(fql`"a".length`, { typecheck: false });
  assert.equal(unchecked.static_type, undefined);
});

async function failure(kind, query, options) {
  try {
    await client.query(query, options);
  } catch (error) {
    assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
    return error;
  }
  assert.fail("it should have failed");
}

test("errors of every class", async () => {
  const check = await failure(QueryCheckError, fql`1 +`);
  assert.equal(check.httpStatus, 400);
  assert.match(check.queryInfo.summary, /^error: /);
  const aborted = await failure(AbortError, fql`abort({ why: [1] })`);
  assert.deepEqual(aborted.abort, { why: [1] });
  const runtime = await failure(QueryRuntimeError, fql`[1][3]`, { typecheck: false });
  assert.equal(runtime.code, "index_out_of_bounds");
  const constraint = await failure(ConstraintFailureError, fql`Function.create({ name: "false", body: "_ => 1" })`);
  assert.deepEqual(constraint.constraint_failures[0].paths, [["name"]]);
  const denied = server.client({ secret: "secret:server" });
  await assert.rejects(denied.query(fql`Role.create({ name: "x" })`), { code: "permission_denied", httpStatus: 400 });
  denied.close();
  const stranger = server.client({ secret: "nah" });
  await assert.rejects(stranger.query(fql`1`), AuthenticationError);
  stranger.close();
  await failure(InvalidRequestError, fql`x`, { arguments: { x: new Module("Nope") } });
  const late = await failure(QueryTimeoutError, fql`Thing.create({ never: true })`, { query_timeout_ms: 1 });
  assert.equal(late.httpStatus, 440);
  assert.match(late.message, /aggressive deadline/);
  const { data } = await client.query(fql`Thing.where(.never == true).count()`);
  assert.equal(data, 0);
});

test("a query that takes too long is stopped", async () => {
  const started = Date.now();
  const error = await failure(QueryTimeoutError, fql`Set.sequence(0, 1000000000).fold(0, (a, b) => a)`, { query_timeout_ms: 200 });
  assert.equal(error.httpStatus, 440);
  assert.ok(Date.now() - started < 3000);
});

test("transaction times are followed", async () => {
  const mine = server.client();
  assert.equal(mine.lastTxnTs, undefined);
  let last = 0;
  for (let i = 0; i < 20; i++) {
    const result = await mine.query(i % 2 ? fql`1` : fql`Thing.create({})`);
    assert.ok(result.txn_ts > last, `${result.txn_ts} after ${last}`);
    assert.equal(mine.lastTxnTs, result.txn_ts);
    last = result.txn_ts;
  }
  // A little ahead of the server's clock: it waits.
  mine.lastTxnTs = last + 20_000;
  const result = await mine.query(fql`1`);
  assert.ok(result.txn_ts >= last + 20_000);
  mine.close();
});

test("streams", async () => {
  await client.query(fql`Collection.create({ name: "Live" })`);
  const { data: token } = await client.query(fql`Live.all().eventSource()`);
  assert.ok(token instanceof StreamToken);
  await client.query(fql`Live.create({ n: 0 })`);
  const stream = client.stream(token, { status_events: true });
  const events = [];
  let cursor;
  // The driver drops what arrives while its consumer is busy, so the writes come from elsewhere.
  const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
  let writes;
  for await (const event of stream) {
    events.push(event);
    if (event.type === "status") {
      writes = pause()
        .then(() => client.query(fql`Live.all().first()!.update({ n: 1 })`))
        .then(pause)
        .then(() => client.query(fql`Live.all().forEach(.delete())`));
    }
    if (event.type === "add") cursor = event.cursor;
    if (event.type === "remove") break;
  }
  await writes;
  stream.close();
  assert.deepEqual(events.map((event) => event.type), ["status", "add", "update", "remove"]);
  assert.equal(events[1].data.n, 0);
  assert.equal(events[2].data.n, 1);
  assert.ok(events[3].txn_ts > events[2].txn_ts);
  const resumed = client.stream(token, { cursor });
  for await (const event of resumed) {
    assert.equal(event.type, "update");
    break;
  }
  resumed.close();
  await assert.rejects(async () => {
    for await (const _ of client.stream(new StreamToken("2"))) assert.fail("no events");
  }, InvalidRequestError);
  const { data: faulty } = await client.query(fql`Live.all().map(_ => abort("oops")).eventSource()`);
  await client.query(fql`Live.create({})`);
  await assert.rejects(async () => {
    for await (const _ of client.stream(faulty)) assert.fail("no events");
  }, (error) => error instanceof AbortError && error.abort === "oops");
});

test("a stream from a query follows what comes", async () => {
  const stream = client.stream(fql`Live.where(.keep == true).eventSource()`);
  const writes = (async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await client.query(fql`Live.create({ keep: false })`);
    await client.query(fql`Live.create({ keep: true, big: 9223372036854775807 })`);
  })();
  for await (const event of stream) {
    assert.equal(event.type, "add");
    assert.equal(event.data.big, 9223372036854775807n);
    break;
  }
  stream.close();
  await writes;
});

test("feeds", async () => {
  await client.query(fql`Collection.create({ name: "Fed" })`);
  const { data: token } = await client.query(fql`Fed.all().eventSource()`);
  await client.query(fql`Set.sequence(0, 3).forEach(i => Fed.create({ n: i }))`);
  const feed = client.feed(token, { page_size: 1 });
  const pages = [];
  for await (const page of feed) pages.push({ ...page, cursor: page.cursor, hasNext: page.hasNext, stats: page.stats, events: [...page.events] });
  assert.equal(pages.length, 3);
  assert.deepEqual(pages.map((page) => page.events.map((event) => event.data.n)), [[0], [1], [2]]);
  assert.equal(pages[2].hasNext, false);
  assert.ok(pages[0].stats.compute_ops >= 1);
  await client.query(fql`Fed.create({ n: 3 })`);
  const later = [];
  for await (const event of client.feed(token, { cursor: pages[2].cursor }).flatten()) later.push(event.data.n);
  assert.deepEqual(later, [3]);
  const none = [];
  for await (const page of client.feed(fql`Fed.all().eventSource()`)) none.push(...page.events);
  assert.deepEqual(none, []);
});

test("feeds go on behind an error", async () => {
  await client.query(fql`Collection.create({ name: "Bad" })`);
  const { data: token } = await client.query(fql`Bad.all().map(d => if (d.n == 1) abort("one") else d.n).eventSource()`);
  await client.query(fql`Set.sequence(0, 3).forEach(i => Bad.create({ n: i }))`);
  const seen = [];
  const first = await client.feed(token).nextPage();
  assert.throws(() => {
    for (const event of first.events) seen.push(event.data);
  }, (error) => error instanceof AbortError && error.abort === "one");
  const second = await client.feed(token, { cursor: first.cursor }).nextPage();
  for (const event of second.events) seen.push(event.data);
  assert.deepEqual(seen, [0, 2]);
});

test("child databases by scoped secret", async () => {
  await client.query(fql`Database.create({ name: "child" })`);
  const child = server.client({ secret: "secret:child:admin" });
  await child.query(fql`Collection.create({ name: "Own" })`);
  const { data } = await child.query(fql`Collection.all().map(.name).toArray()`);
  assert.deepEqual(data, ["Own"]);
  const { data: key } = await client.query(fql`Key.create({ role: "server", database: "child" }).secret`);
  const keyed = server.client({ secret: key });
  assert.equal((await keyed.query(fql`Own.all().count()`)).data, 0);
  keyed.close();
  child.close();
});

test("many at once", async () => {
  await client.query(fql`Collection.create({ name: "Busy" })`);
  await Promise.all(Array.from({ length: 100 }, (_, i) => client.query(fql`Busy.create({ i: ${i} })`)));
  const { data } = await client.query(fql`Busy.all().count()`);
  assert.equal(data, 100);
});
