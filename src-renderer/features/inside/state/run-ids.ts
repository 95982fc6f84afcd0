import type { PromptInput } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';

/** The token ids that the engine reads for a prompt. @throws EngineError as `tokenize` and `renderChat` */
export async function promptIds(
  engine: Pick<EngineApi, 'call'>,
  prompt: PromptInput,
  signal: AbortSignal,
): Promise<number[]> {
  switch (prompt.kind) {
    case 'ids':
      return prompt.ids;
    case 'text': {
      const { text, addBos = true, parseSpecial = false } = prompt;
      return (await engine.call('tokenize', { text, addBos, parseSpecial }, { signal })).ids;
    }
    case 'chat': {
      const { kind: _, ...params } = prompt;
      return (await engine.call('renderChat', params, { signal })).ids;
    }
  }
}
