import type { ModelInfo, PromptInput } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';

/**
 * The token ids that the engine reads for a prompt.
 * @param modelId of the model that reads a text; by default the one that answers
 * @throws EngineError as `tokenize` and `renderChat`
 */
export async function promptIds(
  engine: Pick<EngineApi, 'call'>,
  prompt: PromptInput,
  signal: AbortSignal,
  modelId?: string,
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
      const { kind: _, ...params } = prompt;
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
