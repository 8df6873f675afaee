// Starts the fql binary for a test file: a transient database on a free port, secret `secret`.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { Client } from "fauna";

const binary =
  process.env.FQL_BINARY ?? fileURLToPath(new URL("../../../target/debug/fql", import.meta.url));

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

export async function start(...more) {
  const port = await freePort();
  const endpoint = new URL(`http://127.0.0.1:${port}`);
  const child = spawn(binary, ["serve", "--dev", "--listen", `127.0.0.1:${port}`, ...more], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, FAUNA_ROOT_SECRET: undefined },
  });
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await fetch(new URL("/ping", endpoint));
      if (answer.ok) break;
    } catch (error) {
      if (attempt > 200 || child.exitCode !== null) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    endpoint,
    client: (options = {}) => new Client({ endpoint, secret: "secret", ...options }),
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", resolve);
        child.kill("SIGTERM");
      }),
  };
}
