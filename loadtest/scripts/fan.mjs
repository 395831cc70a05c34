// One fan on one websocket, for scripts: requests with their answers, pushes by name, the seats that are taken.
//
// Always: an answer without a request, a gap between two deltas and a request without an answer are faults, which are
// handed to `report.fault`; the time of each answer goes to `report.answered`.

import WebSocket from "ws";

export class Refused extends Error {
  constructor(error) {
    super(error.message);
    this.reason = error.data?.reason ?? String(error.code);
  }
}

export class Fan {
  #socket;
  #report;
  #nextId = 1;
  #open = new Map();
  #watchers = new Set();
  taken = new Set();
  seatCount = 0;
  version = 0;

  // `socket` is an open websocket of the `ws` package that speaks `frontrow.v1`.
  constructor(socket, report) {
    this.#socket = socket;
    this.#report = report;
    socket.on("message", (data) => this.#receive(JSON.parse(data)));
    socket.on("close", (code) => {
      for (const { reject } of this.#open.values()) reject(new Error(`closed with ${code}`));
      this.#open.clear();
    });
  }

  static async connect(url, accessToken, report) {
    const socket = new WebSocket(url, "frontrow.v1");
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    const fan = new Fan(socket, report);
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

  // Joins, and resolves with the place once the fan is admitted or everything is sold.
  async admitted(concert) {
    // Listening before joining: the push may be there before the answer was looked at.
    const over = (update) => update.status === "PROGRESS" || update.sold_out;
    const called = this.push("queue.update", over);
    const place = await this.ask("queue.join", { concert_id: concert });
    return over(place) ? place : called;
  }

  async watch(schedule) {
    await this.ask("seats.watch", { schedule_id: schedule });
  }

  // Holds one of the seats that are free as far as the fan knows; undefined when none is. `refused` gets each reason.
  async holdAny(schedule, refused = () => {}) {
    for (let tries = 0; tries < this.seatCount; tries++) {
      const seat = this.#pick();
      if (seat === undefined) return;
      try {
        return { seat, ...(await this.ask("hold", { schedule_id: schedule, seats: [seat] })) };
      } catch (error) {
        if (error.reason !== "SEAT_TAKEN") throw error;
        refused(error.reason);
        this.taken.add(seat);
      }
    }
  }

  close() {
    if (this.#open.size) this.#report.fault(`${this.#open.size} requests without an answer`);
    this.#socket.close(1000);
  }

  #pick() {
    const begin = Math.floor(Math.random() * this.seatCount);
    for (let step = 0; step < this.seatCount; step++) {
      const seat = (begin + step) % this.seatCount;
      if (!this.taken.has(seat)) return seat;
    }
  }

  #take(snapshot) {
    const bytes = Buffer.from(snapshot.seats, "base64");
    this.seatCount = snapshot.count;
    this.version = snapshot.version;
    for (let seat = 0; seat < snapshot.count; seat++) {
      if ((bytes[seat >> 2] >> (2 * (seat & 3))) & 3) this.taken.add(seat);
    }
  }

  #receive(message) {
    if (message.method) return this.#receivePush(message.method, message.params);
    const asked = this.#open.get(message.id);
    if (!asked) return this.#report.fault(`an answer to ${message.id}, which is not open`);
    this.#open.delete(message.id);
    this.#report.answered(asked.method, performance.now() - asked.sent);
    // The snapshot is taken at once: a delta may stand right behind it, before whoever waits for it goes on.
    if (asked.method === "seats.watch" && message.result) this.#take(message.result);
    if (message.error) asked.reject(new Refused(message.error));
    else asked.resolve(message.result);
  }

  #receivePush(name, params) {
    if (name === "seats.update" && params.version > this.version) {
      if (params.from > this.version) this.#report.fault(`a gap: had ${this.version}, got ${params.from}`);
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
