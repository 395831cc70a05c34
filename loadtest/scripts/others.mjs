// Plays the journeys for other people's load-test tools, Artillery and Locust, each against a server of its own, and
// checks from the outside that every buyer has a ticket and that the audit finds nothing.
//
//   node others.mjs --binary ../../target/release/frontrow --locust VENV/bin/locust --users 50
//
// Artillery is taken from artillery/node_modules (`npm ci --prefix artillery`).

import { spawn } from "node:child_process";
import { resolve as absolute } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startServer, untilReady } from "./house.mjs";

const { values: options } = parseArgs({
  options: { binary: { type: "string" }, locust: { type: "string" }, users: { type: "string", default: "50" } },
});
if (!options.binary || !options.locust) throw new Error("say --binary and --locust");
const users = Number(options.users);
// Each tool runs in its own folder, so a path that was said from here must not depend on the folder.
const locust = absolute(options.locust);
// Nothing here takes longer on the slowest of machines.
const PATIENCE_MS = 240_000;

const folder = (name) => fileURLToPath(new URL(name, import.meta.url));

const tools = [
  {
    name: "Artillery",
    cwd: folder("artillery"),
    command: () => [process.execPath, "node_modules/.bin/artillery", "run", "journey.yml",
      "--overrides", JSON.stringify({ config: { phases: [{ duration: 5, arrivalCount: users }] } })],
  },
  {
    name: "Locust",
    cwd: folder("locust"),
    command: (base) => [locust, "-f", "journey.py", "--headless", "--only-summary",
      "--users", String(users), "--spawn-rate", "10", "--host", base],
  },
];

function run([program, ...args], cwd, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "inherit", "inherit"] });
    const alarm = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(alarm);
      if (code === 0) resolve();
      else reject(new Error(`ended with ${code ?? signal}`));
    });
  });
}

for (const { name, cwd, command } of tools) {
  const server = await startServer(options.binary, { seats: 2 * users, capacity: Math.ceil(users / 3), price: 1000 });
  try {
    await untilReady(server.base, PATIENCE_MS);
    const address = new URL(server.base).host;
    await run(command(server.base), cwd, { FRONTROW: address, ARTILLERY_DISABLE_TELEMETRY: "true" });
    const { ok, seen, faults } = server.audit();
    if (!ok) throw new Error(`the audit found: ${faults.join("; ")}`);
    if (seen.tickets !== users) throw new Error(`${seen.tickets} tickets for ${users} buyers`);
    console.log(`${name}: ${users} buyers, ${seen.tickets} tickets, audit clean`);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  } finally {
    await server.stop();
  }
}
