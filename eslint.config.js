import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import { defineConfig } from 'eslint/config';
import ts from 'typescript-eslint';
import { boundariesConfig } from './scripts/lib/boundaries.mjs';

/**
 * The rules of components and the module boundaries. All others are oxlint's (.oxlintrc.json), which reads all files, and
 * their types, in seconds: this parses only what it has rules for.
 */
const COMPONENTS = ['src-renderer/**/*.svelte', 'src-renderer/**/*.svelte.ts'];

export default defineConfig(
  // Tests may import anything. Everything outside of `src-main` and `src-renderer` has no boundaries.
  { ignores: ['*', '!src-main/', '!src-renderer/', '**/*.test.ts', '**/test-support/'] },
  // AssemblyScript: another language with the same ending.
  { ignores: ['src-main/kernels/'] },
  // Runes are global functions, so that components' modules are plain TypeScript.
  { files: ['**/*.ts'], languageOptions: { parser: ts.parser } },
  {
    files: COMPONENTS,
    extends: [js.configs.recommended, ts.configs.recommended, svelte.configs.recommended],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // TypeScript knows every name; this rule knows no types.
      'no-undef': 'off',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      // A file is read in one sitting.
      'max-lines': ['error', { max: 450, skipBlankLines: false, skipComments: false }],
    },
  },
  {
    // svelte-check checks their types; what needs promises and care belongs into *.svelte.ts files.
    files: ['**/*.svelte'],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  { files: ['**/*.svelte.ts'], languageOptions: { parser: ts.parser } },
  ...boundariesConfig,
  {
    // The engine runs in any host: what it needs comes in through platform.ts.
    files: ['src-main/engine/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['process', 'Buffer', 'require', 'global', 'window', 'document', 'navigator', 'self', 'postMessage'].map(
          (name) => ({ name, message: 'The engine knows no host: take what it needs from platform.ts.' }),
        ),
      ],
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(node:|electron$|fs|path|os$)', message: 'The engine knows no host.' }] },
      ],
      'no-console': 'error',
    },
  },
  {
    files: ['src-renderer/**/*.{ts,svelte}', 'src-main/preload/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^node:', message: 'This runs in a sandboxed page: there is no Node here.' }] },
      ],
      'no-restricted-properties': [
        'error',
        {
          object: 'crypto',
          property: 'randomUUID',
          message: 'Browsers have it on secure origins only: use src-renderer/lib/new-id.ts.',
        },
      ],
    },
  },
);
