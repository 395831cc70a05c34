// A small on-sale over websockets, for those who would rather read JavaScript: fans are made as guests, join at once,
// wait, are admitted, pick seats and pay. Ends with 1 if anything is not as it must be.
//
//   node onsale.mjs --server http://127.0.0.1:8080 --fans 200          a server that runs already, with guests
//   node onsale.mjs --binary target/release/frontrow --fans 200        a server of its own on a fresh data folder
//
// Always: a seat counts as a fan's from the moment that the fan has read so until the fan gives it up; two fans with
// the same seat at the same time fail the run.

import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import WebSocket from "ws";

const { values: options } = parseArgs({
  options: {
    server: { type: "string" },
    binary: { type: "string" },
    fans: { type: "string", default: "200" },
    seats: { type: "string", default: "120" },
    capacity: { type: "string", default: "40" },
  },
});
const fanCount = Number(options.fans);
const PRICE = 1000;
const TRIES_MAX = 200;
// Nothing here takes longer on the slowest of machines.
const PATIENCE_MS = 120_000;

const faults = [];
const refusals = new Map();
const owners = new Map();
const answerTimes = new Map();

class Refused extends Error {
  constructor(error) {
    super(error.message);
    this.reason = error.data?.reason ?? String(error.code);
  }
}

class Fan {
  #socket;
  #nextId = 1;
  #open = new Map();
  #watchers = new Set();
  taken = new Set();
  seatCount = 0;
  version = 0;

  static async connect(url, accessToken) {
    const fan = new Fan();
    fan.#socket = new WebSocket(url, "frontrow.v1");
    await new Promise((resolve, reject) => {
      fan.#socket.once("open", resolve);
      fan.#socket.once("error", reject);
    });
    fan.#socket.on("message", (data) => fan.#receive(JSON.parse(data)));
    fan.#socket.on("close", (code) => {
      for (const { reject } of fan.#open.values()) reject(new Error(`closed with ${code}`));
      fan.#open.clear();
    });
    await fan.ask("hello", { access_token: accessToken });
    return fan;
  }

  ask(method, params = {}) {
    const id = this.#nextId++;
    const sent = performance.now();
    return new Promise((resolve, reject) => {
      this.#open.set(id, { method, sent, resolve, reject });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  // Resolves with the first push of this name that `fits`.
  push(name, fits) {
    return new Promise((resolve) => this.#watchers.add({ name, fits, resolve }));
  }

  async watch(schedule) {
    await this.ask("seats.watch", { schedule_id: schedule });
  }

  #take(snapshot) {
    const bytes = Buffer.from(snapshot.seats, "base64");
    this.seatCount = snapshot.count;
    this.version = snapshot.version;
    for (let seat = 0; seat < snapshot.count; seat++) {
      if ((bytes[seat >> 2] >> (2 * (seat & 3))) & 3) this.taken.add(seat);
    }
  }

  close() {
    if (this.#open.size) faults.push(`${this.#open.size} requests without an answer`);
    this.#socket.close(1000);
  }

  #receive(message) {
    if (message.method) return this.#receivePush(message.method, message.params);
    const asked = this.#open.get(message.id);
    if (!asked) return void faults.push(`an answer to ${message.id}, which is not open`);
    this.#open.delete(message.id);
    const times = answerTimes.get(asked.method) ?? [];
    answerTimes.set(asked.method, times);
    times.push(performance.now() - asked.sent);
    // At once: a delta may stand right behind the snapshot, before whoever waits for it goes on.
    if (asked.method === "seats.watch" && message.result) this.#take(message.result);
    if (message.error) asked.reject(new Refused(message.error));
    else asked.resolve(message.result);
  }

  #receivePush(name, params) {
    if (name === "seats.update" && params.version > this.version) {
      if (params.from > this.version) faults.push(`a gap: had ${this.version}, got ${params.from}`);
      this.version = params.version;
      for (const [seat, state] of params.changes) {
        if (state) this.taken.add(seat);
        else this.taken.delete(seat);
      }
    }
    for (const watcher of this.#watchers) {
      if (watcher.name === name && watcher.fits(params)) {
        this.#watchers.delete(watcher);
        watcher.resolve(params);
      }
    }
  }
}

function claim(seat, fan) {
  const owner = owners.get(seat);
  if (owner !== undefined && owner !== fan) faults.push(`seat ${seat} is fan ${owner}'s and fan ${fan}'s`);
  owners.set(seat, fan);
}

// A free seat of those that the fan knows of, or undefined.
function pick(fan) {
  const begin = Math.floor(Math.random() * fan.seatCount);
  for (let step = 0; step < fan.seatCount; step++) {
    const seat = (begin + step) % fan.seatCount;
    if (!fan.taken.has(seat)) return seat;
  }
}

async function hold(fan, number, schedule) {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const seat = pick(fan);
    if (seat === undefined) return;
    try {
      const reservation = await fan.ask("hold", { schedule_id: schedule, seats: [seat] });
      claim(seat, number);
      return reservation;
    } catch (error) {
      if (error.reason !== "SEAT_TAKEN") throw error;
      refusals.set(error.reason, (refusals.get(error.reason) ?? 0) + 1);
      fan.taken.add(seat);
    }
  }
}

async function play(base, concert, accessToken, number) {
  const fan = await Fan.connect(base.replace(/^http/, "ws") + "/ws", accessToken);
  // Listening before joining: the push may be there before the answer was looked at.
  const over = (update) => update.status === "PROGRESS" || update.sold_out;
  const called = fan.push("queue.update", over);
  let place = await fan.ask("queue.join", { concert_id: concert });
  if (!over(place)) place = await called;
  if (place.status !== "PROGRESS") {
    await fan.ask("queue.leave");
    fan.close();
    return "waited in vain";
  }
  const { schedules } = await fan.ask("schedules");
  const schedule = schedules[0].schedule_id;
  await fan.watch(schedule);
  const held = await hold(fan, number, schedule);
  let outcome = "found nothing";
  if (held) {
    const charged = await fan.ask("charge", { amount: held.amount, request_id: held.reservation_id });
    if (charged.balance !== held.amount) faults.push(`fan ${number} has ${charged.balance} after a charge`);
    const paid = await fan.ask("pay", { reservation_id: held.reservation_id });
    if (paid.balance !== 0) faults.push(`fan ${number} has ${paid.balance} after paying`);
    if (paid.tickets.length !== 1) faults.push(`fan ${number} has ${paid.tickets.length} tickets`);
    outcome = "bought";
  } else {
    await fan.ask("queue.leave");
  }
  fan.close();
  return outcome;
}

async function json(url, init) {
  const answer = await fetch(url, init);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function startServer(binary) {
  const data = mkdtempSync(join(tmpdir(), "frontrow-onsale-"));
  const run = (...args) => execFileSync(binary, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  const plan = join(data, "plan.json");
  run("venue", "generate", "--seats", options.seats, "--output", plan);
  const { default: drawn } = await import(plan, { with: { type: "json" } });
  const prices = drawn.categories.flatMap(({ name }) => ["--price", `${name}=${PRICE}`]);
  const imported = JSON.parse(
    run("import", plan, "--data", data, "--title", "On-sale", "--starts-at", "2100-01-01T19:00:00Z",
      "--capacity", options.capacity, "--open", ...prices),
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
    audit: () => run("audit", "--data", data),
    async stop() {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await ended;
      rmSync(data, { recursive: true });
    },
  };
}

async function untilReady(base) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await fetch(`${base}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > deadline) throw new Error("the server does not get ready");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function percentile(times, share) {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function main() {
  if (!options.server === !options.binary) throw new Error("say either --server or --binary");
  const own = options.binary && (await startServer(options.binary));
  try {
    const base = own?.base ?? options.server.replace(/\/$/, "");
    await untilReady(base);
    const { concerts } = await json(`${base}/api/v1/concerts`);
    const concert = own?.concert ?? concerts[0].concert_id;
    const users = await Promise.all(
      Array.from({ length: fanCount }, (_, number) =>
        json(`${base}/api/v1/users`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ name: `Fan ${number}` }),
        }),
      ),
    );
    const began = performance.now();
    const ends = await Promise.allSettled(
      users.map(({ access_token }, number) => play(base, concert, access_token, number)),
    );
    const seconds = (performance.now() - began) / 1000;
    const outcomes = new Map();
    for (const [number, end] of ends.entries()) {
      if (end.status === "rejected") faults.push(`fan ${number}: ${end.reason.message}`);
      else outcomes.set(end.value, (outcomes.get(end.value) ?? 0) + 1);
    }
    const bought = outcomes.get("bought") ?? 0;
    console.log(`${fanCount} fans in ${seconds.toFixed(2)} s:`, Object.fromEntries(outcomes));
    console.log("refused by the rules:", Object.fromEntries(refusals));
    for (const [method, times] of [...answerTimes].sort()) {
      const [half, most] = [0.5, 0.99].map((share) => percentile(times, share).toFixed(1));
      console.log(`${method.padEnd(14)} ${String(times.length).padStart(6)}  p50 ${half} ms  p99 ${most} ms`);
    }
    if (own) {
      const due = Math.min(fanCount, Number(options.seats));
      if (bought !== due) faults.push(`${bought} bought, not ${due}`);
      console.log(own.audit().trim());
    }
  } finally {
    await own?.stop();
  }
  for (const fault of faults.slice(0, 20)) console.error(`fault: ${fault}`);
  if (faults.length) throw new Error(`${faults.length} faults`);
}

const alarm = setTimeout(() => {
  console.error(`not done within ${PATIENCE_MS / 1000} s`);
  process.exit(1);
}, PATIENCE_MS);
main()
  .then(() => clearTimeout(alarm))
  .catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
