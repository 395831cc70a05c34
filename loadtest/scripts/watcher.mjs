// A fan who looks at the seats of a performance until the standard input ends, and says then what was seen.
//
//   node watcher.mjs http://127.0.0.1:8080 CONCERT      prints {"version", "taken", "deltas", "faults"}

import { Fan } from "./fan.mjs";
import { json } from "./house.mjs";

const [base, concert] = process.argv.slice(2);
const faults = [];
const { access_token: token } = await json(`${base}/api/v1/users`, { name: "watcher" });
const report = { fault: (text) => faults.push(text), answered() {} };
const fan = await Fan.connect(`${base.replace("http", "ws")}/ws`, token, report);
const place = await fan.admitted(Number(concert));
if (place.status !== "PROGRESS") throw new Error("everything was sold before");
const { schedules } = await fan.ask("schedules");
await fan.watch(schedules[0].schedule_id);
let deltas = 0;
fan.push("seats.update", () => {
  deltas++;
  return false;
});
console.log("watches");
process.stdin.resume().on("end", async () => {
  await fan.ask("queue.leave");
  console.log(JSON.stringify({ version: fan.version, taken: fan.taken.size, deltas, faults }));
  process.exit();
});
