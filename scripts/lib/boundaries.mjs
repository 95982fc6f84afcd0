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
const BELOW_MODELS = ['api', ...LEAVES, 'program', 'kv-cache'];
const ENGINE = [
  'checks',
  ...BELOW_MODELS,
  'chat',
  'grammar',
  'models',
  'quantize',
  'executors',
  'generation',
  'prefix-cache',
  'inside',
  'engine',
];
const PROTOCOLS = ['protocol-base', 'transports', 'engine-protocol', 'app-protocol'];

/** @param {string} name */
const engineFolder = (name) => `src-main/engine/${name}/**`;

/** @type {Layer[]} */
export const LAYERS = [
  // Tests may import anything; nothing may import them.
  { name: 'test', pattern: ['**/*.test.ts', '**/test-support/**'], may: ['*'] },

  { name: 'engine', pattern: 'src-main/engine/{index,load-model,loaded-models,open-on-executor}.ts', may: ENGINE },
  { name: 'checks', pattern: 'src-main/engine/*.ts', may: ['api', 'settings'] },
  { name: 'api', pattern: engineFolder('api'), may: ['settings'] },
  { name: 'settings', pattern: engineFolder('settings'), may: [] },
  { name: 'tensor', pattern: engineFolder('tensor'), may: ['api'] },
  { name: 'quant', pattern: engineFolder('quant'), may: ['api', 'tensor'] },
  { name: 'formats', pattern: engineFolder('formats'), may: ['api', 'tensor', 'quant'] },
  { name: 'tokenizer', pattern: engineFolder('tokenizer'), may: ['api'] },
  { name: 'sampling', pattern: engineFolder('sampling'), may: ['api'] },
  { name: 'grammar', pattern: engineFolder('grammar'), may: ['api', 'tokenizer'] },
  { name: 'chat', pattern: engineFolder('chat'), may: ['api', 'tokenizer'] },
  { name: 'program', pattern: engineFolder('program'), may: ['api', ...LEAVES] },
  { name: 'kv-cache', pattern: engineFolder('kv-cache'), may: ['api', ...LEAVES] },
  { name: 'models', pattern: engineFolder('models'), may: ['checks', ...BELOW_MODELS] },
  { name: 'quantize', pattern: engineFolder('quantize'), may: [...BELOW_MODELS, 'models'] },
  { name: 'executors', pattern: engineFolder('executors'), may: BELOW_MODELS },
  {
    name: 'generation',
    pattern: engineFolder('generation'),
    may: [...BELOW_MODELS, 'chat', 'grammar', 'models', 'executors'],
  },

  {
    name: 'prefix-cache',
    pattern: engineFolder('prefix-cache'),
    may: [...BELOW_MODELS, 'executors', 'generation'],
  },
  {
    name: 'inside',
    pattern: engineFolder('inside'),
    may: [...BELOW_MODELS, 'models', 'executors', 'generation'],
  },

  // Errors, settings and the rules for model files are plain data; everything else of the engine is types here.
  { name: 'protocol-base', pattern: 'src-main/protocol/*.ts', may: [], types: ['api'] },
  { name: 'transports', pattern: 'src-main/protocol/transports/**', may: [] },
  {
    name: 'engine-protocol',
    pattern: 'src-main/protocol/engine/**',
    may: ['protocol-base', 'transports'],
    types: ['api', 'engine'],
  },
  { name: 'app-protocol', pattern: 'src-main/protocol/app/**', may: ['protocol-base'], types: ['api'] },
  // Chats, settings and models on disk, for the two processes that serve the interface.
  { name: 'services', pattern: 'src-main/services/**', may: ['protocol-base', 'app-protocol'], types: ['api'] },
  {
    name: 'web-server',
    pattern: 'src-main/hosts/web/server/**',
    may: ['protocol-base', 'app-protocol', 'services'],
    types: ['api'],
  },
  // The terminal has the same model library as the app.
  {
    name: 'cli',
    pattern: 'src-main/hosts/node/cli/**',
    may: ['engine', 'api', 'settings', ...PROTOCOLS, 'services', 'hosts'],
  },
  // The app's main process and the engine's both use V8's collector.
  { name: 'garbage', pattern: 'src-main/hosts/node/collect-garbage.ts', may: [] },
  { name: 'hosts', pattern: 'src-main/hosts/**', may: ['engine', 'api', 'garbage', ...PROTOCOLS] },
  { name: 'preload', pattern: 'src-main/preload/**', may: ['app-protocol'] },
  {
    name: 'app',
    pattern: 'src-main/app/**',
    may: ['protocol-base', 'app-protocol', 'services', 'garbage'],
    types: ['api'],
  },
  { name: 'renderer', pattern: 'src-renderer/**', may: PROTOCOLS, types: ['api'] },
];

/** Files of the engine that hold plain data, which the layers outside of it may import as values. */
const PLAIN_DATA = [
  'src-main/engine/api/errors.ts',
  'src-main/engine/api/defaults.ts',
  'src-main/engine/api/model-file-rules.ts',
  'src-main/engine/settings/*.ts',
];

/**
 * What files of a layer may import, as policies of eslint-plugin-boundaries.
 * @param {Layer} layer
 */
function policies({ name, may, types = [] }) {
  const targets = may.includes('*') ? LAYERS.map((layer) => layer.name) : [name, ...may];
  const allowed = [{ allow: { to: { file: { categories: { anyOf: targets } } } } }];
  if (types.length === 0) return allowed;
  return [
    ...allowed,
    { allow: { to: { file: { categories: { anyOf: types } } }, dependency: { kind: 'type' } } },
    { allow: { to: { file: { path: PLAIN_DATA.map((path) => `**/${path}`) } } } },
  ];
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

const files = ['src-main/**/*.ts', 'src-renderer/**/*.{ts,svelte}'];

/**
 * The rules as parts of an ESLint configuration. One part per layer, because the plugin tries every policy it is given
 * on every import. The last matching part counts, so the first layer comes last.
 */
export const boundariesConfig = [
  {
    files,
    plugins: { boundaries },
    settings: {
      'import/resolver-next': [{ interfaceVersion: 3, name: 'exact paths', resolve: resolveExactPath }],
      'boundaries/root-path': root,
      'boundaries/files': LAYERS.map(({ name, pattern }) => ({ category: name, pattern })),
      'boundaries/files-single-match': true,
      'boundaries/dependency-nodes': ['import', 'export', 'dynamic-import'],
      'boundaries/legacy-templates': false,
    },
    rules: { 'boundaries/no-unknown-files': 'error' },
  },
  ...LAYERS.toReversed().map((layer) => ({
    files: files.flatMap((all) => [layer.pattern].flat().map((pattern) => [all, pattern])),
    rules: { 'boundaries/dependencies': ['error', { default: 'disallow', policies: policies(layer) }] },
  })),
];
