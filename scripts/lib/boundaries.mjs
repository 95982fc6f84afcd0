import boundaries from 'eslint-plugin-boundaries';
import { dirname, resolve } from 'node:path';

/**
 * The module boundaries of docs/architecture.md: which part of the source may import from which. The lint rules and
 * the test of the lint rules read this one table.
 *
 * @typedef {object} Layer
 * @property {string} name
 * @property {string | string[]} pattern files of the layer; the first layer that matches a file has it
 * @property {string[]} may layers that it may import from, beside itself
 * @property {string[]} [types] layers of which it may import types only
 */

const LEAVES = ['settings', 'tensor', 'quant', 'formats', 'tokenizer', 'sampling'];
const BELOW_MODELS = ['engine-base', ...LEAVES, 'program', 'kv-cache'];
const ENGINE = [...BELOW_MODELS, 'chat', 'grammar', 'models', 'quantize', 'executors', 'generation', 'engine'];

/** @param {string} name */
const engineFolder = (name) => `src-main/engine/${name}/**`;

/** @type {Layer[]} */
export const LAYERS = [
  // Tests may import anything; nothing may import them.
  { name: 'test', pattern: ['**/*.test.ts', '**/test-support/**'], may: ['*'] },

  { name: 'engine', pattern: 'src-main/engine/index.ts', may: ENGINE },
  { name: 'engine-base', pattern: 'src-main/engine/*.ts', may: ['settings'] },
  { name: 'settings', pattern: engineFolder('settings'), may: [] },
  { name: 'tensor', pattern: engineFolder('tensor'), may: ['engine-base'] },
  { name: 'quant', pattern: engineFolder('quant'), may: ['engine-base', 'tensor'] },
  { name: 'formats', pattern: engineFolder('formats'), may: ['engine-base', 'tensor', 'quant'] },
  { name: 'tokenizer', pattern: engineFolder('tokenizer'), may: ['engine-base'] },
  { name: 'sampling', pattern: engineFolder('sampling'), may: ['engine-base'] },
  { name: 'grammar', pattern: engineFolder('grammar'), may: ['engine-base', 'tokenizer'] },
  { name: 'chat', pattern: engineFolder('chat'), may: ['engine-base', 'tokenizer'] },
  { name: 'program', pattern: engineFolder('program'), may: ['engine-base', ...LEAVES] },
  { name: 'kv-cache', pattern: engineFolder('kv-cache'), may: ['engine-base', ...LEAVES] },
  { name: 'models', pattern: engineFolder('models'), may: BELOW_MODELS },
  { name: 'quantize', pattern: engineFolder('quantize'), may: [...BELOW_MODELS, 'models'] },
  { name: 'executors', pattern: engineFolder('executors'), may: BELOW_MODELS },
  {
    name: 'generation',
    pattern: engineFolder('generation'),
    may: [...BELOW_MODELS, 'chat', 'grammar', 'models', 'executors'],
  },

  // The error class and the settings tables are plain data; of the rest of the engine, only types may be used.
  {
    name: 'protocol',
    pattern: 'src-main/protocol/**',
    may: [],
    types: ['engine-base', 'engine', 'tokenizer'],
  },
  // Chats, settings and models on disk, for the two processes that serve the interface.
  { name: 'services', pattern: 'src-main/services/**', may: ['protocol'], types: ['engine-base'] },
  {
    name: 'web-server',
    pattern: 'src-main/hosts/web/server/**',
    may: ['protocol', 'services'],
    types: ['engine-base'],
  },
  // The terminal has the same model library as the app.
  {
    name: 'cli',
    pattern: 'src-main/hosts/node/cli/**',
    may: ['engine', 'engine-base', 'settings', 'protocol', 'services', 'hosts'],
  },
  { name: 'hosts', pattern: 'src-main/hosts/**', may: ['engine', 'engine-base', 'protocol'] },
  { name: 'preload', pattern: 'src-main/preload/**', may: ['protocol'] },
  { name: 'app', pattern: 'src-main/app/**', may: ['protocol', 'services'], types: ['engine-base'] },
  { name: 'renderer', pattern: 'src-renderer/**', may: ['protocol'], types: ['engine-base'] },
];

/** Files of the engine with plain data, which other layers may import as values. */
const PLAIN_DATA = ['src-main/engine/errors.ts', 'src-main/engine/defaults.ts', 'src-main/engine/settings/*.ts'];

/** The table as policies of eslint-plugin-boundaries; a later policy overrides an earlier one. */
function policies() {
  return LAYERS.flatMap(({ name, may, types = [] }) => {
    const from = { file: { categories: name } };
    const targets = may.includes('*') ? LAYERS.map((layer) => layer.name) : [name, ...may];
    return [
      { from, allow: { to: { file: { categories: { anyOf: targets } } } } },
      ...(types.length === 0
        ? []
        : [
            { from, allow: { to: { file: { categories: { anyOf: types } } }, dependency: { kind: 'type' } } },
            { from, allow: { to: { file: { path: PLAIN_DATA.map((path) => `**/${path}`) } } } },
          ]),
    ];
  });
}

const root = resolve(import.meta.dirname, '..', '..');

/**
 * Every import within the project is a relative path with its extension; all others are packages.
 * @param {string} source
 * @param {string} file
 */
function resolveExactPath(source, file) {
  if (!source.startsWith('.')) return { found: true, path: null };
  return { found: true, path: resolve(dirname(file), source.replace(/\?.*$/, '')) };
}

/** The rules as part of an ESLint configuration. */
export const boundariesConfig = {
  files: ['src-main/**/*.ts', 'src-renderer/**/*.{ts,svelte}'],
  plugins: { boundaries },
  settings: {
    'import/resolver-next': [{ interfaceVersion: 3, name: 'exact paths', resolve: resolveExactPath }],
    'boundaries/root-path': root,
    'boundaries/files': LAYERS.map(({ name, pattern }) => ({ category: name, pattern })),
    'boundaries/files-single-match': true,
    'boundaries/dependency-nodes': ['import', 'export', 'dynamic-import'],
    'boundaries/legacy-templates': false,
  },
  rules: {
    'boundaries/no-unknown-files': 'error',
    'boundaries/dependencies': ['error', { default: 'disallow', policies: policies() }],
  },
};
