#!/usr/bin/env bash
# The same call of Intl.DateTimeFormat writes a Korean date in another way after a patch release of the same runtime.
#
# Expected: `new Intl.DateTimeFormat('ko', {weekday: 'short', …})` gives "2026년 12월 28일 (월) 오전 10:00", as Koreans write it,
#   on every Node 20: a major release under long-term support changes no visible text.
# Seen: Node 20.9.0 (CLDR 43.1) writes that; Node 20.20.2 (CLDR 48.0) writes "2026년 12월 28일 월 AM 10:00". ICU's data come with
#   the runtime, also with patch releases and with browsers, so a mail, a page and a printed ticket may differ from each other.
# Why it matters here: the time on a ticket. A test that compares texts breaks with the runtime, and no buyer in Korea reads "AM".
#   Who wants a certain form has to write it from `formatToParts` of numbers, as the page does (web/app/i18n/ko.js).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

ask='const form = {weekday: "short", year: "numeric", month: "long", day: "numeric", hour: "numeric", minute: "2-digit", timeZone: "Asia/Seoul"};
console.log(new Intl.DateTimeFormat("ko", form).format(new Date("2026-12-28T01:00:00Z")));'
written() {
    mkdir "$1" && cd "$1"
    npm init -y >/dev/null
    npm install --no-audit --no-fund --loglevel=error "node@$1" >/dev/null
    ./node_modules/node/bin/node -p '`${process.version}, ICU ${process.versions.icu}, CLDR ${process.versions.cldr}`' >&2
    ./node_modules/node/bin/node -e "$ask"
    cd ..
}
before=$(written 20.9.0)
after=$(written 20.20.2)
printf 'before: %s\nafter:  %s\n' "$before" "$after"
[ "$before" = "2026년 12월 28일 (월) 오전 10:00" ] && [ "$after" = "2026년 12월 28일 월 AM 10:00" ]
