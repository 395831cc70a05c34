// The on-sale for k6. Each virtual user makes a guest, joins, waits, watches, holds, pays once, and is done.
//
//   k6 run -e SERVER=http://127.0.0.1:8080 -e FANS=200 onsale.k6.js
//
// Options: SERVER, CONCERT (else the first one), FANS, MINUTES (the end, whatever the server does).

import http from "k6/http";
import { check, fail } from "k6";
import { b64decode } from "k6/encoding";
import { Counter, Trend } from "k6/metrics";
import { WebSocket } from "k6/websockets";
import { setTimeout, clearTimeout } from "k6/timers";

const server = __ENV.SERVER || "http://127.0.0.1:8080";
const fans = Number(__ENV.FANS || 200);
const minutes = Number(__ENV.MINUTES || 5);

const answers = new Trend("frontrow_answer", true);
const waits = new Trend("frontrow_wait_in_line", true);
const refused = new Counter("frontrow_refused");
const failed = new Counter("frontrow_failed");
const bought = new Counter("frontrow_bought");

export const options = {
  scenarios: {
    onsale: {
      executor: "per-vu-iterations",
      vus: fans,
      iterations: 1,
      maxDuration: `${minutes}m`,
    },
  },
  thresholds: {
    frontrow_failed: ["count==0"],
    "frontrow_answer{method:hold}": ["p(99)<250"],
  },
};

export function setup() {
  const listed = http.get(`${server}/api/v1/concerts`);
  if (!check(listed, { "concerts are listed": (answer) => answer.status === 200 })) fail("no server");
  const concert = Number(__ENV.CONCERT) || listed.json("concerts.0.concert_id");
  return { concert };
}

export default function ({ concert }) {
  const made = http.post(`${server}/api/v1/users`, JSON.stringify({ name: `Fan ${__VU}` }), {
    headers: { "Content-Type": "application/json" },
  });
  if (!check(made, { "a guest was made": (answer) => answer.status === 201 })) return;
  buy(concert, made.json("access_token"));
}

function buy(concert, accessToken) {
  const socket = new WebSocket(server.replace(/^http/, "ws") + "/ws", "frontrow.v1");
  const open = new Map();
  const taken = new Set();
  let nextId = 1;
  let seatCount = 0;
  let version = 0;
  let schedule;
  let joinedAt;
  let shopping = false;
  let leaving = false;

  const givingUp = setTimeout(() => {
    failed.add(1, { why: "time" });
    socket.close();
  }, minutes * 60_000);

  const end = () => {
    clearTimeout(givingUp);
    socket.close();
  };

  // `whenRefused` says whether it knows what to do about a reason.
  const ask = (method, params, then, whenRefused = () => false) => {
    const id = nextId++;
    open.set(id, { method, then, whenRefused, sent: Date.now() });
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  };

  const place = (update) => {
    if (update.status === "PROGRESS" && !shopping) {
      shopping = true;
      waits.add(Date.now() - joinedAt);
      ask("schedules", {}, listed);
    } else if (update.status === "WAITING" && update.sold_out && !leaving) {
      leaving = true;
      ask("queue.leave", {}, end);
    } else if (update.status === "EXPIRED" && !leaving) {
      failed.add(1, { why: "expired" });
      end();
    }
  };

  const listed = ({ schedules }) => {
    schedule = schedules[0].schedule_id;
    ask("seats.watch", { schedule_id: schedule }, watched);
  };

  const watched = (snapshot) => {
    const bytes = new Uint8Array(b64decode(snapshot.seats));
    seatCount = snapshot.count;
    version = snapshot.version;
    for (let seat = 0; seat < seatCount; seat++) {
      if ((bytes[seat >> 2] >> (2 * (seat & 3))) & 3) taken.add(seat);
    }
    hold();
  };

  const hold = () => {
    const free = [];
    for (let seat = 0; seat < seatCount; seat++) if (!taken.has(seat)) free.push(seat);
    if (free.length === 0) return ask("queue.leave", {}, end);
    const seat = free[Math.floor(Math.random() * free.length)];
    ask("hold", { schedule_id: schedule, seats: [seat] }, held, (reason) => {
      if (reason !== "SEAT_TAKEN") return false;
      taken.add(seat);
      hold();
      return true;
    });
  };

  const held = ({ reservation_id, amount }) => {
    ask("charge", { amount, request_id: reservation_id }, () => {
      ask("pay", { reservation_id }, ({ balance, tickets }) => {
        check(null, { "one ticket, nothing left": () => balance === 0 && tickets.length === 1 });
        bought.add(1);
        end();
      });
    });
  };

  const pushed = (method, params) => {
    if (method === "queue.update") place(params);
    if (method === "seats.update" && params.version > version) {
      version = params.version;
      for (const [seat, state] of params.changes) {
        if (state) taken.add(seat);
        else taken.delete(seat);
      }
    }
  };

  socket.onopen = () => {
    ask("hello", { access_token: accessToken }, () => {
      joinedAt = Date.now();
      ask("queue.join", { concert_id: concert }, place);
    });
  };

  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.method) return pushed(message.method, message.params);
    const asked = open.get(message.id);
    if (!asked) return failed.add(1, { why: "an answer to nothing" });
    open.delete(message.id);
    answers.add(Date.now() - asked.sent, { method: asked.method });
    if (!message.error) return asked.then(message.result);
    const reason = message.error.data.reason;
    refused.add(1, { reason });
    if (!asked.whenRefused(reason)) {
      failed.add(1, { why: reason });
      end();
    }
  };
  socket.onerror = (error) => failed.add(1, { why: String(error.error) });
}
