/* eslint-disable svelte/prefer-svelte-reactivity -- the map is complete when it is returned */
import type { PromptInput } from '../../../../src-main/engine/api/types.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { formatCount, formatInteger } from '../../../ui/format.ts';
import { cutText } from '../../../../src-main/protocol/cut-text.ts';
import type { AttachedFile } from './message-text.ts';

/** What the attached files need, in tokens. */
export interface FitCount {
  /** Per file, by its id. */
  readonly files: ReadonlyMap<string, number>;
  /** The prompt: the files and the typed text, and the chat so far unless its oldest turns may be dropped. */
  readonly prompt: number;
  readonly window: number;
  /** Left for the reply when files are cut. */
  readonly reserve: number;
}

interface Counted {
  readonly prompt: PromptInput;
  readonly files: readonly AttachedFile[];
}

/** Reply tokens that a cut leaves room for: the token limit, at most this share of the window. */
const RESERVED_SHARE = 0.25;
const MAX_CUTS = 8;
/** Fewer tokens of a file are not worth sending. */
const LEAST = 16;

/** Counts with the engine: the prompt exactly as it would be sent. */
export class AttachmentFit {
  count = $state.raw<FitCount | null>(null);
  readonly #engine: () => { ready(signal?: AbortSignal): Promise<EngineApi> };

  constructor(engine: () => { ready(signal?: AbortSignal): Promise<EngineApi> }) {
    this.#engine = engine;
  }

  /** No room even for the first token of a reply. */
  get isTooBig(): boolean {
    return this.count !== null && this.count.prompt + 1 > this.count.window;
  }

  /** Counts; `count` is null until it is known. */
  async measure(counted: Counted, limits: { window: number; maxTokens: number }, signal: AbortSignal): Promise<void> {
    try {
      const engine = await this.#engine().ready(signal);
      const count = await countWith(engine, counted, limits, signal);
      if (!signal.aborted) this.count = count;
    } catch {
      // The text changed, or there is no engine. Sending reports a prompt that does not fit.
      if (!signal.aborted) this.count = null;
    }
  }

  /**
   * Shortens the largest files until the prompt fits.
   * @param promptOf the prompt with other files
   * @throws EngineError CONTEXT_FULL if too little of them would be left
   */
  async cut(
    files: readonly AttachedFile[],
    promptOf: (files: readonly AttachedFile[]) => PromptInput,
    limits: { window: number; maxTokens: number },
  ): Promise<readonly AttachedFile[]> {
    const engine = await this.#engine().ready();
    let current = files;
    for (let attempt = 0; attempt < MAX_CUTS; attempt++) {
      const {
        prompt,
        window,
        reserve,
        files: tokens,
      } = await countWith(engine, { files: current, prompt: promptOf(current) }, limits);
      const over = prompt + reserve - window;
      if (over <= 0) return current;
      const largest = current.toSorted((a, b) => (tokens.get(b.id) ?? 0) - (tokens.get(a.id) ?? 0))[0];
      const size = largest === undefined ? 0 : (tokens.get(largest.id) ?? 0);
      // Where the text is cut, its tokens may differ.
      const keep = size - over - attempt;
      if (largest === undefined || keep < LEAST) break;
      const shorter = await shortened(engine, largest, keep);
      current = current.map((file) => (file === largest ? shorter : file));
    }
    throw new EngineError('CONTEXT_FULL', 'There is no room for these files. Remove one, or start a new chat.');
  }
}

async function countWith(
  engine: EngineApi,
  { prompt, files }: Counted,
  { window, maxTokens }: { window: number; maxTokens: number },
  signal?: AbortSignal,
): Promise<FitCount> {
  const options = signal === undefined ? {} : { signal };
  const counts = new Map<string, number>();
  for (const { id, content } of files) {
    const { ids } = await engine.call('tokenize', { text: content, addBos: false, parseSpecial: false }, options);
    counts.set(id, ids.length);
  }
  const reserve = Math.min(maxTokens, Math.floor(window * RESERVED_SHARE));
  return { files: counts, prompt: await promptTokens(engine, prompt, options), window, reserve };
}

async function promptTokens(
  engine: EngineApi,
  prompt: PromptInput,
  options: { signal?: AbortSignal },
): Promise<number> {
  if (prompt.kind !== 'chat') return 0;
  const { kind: _, whenFull = 'stop', messages, ...chat } = prompt;
  // As the engine does when it drops turns. Here nothing is dropped, which would hide how much too long the prompt is.
  const least = messages.filter(({ role }, at) => role === 'system' || at === messages.length - 1);
  const counted = { ...chat, messages: whenFull === 'stop' ? messages : least, whenFull: 'stop' } as const;
  return (await engine.call('renderChat', counted, options)).ids.length;
}

const CUT = /^Cut to the first [\d,]+ of ([\d,]+)\stokens?\.$/;

/** Cut again, it has only the last note: a message can have few. */
async function shortened(engine: EngineApi, file: AttachedFile, keep: number): Promise<AttachedFile> {
  const { ids, ranges } = await engine.call('tokenize', { text: file.content, addBos: false, parseSpecial: false });
  const end = ranges[2 * (keep - 1) + 1] ?? file.content.length;
  const whole = sizeBeforeCut(file) ?? ids.length;
  const note = `Cut to the first ${formatInteger(keep)} of ${formatCount(whole, 'token')}.`;
  const notes = [...file.notes.filter((one) => !CUT.test(one)), note];
  return { ...file, content: cutText(file.content, end), notes };
}

/** Whether its note says how many tokens are left of it. */
export const isCut = (file: AttachedFile): boolean => sizeBeforeCut(file) !== null;

/** Tokens before the first cut, from its note; null if it was not cut. */
function sizeBeforeCut({ notes }: AttachedFile): number | null {
  const size = notes.map((note) => CUT.exec(note)?.[1]).find((one) => one !== undefined);
  return size === undefined ? null : Number(size.replaceAll(',', ''));
}
