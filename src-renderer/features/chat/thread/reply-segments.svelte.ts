import type { PromptSegment, RenderChatParams } from '../../../../src-main/engine/api/types.ts';
import type { ChatDocument } from '../state/chat-document.svelte.ts';
import type { EngineState } from '../state/engine.svelte.ts';
import type { Reply } from '../state/reply.svelte.ts';

/**
 * Which messages a reply's prompt had, with their tokens. A reply that this page wrote knows; for others the present
 * model is asked, so that it need not be stored.
 */
export class ReplySegments {
  /** Empty while they are not known. */
  current = $state.raw<readonly PromptSegment[]>([]);
  readonly #engine: Pick<EngineState, 'ready'>;

  constructor(engine: Pick<EngineState, 'ready'>) {
    this.#engine = engine;
  }

  /** @param template how the chat is written @returns calls the question off */
  ask(chat: ChatDocument, reply: Reply, template: Omit<RenderChatParams, 'messages'>): () => void {
    const abort = new AbortController();
    if (reply.segments.length > 0 || reply.promptTokens === 0) this.current = reply.segments;
    else void this.#render(chat, reply, template, abort.signal);
    return () => abort.abort();
  }

  async #render(
    chat: ChatDocument,
    reply: Reply,
    template: Omit<RenderChatParams, 'messages'>,
    signal: AbortSignal,
  ): Promise<void> {
    const messages = chat.messages(reply).map(({ message }) => message);
    const before = reply.slice(0, reply.startOf(reply.runStart));
    if (before !== '') messages.push({ role: 'assistant', text: before });
    const { droppedMessages } = reply.facts;
    try {
      const engine = await this.#engine.ready(signal);
      const { segments } = await engine.call('renderChat', { ...template, messages }, { signal });
      if (!signal.aborted) this.current = withDropped(segments, droppedMessages);
    } catch {
      // The template refuses the chat, or there is no engine: the numbers above are known without it.
      if (!signal.aborted) this.current = [];
    }
  }
}

/** The oldest messages were left out, never the system prompt. */
function withDropped(segments: readonly PromptSegment[], count: number): PromptSegment[] {
  let left = count;
  return segments.map((segment) => {
    const dropped = segment.role !== 'system' && left > 0;
    if (dropped) left--;
    return { ...segment, dropped };
  });
}
