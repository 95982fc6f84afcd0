import type { ModelInfo, PromptInput } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';

interface PromptUse {
  /** The model that reads a text; by default the one that answers. */
  modelId?: string | undefined;
  /** Token limit of the reply to a chat: it decides how many old turns are dropped. */
  maxTokens?: number;
}

/**
 * The token ids that the engine reads for a prompt.
 * @throws EngineError as `tokenize` and `renderChat`
 */
export async function promptIds(
  engine: Pick<EngineApi, 'call'>,
  prompt: PromptInput,
  signal: AbortSignal,
  { modelId, maxTokens }: PromptUse = {},
): Promise<number[]> {
  switch (prompt.kind) {
    case 'ids':
      return prompt.ids;
    case 'text': {
      const { text, addBos = true, parseSpecial = false } = prompt;
      const by = modelId === undefined ? {} : { modelId };
      return (await engine.call('tokenize', { text, addBos, parseSpecial, ...by }, { signal })).ids;
    }
    case 'chat': {
      const { kind: _, ...chat } = prompt;
      const params = { ...chat, ...(maxTokens === undefined ? {} : { maxTokens }) };
      return (await engine.call('renderChat', params, { signal })).ids;
    }
  }
}

/** @param of which the person can shorten or not */
export function tooLong(
  tokens: number,
  { name, contextSize }: Pick<ModelInfo, 'name' | 'contextSize'>,
  of: 'text' | 'reply' = 'text',
): string {
  const has = of === 'text' ? 'The text has' : 'The chat up to here has';
  const help = of === 'text' ? 'Shorten it.' : `Load ${name} with a larger context window.`;
  return `${has} ${tokens} tokens, but the context window of ${name} holds ${contextSize}. ${help}`;
}
