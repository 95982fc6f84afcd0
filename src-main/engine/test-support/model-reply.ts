import { defaultGenerateParams } from '../api/defaults.ts';
import type { GenerateParams } from '../api/types.ts';
import type { Executor } from '../executors/executor.ts';
import { ContextWindow } from '../generation/context-window.ts';
import { generate } from '../generation/generate.ts';
import { readPrompt } from '../generation/prompt.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import type { Model } from '../models/model.ts';
import { testPlatform } from './scripted-model.ts';

/** The events of a reply of eight tokens to a few ids, with a window of `cells` tokens of its own. */
export function modelReply(
  model: Model,
  executor: Executor,
  cells: number,
  change: (params: GenerateParams) => void = () => undefined,
): ReturnType<typeof generate> {
  const params = defaultGenerateParams({ kind: 'ids', ids: [11, 48, 85, 3] });
  params.stop.maxTokens = 8;
  params.stop.repetitionWindow = 0;
  params.stop.ignoreEos = true;
  change(params);
  const context = new ContextWindow(executor, new KvCache(cells));
  const prompt = readPrompt(params.prompt, model, params.stop.maxTokens);
  const job = { model, executor: executor.name, context, platform: testPlatform(), params, prompt };
  return generate({ ...job, seed: 5, loadMs: 0, cancel: undefined });
}
