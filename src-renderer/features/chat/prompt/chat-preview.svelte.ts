import { EngineError } from '../../../../src-main/engine/errors.ts';
import type { ChatMessage, RenderChatParams, RenderedChat, SourceProblem } from '../../../../src-main/engine/types.ts';
import type { EngineState } from '../state/engine.svelte.ts';
import type { AutomaticRequests } from '../state/automatic-requests.ts';

/** A template that is being written is tried when typing pauses, ms. */
const ASK_AFTER_MS = 150;

/** What the model would read: the open chat, as its template writes it. */
export class ChatPreview {
  result = $state.raw<{ chat: RenderedChat; messages: readonly ChatMessage[] } | null>(null);
  /** Why there is none; null: there is. */
  error = $state.raw<EngineError | null>(null);
  readonly #engine: Pick<EngineState, 'ready' | 'model'>;
  readonly #automatic: AutomaticRequests;

  constructor(engine: Pick<EngineState, 'ready' | 'model'>, automatic: AutomaticRequests) {
    this.#engine = engine;
    this.#automatic = automatic;
  }

  /** The engine did not answer when it rendered this template before, so it is not tried unless `retry` is called. */
  get held(): boolean {
    return this.error?.details['unanswered'] === true;
  }

  /** Where the template is wrong; null where that is not what went wrong. */
  get problem(): SourceProblem | null {
    return this.error === null ? null : problemOf(this.error);
  }

  /** Asks soon. @returns calls the question off */
  ask(params: RenderChatParams): () => void {
    const abort = new AbortController();
    const timer = setTimeout(() => void this.#render(params, abort.signal), ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  /** Renders a chat whose template was held back. */
  retry(params: RenderChatParams): () => void {
    this.#automatic.allow(this.#subject(params));
    return this.ask(params);
  }

  /** A template that hangs does so for most chats. */
  #subject({ template }: RenderChatParams): unknown {
    return [this.#engine.model?.id, template];
  }

  async #render(params: RenderChatParams, signal: AbortSignal): Promise<void> {
    try {
      const engine = await this.#engine.ready(signal);
      const chat = await this.#automatic.run(this.#subject(params), signal, () => {
        return engine.call('renderChat', params, { signal });
      });
      if (signal.aborted) return;
      this.result = { chat, messages: params.messages };
      this.error = null;
    } catch (thrown) {
      if (signal.aborted) return;
      this.result = null;
      this.error = EngineError.from(thrown);
    }
  }
}

/** Where a template is wrong, as an error of the engine tells it. */
function problemOf({ message, details }: EngineError): SourceProblem | null {
  const { line, column, reason } = details;
  if (typeof line !== 'number' || typeof column !== 'number') return null;
  return { message: typeof reason === 'string' ? reason : message, line, column };
}
