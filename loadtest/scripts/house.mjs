// A server of the scripts' own: a fresh data folder, one concert whose sale is open, guests let in.

import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export async function startServer(binary, { seats, capacity, price }) {
  const data = mkdtempSync(join(tmpdir(), "frontrow-script-"));
  const run = (...args) => execFileSync(binary, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  const plan = join(data, "plan.json");
  run("venue", "generate", "--seats", String(seats), "--output", plan);
  const { categories } = JSON.parse(readFileSync(plan, "utf8"));
  const prices = categories.flatMap(({ name }) => ["--price", `${name}=${price}`]);
  const imported = JSON.parse(
    run("import", plan, "--data", data, "--title", "On-sale", "--starts-at", "2100-01-01T19:00:00Z",
      "--capacity", String(capacity), "--open", ...prices),
  );
  const server = spawn(
    binary,
    ["serve", "--listen", "127.0.0.1:0", "--data", data, "--set", "guests=true",
      "--set", "limits.address.exempt=127.0.0.1"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const lines = createInterface({ input: server.stdout });
  const first = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return {
    base: first.replace("listening on ", ""),
    concert: imported.concert_id,
    audit: () => JSON.parse(run("audit", "--json", "--data", data)),
    async stop() {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await ended;
      rmSync(data, { recursive: true });
    },
  };
}

export async function untilReady(base, patienceMs) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await fetch(`${base}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > deadline) throw new Error("the server does not get ready");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function json(url, body) {
  const init = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(url, init);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
