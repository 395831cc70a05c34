#!/usr/bin/env bash
# V8 (Chromium, Node): Intl gives a time zone back by another name than it was asked for.
#
# One would expect: `new Intl.DateTimeFormat('en', {timeZone}).resolvedOptions().timeZone` is `timeZone` when that is a
#   primary name of the IANA database, so that "is the venue in the reader's zone?" is a comparison of two names.
# Seen: Asia/Kolkata comes back as Asia/Calcutta, Europe/Kyiv as Europe/Kiev, Asia/Ho_Chi_Minh as Asia/Saigon: ICU keeps the
#   names of before the renaming. A reader in Mumbai has Asia/Calcutta, the venue there was imported as Asia/Kolkata.
# Why it matters: a page that names the zone "where it differs from the reader's" names it to everybody in India, and a
#   shop that stores what the browser says has two zones for one city. The cure is to compare offsets at the instant that
#   is shown, which also spares a fan in Tokyo the name of Seoul's clock.
# Seen with: node 24.0.0 (V8 13.6, ICU 77.1, tz 2025b); the same in Node 20.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error node@24.0.0 >/dev/null
node=node_modules/node/bin/node
"$node" -e 'const { node, v8, icu, tz } = process.versions; console.log(`node ${node}, V8 ${v8}, ICU ${icu}, tz ${tz}`)'
"$node" -e '
const asked = ["Asia/Kolkata", "Europe/Kyiv", "Asia/Ho_Chi_Minh"];
const said = asked.map((timeZone) => new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone);
asked.forEach((name, i) => console.log(`asked for ${name}, said ${said[i]}`));
const offset = (timeZone) => new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" }).formatToParts(0).find((part) => part.type === "timeZoneName").value;
if (asked.some((name, i) => offset(name) !== offset(said[i]))) throw new Error("changed: they are not the same zones");
if (said.every((name, i) => name === asked[i])) {
  console.log("changed: every zone is given back by the name that was asked for");
  process.exit(1);
}'
