/* eslint-disable svelte/prefer-svelte-reactivity -- the maps and sets are replaced as a whole, or not reactive */
import { pacedFrame } from '../../../lib/paced-frames.ts';
import type { Block, Definition, Leaf, ParsedText, PlainReason } from '../tree.ts';
import type { MarkdownParser } from './parser-client.ts';

/** Most text that is parsed at once, UTF-16 units. A block that is longer is not formatted. */
export const MAX_PARSED = 65_536;
/** After a failure, less and less is parsed, down to this. */
const MIN_PARSED = 4096;
/** Length of a piece of unformatted text. */
const PLAIN_PIECE = 4096;
/** Blocks of a group. Only groups with changes are looked at. */
const GROUP = 32;
/** While a reply grows, it is parsed at most this often, ms, */
const INTERVAL_MS = 50;
/** and this many times as long passes between two times as one takes. */
const PAUSE_FACTOR = 5;
/** Nodes to draw per frame, at least one block. */
export const NODES_PER_FRAME = 400;

const PLAIN_REASONS: Readonly<Record<PlainReason, string>> = {
  size: 'Shown as plain text: this part is too long to format.',
  depth: 'Shown as plain text: this part is nested too deeply to format.',
  elements: 'Shown as plain text: this part has too many elements to format.',
  failed: 'Shown as plain text: formatting this part took too long.',
};

/** Ends text that is not formatted, except for code. */
export const BLANK_LINE = /\n[ \t]*\n/u;
const FENCE = /^ {0,3}(`{3,}|~{3,})/u;

/** Where its text comes from. */
export interface MarkdownSource {
  slice(from: number, to: number): string;
}

export interface BlockGroup {
  /** Index of its first block. */
  first: number;
  blocks: readonly Block[];
}

/** Like nodes, for a piece of unformatted text. */
const PLAIN_COST = 100;

/** Runs `work` later: in the next frame, or after a time, ms. @returns cancels it */
export type Later = (work: () => void, ms: number) => () => void;

const later: Later = (work, ms) => {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
};

/**
 * A growing text as Markdown. Only its end is parsed again: blocks before `#stable` are finished, and keep their identity.
 */
export class MarkdownText {
  groups = $state.raw<readonly BlockGroup[]>([]);
  /** Numbers of the footnotes, in the order of their first call. */
  footnotes = $state.raw<ReadonlyMap<string, number>>(new Map());

  /** Not all of the text is shown yet. */
  pending = $state(false);

  readonly #source: MarkdownSource;
  readonly #parser: MarkdownParser;
  readonly #later: Later;
  readonly #frame: (work: () => void) => void;
  #to: number;
  /** All blocks; those from `#open` on may change. */
  #blocks: Block[] = [];
  #open = 0;
  #stable: number;
  /** How many are in `groups`. */
  #shown = 0;
  /** The first one that a frame is about to show; null when no frame is due. */
  #due: number | null = null;
  #definitions = new Map<string, Definition>();
  #labels = new Set<string>();
  /** Where unformatted text ends; null outside of it. */
  #plainUntil: RegExp | null = null;
  /** Where that text began. */
  #plainFrom = 0;
  #parsedTo = -1;
  /** How much is parsed at once: less after a failure. */
  #limit = MAX_PARSED;
  #busy = false;
  #isFirst = true;
  #wait = 0;
  #cancel: (() => void) | null = null;

  /** @param frame when a change of what is shown is drawn */
  constructor(
    source: MarkdownSource,
    from: number,
    parser: MarkdownParser,
    schedule: Later = later,
    frame: (work: () => void) => void = pacedFrame,
  ) {
    this.#source = source;
    this.#to = from;
    this.#stable = from;
    this.#parser = parser;
    this.#later = schedule;
    this.#frame = frame;
  }

  /** The source now reaches to an offset. */
  grow(to: number): void {
    if (to <= this.#to && this.#parsedTo >= 0) return;
    this.#to = to;
    this.pending = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#busy || this.#cancel !== null || this.#parsedTo === this.#to) return;
    this.#cancel = this.#later(() => {
      this.#cancel = null;
      void this.#parse();
    }, this.#wait);
  }

  async #parse(): Promise<void> {
    const firstPlain = this.#blocks.length - 1;
    if (this.#plainUntil !== null && !this.#continuePlain()) {
      this.#parsedTo = this.#to;
      this.#wait = INTERVAL_MS;
      return this.#showSoon(firstPlain);
    }
    const to = Math.min(this.#to, this.#stable + this.#limit);
    const base = this.#stable;
    const text = this.#source.slice(base, to);
    this.#busy = true;
    let parsed: (ParsedText & { ms: number }) | null = null;
    try {
      parsed = await this.#parser.run('parse', { text, base, ...this.#known(base) });
    } catch {
      // It took too long, or the parser has a fault. Either way the text is shown.
    }
    // The first answer may take seconds, because the Worker starts with it: the text that is on screen is longer by then.
    const isBehind = this.#isFirst && parsed !== null && to < this.#to;
    this.#isFirst = false;
    if (isBehind) {
      this.#busy = false;
      return this.#parse();
    }
    const firstChanged = this.#open;
    const isFull = to - base >= this.#limit;
    if (parsed === null && text.length > MIN_PARSED) {
      // Only a part of it is to blame.
      this.#limit = Math.max(MIN_PARSED, text.length >> 2);
      this.#busy = false;
      return this.#parse();
    }
    const isPart = this.#limit < MAX_PARSED;
    this.#limit = MAX_PARSED;
    const isTooLong = parsed !== null && isFull && parsed.stable === base;
    const tooLong = isPart ? 'failed' : 'size';
    const reason = parsed === null ? 'failed' : parsed.tooDeep ? 'depth' : isTooLong ? tooLong : null;
    if (reason !== null) this.#beginPlain(reason, text);
    else if (parsed !== null) await this.#take(parsed);
    // After unformatted text, the rest has yet to be parsed.
    this.#parsedTo = reason === null ? (parsed?.end ?? to) : -1;
    this.#busy = false;
    const isCut = isFull || reason !== null || (parsed?.end ?? to) < to;
    this.#wait = isCut ? 0 : Math.max(INTERVAL_MS, PAUSE_FACTOR * (parsed?.ms ?? 0));
    this.#showSoon(firstChanged);
    this.#schedule();
  }

  /** Without those in the text that is about to be parsed. */
  #known(before: number): { definitions: Definition[]; footnotes: string[] } {
    return {
      definitions: [...this.#definitions.values()].filter(({ to }) => to <= before),
      footnotes: [...this.#labels],
    };
  }

  /** Takes over the parsed blocks. Earlier ones that refer to a new definition are parsed again. */
  async #take(parsed: ParsedText): Promise<void> {
    const blocks = parsed.blocks.flatMap(inPieces);
    this.#blocks = [...this.#blocks.slice(0, this.#open), ...blocks];
    const stable = blocks.filter(({ from }) => from < parsed.stable).length;
    const finished = this.#open;
    this.#open += stable;
    const definitions = parsed.definitions.filter((one) => this.#isNew(one));
    this.#stable = parsed.stable;
    const labels = parsed.footnotes.filter((id) => !this.#labels.has(id));
    for (const one of definitions) this.#definitions.set(one.id, one);
    for (const id of labels) this.#labels.add(id);
    const ids = [...definitions.map(({ id }) => id), ...labels.map((id) => `^${id}`)];
    if (ids.length > 0) await this.#refresh(finished, ids);
  }

  /** The first definition of a label counts. The last one may still grow. */
  #isNew({ id, url, title, to }: Definition): boolean {
    const known = this.#definitions.get(id);
    if (known === undefined) return true;
    return known.to <= to && known.to > this.#stable && (known.url !== url || known.title !== title);
  }

  async #refresh(end: number, ids: readonly string[]): Promise<void> {
    for (let at = 0; at < end; at++) {
      const { from, to, type } = this.#blocks[at];
      if (type === 'code' || type === 'plain') continue;
      const text = this.#source.slice(from, to);
      const searched = text.includes('[') ? text.toLowerCase().replace(/\s+/gu, ' ') : '';
      if (!ids.some((id) => searched.includes(`[${id}`))) continue;
      try {
        const { blocks } = await this.#parser.run('parse', { text, base: from, ...this.#known(Infinity) });
        if (blocks.length === 1) {
          this.#blocks[at] = blocks[0];
          this.#dirty(at);
        }
      } catch {
        // It stays as it is.
      }
    }
  }

  #dirty(at: number): void {
    const group = Math.floor(at / GROUP);
    if (group >= this.groups.length) return;
    this.groups = this.groups.with(group, this.#group(group));
  }

  #beginPlain(reason: PlainReason, text: string): void {
    const fence = reason === 'size' ? FENCE.exec(text)?.[1] : undefined;
    this.#plainUntil =
      fence === undefined ? BLANK_LINE : new RegExp(`\\n {0,3}[${fence[0]}]{${fence.length},}[ \\t]*(?:\\n|$)`, 'u');
    this.#plainFrom = this.#stable;
    this.#blocks = this.#blocks.slice(0, this.#open);
    this.#blocks.push(this.#plainBlock(this.#stable, this.#stable, PLAIN_REASONS[reason]));
    // What has been parsed in vain is plain whatever it contains.
    this.#extendPlain(Math.min(this.#to, this.#stable + (reason === 'size' ? text.length : 1)));
    this.#continuePlain();
  }

  /** @returns whether the plain text has ended */
  #continuePlain(): boolean {
    const pattern = this.#plainUntil;
    if (pattern === null) return true;
    // The end may have started in an earlier part of the text.
    const from = Math.max(this.#plainFrom, this.#stable - 200);
    const match = pattern.exec(this.#source.slice(from, this.#to));
    this.#extendPlain(match === null ? this.#to : Math.max(this.#stable, from + match.index + match[0].length));
    if (match === null) return false;
    this.#plainUntil = null;
    this.#open = this.#blocks.length;
    return true;
  }

  #extendPlain(to: number): void {
    while (this.#stable < to) {
      const last = this.#blocks[this.#blocks.length - 1];
      const length = last.to - last.from;
      if (last.type !== 'plain' || length >= PLAIN_PIECE) {
        this.#blocks.push(this.#plainBlock(this.#stable, this.#stable, null));
        continue;
      }
      let end = Math.min(to, last.from + PLAIN_PIECE);
      if (end < to) {
        const line = this.#source.slice(this.#stable, end).lastIndexOf('\n');
        if (line >= 0) end = this.#stable + line + 1;
      }
      const isFull = end < to;
      this.#blocks[this.#blocks.length - 1] = this.#plainBlock(last.from, end, last.reason);
      this.#stable = end;
      if (isFull) this.#blocks.push(this.#plainBlock(end, end, null));
    }
    this.#open = this.#blocks.length - (this.#plainUntil === null ? 0 : 1);
  }

  #plainBlock(from: number, to: number, reason: string | null): Block {
    const piece: Leaf = { type: 'text', text: this.#source.slice(from, to), from, to, after: from };
    return { type: 'plain', reason, pieces: [piece], from, to };
  }

  /** Changes of what is on screen share a frame with what else streams in. */
  #showSoon(firstChanged: number): void {
    if (this.#shown === 0) return this.#show(firstChanged);
    const isDue = this.#due !== null;
    this.#due = Math.min(firstChanged, this.#due ?? firstChanged);
    if (isDue) return;
    this.#frame(() => {
      const first = this.#due ?? 0;
      this.#due = null;
      this.#show(first);
    });
  }

  /** Publishes blocks from an index on, a few per frame. */
  #show(firstChanged: number): void {
    const before = this.#shown;
    const changed = Math.min(firstChanged, before);
    this.#shown = Math.min(this.#blocks.length, Math.max(changed, before));
    for (let nodes = 0; this.#shown < this.#blocks.length && nodes < NODES_PER_FRAME; this.#shown++) {
      nodes += this.#blocks[this.#shown].nodes ?? PLAIN_COST;
    }
    const first = Math.floor(changed / GROUP);
    const groups = this.groups.slice(0, first);
    for (let group = first; group * GROUP < this.#shown; group++) groups.push(this.#group(group));
    this.groups = groups;
    this.#number(changed);
    if (this.#shown < this.#blocks.length) this.#later(() => this.#show(this.#shown), 0);
    else if (this.#parsedTo === this.#to) this.pending = false;
  }

  #group(group: number): BlockGroup {
    const first = group * GROUP;
    return { first, blocks: this.#blocks.slice(first, Math.min(first + GROUP, this.#shown)) };
  }

  #number(from: number): void {
    const numbers = new Map(this.footnotes);
    for (const block of this.#blocks.slice(from, this.#shown)) {
      for (const id of callsIn(block)) if (!numbers.has(id)) numbers.set(id, numbers.size + 1);
    }
    if (numbers.size !== this.footnotes.size) this.footnotes = numbers;
  }
}

/** The first blocks that have about as many nodes; `groups` itself if these are all. */
export function firstNodes(groups: readonly BlockGroup[], nodes: number): readonly BlockGroup[] {
  if (nodes === Infinity) return groups;
  let left = nodes;
  for (const [at, { first, blocks }] of groups.entries()) {
    for (const [index, block] of blocks.entries()) {
      if (left <= 0) return [...groups.slice(0, at), { first, blocks: blocks.slice(0, index) }];
      left -= block.nodes ?? PLAIN_COST;
    }
  }
  return groups;
}

/** Splits an unformatted block into pieces. */
function inPieces(block: Block): Block[] {
  if (block.type !== 'plain') return [block];
  const [{ text }] = block.pieces;
  const blocks: Block[] = [];
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + PLAIN_PIECE);
    if (end < text.length) end = Math.max(text.lastIndexOf('\n', end - 1) + 1, at) || end;
    if (end <= at) end = Math.min(text.length, at + PLAIN_PIECE);
    const [from, to] = [block.from + at, block.from + end];
    const reason = at === 0 ? PLAIN_REASONS[block.reason as PlainReason] : null;
    blocks.push({
      type: 'plain',
      reason,
      pieces: [{ type: 'text', text: text.slice(at, end), from, to, after: from }],
      from,
      to,
    });
    at = end;
  }
  return blocks;
}

/** Labels of footnotes that a block calls, in order. The tree is not deep. */
function callsIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap(callsIn);
  const { type, id, children, items, head, rows } = node as Record<string, unknown>;
  if (type === 'footnote-call') return [String(id)];
  return [children, items, head, rows].flatMap(callsIn);
}
