/**
 * Prints every user-visible text of the source, one per line with its position: text of components, labels, error
 * messages, terminal output. For a reviewer who knows docs/glossary.md.
 *
 *     npx tsx scripts/list-strings.ts [FOLDER]
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'svelte/compiler';
import ts from 'typescript';
import { root } from './lib/run.ts';

/** Attributes whose value is shown or read aloud. */
const SHOWN_ATTRIBUTES = new Set(['title', 'label', 'placeholder', 'alt', 'aria-label', 'aria-description', 'hint']);
const FOLDERS = ['src-main', 'src-renderer'];
const NOT_PRODUCT = /\.test\.ts$|test-support|\.fused\.ts$|src-main\/kernels\/|\.d\.ts$/;

interface Found {
  line: number;
  text: string;
}

const folders = process.argv.length > 2 ? process.argv.slice(2) : FOLDERS;
for (const folder of folders) {
  for (const name of (await readdir(join(root, folder), { recursive: true })).sort()) {
    const path = `${folder}/${name}`;
    if (!/\.(ts|svelte)$/.test(path) || NOT_PRODUCT.test(path)) continue;
    const source = await readFile(join(root, path), 'utf8');
    const found = path.endsWith('.svelte') ? inComponent(source) : inScript(source, 1);
    for (const { line, text } of found) console.log(`${path}:${line}\t${text.replaceAll('\n', '\\n')}`);
  }
}

/** A sentence, or text that begins like one. */
function isForPeople(text: string): boolean {
  return /\p{L}{2}/u.test(text) && (/\p{L}[\p{L}’']* \p{L}/u.test(text) || /^\p{Lu}\p{Ll}+[.…?!]?$/u.test(text.trim()));
}

function inScript(source: string, firstLine: number): Found[] {
  const file = ts.createSourceFile('x.ts', source, ts.ScriptTarget.Latest, true);
  const found: Found[] = [];
  const add = (node: ts.Node, text: string) => {
    if (isForPeople(text)) {
      found.push({ line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + firstLine, text });
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isStringLiteralLike(node)) add(node, node.text);
    if (ts.isTemplateExpression(node)) {
      add(node, node.head.text + node.templateSpans.map(({ literal }) => `{…}${literal.text}`).join(''));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function inComponent(source: string): Found[] {
  const found: Found[] = [];
  const lineOf = (at: number) => source.slice(0, at).split('\n').length;
  const ast = parse(source, { modern: true });
  for (const script of [ast.instance, ast.module]) {
    if (!script) continue;
    const { start, end } = script.content as unknown as { start: number; end: number };
    found.push(...inScript(source.slice(start, end), lineOf(start)));
  }
  walk(ast.fragment, (node, attribute) => {
    const { type, start, data, value } = node as { type?: string; start?: number; data?: string; value?: unknown };
    const text = type === 'Text' ? data?.trim() : type === 'Literal' && typeof value === 'string' ? value : undefined;
    if (text === undefined || start === undefined) return;
    if (attribute === null || SHOWN_ATTRIBUTES.has(attribute)) {
      if (/\p{L}{2}/u.test(text)) found.push({ line: lineOf(start), text: text.replaceAll(/\s+/g, ' ') });
    } else if (type === 'Literal' && isForPeople(text)) found.push({ line: lineOf(start), text });
  });
  return found;
}

/** Visits every node below `node` with the name of its attribute. */
function walk(node: unknown, visit: (node: object, attribute: string | null) => void, attribute: string | null = null) {
  if (Array.isArray(node)) {
    for (const one of node) walk(one, visit, attribute);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const { type, name } = node as { type?: string; name?: unknown };
  if (type === undefined && !('nodes' in node)) return;
  const within = type === 'Attribute' && typeof name === 'string' ? name : attribute;
  visit(node, within);
  for (const child of Object.values(node)) walk(child, visit, within);
}
