import type { PromptInput } from '../../../../src-main/engine/api/types.ts';
import type { EngineState } from './engine.svelte.ts';

/** The size of a prompt and of the context window, tokens. */
export interface PromptSize {
  readonly tokens: number;
  readonly window: number;
}

/** A prompt needs a token less than the window holds, for the reply. */
export function fits({ tokens, window }: PromptSize): boolean {
  return tokens < window;
}

/**
 * The exact size of a chat prompt: what the engine would read, after it dropped what the chat's setting allows.
 * @param maxTokens token limit of the reply
 * @returns null if it is unknown: there is no engine, or the template fails; then sending reports that
 */
export async function promptSize(
  input: PromptInput,
  maxTokens: number,
  engine: Pick<EngineState, 'ready' | 'status' | 'model'>,
  signal?: AbortSignal,
): Promise<PromptSize | null> {
  const { model } = engine;
  if (input.kind !== 'chat' || engine.status !== 'ready' || model === null) return null;
  const { kind: _, ...prompt } = input;
  try {
    const api = await engine.ready(signal);
    const { ids } = await api.call('renderChat', { ...prompt, maxTokens }, signal === undefined ? {} : { signal });
    return { tokens: ids.length, window: model.contextSize };
  } catch {
    return null;
  }
}
