// The application of the child database cookbook, with the official driver (npm install fauna).
//
//   fql serve coffee.db --dev &
//   FAUNA_SECRET=<server secret of internal/bulletinBoard> node coffeestore.mjs
//
// FAUNA_ENDPOINT defaults to http://localhost:8443, where `fql serve` listens.

import { Client, fql } from "fauna";

const client = new Client({
  endpoint: new URL(process.env.FAUNA_ENDPOINT ?? "http://localhost:8443"),
});

try {
  // build queries using the fql function
  const collection_query = fql`Collection.create({ name: "Post" })`;

  // Execute the query, return the more informative decorated format: text to read, not data to compute with
  const collection_result = await client.query(collection_query, { format: "decorated" });
  console.log(collection_result);

  // define some data in your app
  const post = { headline: "Lost Doggo" };

  // query using your application's local variables
  const document_query = fql`
    Post.create(${post}) {
      id,
      ts,
      headline
    }
  `;
  const document_result = await client.query(document_query);
  console.log(document_result);
} catch (error) {
  console.log(error);
  process.exitCode = 1;
} finally {
  client.close();
}
