#!/usr/bin/env bash
# Chromium: a page that a test answers for by itself may not open a websocket to this machine.
#
# One would expect: a page whose document Playwright's route.fulfill gives has the origin of its address, so its websocket
#   to that same origin opens, as it does when the same server answers.
# Seen: net::ERR_BLOCKED_BY_LOCAL_NETWORK_ACCESS_CHECKS. The document came from no network, so its address space is
#   unknown, which counts as public; from there 127.0.0.1 needs a permission that nobody is asked for.
# Why it matters: tests that serve a ticketing page's own files from disk, and all else from a server, see a page that
#   loads, lists what is on sale, and never gets live. The cure for a test: --disable-features=LocalNetworkAccessChecks.
# Seen with: playwright-core 1.65.1, Chromium of Debian (its version is printed), ws 8.23.0.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund playwright-core@1.65.1 ws@8.23.0
cat > look.mjs <<'JS'
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';
import { WebSocketServer } from 'ws';

const page = '<!doctype html><title>page</title>';
const server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page));
new WebSocketServer({ server });
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const url = `http://127.0.0.1:${server.address().port}/`;

async function opens(answered, flags = []) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', ...flags] });
  const tab = await browser.newPage();
  if (answered) await tab.route(url, (route) => route.fulfill({ body: page, contentType: 'text/html' }));
  await tab.goto(url);
  const open = await tab.evaluate(
    (address) =>
      new Promise((tell) => {
        const socket = new WebSocket(address);
        socket.onopen = () => tell(true);
        socket.onerror = () => tell(false);
      }),
    url.replace('http', 'ws'),
  );
  const version = browser.version();
  await browser.close();
  return { open, version };
}

const served = await opens(false);
const answered = await opens(true);
const unguarded = await opens(true, ['--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets']);
console.log(`Chromium ${served.version}: served ${served.open}, answered by the test ${answered.open}, and unguarded ${unguarded.open}`);
server.closeAllConnections();
server.close();
process.exit(served.open && !answered.open && unguarded.open ? 0 : 1);
JS
node look.mjs
