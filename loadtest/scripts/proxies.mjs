// The program that `scripts/proxies` runs: the whole way of a fan through each proxy that the documents describe.
//
// Always: everything listens on loopback, on free ports, in a folder of its own, and ends with this process. Fans have
// addresses of their own (all of 127.0.0.0/8 is this machine), and the proxies are at 127.0.0.1.

import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import WebSocket from "ws";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BINARY = process.env.FRONTROW_BINARY ?? join(ROOT, "target/release/frontrow");
const CA = readFileSync(join(ROOT, "tests/tls/ca.pem"));
const CERT = join(ROOT, "tests/tls/first.pem");
const KEY = join(ROOT, "tests/tls/first.key");
const PRICE = 1000;
const GUESTS_BURST = 12;
const PATIENCE_MS = 60_000;

const { values: options, positionals } = parseArgs({
  options: { idle: { type: "string", default: "600" }, keep: { type: "boolean", default: false } },
  allowPositionals: true,
});

const children = new Set();
let faults = 0;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function eventually(what, attempt) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${what}: ${error.message}`, { cause: error });
      await sleep(200);
    }
  }
}

function must(condition, text) {
  if (!condition) throw new Error(text);
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// The server names variables of its own that it does not know.
const { FRONTROW_BINARY: _, ...ENVIRONMENT } = process.env;

function start(command, args, how = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: ENVIRONMENT, ...how });
  child.output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (data) => (child.output = (child.output + data).slice(-8192)));
  }
  child.gone = new Promise((resolve) => child.once("exit", resolve));
  child.once("error", (error) => (child.output += error.message));
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

async function stop(child, signal = "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await Promise.race([child.gone, sleep(20_000).then(() => child.kill("SIGKILL"))]);
}

/** A server with two concerts: one that lets everybody in, and one that lets in one at a time. */
class Frontrow {
  constructor(folder, port, settings) {
    Object.assign(this, { data: join(folder, "data"), port, settings });
    const run = (...args) => execFileSync(BINARY, args, { encoding: "utf8", maxBuffer: 1 << 28, env: ENVIRONMENT });
    const plan = join(folder, "plan.json");
    run("venue", "generate", "--seats", "60", "--output", plan);
    const prices = JSON.parse(readFileSync(plan, "utf8")).categories.flatMap(({ name }) => ["--price", `${name}=${PRICE}`]);
    const concert = (title, capacity) =>
      JSON.parse(
        run("import", plan, "--data", this.data, "--title", title, "--starts-at", "2100-01-01T19:00:00Z",
          "--capacity", `${capacity}`, "--open", ...prices),
      ).concert_id;
    this.open = concert("Room for all", 100);
    this.narrow = concert("One at a time", 1);
  }

  async begin() {
    const settings = ["guests=true", "sale.idle_ttl=1d", "sale.admission_ttl=1d", "limits.address.guests_per_second=1",
      `limits.address.guests_burst=${GUESTS_BURST}`, ...this.settings];
    const args = ["serve", "--listen", `127.0.0.1:${this.port}`, "--data", this.data];
    this.process = start(BINARY, [...args, ...settings.flatMap((setting) => ["--set", setting])], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    await new Promise((resolve, reject) => {
      createInterface({ input: this.process.stdout }).once("line", resolve);
      this.process.once("exit", () => reject(new Error(`the server ended: ${this.process.output}`)));
    });
  }

  async restart() {
    await stop(this.process);
    await this.begin();
  }
}

/** One way in: how it is reached, and how its proxy is told to read its configuration again. */
class Door {
  constructor(port, secure = true) {
    Object.assign(this, { port, secure });
    this.authority = `localhost:${port}`;
    this.origin = `${secure ? "https" : "http"}://${this.authority}`;
  }

  /** The status and the body of one request, from one of this machine's addresses. */
  ask(source, method, path, { token, body, headers = {} } = {}) {
    return new Promise((resolve, reject) => {
      const request = (this.secure ? https : http).request(
        {
          host: "127.0.0.1", port: this.port, servername: "localhost", ca: CA, localAddress: source, method, path, agent: false,
          headers: {
            host: this.authority,
            ...(token && { authorization: `Bearer ${token}` }),
            ...(body && { "content-type": "application/json" }),
            ...headers,
          },
        },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (data) => (text += data)).on("error", reject);
          answer.on("end", () => {
            let json;
            try {
              json = JSON.parse(text);
            } catch {
              json = undefined;
            }
            resolve({ status: answer.statusCode, json, text, headers: answer.headers });
          });
        },
      );
      request.setTimeout(PATIENCE_MS, () => request.destroy(new Error("no answer in time")));
      request.on("error", reject);
      request.end(body && JSON.stringify(body));
    });
  }

  async ok(source, method, path, more) {
    const answer = await this.ask(source, method, path, more);
    must(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  guest(source, headers) {
    return this.ask(source, "POST", "/api/v1/users", { body: { name: "Ada" }, headers });
  }

  async guestToken(source) {
    return (await this.ok(source, "POST", "/api/v1/users", { body: { name: "Ada" } })).access_token;
  }
}

class Fan {
  #nextId = 1;
  #open = new Map();
  #watchers = new Set();
  pushes = [];

  static async connect(door, source, hello) {
    const fan = new Fan();
    const url = `${door.secure ? "wss" : "ws"}://${door.authority}/ws`;
    const socket = new WebSocket(url, "frontrow.v1", {
      ca: CA, origin: door.origin, localAddress: source, handshakeTimeout: PATIENCE_MS,
      lookup: (_, how, done) => (how.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4)),
    });
    fan.socket = socket;
    fan.closed = new Promise((resolve) => socket.once("close", (code) => resolve(code)));
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    socket.on("error", () => {});
    socket.on("message", (data) => fan.#receive(JSON.parse(data)));
    socket.on("ping", () => (fan.pings = (fan.pings ?? 0) + 1));
    fan.closed.then((code) => {
      fan.code = code;
      for (const { reject } of fan.#open.values()) reject(new Error(`closed with ${code}`));
    });
    fan.hello = await fan.ask("hello", hello);
    return fan;
  }

  ask(method, params = {}) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { method, resolve, reject });
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  push(method, fits = () => true) {
    const found = this.pushes.find((push) => push.method === method && fits(push.params));
    if (found) return Promise.resolve(found.params);
    return new Promise((resolve, reject) => {
      this.#watchers.add({ method, fits, resolve });
      setTimeout(() => reject(new Error(`no ${method} came`)), PATIENCE_MS).unref();
    });
  }

  #receive(message) {
    if (message.method) {
      this.pushes.push(message);
      for (const watcher of this.#watchers) {
        if (watcher.method === message.method && watcher.fits(message.params)) watcher.resolve(message.params);
      }
      return;
    }
    const asked = this.#open.get(message.id);
    this.#open.delete(message.id);
    if (message.error) asked.reject(new Error(`${asked.method}: ${message.error.data?.reason}`));
    else asked.resolve(message.result);
  }
}

const WAYS = {
  async direct(folder, port, server) {
    server.settings = [`tls.cert=${CERT}`, `tls.key=${KEY}`];
    return { door: new Door(server.port), direct: true };
  },

  async nginx(folder, port, server) {
    const site = readFileSync(join(ROOT, "deploy/nginx.conf"), "utf8")
      .replace("127.0.0.1:8080", `127.0.0.1:${server.port}`)
      .replace("listen 443", `listen 127.0.0.1:${port}`)
      .replace("tickets.example", "localhost")
      .replace("/etc/frontrow/tls/fullchain.pem", CERT)
      .replace("/etc/frontrow/tls/privkey.pem", KEY);
    writeFileSync(join(folder, "site.conf"), site);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`);
    writeFileSync(
      join(folder, "nginx.conf"),
      `${process.getuid() === 0 ? "user root;" : ""} daemon off; pid ${folder}/nginx.pid; worker_processes 2;
       error_log ${folder}/nginx.log; events { worker_connections 1024; }
       http { access_log off; ${temporary.join(" ")} include ${folder}/site.conf; }`,
    );
    const args = ["-p", folder, "-e", `${folder}/nginx.log`, "-c", join(folder, "nginx.conf")];
    const proxy = start("nginx", args);
    return { door: new Door(port), proxy, reload: () => execFileSync("nginx", [...args, "-s", "reload"], { stdio: "pipe" }) };
  },

  async haproxy(folder, port, server) {
    const pem = join(folder, "haproxy.pem");
    writeFileSync(pem, readFileSync(CERT, "utf8") + readFileSync(KEY, "utf8"), { mode: 0o600 });
    const config = readFileSync(join(ROOT, "deploy/haproxy.cfg"), "utf8")
      .replace("127.0.0.1:8080", `127.0.0.1:${server.port}`)
      .replace("bind :443", `bind 127.0.0.1:${port}`)
      .replace("/etc/frontrow/tls/haproxy.pem", pem);
    return haproxy(folder, port, config);
  },

  async passthrough(folder, port, server) {
    server.settings = [
      `tls.cert=${CERT}`, `tls.key=${KEY}`, "proxy.trusted=127.0.0.1/32", "proxy.address_from=proxy-protocol",
    ];
    const config = readFileSync(join(ROOT, "deploy/haproxy-passthrough.cfg"), "utf8")
      .replace("127.0.0.1:8080", `127.0.0.1:${server.port}`)
      .replace("bind :443", `bind 127.0.0.1:${port}`);
    return { ...haproxy(folder, port, config), directSecure: true };
  },

  async caddy(folder, port, server) {
    const admin = `127.0.0.1:${await freePort()}`;
    const site = readFileSync(join(ROOT, "deploy/Caddyfile"), "utf8")
      .replace("127.0.0.1:8080", `127.0.0.1:${server.port}`)
      .replace("tickets.example {", `https://localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${CERT} ${KEY}`);
    const write = (more) =>
      writeFileSync(
        join(folder, "Caddyfile"),
        `{\n\tadmin ${admin}\n\tauto_https disable_redirects\n\tskip_install_trust\n\tservers {\n\t\tprotocols h1 h2\n\t}\n}\n${site}${more}`,
      );
    write("");
    const how = { env: { ...ENVIRONMENT, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder } };
    const args = ["--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"];
    const proxy = start("caddy", ["run", ...args], { ...how });
    const reload = () => {
      // Nothing is done for a configuration that is the same.
      write(`\nhttp://127.0.0.1:${port + 1} {\n\tbind 127.0.0.1\n\trespond "another site"\n}\n`);
      execFileSync("caddy", ["reload", ...args, "--address", admin], { stdio: "pipe", ...how });
    };
    return { door: new Door(port), proxy, reload };
  },
};

function haproxy(folder, port, config) {
  const file = join(folder, "haproxy.cfg");
  // The documented number of connections needs more open files than a shell has.
  writeFileSync(file, config.replace(/maxconn \d+/, "maxconn 2000"));
  const proxy = start("haproxy", ["-W", "-f", file, "-p", join(folder, "haproxy.pid")]);
  return { door: new Door(port), proxy, reload: () => proxy.kill("SIGUSR2") };
}

/** The whole journey by HTTP requests, each on a connection of its own as far as the client goes. */
async function journeyByHttp(door, concert) {
  const source = "127.0.0.21";
  const token = await door.guestToken(source);
  const headers = { origin: door.origin };
  const ok = (method, path, body) => door.ok(source, method, `/api/v1${path}`, { token, body, headers });
  const place = await ok("POST", "/queue/tokens", { concert_id: concert });
  must(place.status === "PROGRESS", `a place that is ${place.status}`);
  const [{ schedule_id }] = (await ok("GET", "/schedules")).schedules;
  const layout = await ok("GET", `/schedules/${schedule_id}/layout`);
  must(layout.seats.x.length === 60, "the layout is not whole");
  const held = await ok("POST", "/reservations", { schedule_id, count: 2 });
  await ok("POST", "/balance/charges", { amount: held.amount, request_id: "one" });
  const paid = await ok("POST", "/payments", { reservation_id: held.reservation_id });
  must(paid.tickets.length === 2 && paid.balance === 0, "no tickets");
  await ok("DELETE", `/reservations/${held.reservation_id}`);
  must((await ok("GET", "/balance")).balance === held.amount, "no refund");
}

/** The same by a websocket, while another fan watches. */
async function journeyByWebsocket(door, concert) {
  const [source, other] = ["127.0.0.22", "127.0.0.23"];
  const fan = await Fan.connect(door, source, { access_token: await door.guestToken(source) });
  const watcher = await Fan.connect(door, other, { access_token: await door.guestToken(other) });
  for (const each of [fan, watcher]) {
    must((await each.ask("queue.join", { concert_id: concert })).status === "PROGRESS", "not let in");
  }
  const [{ schedule_id }] = (await fan.ask("schedules")).schedules;
  await watcher.ask("seats.watch", { schedule_id });
  const held = await fan.ask("hold", { schedule_id, seats: [7, 8] });
  await watcher.push("seats.update", ({ changes }) => changes.some(([seat, state]) => seat === 7 && state === 1));
  await fan.ask("charge", { amount: held.amount, request_id: "one" });
  const paid = await fan.ask("pay", { reservation_id: held.reservation_id });
  must(paid.tickets.length === 2, "no tickets");
  await watcher.push("seats.update", ({ changes }) => changes.some(([seat, state]) => seat === 7 && state === 2));
  for (const each of [fan, watcher]) {
    each.socket.close(1000);
    must((await each.closed) === 1000, `closed with ${each.code}`);
  }
}

/** Guests of one address until it may make no more. */
async function exhaust(make) {
  for (let made = 0; made < 4 * GUESTS_BURST; made++) {
    const { status, text } = await make(made);
    if (status === 429) return made;
    must(status === 201, `a guest: ${status} ${text}`);
  }
  throw new Error(`an address made ${4 * GUESTS_BURST} guests`);
}

async function limitsByAddress(door, server, direct, directSecure) {
  const made = await exhaust(() => door.guest("127.0.0.31"));
  must(made >= GUESTS_BURST, `only ${made} guests`);
  must((await door.guest("127.0.0.32")).status === 201, "another address is refused as well");
  // The address stays the fan's, whatever they write into the headers.
  await exhaust((n) => door.guest("127.0.0.33", { "x-forwarded-for": `198.51.100.${n}`, forwarded: `for=198.51.100.${n}` }));
  if (direct) return;
  // Beside the proxy, from where nobody is believed. The loopback address that the proxy has is believed.
  const beside = new Door(server.port, directSecure ?? false);
  await exhaust((n) => beside.guest("127.0.0.34", { "x-forwarded-for": `198.51.100.${n}`, forwarded: `for=198.51.100.${n}` }));
}

async function foreignOrigin(door) {
  const asked = { headers: { origin: "https://elsewhere.example" } };
  const refused = await door.ask("127.0.0.24", "GET", "/api/v1/concerts", asked);
  must(refused.status === 403, `a foreign page: ${refused.status}`);
  for (const named of ["https://elsewhere.example", door.authority]) {
    must(refused.text.includes(named), `the refusal does not name ${named}: ${refused.text}`);
  }
}

/** Comes back by the queue token until that works. */
function comeBack(door, source, queue_token) {
  return eventually("coming back", () => Fan.connect(door, source, { queue_token }));
}

async function through(name) {
  const folder = mkdtempSync(join(tmpdir(), `frontrow-${name}-`));
  chmodSync(folder, 0o755);
  const began = Date.now();
  let server, way;
  let failed = false;
  const check = async (what, run) => {
    try {
      const more = await run();
      console.log(`${name.padEnd(12)} ok    ${what}${more ? `: ${more}` : ""}`);
    } catch (error) {
      faults++;
      failed = true;
      console.log(`${name.padEnd(12)} WRONG ${what}: ${error.message}`);
    }
  };
  try {
    server = new Frontrow(folder, await freePort(), ["proxy.trusted=127.0.0.1/32"]);
    way = await WAYS[name](folder, await freePort(), server);
    await server.begin();
    const { door } = way;
    await check("pages", async () => {
      const page = await eventually("a page", async () => {
        const page = await door.ask("127.0.0.20", "GET", "/", { headers: { origin: door.origin } });
        must(page.status === 200, `${page.status} ${page.text}`);
        return page;
      });
      must(page.text.includes("<html"), "not a page");
    });
    await check("a page of another origin is refused, and told what was compared", () => foreignOrigin(door));
    await check("the journey by HTTP", () => journeyByHttp(door, server.open));
    await check("the journey by websocket", () => journeyByWebsocket(door, server.open));
    await check("limits by address, not to be fooled by headers", () =>
      limitsByAddress(door, server, way.direct, way.directSecure));

    const first = await Fan.connect(door, "127.0.0.41", { access_token: await door.guestToken("127.0.0.41") });
    const admitted = await first.ask("queue.join", { concert_id: server.narrow });
    must(admitted.status === "PROGRESS", "the first is not let in");
    let second = await Fan.connect(door, "127.0.0.42", { access_token: await door.guestToken("127.0.0.42") });
    const place = await second.ask("queue.join", { concert_id: server.narrow });
    must(place.position === 1, `the second has place ${place.position}`);
    const polling = await door.guestToken("127.0.0.43");
    await door.ok("127.0.0.43", "POST", "/api/v1/queue/tokens", { token: polling, body: { concert_id: server.narrow } });
    const poll = () => door.ok("127.0.0.43", "GET", "/api/v1/queue/tokens/current", { token: polling });
    await check(`${options.idle} s in line without a word`, async () => {
      const until = Date.now() + 1000 * Number(options.idle);
      while (Date.now() < until) {
        await sleep(Math.min(20_000, until - Date.now()));
        must((await poll()).position === 2, "the one who polls lost their place");
        must(second.code === undefined, `the websocket was closed with ${second.code}`);
      }
      must((await second.ask("queue.get")).token === place.token, "another place");
      return `${second.pings ?? 0} pings of the server`;
    });
    const same = async (fan) => {
      const now = await fan.ask("queue.get");
      must(now.token === place.token && now.position === 1, `another place: ${JSON.stringify(now)}`);
    };
    if (way.reload) {
      await check("a reload of the proxy", async () => {
        await way.reload();
        const fresh = await eventually("a new connection", () => Fan.connect(door, "127.0.0.44", { queue_token: place.token }));
        await same(fresh);
        fresh.socket.terminate();
        // Long enough for a proxy that ends old connections at a reload.
        await sleep(3000);
        const kept = second.code === undefined;
        if (!kept) second = await comeBack(door, "127.0.0.42", place.token);
        await same(second);
        must((await poll()).position === 2, "the one who polls lost their place");
        return kept ? "open websockets stay" : "open websockets are closed, and come back to the same place";
      });
    }
    await check("a restart of the server", async () => {
      await Promise.all([server.restart(), second.closed]);
      const code = second.code;
      second = await comeBack(door, "127.0.0.42", place.token);
      await same(second);
      must((await eventually("polling", poll)).position === 2, "the one who polls lost their place");
      return `websockets were closed with ${code}`;
    });
    await check("let in after all of that", async () => {
      const back = await comeBack(door, "127.0.0.41", admitted.token);
      await back.ask("queue.leave");
      await second.push("queue.update", ({ status }) => status === "PROGRESS");
      must((await poll()).position === 1, "the one behind did not move up");
    });
    await check("what is stored fits", async () => {
      await stop(server.process);
      execFileSync(BINARY, ["audit", "--data", server.data], { stdio: "pipe", env: ENVIRONMENT });
    });
  } finally {
    if (failed && way?.proxy) console.log(way.proxy.output.split("\n").slice(-20).join("\n"));
    if (way?.proxy) await stop(way.proxy);
    if (server?.process) await stop(server.process);
    if (options.keep) console.log(`${name.padEnd(12)} kept  ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
    console.log(`${name.padEnd(12)} done  ${Math.round((Date.now() - began) / 1000)} s`);
  }
}

process.once("exit", () => children.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));

const names = positionals.length ? positionals : Object.keys(WAYS);
const unknown = names.find((name) => !WAYS[name]);
if (unknown) {
  console.error(`there is no way called ${unknown}; there are ${Object.keys(WAYS).join(", ")}`);
  process.exit(2);
}
// They run at once: waiting is most of it.
const ends = await Promise.allSettled(names.map(through));
for (const end of ends) if (end.status === "rejected") console.error(end.reason.message);
process.exit(faults || ends.some((end) => end.status === "rejected") ? 1 : 0);
