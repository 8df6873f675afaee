// The official JavaScript driver of FQL v4, unmodified, against `fql serve`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import faunadb from "faunadb";
import { start } from "./server.mjs";

const { query: q, errors, values } = faunadb;

let server;
let client;

function connect(options = {}) {
  const { hostname, port } = server.endpoint;
  return new faunadb.Client({ secret: "secret", domain: hostname, port, scheme: "http", ...options });
}

before(async () => {
  server = await start();
  client = connect();
  await client.query(q.CreateCollection({ name: "birds" }));
  await client.query(
    q.CreateIndex({
      name: "birds_by_kind",
      source: q.Collection("birds"),
      terms: [{ field: ["data", "kind"] }],
      values: [{ field: ["data", "size"], reverse: true }, { field: ["ref"] }],
    }),
  );
});

after(async () => {
  await client.close();
  await server.stop();
});

test("values go in and come back the same", async () => {
  const value = {
    int: -7, double: 0.25, string: 'quotes " and #{braces}', flag: false, nothing: null, list: [1, [2]],
    time: new values.FaunaTime("2024-05-06T07:08:09.123456Z"), date: new values.FaunaDate("2024-05-06"),
    bytes: new values.Bytes("AQID"), "@sign": { x: 1 },
  };
  const echoed = await client.query(value);
  assert.deepEqual(Object.keys(echoed), Object.keys(value));
  assert.equal(echoed.time.value, "2024-05-06T07:08:09.123456Z");
  assert.equal(echoed.date.value, "2024-05-06");
  assert.deepEqual([...echoed.bytes.value], [1, 2, 3]);
  assert.deepEqual(echoed["@sign"], { x: 1 });
  assert.deepEqual(echoed.list, [1, [2]]);
  assert.equal(echoed.nothing, null);
});

test("documents are created, read, changed and deleted", async () => {
  const created = await client.query(q.Create(q.Collection("birds"), { data: { name: "Ada", extra: 1 } }));
  assert.equal(created.ref.collection.id, "birds");
  assert.equal(typeof created.ts, "number");
  assert.deepEqual(created.data, { name: "Ada", extra: 1 });
  const updated = await client.query(q.Update(created.ref, { data: { name: "Bob", extra: null } }));
  assert.deepEqual(updated.data, { name: "Bob" });
  assert.ok(updated.ts > created.ts);
  assert.deepEqual((await client.query(q.Get(created.ref))).data, { name: "Bob" });
  assert.equal(await client.query(q.Exists(created.ref)), true);
  const deleted = await client.query(q.Delete(created.ref));
  assert.deepEqual(deleted.data, { name: "Bob" });
  await assert.rejects(client.query(q.Get(created.ref)), (error) => {
    assert.ok(error instanceof errors.NotFound);
    assert.equal(error.requestResult.responseContent.errors[0].description, "Document not found.");
    return true;
  });
});

test("indexes are matched, sorted and paged", async () => {
  await client.query(
    q.Foreach([1, 2, 3, 4, 5], (n) => q.Create(q.Collection("birds"), { data: { kind: "owl", size: n } })),
  );
  const page = await client.query(q.Paginate(q.Match(q.Index("birds_by_kind"), "owl"), { size: 2 }));
  assert.deepEqual(page.data.map(([size]) => size), [5, 4]);
  assert.equal(page.after[0], 3);
  const sizes = [];
  await client
    .paginate(q.Match(q.Index("birds_by_kind"), "owl"), { size: 2 })
    .map((entry) => q.Select(0, entry))
    .each((found) => {
      sizes.push(...found);
    });
  assert.deepEqual(sizes, [5, 4, 3, 2, 1]);
});

test("functions are stored, called, and shown as they were written", async () => {
  const body = q.Query(q.Lambda(["x", "y"], q.Add(q.Var("x"), q.Var("y"), 1)));
  const created = await client.query(q.CreateFunction({ name: "plus", body }));
  assert.equal(created.body.toString(), 'Query(Lambda(["x", "y"], Add(Var("x"), Var("y"), 1)))');
  assert.equal(await client.query(q.Call("plus", 1, 2)), 4);
  await assert.rejects(client.query(q.Call("plus", 1, "a")), (error) => {
    const [first] = error.requestResult.responseContent.errors;
    assert.equal(first.code, "call error");
    assert.deepEqual(first.cause[0].position, ["expr", "add", 1]);
    return true;
  });
});

test("errors come as the driver's classes", async () => {
  await assert.rejects(client.query(q.Divide(1, 0)), errors.BadRequest);
  await assert.rejects(client.query(q.Abort("bye")), (error) => {
    assert.equal(error.name, "BadRequest");
    assert.equal(error.message, "transaction aborted");
    assert.equal(error.description, "bye");
    return true;
  });
  await assert.rejects(client.query(q.Get(q.Collection("nope"))), errors.BadRequest);
  await assert.rejects(client.query(q.KeyFromSecret("no such key")), errors.BadRequest);
  await assert.rejects(connect({ secret: "nobody" }).query(1), errors.Unauthorized);
  const { secret } = await client.query(q.CreateKey({ role: "server-readonly" }));
  await assert.rejects(
    connect({ secret }).query(q.Create(q.Collection("birds"), {})),
    errors.PermissionDenied,
  );
});

test("people log in and read what their role lets them", async () => {
  await client.query(q.CreateCollection({ name: "people" }));
  await client.query(
    q.CreateRole({
      name: "person",
      membership: { resource: q.Collection("people") },
      privileges: [
        {
          resource: q.Collection("people"),
          actions: { read: q.Query((ref) => q.Equals(ref, q.CurrentIdentity())) },
        },
      ],
    }),
  );
  const [ada, bob] = await client.query(
    q.Map(["ada", "bob"], (password) =>
      q.Select("ref", q.Create(q.Collection("people"), { credentials: { password } })),
    ),
  );
  await assert.rejects(client.query(q.Login(ada, { password: "wrong" })), errors.BadRequest);
  const { secret } = await client.query(q.Login(ada, { password: "ada" }));
  const person = connect({ secret });
  assert.ok((await person.query(q.CurrentIdentity())).equals(ada));
  assert.ok((await person.query(q.Get(ada))).ref.equals(ada));
  await assert.rejects(person.query(q.Get(bob)), errors.PermissionDenied);
  const listed = await person.query(q.Paginate(q.Documents(q.Collection("people"))));
  assert.deepEqual(listed.data.map((ref) => ref.id), [ada.id]);
  assert.equal(await person.query(q.Logout(true)), true);
  await assert.rejects(person.query(1), errors.Unauthorized);
});

test("metrics and tags are told", async () => {
  const { value, metrics } = await client.queryWithMetrics(q.Add(1, 1));
  assert.equal(value, 2);
  assert.equal(metrics["x-compute-ops"], 1);
  assert.equal(metrics["x-byte-read-ops"], 0);
  assert.ok(metrics["x-query-time"] >= 0);
  let headers;
  const observer = connect({ observer: (result) => { headers = result.responseHeaders; } });
  await observer.query(1, { tags: { foo: "Foo1", bar: "Bar2" } });
  assert.equal(headers["x-fauna-tags"], "bar=Bar2,foo=Foo1");
  assert.equal(await client.ping(), "Scope write is OK");
});

test("a document is followed", { timeout: 10_000 }, async () => {
  const { ref } = await client.query(q.Create(q.Collection("birds"), { data: { n: 0 } }));
  const seen = await new Promise((resolve, reject) => {
    const found = [];
    const stream = client.stream(ref, { fields: ["action", "document", "diff"] });
    stream
      .on("start", () => {
        client.query(q.Update(ref, { data: { n: 1 } })).catch(reject);
      })
      .on("version", (event) => {
        found.push(event);
        if (event.action === "update") client.query(q.Delete(ref)).catch(reject);
        if (event.action === "delete") {
          stream.close();
          resolve(found);
        }
      })
      .on("error", reject)
      .start();
  });
  assert.deepEqual(seen.map((event) => event.action), ["update", "delete"]);
  assert.deepEqual(seen[0].document.data, { n: 1 });
  assert.deepEqual(seen[0].diff.data, { n: 1 });
});
