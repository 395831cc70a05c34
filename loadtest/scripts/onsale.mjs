// A small on-sale over websockets, for those who would rather read JavaScript: fans are made as guests, join at once,
// wait, are admitted, pick seats and pay. Ends with 1 if anything is not as it must be.
//
//   node onsale.mjs --server http://127.0.0.1:8080 --fans 200          a server that runs already, with guests
//   node onsale.mjs --binary target/release/frontrow --fans 200        a server of its own on a fresh data folder
//
// Always: a seat counts as a fan's from the moment that the fan has read so until the fan gives it up; two fans with
// the same seat at the same time fail the run.

import { parseArgs } from "node:util";
import { Fan } from "./fan.mjs";
import { json, startServer, untilReady } from "./house.mjs";

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
// Nothing here takes longer on the slowest of machines.
const PATIENCE_MS = 120_000;

const faults = [];
const refusals = new Map();
const owners = new Map();
const answerTimes = new Map();

function claim(seat, fan) {
  const owner = owners.get(seat);
  if (owner !== undefined && owner !== fan) faults.push(`seat ${seat} is fan ${owner}'s and fan ${fan}'s`);
  owners.set(seat, fan);
}

const report = {
  fault: (text) => faults.push(text),
  answered(method, milliseconds) {
    const times = answerTimes.get(method) ?? [];
    answerTimes.set(method, times);
    times.push(milliseconds);
  },
};

function refused(reason) {
  refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
}

async function play(base, concert, accessToken, number) {
  const fan = await Fan.connect(base.replace(/^http/, "ws") + "/ws", accessToken, report);
  const place = await fan.admitted(concert);
  if (place.status !== "PROGRESS") {
    await fan.ask("queue.leave");
    fan.close();
    return "waited in vain";
  }
  const { schedules } = await fan.ask("schedules");
  const schedule = schedules[0].schedule_id;
  await fan.watch(schedule);
  const held = await fan.holdAny(schedule, refused);
  let outcome = "found nothing";
  if (held) {
    claim(held.seat, number);
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

function percentile(times, share) {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function main() {
  if (!options.server === !options.binary) throw new Error("say either --server or --binary");
  const own = options.binary && (await startServer(options.binary, { ...options, price: PRICE }));
  try {
    const base = own?.base ?? options.server.replace(/\/$/, "");
    await untilReady(base, PATIENCE_MS);
    const { concerts } = await json(`${base}/api/v1/concerts`);
    const concert = own?.concert ?? concerts[0].concert_id;
    const users = await Promise.all(
      Array.from({ length: fanCount }, (_, number) =>
        json(`${base}/api/v1/users`, { name: `Fan ${number}` }),
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
      const { ok, faults: found } = own.audit();
      console.log(ok ? "audit: everything fits" : found);
      if (!ok) faults.push(`the audit found ${found.length} faults`);
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
