import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { root } from './lib/run.ts';

/** Types that share a name, and why that is not confusing. */
const ALLOWED: Readonly<Record<string, string>> = {
  Activation: 'what the wasm executor fuses into an operation is the operation’s own activation',
  ChatFiles: 'the chat templates of a model, and the journals on disk: no layer sees both',
  Decoder: 'the term of both fields: a decoder-only model, and what turns tokens into text',
  Expression: 'of a template and of a grammar: each has a syntax tree of its own',
  ModelSource: 'what a model is opened from, and where the library has it from: no layer sees both',
  Program: 'the forward pass, and a compiled regular expression, which has that name in its field',
  Range: 'of numbers in a schema, and of code points in a regular expression: local to their folders',
  RopeTable: 'the model’s table, and the same one in the memory of the kernels',
  Shape: 'of a tensor, and what a JSON schema admits',
  Template: 'of a chat, and of the post-processor in tokenizer.json: both named so by their formats',
  TextBlock: 'a block of a reply on screen, and of a tokenizer file in memory: no layer sees both',
  UnigramOptions: 'the same model with what GGUF, and tokenizer.json, say about it',
  Value: 'of a template, and of a program: neither folder knows the other',
  WordPieceOptions: 'the same model with what GGUF, and tokenizer.json, say about it',
};

/** Words with the field's terms to use instead. */
const RULED_OUT: Readonly<Record<string, string>> = {
  glue: 'joining text',
  room: 'buffer, memory or capacity',
  rooms: 'buffer pool',
  places: 'streams, positions or paths',
  placed: 'located',
  strand: 'interleaved stream',
  strands: 'interleaved streams',
  luck: 'probability',
  chance: 'probability',
  patience: 'budget',
  backend: 'executor',
  backends: 'executors',
  trace: 'tap',
  traced: 'tapped',
  forget: 'unload, remove or clear',
  odds: 'probabilities',
  mend: 'fix',
  mends: 'fixes',
  anew: 'again',
  ways: 'alternatives',
  unasked: 'automatic',
};
/** The same for the names of the interface’s files. */
const RULED_OUT_FILES: Readonly<Record<string, string>> = {
  ...RULED_OUT,
  words: 'label, message or text',
  place: 'position',
};
/** Files that have such a word all the same, and why. */
const ALLOWED_FILES: Readonly<Record<string, string>> = {
  'src-renderer/features/chat/thread/unknown-words.ts': 'finds words, as people write them, in a text',
};
/** Exceptions, with reasons. */
const ALLOWED_NAMES: Readonly<Record<string, string>> = {
  backendLost: 'makes the error whose code is BACKEND_LOST, which clients know',
};

/** Names of the types that a file declares and exports. */
function exportedTypes(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  return source.statements.flatMap((statement) => {
    const declares =
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isEnumDeclaration(statement);
    if (!declares || statement.name === undefined) return [];
    const isExported = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    return isExported ? [statement.name.text] : [];
  });
}

/** Names of everything that a file declares and exports. */
function exportedNames(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  return source.statements.flatMap((statement) => {
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
    if (!modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isFunctionDeclaration(statement)) return statement.name === undefined ? [] : [statement.name.text];
    if (!ts.isVariableStatement(statement)) return exportedTypes(file, statement.getFullText(source));
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
  });
}

async function sources(): Promise<Map<string, string>> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'];
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n');
  // The kernels are another language; tests and their helpers may use any names.
  const files = listed.filter(
    (file) => /^(src-|bench|scripts)/.test(file) && !/^src-main\/kernels\/|\.test\.ts$|test-support\//.test(file),
  );
  const texts = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8').catch(() => '')));
  return new Map(files.map((file, i) => [file, texts[i] ?? '']));
}

async function filesByType(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const [file, text] of await sources()) {
    for (const name of exportedTypes(file, text)) found.set(name, [...(found.get(name) ?? []), file]);
  }
  return found;
}

/** `maxStopStrings` and `MAX_STOP_STRINGS`: max, stop, strings. */
function wordsIn(name: string): string[] {
  return name
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split('_');
}

test('one name stands for one type', async () => {
  const found = await filesByType();
  expect(found.size).toBeGreaterThan(500);
  const shared = [...found].filter(([name, files]) => files.length > 1 && !Object.hasOwn(ALLOWED, name));
  expect(shared).toEqual([]);
});

test('every exception is needed', async () => {
  const found = await filesByType();
  expect(Object.keys(ALLOWED).filter((name) => (found.get(name)?.length ?? 0) < 2)).toEqual([]);
});

test('no exported name has a word that the field has another term for', async () => {
  const names = [...(await sources())].flatMap(([file, text]) => exportedNames(file, text));
  expect(names.length).toBeGreaterThan(2000);
  const wrong = names.filter((name) => wordsIn(name).some((word) => Object.hasOwn(RULED_OUT, word)));
  expect(wrong.filter((name) => !Object.hasOwn(ALLOWED_NAMES, name))).toEqual([]);
  expect(Object.keys(ALLOWED_NAMES).filter((name) => !wrong.includes(name))).toEqual([]);
});

test('no file of the interface has a name with such a word', () => {
  const files = execFileSync('git', ['ls-files', 'src-renderer'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  expect(files.length).toBeGreaterThan(200);
  const wrong = files.filter((file) => {
    const name = basename(file).replace(/\..*$/, '').replaceAll('-', '_');
    return !file.endsWith('.test.ts') && wordsIn(name).some((word) => Object.hasOwn(RULED_OUT_FILES, word));
  });
  expect(wrong).toEqual(Object.keys(ALLOWED_FILES));
});

test('a setting of the samplers is named in its row, its sampler, its control and a preset, and nowhere else', async () => {
  const naming = [...(await sources())].filter(([, text]) => /\b(minP|min_p)\b/.test(text)).map(([file]) => file);
  // A preset gives it a value.
  expect(naming.sort()).toEqual([
    'src-main/engine/sampling/stages.ts',
    'src-main/engine/settings/sampling.ts',
    'src-renderer/features/chat/sampling/presets.ts',
    'src-renderer/features/chat/sampling/stages.ts',
  ]);
});
