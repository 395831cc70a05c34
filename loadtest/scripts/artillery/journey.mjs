// The journey of an Artillery buyer on the websocket that Artillery has opened: guest, join, wait, hold, charge, pay.
// A failure of any kind fails the buyer; Artillery counts it in `vusers.failed`.

import { Fan } from "../fan.mjs";
import { json } from "../house.mjs";

export async function buy(context, events) {
  const base = new URL(context.ws.url);
  base.protocol = base.protocol === "wss:" ? "https:" : "http:";
  const api = `${base.origin}/api/v1`;
  const faults = [];
  const fan = new Fan(context.ws, {
    fault: (text) => faults.push(text),
    answered: (method, milliseconds) => events.emit("histogram", `frontrow.${method}`, milliseconds),
  });
  const { access_token } = await json(`${api}/users`, { name: "Artillery" });
  const { concerts } = await json(`${api}/concerts`);
  await fan.ask("hello", { access_token });
  const place = await fan.admitted(concerts[0].concert_id);
  if (place.status !== "PROGRESS") throw new Error("everything was sold before this fan's turn");
  const { schedules } = await fan.ask("schedules");
  const schedule = schedules[0].schedule_id;
  await fan.watch(schedule);
  const refused = (reason) => events.emit("counter", `frontrow.refused.${reason}`, 1);
  const held = await fan.holdAny(schedule, refused);
  if (!held) throw new Error("no seat was free");
  await fan.ask("charge", { amount: held.amount, request_id: held.reservation_id });
  const { tickets } = await fan.ask("pay", { reservation_id: held.reservation_id });
  if (tickets.length !== 1) faults.push(`${tickets.length} tickets for one seat`);
  if (faults.length) throw new Error(faults[0]);
  events.emit("counter", "frontrow.tickets", 1);
}
