import { parse, postprocess, preprocess } from 'micromark';
import { gfmAutolinkLiteral } from 'micromark-extension-gfm-autolink-literal';
import { gfmFootnote } from 'micromark-extension-gfm-footnote';
import { gfmStrikethrough } from 'micromark-extension-gfm-strikethrough';
import { gfmTable } from 'micromark-extension-gfm-table';
import { gfmTaskListItem } from 'micromark-extension-gfm-task-list-item';
import type { Event, Extension } from 'micromark-util-types';
import type { Block, ParsedText, ParseRequest } from '../tree.ts';
import { openFormula } from './display-formulas.ts';
import { tooDeepFrom } from './limits.ts';
import { mathsSyntax } from './maths-syntax.ts';
import { TreeBuilder } from './tree-builder.ts';

/** What micromark calls the labels that it knows. */
type Known = { defined: string[]; gfmFootnotes?: string[] };

const EXTENSIONS: Extension[] = [
  gfmAutolinkLiteral(),
  gfmFootnote(),
  gfmStrikethrough({ singleTilde: false }),
  gfmTable(),
  gfmTaskListItem(),
  mathsSyntax(),
];

/** CommonMark without extensions, to compare with its specification. */
export const COMMONMARK: readonly Extension[] = [];

/**
 * Parses the part of a reply that begins with its first unfinished block. The text may end anywhere.
 *
 * `stable` advances unless the whole text is one block, or begins with a line that is nested too deeply.
 */
export function parseMarkdown(request: ParseRequest, extensions: readonly Extension[] = EXTENSIONS): ParsedText {
  const { base } = request;
  const deep = tooDeepFrom(request.text);
  const text = deep < 0 ? request.text : request.text.slice(0, deep);
  const mark = text.startsWith('\ufeff') ? 1 : 0;
  const source = text.slice(mark);
  const start = base + mark;
  const tree = new TreeBuilder(source, start, request.definitions).build(eventsOf(source, request, extensions));
  const stable = deep < 0 ? stableEnd(tree.blocks, source, start) : base + deep;
  return { ...tree, stable, end: base + text.length, tooDeep: deep === 0 };
}

function eventsOf(source: string, request: ParseRequest, extensions: readonly Extension[]): Event[] {
  const parser = parse({ extensions: [...extensions] });
  // Fields that micromark’s extensions keep in the parser, and its types omit.
  const known = parser as unknown as Known;
  known.defined.push(...request.definitions.map(({ id }) => id.toUpperCase()));
  known.gfmFootnotes = request.footnotes.map((id) => id.toUpperCase());
  parser.source = source;
  return postprocess(parser.document().write(preprocess()(source, undefined, true)));
}

/** Beyond this many characters, the rest of a line cannot change what kind of block it starts. */
const DECISIVE = 200;

/** Start of the last block whose first line is complete, if no later line can become part of the block before it. */
function stableEnd(blocks: readonly Block[], source: string, base: number): number {
  const open = openFormula(source);
  const last = open < 0 ? blocks.length - 1 : blocks.findLastIndex(({ from }) => from - base <= open);
  for (let at = last; at > 0; at--) {
    const start = blocks[at].from - base;
    const lineStart = source.lastIndexOf('\n', start - 1) + 1;
    if (source.indexOf('\n', start) < 0 && source.length - start < DECISIVE) continue;
    // A definition right before it may still be found to be part of the same paragraph.
    const before = source.slice(blocks[at - 1].to - base, lineStart);
    if (before.trim() === '' || /\n[ \t]*\n[ \t]*$/u.test(before)) return base + lineStart;
  }
  return base;
}
