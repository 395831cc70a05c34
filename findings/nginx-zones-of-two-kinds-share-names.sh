#!/usr/bin/env bash
# Expected: the name of an upstream's `zone` and that of a `ssl_session_cache shared:` are each their own.
# What happens: both are names of shared memory, of which there is one list: `the shared memory zone "x" is already declared for a
# different use`, and nginx does not start.
# Versions: nginx 1.22.1.
# Why it matters: a configuration that is tried without TLS says nothing of it.
# Needs nginx. Exits with 0 as long as it is so.
set -euo pipefail
PATH="$PATH:/usr/sbin"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
try() { # ZONE
    cat > "$folder/nginx.conf" <<CONF
pid $folder/pid;
events {}
http {
    access_log off;
    ssl_session_cache shared:sessions:1m;
    upstream servers {
        zone $1 64k;
        server 127.0.0.1:1;
    }
}
CONF
    nginx -t -q -p "$folder" -e stderr -c "$folder/nginx.conf" 2>&1
}
try servers
said=$(try sessions) && { echo "it takes both"; exit 1; }
grep -q 'already declared for a different use' <<<"$said"
echo "one name for two zones of different kinds is refused"
