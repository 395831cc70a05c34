/** Goal: what is in the repository is what it says: declarations as generated, vendored files as published. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const WEB = join(HERE, '../../web');
const TSC = join(HERE, 'node_modules/.bin/tsc');

test('the SDK and the pages have no type errors', () => {
  for (const project of ['web/sdk', 'web', 'tests/browser']) execFileSync(TSC, ['-p', join(HERE, '../..', project)], { stdio: 'inherit' });
});

test("the SDK's declarations are those of its sources", () => {
  const fresh = mkdtempSync(join(tmpdir(), 'frontrow-types-'));
  execFileSync(TSC, ['-p', join(WEB, 'sdk'), '--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', fresh], { stdio: 'inherit' });
  const files = readdirSync(fresh).sort();
  assert.deepEqual(readdirSync(join(WEB, 'sdk/types')).sort(), files, 'run `node scripts/sdk-types.mjs`');
  for (const file of files) {
    assert.equal(readFileSync(join(WEB, 'sdk/types', file), 'utf8'), readFileSync(join(fresh, file), 'utf8'), `${file}: run \`node scripts/sdk-types.mjs\``);
  }
  rmSync(fresh, { recursive: true });
});

test('vendored files are the published ones', () => {
  const published = {
    'preact/preact.mjs': 'preact/dist/preact.mjs',
    'preact/hooks.mjs': 'preact/hooks/dist/hooks.mjs',
    'preact/LICENSE': 'preact/LICENSE',
    'htm/htm.mjs': 'htm/dist/htm.mjs',
    'htm/LICENSE': 'htm/LICENSE',
    'signals/signals.mjs': '@preact/signals/dist/signals.mjs',
    'signals/LICENSE': '@preact/signals/LICENSE',
    'signals-core/signals-core.mjs': '@preact/signals-core/dist/signals-core.mjs',
    'signals-core/LICENSE': '@preact/signals-core/LICENSE',
    'uqr/uqr.mjs': 'uqr/dist/index.mjs',
    'uqr/LICENSE': 'uqr/LICENSE',
    'types/preact/src/index.d.ts': 'preact/src/index.d.ts',
    'types/preact/src/jsx.d.ts': 'preact/src/jsx.d.ts',
    'types/preact/src/dom.d.ts': 'preact/src/dom.d.ts',
    'types/preact/hooks/src/index.d.ts': 'preact/hooks/src/index.d.ts',
    'types/signals/signals.d.ts': '@preact/signals/dist/signals.d.ts',
    'types/signals-core/signals-core.d.ts': '@preact/signals-core/dist/signals-core.d.ts',
    'types/htm/htm.d.ts': 'htm/dist/htm.d.ts',
    'types/uqr/index.d.ts': 'uqr/dist/index.d.ts',
  };
  for (const [vendored, source] of Object.entries(published)) {
    assert.ok(readFileSync(join(WEB, 'vendor', vendored)).equals(readFileSync(join(HERE, 'node_modules', source))), vendored);
  }
  const table = readFileSync(join(WEB, 'vendor/README.md'), 'utf8');
  for (const name of ['preact', 'htm', '@preact/signals', '@preact/signals-core', 'uqr']) {
    const { version } = JSON.parse(readFileSync(join(HERE, 'node_modules', name, 'package.json'), 'utf8'));
    assert.match(table, new RegExp(`\\| ${name.replace('/', '\\/')} \\| ${version.replaceAll('.', '\\.')} \\|`));
  }
});

test('the looks read in either direction', () => {
  // The part that the device itself covers is on one side whichever way one reads.
  const css = readFileSync(join(WEB, 'app/style.css'), 'utf8').replaceAll(/env\(safe-area-inset-\w+\)/g, 'env()');
  const physical = css.match(/^.*\b(?:margin|padding|border|inset)-(?:left|right)\b.*$|(?<![\w-])(?:left|right)\s*:.*$|text-align:\s*(?:left|right).*$/gm);
  assert.equal(physical, null);
});
