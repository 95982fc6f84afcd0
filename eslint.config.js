import js from '@eslint/js';
import boundaries from 'eslint-plugin-boundaries';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';

/**
 * The module boundaries of docs/architecture.md. A folder may import from itself and from what its row names;
 * everything else is an error.
 */
const LAYERS = [
  { type: 'engine-base', pattern: 'src-main/engine/*.ts', mode: 'full', may: [] },
  { type: 'tensor', pattern: 'src-main/engine/tensor', may: ['engine-base'] },
  { type: 'formats', pattern: 'src-main/engine/formats', may: ['engine-base', 'tensor'] },
  { type: 'tokenizer', pattern: 'src-main/engine/tokenizer', may: ['engine-base'] },
  { type: 'sampling', pattern: 'src-main/engine/sampling', may: ['engine-base'] },
  { type: 'chat', pattern: 'src-main/engine/chat', may: ['engine-base', 'tokenizer'] },
  { type: 'program', pattern: 'src-main/engine/program', may: ['engine-base', 'tensor'] },
  { type: 'kv-cache', pattern: 'src-main/engine/kv-cache', may: ['engine-base'] },
  { type: 'models', pattern: 'src-main/engine/models', may: ['engine-base', 'tensor', 'formats', 'tokenizer', 'program'] },
  {
    type: 'executors',
    pattern: 'src-main/engine/executors',
    may: ['engine-base', 'tensor', 'program', 'kv-cache'],
  },
  { type: 'trace', pattern: 'src-main/engine/trace', may: ['engine-base', 'tensor', 'program', 'executors', 'models', 'tokenizer', 'sampling', 'kv-cache'] },
  {
    type: 'generation',
    pattern: 'src-main/engine/generation',
    may: ['engine-base', 'tokenizer', 'sampling', 'executors', 'kv-cache', 'models', 'chat', 'trace'],
  },
];
