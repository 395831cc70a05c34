// The whole table of figures, so that anybody can repeat it: every scenario several times in turn, the medians as a
// Markdown table. Needs nothing but Node and a release build; about twenty-five minutes for three runs.
//
//   cargo build --release --workspace
//   node loadtest/scripts/figures.mjs                            three runs of everything, embedded database
//   node loadtest/scripts/figures.mjs --only holds,joins --runs 1
//   loadtest/scripts/with-mariadb node loadtest/scripts/figures.mjs      the same on a private MariaDB
//
// A figure that took place while the machine had other work to do is of little worth, so the load before each run
// stands beside it. Ends with 1 if a run failed or a median is out of its bounds.

import { execSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    binary: { type: "string", default: "target/release/frontrow-loadtest" },
    runs: { type: "string", default: "3" },
    only: { type: "string" },
    out: { type: "string", default: "loadtest-figures" },
    "data-parent": { type: "string", default: "." },
  },
});
// The database's address, its process, and a command that empties it; without them the embedded one is taken.
const { DATABASE_URL: databaseUrl, DATABASE_PID: databasePid, DATABASE_EMPTY: emptyDatabase } = process.env;

// The runs, and which of their figures are looked at: name, and the bound that a median has to keep. `once` are
// those that take minutes, and whose figures hardly differ from run to run.
const PLAN = [
  {
    name: "holds",
    arguments: ["holds", "--fans", "4000"],
    figures: [
      ["holds_per_second", ">=", 15_000],
      ["holds_over_baseline", ">=", 4],
      ["baseline_per_second"],
      ["hold_p99"],
      ["server_cpu_per_hold"],
      ["database_cpu_per_operation"],
    ],
  },
  {
    name: "journeys",
    arguments: ["journeys"],
    figures: [
      ["journeys_per_second", ">=", 2_000],
      ["journey_p99"],
      ["server_cpu_per_journey"],
      ["database_cpu_per_operation"],
    ],
  },
  {
    name: "journeys, fresh sockets",
    arguments: ["journeys", "--fresh"],
    figures: [["journeys_per_second"], ["journey_p99"], ["server_cpu_per_journey"]],
  },
  {
    name: "joins",
    arguments: ["joins"],
    figures: [["joins_per_second", ">=", 20_000], ["server_cpu_per_join"], ["database_cpu_per_operation"]],
  },
  {
    name: "onsale, more fans than can be served at once",
    arguments: "onsale --arrivals burst:3s --fans 6000 --capacity 6000 --seats 10000".split(" "),
    figures: [["buyers_per_second"], ["hold_p99"], ["server_cpu_per_buyer"]],
  },
  {
    // The rate is about half of what the one before gives here.
    name: "onsale at half rate",
    arguments: "onsale --arrivals rate:400 --fans 6000 --capacity 4000 --seats 10000".split(" "),
    figures: [["hold_p99", "<=", 25], ["hold_p50"], ["pay_p99"], ["server_cpu_per_buyer"]],
  },
  {
    name: "fanout",
    arguments: "fanout --duration 12s --bare 6s".split(" "),
    figures: [
      ["delta_p99", "<=", 250],
      ["cpu_over_bare", "<=", 1.5],
      ["delta_p50"],
      ["delta_after_answer_p99"],
      ["delta_after_answer_p50"],
      ["hold_p99"],
      ["frames_per_second"],
      ["server_cpu_per_frame"],
      ["bare_cpu_per_frame"],
    ],
  },
  {
    name: "admission",
    arguments: ["admission", "--duration", "15s"],
    figures: [["admission_p99", "<=", 20], ["admission_p50"]],
  },
  {
    name: "idle",
    arguments: ["idle", "--duration", "40s"],
    figures: [
      ["kib_per_connection", "<=", 10],
      ["server_cpu_percent", "<=", 3],
    ],
  },
  {
    name: "storm",
    arguments: ["storm"],
    figures: [
      ["last_resumed_ms", "<=", 10_000],
      ["half_resumed_ms"],
      ["memory_after_over_before"],
    ],
  },
  {
    name: "line of 1,000,000",
    arguments: ["line"],
    once: true,
    figures: [
      ["bytes_per_fan", "<=", 400],
      ["bytes_per_fan_restarted", "<=", 400],
      ["ready_seconds", "<=", 15],
      ["joins_per_second"],
      ["server_cpu_per_join"],
    ],
  },
  // Cost as the work grows: each pair differs in one thing, and its CPU for an operation is compared below.
  ...grown("queue", "server_cpu_per_join", ["joins"], ["--waiting", "1000"], ["--waiting", "980000"], true),
  ...grown("seats", "server_cpu_per_hold", HOLDS_SMALL(), ["--seats", "1000"], ["--seats", "100000"]),
  ...grown(
    "fans",
    "server_cpu_per_hold",
    "holds --seats 50000 --baseline 0s --duration 5s".split(" "),
    ["--fans", "400"],
    ["--fans", "4000"],
  ),
  ...grown(
    "watchers",
    "server_cpu_per_frame",
    "fanout --bare 0s --duration 10s".split(" "),
    ["--watchers", "1000"],
    ["--watchers", "10000"],
  ),
];
const GROWTH_MAX = 1.5;

function HOLDS_SMALL() {
  return "holds --fans 100 --baseline 0s --duration 5s".split(" ");
}

function grown(what, figure, common, few, many, once = false) {
  const run = (name, more) => ({ name, arguments: [...common, ...more], once, figures: [[figure]] });
  const names = [`${what} small`, `${what} large`];
  return [run(names[0], few), { ...run(names[1], many), over: { name: names[0], figure } }];
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
const shown = (value) =>
  value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));

mkdirSync(options.out, { recursive: true });
const wanted = options.only?.split(",");
const plan = PLAN.filter(({ name }) => !wanted || wanted.some((word) => name.startsWith(word)));
const seen = new Map(plan.map(({ name }) => [name, []]));
let good = plan.length > 0;

for (let run = 1; run <= Number(options.runs); run++) {
  for (const { name, arguments: given, once } of plan) {
    if (once && run > 1) continue;
    const file = join(options.out, `${name.replaceAll(/[^a-z0-9]+/g, "-")}-${run}.json`);
    const more = ["--json", file, "--data-parent", options["data-parent"]];
    if (databaseUrl) more.push("--database-url", databaseUrl);
    if (databasePid) more.push("--database-pid", databasePid);
    if (emptyDatabase) execSync(emptyDatabase, { stdio: "inherit" });
    rmSync(file, { force: true });
    const load = loadavg()[0].toFixed(1);
    const began = Date.now();
    const ended = spawnSync(options.binary, [...given, ...more], { stdio: ["ignore", "ignore", "pipe"] });
    const took = Math.round((Date.now() - began) / 1000);
    console.error(`${name}, run ${run}: ${took} s, load before ${load}, exit code ${ended.status}`);
    if (ended.status !== 0) {
      good = false;
      console.error(String(ended.stderr ?? ended.error).split("\n").slice(-5).join("\n"));
      if (ended.status !== 1) continue;
    }
    try {
      seen.get(name).push({ load, ...JSON.parse(readFileSync(file, "utf8")) });
    } catch (error) {
      console.error(`${name}, run ${run}: ${error.message}`);
    }
  }
}

const values = (name, figure) =>
  (seen.get(name) ?? []).flatMap(({ figures }) => figures.filter((of) => of.name === figure)).map((of) => of.value);
const unit = (name, figure) =>
  (seen.get(name) ?? []).flatMap(({ figures }) => figures).find((of) => of.name === figure)?.unit ?? "";

console.log(`${cpus().length} × ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB\n`);
console.log("| scenario | figure | median | bound | runs | load before |\n| --- | --- | ---: | --- | --- | --- |");
for (const { name, figures, over } of plan) {
  const loads = seen.get(name).map(({ load }) => load).join(", ");
  for (const [figure, sign, bound] of figures) {
    const all = values(name, figure);
    if (all.length === 0) {
      if (!sign) continue;
      good = false;
      console.log(`| ${name} | ${figure} | none | **missed** | | ${loads} |`);
      continue;
    }
    const middle = median(all);
    const kept = !sign || (sign === ">=" ? middle >= bound : middle <= bound);
    good &&= kept;
    const bounds = sign ? `${kept ? "" : "**missed** "}${sign === ">=" ? "≥" : "≤"} ${shown(bound)}` : "";
    const cells = [name, figure, `${shown(middle)} ${unit(name, figure)}`.trim(), bounds];
    console.log(`| ${cells.join(" | ")} | ${all.map(shown).join(", ")} | ${loads} |`);
  }
  if (over) {
    const [few, many] = [values(over.name, over.figure), values(name, over.figure)];
    if (few.length === 0 || many.length === 0) continue;
    const growth = median(many) / median(few);
    good &&= growth <= GROWTH_MAX;
    const bound = `${growth <= GROWTH_MAX ? "" : "**missed** "}≤ ${GROWTH_MAX}`;
    console.log(`| ${name} over small | ${over.figure} | ${shown(growth)} × | ${bound} | | ${loads} |`);
  }
}
process.exitCode = good ? 0 : 1;
