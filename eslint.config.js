import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import { defineConfig } from 'eslint/config';
import globals from 'globals';
import ts from 'typescript-eslint';
import { boundariesConfig } from './scripts/lib/boundaries.mjs';

const CODE = ['**/*.{ts,mjs,js,svelte}'];
/**
 * The rules that need types read all files as one TypeScript project: in those of the runtimes most of the source would be
 * read many times. What a runtime has not is an error of types, not of lint.
 */
const PROJECTS = ['tsconfig.lint.json'];

export default defineConfig(
  { ignores: ['out/', 'dist/', 'node_modules/', '.cache/', 'test-results/', 'playwright-report/', 'coverage/'] },
  // AssemblyScript: another language with the same ending.
  { ignores: ['src-main/kernels/'] },
  js.configs.recommended,
  ts.configs.recommended,
  svelte.configs.recommended,
  {
    files: CODE,
    languageOptions: {
      parserOptions: { project: PROJECTS, tsconfigRootDir: import.meta.dirname, extraFileExtensions: ['.svelte'] },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
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
    // Their scripts differ from the files on disk, so every component would cost a new TypeScript program. svelte-check
    // checks their types; what needs promises and care belongs into *.svelte.ts files.
    files: ['**/*.svelte'],
    extends: [ts.configs.disableTypeChecked],
    languageOptions: { parserOptions: { parser: ts.parser, project: null } },
  },
  // Plain TypeScript with runes, which are global functions.
  { files: ['**/*.svelte.ts'], languageOptions: { parser: ts.parser } },
  boundariesConfig,
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
    extends: [ts.configs.disableTypeChecked],
    languageOptions: { globals: globals.node, parserOptions: { project: null } },
  },
);
