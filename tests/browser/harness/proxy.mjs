/**
 * A bad network: a TCP proxy that passes bytes on until it is told to cut, to delay, or to lose one direction.
 */
import { createServer, connect } from 'node:net';

export class Proxy {
  /** @type {Set<{client: import('node:net').Socket, server: import('node:net').Socket}>} */
  #pairs = new Set();
  #listener;
  #target;
  /** Connections are accepted; false: the network is down. */
  #up = true;
  /** Everything from the server is lost, silently. */
  #deaf = false;
  #delayMs = 0;
  url = '';
  /** The number of connections that were made through it. */
  connections = 0;

  /** @param {number} target The server's port. */
  constructor(target) {
    this.#target = target;
    this.#listener = createServer((client) => this.#pass(client));
  }

  /** @param {import('./server.mjs').Server} server */
  static async before(server) {
    const proxy = new Proxy(server.port);
    await new Promise((resolve) => proxy.#listener.listen(0, '127.0.0.1', () => resolve(undefined)));
    const address = /** @type {import('node:net').AddressInfo} */ (proxy.#listener.address());
    proxy.url = `http://127.0.0.1:${address.port}`;
    return proxy;
  }

  /** @param {import('node:net').Socket} client */
  #pass(client) {
    if (!this.#up) {
      client.destroy();
      return;
    }
    this.connections++;
    const server = connect(this.#target, '127.0.0.1');
    const pair = { client, server };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', (bytes) => this.#later(() => server.write(bytes)));
    server.on('data', (bytes) => {
      if (!this.#deaf) this.#later(() => client.write(bytes));
    });
  }

  /** @param {() => void} act */
  #later(act) {
    if (this.#delayMs > 0) setTimeout(act, this.#delayMs);
    else act();
  }

  /** Everything breaks, and nothing new comes through. */
  cut() {
    this.#up = false;
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Loses everything from the server from now on, though the connections stand. */
  deafen() {
    this.#deaf = true;
  }

  mend() {
    this.#up = true;
    this.#deaf = false;
  }

  /** @param {number} ms Each way. */
  delay(ms) {
    this.#delayMs = ms;
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => this.#listener.close(resolve));
  }
}
