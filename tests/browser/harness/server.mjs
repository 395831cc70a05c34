/**
 * A real `frontrow` server of its own for each test file, in a folder of its own, on a free port.
 *
 * Always: nothing is shared with another run; `stop` ends the process and removes the folder.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const BINARY = process.env.FRONTROW_BINARY ?? fileURLToPath(new URL('../../../target/release/frontrow', import.meta.url));

/** @type {Set<Server>} */
const running = new Set();

/** Stops all servers, after the tests: a server that a failed test left behind would outlive it. */
export async function stopServers() {
  await Promise.all([...running].map((server) => server.stop()));
}

export class Server {
  /** @type {import('node:child_process').ChildProcess | null} */
  #process = null;
  #args;
  /** The address that it listens on, `http://127.0.0.1:PORT`; the same after a restart. */
  url = '';
  /** @type {string[]} The last lines of its log, for a failing test. */
  log = [];

  /** @param {string[]} args The arguments of `serve`. */
  constructor(args) {
    if (!existsSync(BINARY)) throw new Error(`there is no ${BINARY}: build it, or name another in FRONTROW_BINARY`);
    this.data = mkdtempSync(join(tmpdir(), 'frontrow-test-'));
    this.#args = args;
    running.add(this);
  }

  /**
   * @param {string[]} args The arguments of `serve`, for instance `--demo`.
   * @returns {Promise<Server>}
   */
  static async start(...args) {
    const server = new Server(args);
    await server.begin();
    return server;
  }

  /** Starts it, after its data was prepared by commands. */
  async begin() {
    await this.#spawn('127.0.0.1:0');
  }

  /** @param {string} listen */
  async #spawn(listen) {
    const child = spawn(BINARY, ['serve', '--listen', listen, '--data', this.data, ...this.#args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // All fans of a test come from this machine.
      env: { FRONTROW_LIMITS_ADDRESS_EXEMPT: '127.0.0.0/8,::1', ...process.env },
    });
    this.#process = child;
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.log.push(line);
      if (this.log.length > 200) this.log.shift();
    });
    const [first] = await Promise.race([
      lineOf(child.stdout),
      new Promise((_, reject) => {
        child.once('error', reject);
        child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${this.log.join('\n')}`)));
      }),
    ]);
    const match = /^listening on (http:\/\/\S+)$/.exec(first);
    if (!match) throw new Error(`unexpected first line: ${first}`);
    this.url = match[1];
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  /** Another command on the same data; its JSON. @param {string[]} args */
  async command(...args) {
    const { stdout } = await run(BINARY, [...args, '--data', this.data], { maxBuffer: 64 << 20 });
    return JSON.parse(stdout);
  }

  /** A command that needs no data. @param {string[]} args */
  static async tool(...args) {
    const { stdout } = await run(BINARY, args, { maxBuffer: 256 << 20 });
    return stdout;
  }

  /** Dies at once, as if the machine lost power. */
  async kill() {
    await this.#end('SIGKILL');
  }

  /** Starts again on the same port and data. */
  async startAgain() {
    await this.#spawn(`127.0.0.1:${this.port}`);
  }

  async stop() {
    running.delete(this);
    await this.#end('SIGTERM');
    rmSync(this.data, { recursive: true, force: true });
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}

/** @param {import('node:stream').Readable} stream @returns {Promise<string[]>} */
function lineOf(stream) {
  return new Promise((resolve) => createInterface({ input: stream }).once('line', (line) => resolve([line])));
}
