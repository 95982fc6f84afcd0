/** What a model is given to read, as text and as tokens: plain data, as in `types.ts`. */

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  text: string;
}

/**
 * What happens when the context window is full. `stop`: a prompt that does not fit is refused with CONTEXT_FULL, and a
 * reply stops at the window's end. `drop_oldest`: whole turns of a chat that does not fit are dropped, the oldest first.
 * `shift`: in addition, the reply continues; each time, the oldest half of the window is dropped (never the first token
 * and the system message), and the rest is prefilled again.
 */
export type WhenFull = 'stop' | 'drop_oldest' | 'shift';

/** A prompt. The engine assembles a `chat`, because the format depends on the model. */
export type PromptInput =
  | {
      kind: 'text';
      text: string;
      addBos?: boolean;
      parseSpecial?: boolean;
      whenFull?: Exclude<WhenFull, 'drop_oldest'>;
    }
  | { kind: 'ids'; ids: number[]; whenFull?: Exclude<WhenFull, 'drop_oldest'> }
  | {
      kind: 'chat';
      /** Oldest first. If the last is the assistant's, the model continues it. */
      messages: ChatMessage[];
      /** Default `stop`. */
      whenFull?: WhenFull;
      /** How the messages become one text; by default as the model's file says, or `plain`. */
      template?: ChatTemplateChoice;
      /** For templates with `enable_thinking` or `thinking`: whether the model may reason before it answers. */
      enableThinking?: boolean;
      /** The current time for templates that write the date, ISO 8601. Default now. */
      date?: string;
      /**
       * The beginning of the reply as token ids, which follow the messages exactly as they are. A message of the assistant
       * at the end, whose text is tokenized, comes before them.
       */
      replyIds?: number[];
    };

/** The template of the model's file, one that works for any model (role names), or a custom Jinja source. */
export type ChatTemplateChoice = { kind: 'model' } | { kind: 'plain' } | { kind: 'custom'; source: string };

/** What a token is to its tokenizer: `byte` is one byte of a character that has no token of its own. */
export type TokenKind = 'normal' | 'control' | 'user_defined' | 'byte' | 'unknown' | 'unused';

/** What a token is, wherever it stands. */
export interface TokenInfo {
  id: number;
  piece: string;
  /** UTF-8 bytes that the token stands for inside a text; they may be part of a character. */
  bytes: number[];
  kind: TokenKind;
  special: boolean;
  /** Unknown to the vocabulary: decodes to nothing. */
  unknown: boolean;
}

/** A token in a text. */
export interface TokenPiece extends TokenInfo {
  /** UTF-16 range of the input this token stands for; null for tokens that the template added. */
  range: [number, number] | null;
}

export interface TokenizeParams {
  text: string;
  /** Default true. */
  addBos: boolean;
  /** Read `<EOS>` in the text as the token instead of as text. Default false. */
  parseSpecial: boolean;
  /** Of the model in memory that reads it; by default the one that answers. */
  modelId?: string;
}

/** A text's tokens, packed: a megabyte has hundreds of thousands, and they travel between threads. */
export interface Tokenized {
  ids: number[];
  /** `[ids, 2]`: start and end of each token in the text, UTF-16; -1 and -1 for tokens that were added. */
  ranges: Int32Array;
  /** Each id that occurs, once. */
  vocabulary: Map<number, TokenInfo>;
}

export interface Detokenized {
  text: string;
  /** The vocabulary's own piece of each id, markers included. */
  pieces: string[];
}
