import type { Event, Token, TokenizeContext } from 'micromark-util-types';
import type { Block, Definition, Image, Inline, Leaf, Link } from '../tree.ts';
import {
  type TokenExtra,
  INLINE,
  PROPERTIES,
  TEXT,
  RAW_LINES,
  BLOCK_CONTAINERS,
  MAX_PIECE,
  identify,
  decodeReference,
  markLooseLists,
} from './micromark-events.ts';
import { MAX_DEPTH, MAX_NODES } from './limits.ts';

interface UnfinishedNode {
  type: string;
  [property: string]: unknown;
}

/** A node that is not finished. Its children are blocks, inlines or leaves. */
interface Frame {
  node: UnfinishedNode;
  children: unknown[];
}

export interface BuiltTree {
  blocks: Block[];
  definitions: Definition[];
  footnotes: string[];
}

/** Makes the tree of micromark's events. Iterative: the nesting of a text cannot exhaust the stack. */
export class TreeBuilder {
  readonly #source: string;
  readonly #base: number;
  readonly #known: ReadonlyMap<string, Definition>;
  readonly #blocks: Block[] = [];
  readonly #definitions = new Map<string, Definition>();
  readonly #footnotes: string[] = [];
  readonly #references: { node: Link | Image; id: string }[] = [];
  readonly #stack: Frame[] = [];
  readonly #inTable: boolean[] = [];
  /** Text of a property. */
  #property: string | null = null;
  #label = '';
  #definition: Definition = { id: '', url: '', title: '', to: 0 };
  #after: number;
  #nodes = 0;
  #tooCostly: 'depth' | 'elements' | null = null;
  /** Its text has ended, and its underline follows. */
  #endedHeading: object | null = null;
  #inResource = false;
  #afterBreak = false;
  #afterCheck = false;
  /** The line end that follows a fence is not part of the code. */
  #codeStarted = false;
  #pendingLineEnd: Leaf | null = null;
  #rowIsHead = false;

  /** @param base offset of `source` in the reply */
  constructor(source: string, base: number, known: readonly Definition[]) {
    this.#source = source;
    this.#base = base;
    this.#after = base;
    this.#known = new Map(known.map((one) => [one.id, one]));
  }

  build(events: readonly Event[]): BuiltTree {
    markLooseLists(events);
    for (const [kind, token, context] of events) {
      if (kind === 'enter') this.#enter(token, context);
      else this.#exit(token, context);
    }
    for (const { node, id } of this.#references) {
      const definition = this.#known.get(id) ?? this.#definitions.get(id);
      if (definition !== undefined) Object.assign(node, { url: definition.url, title: definition.title });
    }
    return { blocks: this.#blocks, definitions: [...this.#definitions.values()], footnotes: this.#footnotes };
  }

  #enter(token: Token, context: TokenizeContext): void {
    const type: string = token.type;
    const inline = INLINE[type];
    if (inline !== undefined) return this.#push({ type: inline, children: [] });
    if (PROPERTIES.has(type)) this.#property = '';
    switch (type) {
      case 'paragraph':
        return this.#push({ type: 'paragraph', children: [] });
      case 'atxHeading':
      case 'setextHeading':
        return this.#push({ type: 'heading', level: 0, children: [] });
      case 'blockQuote':
        return this.#push({ type: 'quote', children: [] });
      case 'listOrdered':
      case 'listUnordered': {
        const loose = (token as TokenExtra)._loose ?? false;
        return this.#push({ type: 'list', ordered: type === 'listOrdered', start: NaN, loose, items: [] }, 'items');
      }
      case 'listItemPrefix':
        return this.#beginItem(token);
      case 'codeFenced':
      case 'codeIndented':
        this.#codeStarted = type === 'codeIndented';
        this.#pendingLineEnd = null;
        return this.#push({ type: 'code', language: '', pieces: [] }, 'pieces');
      case 'htmlFlow':
        this.#codeStarted = true;
        this.#pendingLineEnd = null;
        return this.#push({ type: 'html', pieces: [] }, 'pieces');
      case 'thematicBreak':
        return this.#push({ type: 'rule', children: [] });
      case 'link':
      case 'autolink':
      case 'literalAutolink':
        return this.#push({ type: 'link', url: '', title: '', children: [] });
      case 'image':
        return this.#push({ type: 'image', url: '', title: '', children: [] });
      case 'maths':
        return this.#push({ type: 'maths', tex: '', display: false, children: [] });
      case 'gfmFootnoteCall':
        return this.#push({ type: 'footnote-call', id: '', children: [] });
      case 'gfmFootnoteCallString':
        return;
      case 'gfmFootnoteDefinition':
        return this.#push({ type: 'footnote', id: '', children: [] });
      case 'table':
        this.#inTable.push(true);
        return this.#push({ type: 'table', align: (token as TokenExtra)._align ?? [], head: [], rows: [] }, 'rows');
      case 'tableHead':
        this.#rowIsHead = true;
        return;
      case 'tableRow':
        return this.#push({ type: 'row', cells: [] }, 'cells');
      case 'tableHeader':
      case 'tableData':
        return this.#push({ type: 'cell', children: [] });
      case 'resource':
        this.#inResource = true;
        return;
      case 'definition':
        this.#definition = { id: '', url: '', title: '', to: this.#base + token.end.offset };
        return;
      case 'lineEnding':
        return this.#lineEnd(token);
      case 'hardBreakEscape':
      case 'hardBreakTrailing':
        this.#afterBreak = true;
        this.#add({ type: 'break' });
        return;
      case 'autolinkProtocol':
      case 'autolinkEmail':
      case 'literalAutolinkHttp':
      case 'literalAutolinkWww':
      case 'literalAutolinkEmail': {
        const text = context.sliceSerialize(token);
        const before = type.endsWith('Email') ? 'mailto:' : type.endsWith('Www') ? 'http://' : '';
        Object.assign(this.#top('link')?.node ?? {}, { url: before + text });
        return this.#text(text, token.start.offset, token.end.offset);
      }
    }
  }

  #exit(token: Token, context: TokenizeContext): void {
    const type: string = token.type;
    const top = this.#stack.at(-1);
    if (TEXT.has(type)) {
      const text = context.sliceSerialize(token);
      if (type === 'codeTextData' && this.#inTable.length > 0) return this.#codeInTable(text, token.start.offset);
      const from = type === 'characterEscapeValue' ? token.start.offset - 1 : token.start.offset;
      return this.#text(text, from, token.end.offset);
    }
    if (RAW_LINES.has(type)) {
      this.#flushLineEnd();
      return this.#text(context.sliceSerialize(token), token.start.offset, token.end.offset);
    }
    if (INLINE[type] !== undefined) return this.#pop();
    switch (type) {
      case 'characterReference':
        return this.#text(decodeReference(context.sliceSerialize(token)), token.start.offset, token.end.offset);
      case 'paragraph':
      case 'blockQuote':
      case 'htmlFlow':
      case 'thematicBreak':
      case 'autolink':
      case 'literalAutolink':
      case 'link':
      case 'image':
      case 'gfmFootnoteDefinition':
      case 'atxHeading':
      case 'setextHeading':
      case 'codeFenced':
      case 'codeIndented':
        return this.#pop(token);
      case 'listOrdered':
      case 'listUnordered':
        if (top?.node.type === 'item') this.#pop();
        return this.#pop(token);
      case 'listItemValue': {
        const list = this.#top('list')?.node;
        if (list !== undefined && Number.isNaN(list['start'])) list['start'] = Number(context.sliceSerialize(token));
        return;
      }
      case 'atxHeadingSequence':
        if (top?.node.type === 'heading' && top.node['level'] === 0) {
          Object.assign(top.node, { level: token.end.offset - token.start.offset });
        }
        return;
      case 'setextHeadingText':
        this.#endedHeading = top?.node ?? null;
        return;
      case 'setextHeadingLineSequence':
        Object.assign(top?.node ?? {}, { level: context.sliceSerialize(token).startsWith('=') ? 1 : 2 });
        return;
      case 'codeFencedFenceInfo':
        Object.assign(top?.node ?? {}, { language: this.#taken() });
        return;
      case 'codeFencedFenceMeta':
        this.#property = null;
        return;
      case 'labelText':
        this.#label = context.sliceSerialize(token);
        return;
      case 'label':
        // Until a resource follows, it is a reference by its label.
        return this.#refer(this.#labelOf(token, context));
      case 'resource':
        this.#inResource = false;
        this.#references.pop();
        return;
      case 'resourceDestinationString':
        Object.assign(top?.node ?? {}, { url: this.#taken() });
        return;
      case 'resourceTitleString':
        Object.assign(top?.node ?? {}, { title: this.#taken() });
        return;
      case 'referenceString':
        this.#property = null;
        this.#references.pop();
        return this.#refer(context.sliceSerialize(token));
      case 'definitionLabelString':
        this.#property = null;
        this.#definition.id = identify(context.sliceSerialize(token));
        return;
      case 'definitionDestinationString':
        this.#definition.url = this.#taken();
        return;
      case 'definitionTitleString':
        this.#definition.title = this.#taken();
        return;
      case 'definition':
        if (!this.#definitions.has(this.#definition.id)) this.#definitions.set(this.#definition.id, this.#definition);
        this.#after = this.#base + token.end.offset;
        return;
      case 'maths': {
        const leaves = (top?.children ?? []) as Leaf[];
        const source = leaves.map(({ text }) => text).join('');
        const size = /^(?:\$\$|\\)/u.test(source) ? 2 : 1;
        const display = source.startsWith('$$') || source.startsWith('\\[');
        Object.assign(top?.node ?? {}, { tex: source.slice(size, -size), display });
        return this.#pop();
      }
      case 'gfmFootnoteCallString':
        Object.assign(this.#top('footnote-call')?.node ?? {}, { id: identify(context.sliceSerialize(token)) });
        return;
      case 'gfmFootnoteCall':
        return this.#pop();
      case 'gfmFootnoteDefinitionLabelString': {
        this.#property = null;
        const id = identify(context.sliceSerialize(token));
        Object.assign(top?.node ?? {}, { id });
        this.#footnotes.push(id);
        return;
      }
      case 'taskListCheckValueChecked':
      case 'taskListCheckValueUnchecked': {
        const item = this.#stack.findLast(({ node }) => node.type === 'item');
        Object.assign(item?.node ?? {}, { checked: type === 'taskListCheckValueChecked' });
        return;
      }
      case 'taskListCheck':
        this.#afterCheck = true;
        return;
      case 'tableHead':
        this.#rowIsHead = false;
        return;
      case 'tableRow':
        return this.#endRow();
      case 'tableHeader':
      case 'tableData':
        return this.#pop();
      case 'table':
        this.#inTable.pop();
        return this.#pop(token);
    }
  }

  #beginItem(token: Token): void {
    if (this.#stack.at(-1)?.node.type === 'item') this.#pop();
    const { start, end } = token;
    const source = this.#source.slice(start.offset, end.offset).trimEnd();
    const marker = this.#leaf(source, start.offset, start.offset + source.length);
    this.#push({ type: 'item', checked: null, marker, children: [] });
  }

  #endRow(): void {
    const row = this.#stack.pop();
    const table = this.#top('table');
    if (row === undefined || table === undefined) return;
    if (this.#rowIsHead) table.node['head'] = row.children;
    else table.children.push(row.children);
  }

  #lineEnd(token: Token): void {
    const node = this.#stack.at(-1)?.node;
    const top = node?.type;
    const { start, end } = token;
    if (node !== undefined && 'pieces' in node) {
      // The first one ends the fence, and the last one comes before the closing fence: both are syntax.
      if (this.#codeStarted) {
        this.#flushLineEnd();
        this.#pendingLineEnd = this.#leaf('\n', start.offset, end.offset);
      }
      this.#codeStarted = true;
      return;
    }
    const isInline =
      top !== undefined && !BLOCK_CONTAINERS.has(top) && node !== this.#endedHeading && !this.#inResource;
    if (this.#afterBreak) this.#afterBreak = false;
    else if (this.#property !== null) this.#property += '\n';
    else if (isInline) this.#text(top === 'code' ? ' ' : '\n', start.offset, end.offset);
  }

  /** Line ends are only part of the code if a line follows. */
  #flushLineEnd(): void {
    if (this.#pendingLineEnd !== null) this.#add(this.#pendingLineEnd);
    this.#pendingLineEnd = null;
  }

  #codeInTable(text: string, offset: number): void {
    let at = offset;
    for (const part of text.split(/(\\[\\|])/u)) {
      const shown = part === '\\|' ? '|' : part;
      if (shown !== '') this.#text(shown, at, at + part.length);
      at += part.length;
    }
  }

  #text(text: string, from: number, to: number): void {
    if (this.#property !== null) {
      this.#property += text;
      return;
    }
    let start = from;
    let shown = text;
    if (this.#afterCheck) {
      this.#afterCheck = false;
      if (shown.startsWith(' ')) {
        shown = shown.slice(1);
        start++;
      }
    }
    if (shown !== '') this.#add(this.#leaf(shown, start, to));
  }

  #leaf(text: string, from: number, to: number): Leaf {
    const after = this.#after;
    this.#after = this.#base + to;
    return { type: 'text', text, from: this.#base + from, to: this.#base + to, after };
  }

  /** Adds a child; text that continues the previous text is joined with it. */
  #add(node: Inline): void {
    const top = this.#stack.at(-1);
    if (top === undefined || this.#tooCostly !== null) return;
    const last = top.children.at(-1) as Inline | undefined;
    if (node.type === 'text' && last?.type === 'text' && last.to === node.from && isExact(last) && isExact(node)) {
      if (!('pieces' in top.node && last.text.length > MAX_PIECE && last.text.endsWith('\n'))) {
        last.text += node.text;
        last.to = node.to;
        return;
      }
    }
    this.#count();
    top.children.push(node);
  }

  #push(node: UnfinishedNode, children = 'children'): void {
    this.#count();
    this.#stack.push({ node, children: node[children] as unknown[] });
    if (this.#stack.length > MAX_DEPTH) this.#tooCostly ??= 'depth';
  }

  /** Ends a node, which is a block if it has no parent. @param token of a block */
  #pop(token?: Token): void {
    const frame = this.#stack.pop();
    if (frame === undefined) return;
    const { node } = frame;
    if (token !== undefined) {
      Object.assign(node, { from: this.#base + token.start.offset, to: this.#base + token.end.offset });
    }
    if (node.type === 'list' && Number.isNaN(node['start'])) Object.assign(node, { start: 1 });
    if (this.#stack.length > 0) {
      if (this.#tooCostly === null) this.#stack.at(-1)?.children.push(node);
      return;
    }
    const block = Object.assign(node as unknown as Block, { nodes: this.#nodes });
    // A footnote or list may begin with white space, which is not part of its tokens.
    this.#blocks.push(this.#tooCostly === null ? block : this.#plain(block, this.#tooCostly));
    this.#tooCostly = null;
    this.#nodes = 0;
  }

  #plain({ from, to }: Block, reason: 'depth' | 'elements'): Block {
    const text = this.#source.slice(from - this.#base, to - this.#base);
    return { type: 'plain', reason, pieces: [{ type: 'text', text, from, to, after: from }], from, to };
  }

  #count(): void {
    if (++this.#nodes > MAX_NODES) this.#tooCostly ??= 'elements';
  }

  #top(type: string): Frame | undefined {
    return this.#stack.findLast(({ node }) => node.type === type);
  }

  #taken(): string {
    const text = this.#property ?? '';
    this.#property = null;
    return text;
  }

  #labelOf(token: Token, context: TokenizeContext): string {
    const source = context.sliceSerialize(token);
    // A nested label has been seen since.
    return source.endsWith(`${this.#label}]`) ? source.replace(/^!?\[/u, '').slice(0, -1) : this.#label;
  }

  #refer(label: string): void {
    const node = this.#stack.at(-1)?.node as Link | Image | UnfinishedNode | undefined;
    if (node?.type === 'link' || node?.type === 'image') {
      this.#references.push({ node: node as Link | Image, id: identify(label) });
    }
  }
}

function isExact({ text, from, to }: Leaf): boolean {
  return text.length === to - from;
}
