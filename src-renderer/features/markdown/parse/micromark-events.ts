import { decodeNamedCharacterReference } from 'decode-named-character-reference';
import { decodeNumericCharacterReference } from 'micromark-util-decode-numeric-character-reference';
import { normalizeIdentifier } from 'micromark-util-normalize-identifier';
import type { Event } from 'micromark-util-types';
import type { Alignment } from '../tree.ts';

/** As micromark passes them: the table's columns, and whether a list is loose. */
export interface TokenExtra {
  _align?: Alignment[];
  _loose?: boolean;
  _container?: boolean;
}

export const INLINE: Readonly<Record<string, 'emphasis' | 'strong' | 'strikethrough' | 'code' | 'html'>> = {
  emphasis: 'emphasis',
  strong: 'strong',
  strikethrough: 'strikethrough',
  codeText: 'code',
  htmlText: 'html',
};
/** Tokens whose text is a property of a node, and not shown. */
export const PROPERTIES = new Set([
  'codeFencedFenceInfo',
  'codeFencedFenceMeta',
  'resourceDestinationString',
  'resourceTitleString',
  'definitionLabelString',
  'definitionDestinationString',
  'definitionTitleString',
  'referenceString',
  'gfmFootnoteDefinitionLabelString',
]);
export const TEXT = new Set([
  'data',
  'codeTextData',
  'htmlTextData',
  'characterEscapeValue',
  'mathsData',
  'mathsSequence',
]);
export const RAW_LINES = new Set(['codeFlowValue', 'htmlFlowData']);
export const BLOCK_CONTAINERS = new Set(['quote', 'item', 'list', 'footnote', 'table', 'rule']);
/** Length from which a piece of code ends at the next line end, UTF-16 units. */
export const MAX_PIECE = 2000;

export function identify(label: string): string {
  return normalizeIdentifier(label).toLowerCase();
}

export function decodeReference(source: string): string {
  const numeric = /^&#(?:([xX])([0-9a-fA-F]+)|(\d+));$/u.exec(source);
  if (numeric === null) return decodeNamedCharacterReference(source.slice(1, -1)) || source;
  const [, hexadecimal, digits, decimal] = numeric;
  return hexadecimal === undefined
    ? decodeNumericCharacterReference(decimal, 10)
    : decodeNumericCharacterReference(digits, 16);
}

/** A list is loose if there is a blank line between its items, or between the blocks of an item (as in micromark). */
export function markLooseLists(events: readonly Event[]): void {
  const lists: { token: TokenExtra; depth: number; atMarker: boolean }[] = [];
  let depth = 0;
  for (const [kind, token] of events) {
    const { type } = token;
    const isList = type === 'listOrdered' || type === 'listUnordered';
    const isContainer = (token as TokenExtra)._container === true;
    if (kind === 'enter' && isContainer) {
      const outer = lists.at(-1);
      if (outer !== undefined && outer.depth === depth) outer.atMarker = false;
      depth++;
      if (isList) lists.push({ token: token as TokenExtra, depth, atMarker: false });
      continue;
    }
    if (kind === 'exit' && isContainer) {
      depth--;
      if (isList) lists.pop();
      const outer = lists.at(-1);
      if (outer !== undefined && outer.depth === depth) outer.atMarker = false;
      continue;
    }
    const list = lists.at(-1);
    if (list === undefined || list.depth !== depth) continue;
    if (type === 'listItemPrefix') {
      if (kind === 'exit') list.atMarker = true;
    } else if (type === 'lineEndingBlank') {
      if (kind !== 'enter') continue;
      if (list.atMarker) list.atMarker = false;
      else list.token._loose = true;
    } else if (type !== 'linePrefix' && type !== 'listItemMarker') {
      list.atMarker = false;
    }
  }
}
