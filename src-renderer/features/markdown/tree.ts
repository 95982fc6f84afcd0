/** A reply's Markdown as plain data, which the parser's Worker sends to the page. Offsets are in the reply's text. */

/** Text as it is shown, and where it comes from. */
export interface Leaf {
  type: 'text';
  text: string;
  /** UTF-16 offsets of its source. Where the lengths differ, the source is an escape or a character reference. */
  from: number;
  to: number;
  /** End of the leaf before it: the source in between is syntax. */
  after: number;
}

export interface StyledInlines {
  type: 'emphasis' | 'strong' | 'strikethrough' | 'code' | 'html';
  children: Inline[];
}

/** `url` is as written: `allowedUrl` says whether it may be opened. */
export interface Link {
  type: 'link';
  url: string;
  title: string;
  children: Inline[];
}

/** Never loaded: its children are the alternative text. */
export interface Image {
  type: 'image';
  url: string;
  title: string;
  children: Inline[];
}

export interface Maths {
  type: 'maths';
  tex: string;
  display: boolean;
  /** Its source, with delimiters. */
  children: Leaf[];
}

export interface FootnoteCall {
  type: 'footnote-call';
  /** Normalised label. */
  id: string;
  children: Leaf[];
}

export type Inline = Leaf | StyledInlines | Link | Image | Maths | FootnoteCall | { type: 'break' };

export interface ListItem {
  /** Null: not a task. */
  checked: boolean | null;
  /** The bullet or number. */
  marker: Leaf;
  children: Block[];
}

export interface TableCell {
  children: Inline[];
}

export type Alignment = 'left' | 'right' | 'center' | 'none';

export type BlockContent =
  | { type: 'paragraph'; children: Inline[] }
  | { type: 'heading'; level: number; children: Inline[] }
  | { type: 'quote'; children: Block[] }
  | { type: 'list'; ordered: boolean; start: number; loose: boolean; items: ListItem[] }
  /** `pieces` are whole lines, a few of them each. */
  | { type: 'code'; language: string; pieces: Leaf[] }
  | { type: 'html'; pieces: Leaf[] }
  | { type: 'table'; align: Alignment[]; head: TableCell[]; rows: TableCell[][] }
  | { type: 'rule' }
  | { type: 'footnote'; id: string; children: Block[] }
  /** Not formatted, because that would be too costly; `reason` is for people, and null in the pieces after the first. */
  | { type: 'plain'; reason: string | null; pieces: Leaf[] };

export type Block = BlockContent & {
  /** UTF-16 offsets of its source. */
  from: number;
  to: number;
  /** What it costs to draw: its nodes, with those within it. Only of blocks that are not within others. */
  nodes?: number;
};

export interface Definition {
  /** Normalised label. */
  id: string;
  url: string;
  title: string;
  /** End of its source. */
  to: number;
}

export interface ParseRequest {
  text: string;
  /** Offset of `text` in the reply. */
  base: number;
  /** Link definitions and footnote labels elsewhere in the reply. */
  definitions: Definition[];
  footnotes: string[];
}

export interface ParsedText {
  blocks: Block[];
  /** No more text changes the blocks before this offset. */
  stable: number;
  /** Up to here it was parsed: a line that is nested too deeply ends it. */
  end: number;
  /** It begins with such a line. */
  tooDeep: boolean;
  definitions: Definition[];
  footnotes: string[];
}

/** Why `text` is not formatted. */
export type PlainReason = 'size' | 'depth' | 'elements' | 'failed';

/** A part of highlighted code, UTF-16 offsets in the code. */
export interface HighlightSpan {
  from: number;
  to: number;
  /** As in highlight.js: `keyword`, `string`. */
  scope: string;
}

/** An element of MathML. */
export interface MathElement {
  tag: string;
  attributes: Record<string, string>;
  children: (MathElement | string)[];
}
