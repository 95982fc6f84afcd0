import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import { defineConfig } from 'eslint/config';
import globals from 'globals';
import ts from 'typescript-eslint';
import { boundariesConfig } from './scripts/lib/boundaries.mjs';

/** Rules that need types are oxlint's (.oxlintrc.json): it reads the types of all files in seconds. */
const CODE = ['**/*.{ts,mjs,js,svelte}'];

export default defineConfig(
  {
    ignores: [
      'out/',
      'dist/',
      '.svelte-check/',
      'node_modules/',
      '.cache/',
      'test-results/',
      'playwright-report/',
      'coverage/',
    ],
  },
  // AssemblyScript: another language with the same ending.
  { ignores: ['src-main/kernels/'] },
  js.configs.recommended,
  ts.configs.recommended,
  svelte.configs.recommended,
  {
    files: CODE,
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
  // Plain TypeScript with runes, which are global functions.
  { files: ['**/*.svelte.ts'], languageOptions: { parser: ts.parser } },
  ...boundariesConfig,
  {
    // The engine runs in any host: what it needs comes in through platform.ts.
    files: ['src-main/engine/**/*.ts'],
    ignores: ['**/*.test.ts', '**/test-support/**'],
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
    ignores: ['**/*.test.ts', '**/test-support/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^node:', message: 'This runs in a sandboxed page: there is no Node here.' }] },
      ],
    },
  },
  {
    // Plain JavaScript outside every TypeScript project.
    files: ['scripts/electron-default-app/**', '*.config.js', 'src-main/**/*.mjs'],
    languageOptions: { globals: globals.node },
  },
);
