#!/usr/bin/env node
/**
 * Makes the types of web/sdk from the published documents: the lower part of web/sdk/wire.js, and from all of web/sdk
 * its declarations in web/sdk/types. With --check it writes nothing, and fails when they are not what it would write.
 *
 * Needs cargo, and TypeScript in tests/browser (npm ci --prefix tests/browser).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TOP = join(import.meta.dirname, '..');
const WIRE = join(TOP, 'web/sdk/wire.js');
const DECLARATIONS = join(TOP, 'web/sdk/types');
const COLUMNS = 120;
/** The line behind which everything is made here. */
const MARK = '// From here on made by scripts/sdk-types.mjs from the published documents: change those instead.';

/** The names that the SDK has had for these from its beginning. */
const NAMES = {
  Welcome: 'Hello',
  Snapshot: 'SeatsSnapshot',
  SeatsUpdate: 'SeatsDelta',
  EndReason: 'ExpiryReason',
  HistoryKind: 'HistoryType',
  Area: 'LayoutArea',
};

function documents() {
  const args = ['run', '--quiet', '--locked', '--package', 'frontrow-protocol', '--example', 'documents'];
  return JSON.parse(execFileSync('cargo', args, { cwd: TOP, encoding: 'utf8', maxBuffer: 1 << 26 }));
}

const schemaOf = (reference) => reference.replace(/^.*\//, '');
const nameOf = (schema) => NAMES[schema] ?? schema;

/** Everything that a client receives: results, pushes, errors and the layout. */
function roots({ openapi, asyncapi }) {
  const found = ['Layout', 'ConcertPage'];
  for (const message of Object.values(asyncapi.components.messages)) {
    const { result, params, error, id } = message.payload.properties;
    // Requests are not received; only they have both.
    const received = result ?? error ?? (id ? undefined : params);
    if (received?.$ref) found.push(schemaOf(received.$ref));
  }
  return found.filter((name) => openapi.components.schemas[name] ?? asyncapi.components.schemas[name]);
}

function* references(schema) {
  if (Array.isArray(schema)) for (const item of schema) yield* references(item);
  else if (schema && typeof schema === 'object') {
    if (typeof schema.$ref === 'string') yield schemaOf(schema.$ref);
    for (const value of Object.values(schema)) yield* references(value);
  }
}

/** The schemas that are needed, each by its name. A document of a newer draft of JSON Schema says more. */
function needed(published) {
  const all = { ...published.asyncapi.components.schemas, ...published.openapi.components.schemas };
  const names = new Set(roots(published));
  for (const name of names) for (const other of references(all[name])) names.add(other);
  return [...names].sort().map((name) => [name, all[name]]);
}

const union = (types) => [...new Set(types)].join(' | ');
const grouped = (type) => (type.includes(' | ') ? `(${type})` : type);
const literal = (value) => (typeof value === 'string' ? `'${value}'` : String(value));

/** A schema as a type of TypeScript. */
function typeOf(schema) {
  if (schema === true || Object.keys(schema).length === 0) return 'unknown';
  if (schema.$ref) return nameOf(schemaOf(schema.$ref));
  if ('const' in schema) return literal(schema.const);
  if (schema.enum) return union(schema.enum.map(literal));
  if (schema.oneOf ?? schema.anyOf) return union((schema.oneOf ?? schema.anyOf).map(typeOf));
  if (schema.allOf?.length === 1) return typeOf(schema.allOf[0]);
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type })));
  switch (schema.type) {
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'array': {
      const tuple = schema.prefixItems ?? (Array.isArray(schema.items) ? schema.items : null);
      if (tuple) return `[${tuple.map(typeOf).join(', ')}]`;
      return `${grouped(typeOf(schema.items ?? true))}[]`;
    }
    case 'object':
      if (schema.additionalProperties && !schema.properties) return `Record<string, ${typeOf(schema.additionalProperties)}>`;
      break;
  }
  throw new Error(`no type for ${JSON.stringify(schema)}`);
}

/** Lines of a comment, the first after `begin`. */
function wrapped(begin, text) {
  const lines = [];
  let line = begin;
  for (const word of (text ?? '').split(/\s+/).filter(Boolean)) {
    if (line !== '' && ` * ${line} ${word}`.length > COLUMNS) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].filter((each) => each !== '');
}

/** A named schema as a comment that defines a type. */
function defined(name, schema) {
  const lines = wrapped('', schema.description).map((line) => line.trim());
  if (schema.type === 'object' && schema.properties) {
    const required = new Set(schema.required);
    lines.push(`@typedef {object} ${nameOf(name)}`);
    for (const [field, property] of Object.entries(schema.properties)) {
      const shown = required.has(field) ? field : `[${field}]`;
      lines.push(...wrapped(`@property {${typeOf(property)}} ${shown}`, property.description));
    }
  } else if (schema.type === 'object' && !schema.additionalProperties) {
    lines.push(`@typedef {Record<string, never>} ${nameOf(name)}`);
  } else {
    for (const choice of schema.oneOf ?? []) {
      if (choice.description && 'const' in choice) lines.push(...wrapped(`- \`${choice.const}\`:`, choice.description));
    }
    lines.push(`@typedef {${typeOf(schema)}} ${nameOf(name)}`);
  }
  return ['/**', ...lines.map((line) => ` * ${line}`), ' */'].join('\n');
}

function wire() {
  const [byHand] = readFileSync(WIRE, 'utf8').split(MARK);
  const made = needed(documents()).map(([name, schema]) => defined(name, schema));
  return `${byHand}${MARK}\n\n${made.join('\n\n')}\n`;
}

/** TypeScript's declarations of the SDK, by file. */
function declarations() {
  const folder = mkdtempSync(join(tmpdir(), 'frontrow-sdk-'));
  try {
    const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', folder];
    const compiler = join(TOP, 'tests/browser/node_modules/.bin/tsc');
    execFileSync(compiler, ['-p', join(TOP, 'web/sdk'), ...options], { stdio: ['ignore', 'inherit', 'inherit'] });
    return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function main() {
  const check = process.argv.includes('--check');
  const stale = [];
  const keep = (file, text) => {
    const known = readdirSync(join(file, '..')).includes(file.replace(/^.*\//, '')) ? readFileSync(file, 'utf8') : null;
    if (known === text) return;
    stale.push(file.slice(TOP.length + 1));
    if (!check) writeFileSync(file, text);
  };
  keep(WIRE, wire());
  for (const [name, text] of Object.entries(declarations())) keep(join(DECLARATIONS, name), text);
  if (stale.length === 0) return console.log("the SDK's types are as the documents say");
  console.log(`${check ? 'stale, run scripts/sdk-types.mjs' : 'written'}: ${stale.join(', ')}`);
  if (check) process.exitCode = 1;
}

main();
