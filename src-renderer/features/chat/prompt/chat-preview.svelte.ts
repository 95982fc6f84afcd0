import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type {
  ChatMessage,
  RenderChatParams,
  RenderedChat,
  SourceProblem,
} from '../../../../src-main/engine/api/types.ts';
import type { EngineState } from '../state/engine.svelte.ts';
import type { AutomaticRequests } from '../state/automatic-requests.ts';

/** Debounce delay, ms. */
const ASK_AFTER_MS = 150;

/** The exact prompt for the open chat: rendered by its template. */
export class ChatPreview {
  result = $state.raw<{ chat: RenderedChat; messages: readonly ChatMessage[] } | null>(null);
  /** What `result` or `error` are of: see `ask`. */
  of = $state.raw<unknown>(null);
  /** Why rendering failed, or null. */
  error = $state.raw<EngineError | null>(null);
  readonly #engine: Pick<EngineState, 'ready' | 'model'>;
  readonly #automatic: AutomaticRequests;

  constructor(engine: Pick<EngineState, 'ready' | 'model'>, automatic: AutomaticRequests) {
    this.#engine = engine;
    this.#automatic = automatic;
  }

  /** An earlier rendering got no response from the engine, so it is only tried again by `retry`. */
  get held(): boolean {
    return this.error?.details['unanswered'] === true;
  }

  /** Position of the error in the template; null if the error has none. */
  get problem(): SourceProblem | null {
    return this.error === null ? null : problemOf(this.error);
  }

  /** Schedules a request. @param of what is rendered, for example a chat @returns cancels it */
  ask(params: RenderChatParams, of: unknown = null): () => void {
    const abort = new AbortController();
    const timer = setTimeout(() => void this.#render(params, of, abort.signal), ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  /** Renders a chat whose rendering was skipped. */
  retry(params: RenderChatParams, of: unknown = null): () => void {
    this.#automatic.allow(this.#subject(params));
    return this.ask(params, of);
  }

  /** What identifies a request that hangs: a template that hangs does so for most chats. */
  #subject({ template }: RenderChatParams): unknown {
    return [this.#engine.model?.id, template];
  }

  async #render(params: RenderChatParams, of: unknown, signal: AbortSignal): Promise<void> {
    try {
      const engine = await this.#engine.ready(signal);
      const chat = await this.#automatic.run(this.#subject(params), signal, () => {
        return engine.call('renderChat', params, { signal });
      });
      if (signal.aborted) return;
      this.result = { chat, messages: params.messages };
      this.error = null;
      this.of = of;
    } catch (thrown) {
      if (signal.aborted) return;
      this.result = null;
      this.error = EngineError.from(thrown);
      this.of = of;
    }
  }
}

/** Position of a template error, from the engine's error. */
function problemOf({ message, details }: EngineError): SourceProblem | null {
  const { line, column, reason } = details;
  if (typeof line !== 'number' || typeof column !== 'number') return null;
  return { message: typeof reason === 'string' ? reason : message, line, column };
}
