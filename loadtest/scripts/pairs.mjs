// Two builds against each other, in turn: the ratio of each figure, its median and its range, so that a slow minute of
// the machine slows both. Needs nothing but Node and two folders with `frontrow` and `frontrow-loadtest` in them.
//
//   node loadtest/scripts/pairs.mjs --before old/target/release --after target/release
//   node loadtest/scripts/pairs.mjs --before … --after … --only holds,fanout --pairs 7
//   node loadtest/scripts/pairs.mjs --before older --before old --after new    each of several, in the same turns
//   loadtest/scripts/with-mariadb node loadtest/scripts/pairs.mjs …            the same on a private MariaDB
//
// Without `--only`: holds, journeys, joins and fanout. `onsale` shows what one buyer waits; `far` and `far-few` need a database
// server, which is put 2 ms away each way.
//
// A ratio is after over before, so above 1 is faster for rates and dearer for CPU. The time and the CPU of a build whose tables
// follow its journal go on until they have all of it (the load test of that build waits for it); of one that writes both at once
// they end with the last answer. Every second pair is played the other way round. Ends with 1 when a rate's whole range of ratios lies below `--at-least`, or a run failed.

import { execSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    before: { type: "string", multiple: true },
    after: { type: "string" },
    pairs: { type: "string", default: "7" },
    only: { type: "string" },
    "at-least": { type: "string", default: "0.97" },
    "data-parent": { type: "string", default: "." },
  },
});
if (!options.before || !options.after) throw new Error("say --before and --after");
const atLeast = Number(options["at-least"]);
// `with-mariadb` sets them; without them the embedded database is taken.
const { DATABASE_URL: databaseUrl, DATABASE_PID: databasePid, DATABASE_EMPTY: emptyDatabase } = process.env;

const DATABASE = ["cpu", "statements", "rows"].map((of) => `database_${of}_per_operation`).concat("round_trips_per_operation");
// Of a build whose tables follow, alone.
const TABLES = ["tables_even_after", "batches_waited"];

// Scenario, and its figures: a rate is to be kept, CPU stands beside it.
const PLAN = {
  holds: {
    arguments: "holds --fans 4000 --baseline 0s --duration 8s".split(" "),
    rates: ["holds_per_second"],
    beside: ["server_cpu_per_hold", ...DATABASE, ...TABLES],
  },
  journeys: {
    arguments: ["journeys"],
    rates: ["journeys_per_second"],
    beside: ["server_cpu_per_journey", ...DATABASE, ...TABLES],
  },
  joins: {
    arguments: ["joins"],
    rates: ["joins_per_second"],
    beside: ["server_cpu_per_join", ...DATABASE, ...TABLES],
  },
  onsale: {
    arguments: "onsale --arrivals rate:400 --fans 6000 --capacity 4000".split(" "),
    rates: [],
    beside: ["hold_p50", "hold_p99", "pay_p99"],
    isAsked: true,
  },
  "far-few": {
    arguments: "holds --fans 200 --baseline 0s --duration 8s --database-delay 2ms".split(" "),
    rates: ["holds_per_second"],
    beside: ["server_cpu_per_hold", ...DATABASE, ...TABLES],
    isAsked: true,
  },
  far: {
    arguments: "holds --fans 4000 --baseline 0s --duration 8s --database-delay 2ms".split(" "),
    rates: ["holds_per_second"],
    beside: ["server_cpu_per_hold", ...DATABASE, ...TABLES],
    isAsked: true,
  },
  fanout: {
    arguments: "fanout --bare 0s --duration 10s".split(" "),
    rates: ["frames_per_second"],
    beside: ["server_cpu_per_frame", "delta_p99"],
  },
};

const work = mkdtempSync(join(tmpdir(), "frontrow-pairs-"));
const wanted = options.only?.split(",") ?? Object.keys(PLAN).filter((name) => !PLAN[name].isAsked);
let good = true;

function play(folder, name) {
  const file = join(work, "report.json");
  rmSync(file, { force: true });
  if (emptyDatabase) execSync(emptyDatabase, { stdio: "inherit" });
  const more = ["--json", file, "--data-parent", options["data-parent"]];
  if (databaseUrl) more.push("--database-url", databaseUrl);
  if (databasePid) more.push("--database-pid", databasePid);
  const ended = spawnSync(join(folder, "frontrow-loadtest"), [...PLAN[name].arguments, ...more], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (ended.status !== 0) {
    good = false;
    console.error(`${name} of ${folder} ended with ${ended.status}:\n${String(ended.stderr).split("\n").slice(-6).join("\n")}`);
    return;
  }
  return new Map(JSON.parse(readFileSync(file, "utf8")).figures.map((figure) => [figure.name, figure.value]));
}

const middle = (sorted) => (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
const short = (value) => (value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3))));

const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);
row("before is", "scenario", "figure", "before", "after", "ratio", "range");
row("---", "---", "---", "---:", "---:", "---:", "---");
for (const name of wanted) {
  const turns = [];
  for (let pair = 0; pair < Number(options.pairs); pair++) {
    const load = loadavg()[0].toFixed(1);
    const order = [...options.before, options.after];
    if (pair % 2) order.reverse();
    turns.push(new Map(order.map((folder) => [folder, play(folder, name)])));
    console.error(`${name}, pair ${pair + 1}, load before ${load}`);
  }
  for (const folder of options.before) {
    const pairs = turns.map((turn) => ({ before: turn.get(folder), after: turn.get(options.after) }));
    compare(name, folder, pairs.filter(({ before, after }) => before && after));
  }
}

function compare(name, folder, pairs) {
  for (const figure of [...PLAN[name].rates, ...PLAN[name].beside]) {
    const both = pairs.filter(({ before, after }) => before.has(figure) && after.has(figure));
    if (both.length === 0) {
      const alone = pairs.flatMap(({ after }) => after.get(figure) ?? []).sort((a, b) => a - b);
      if (alone.length > 0) row(folder, name, figure, "", short(middle(alone)), "", "");
      continue;
    }
    const column = (which) => both.map((pair) => pair[which].get(figure)).sort((a, b) => a - b);
    const ratios = both.map(({ before, after }) => after.get(figure) / before.get(figure)).sort((a, b) => a - b);
    const slower = PLAN[name].rates.includes(figure) && ratios.at(-1) < atLeast;
    good &&= !slower;
    const range = `${short(ratios[0])} to ${short(ratios.at(-1))}${slower ? " **slower**" : ""}`;
    const [before, after] = [middle(column("before")), middle(column("after"))];
    row(folder, name, figure, short(before), short(after), short(middle(ratios)), range);
  }
}

rmSync(work, { recursive: true });
process.exitCode = good ? 0 : 1;
