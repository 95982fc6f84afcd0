/** Finds the texts that people read in the source: for reviewers, and for translators. */
import { parse, type AST } from 'svelte/compiler';
import ts from 'typescript';

export interface SourceText {
  readonly line: number;
  /** The whole text, with `{name}` for a value; `{…}` for one without a name. White space is as shown. */
  readonly text: string;
}

/** Attributes and properties whose value is shown or read aloud. */
const SHOWN = new Set(
  'title label placeholder alt aria-label aria-description hint text detail help description summary message'.split(
    ' ',
  ),
);
/** Functions that take names, selectors and protocol words. */
const TAKES_NAMES =
  /(?:^|\.)(?:querySelector(?:All)?|closest|matches|getElementById|(?:add|remove)EventListener|invoke|call|stream|getItem|setItem|RegExp|Error|TypeError|RangeError)$/;
const COMPARES = new Set<ts.SyntaxKind>([
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.InKeyword,
]);

/** @param path decides how it is read: a component or a module */
export function textsIn(path: string, source: string): SourceText[] {
  const found: { at: number; text: string }[] = [];
  const add = (at: number, text: string) => void found.push({ at, text });
  if (path.endsWith('.svelte')) inComponent(source, add);
  else inScript(source, 0, add);
  const starts = [0];
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1);
  return found
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, text }) => ({ line: starts.findLastIndex((start) => start <= at) + 1, text }));
}

/** Texts as a gettext template (POT), which tools for translators read. Equal texts are one entry. */
export function potOf(texts: readonly (SourceText & { path: string })[]): string {
  const entries = new Map<string, string>();
  for (const { path, line, text } of texts) entries.set(text, `${entries.get(text) ?? ''}#: ${path}:${line}\n`);
  const head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n';
  return [head, ...[...entries].map(([text, at]) => `${at}msgid ${JSON.stringify(text)}\nmsgstr ""\n`)].join('\n');
}

type Add = (at: number, text: string) => void;

/** A sentence, or a word that begins like one, and not a selector or a path. */
function isForPeople(text: string): boolean {
  const plain = text.replaceAll(/\{[^}]*\}/g, ' ');
  if (/^[.#[]|[[\]>]|::|^[\w-]+:[\w-]+$/.test(plain.trim())) return false;
  return /\p{L}{2}/u.test(plain) && (/\p{L}[\p{L}’']*,? \p{L}/u.test(plain) || isWord(plain.trim()));
}
const isWord = (text: string) => /^\p{Lu}\p{Ll}+[.…?!]?$/u.test(text);
const hasWord = (text: string) => /\p{L}{2}/u.test(text.replaceAll(/\{[^}]*\}/g, ' '));

/** @param offset of `source` in its file @param accepts which texts without a shown property are for people */
function inScript(source: string, offset: number, add: Add, accepts = isForPeople): void {
  const file = ts.createSourceFile('x.ts', source, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return;
    const text = isCode(node) ? null : textOf(node, file);
    if (text === null) return ts.forEachChild(node, visit);
    const isShown = ts.isPropertyAssignment(node.parent) && SHOWN.has(node.parent.name.getText(file));
    if (isShown ? hasWord(text) : accepts(text)) add(offset + node.getStart(file), text);
    for (const value of valuesOf(node)) visit(value);
  };
  visit(file);
}

/** The text of a literal, or of literals and values that are joined; null for other nodes. */
function textOf(node: ts.Node, file: ts.SourceFile): string | null {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    const spans = node.templateSpans.map(
      ({ expression, literal }) => `${valueName(expression.getText(file))}${literal.text}`,
    );
    return node.head.text + spans.join('');
  }
  if (!isJoin(node)) return null;
  const parts = [node.left, node.right].map((side) => ({ side, text: textOf(side, file) }));
  if (parts.every(({ text }) => text === null)) return null;
  return parts.map(({ side, text }) => text ?? valueName(side.getText(file))).join('');
}

function isJoin(node: ts.Node): node is ts.BinaryExpression {
  return ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken;
}

/** The values in a text, which may contain texts themselves. */
function valuesOf(node: ts.Node): ts.Node[] {
  if (ts.isTemplateExpression(node)) return node.templateSpans.map(({ expression }) => expression);
  if (!isJoin(node)) return ts.isStringLiteralLike(node) ? [] : [node];
  return [node.left, node.right].flatMap(valuesOf);
}

/** Not for people wherever it is: a name, something compared, a message for developers. */
function isCode(node: ts.Node): boolean {
  const { parent } = node;
  if (parent === undefined) return false;
  if (ts.isBinaryExpression(parent)) return COMPARES.has(parent.operatorToken.kind);
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) return TAKES_NAMES.test(parent.expression.getText());
  if (ts.isPropertyAssignment(parent)) return parent.name === node;
  return ts.isCaseClause(parent) || ts.isElementAccessExpression(parent) || ts.isTaggedTemplateExpression(parent);
}

const valueName = (expression: string) => (/^[\w.]{1,40}$/.test(expression) ? `{${expression}}` : '{…}');

type Part = AST.Text | AST.ExpressionTag;
const isPart = (node: { type: string }): node is Part => node.type === 'Text' || node.type === 'ExpressionTag';

function inComponent(source: string, add: Add): void {
  const ast = parse(source, { modern: true });
  for (const script of [ast.instance, ast.module]) {
    if (!script) continue;
    const { start, end } = script.content as unknown as { start: number; end: number };
    inScript(source.slice(start, end), start, add);
  }

  /** Text and values beside each other are one text. */
  function addRun(parts: readonly Part[], accepts: (text: string) => boolean): void {
    const text = parts
      .map((part) => (part.type === 'Text' ? part.data : valueName(sourceOf(part.expression))))
      .join('')
      .replaceAll(/\s+/g, ' ')
      .trim();
    if (parts.some(({ type }) => type === 'Text') && accepts(text)) add(parts[0].start, text);
    for (const part of parts) if (part.type === 'ExpressionTag') inExpression(part.expression, accepts);
  }
  const sourceOf = (node: object) => {
    const { start, end } = node as { start: number; end: number };
    return source.slice(start, end);
  };
  function inExpression(node: object, accepts = isForPeople): void {
    // The parenthesis makes an object an expression.
    inScript(`(${sourceOf(node)})`, (node as { start: number }).start - 1, add, accepts);
  }

  function visit(node: unknown): void {
    if (Array.isArray(node)) {
      for (const one of node) visit(one);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    const { type, nodes } = node as { type?: string; nodes?: AST.Fragment['nodes'] };
    if (type === 'Fragment' && nodes) return visitFragment(nodes);
    if (type === 'Attribute') return visitAttribute(node as AST.Attribute);
    if (type === undefined || type === 'Comment' || type === 'StyleDirective') return;
    if (/Expression$|^(?:Template)?Literal$|^Identifier$|Pattern$|Declaration$/.test(type)) return inExpression(node);
    for (const [name, child] of Object.entries(node)) if (name !== 'metadata' && name !== 'parent') visit(child);
  }

  function visitFragment(nodes: AST.Fragment['nodes']): void {
    let run: Part[] = [];
    const end = () => {
      if (run.length > 0) addRun(run, hasWord);
      run = [];
    };
    for (const node of nodes) {
      if (isPart(node)) run.push(node);
      else {
        end();
        visit(node);
      }
    }
    end();
  }

  function visitAttribute({ name, value }: AST.Attribute): void {
    if (value === true) return;
    if (name === 'class' || name === 'style' || name.startsWith('data-')) return;
    addRun(Array.isArray(value) ? value : [value], SHOWN.has(name) ? hasWord : isForPeople);
  }

  visit(ast.fragment);
}
