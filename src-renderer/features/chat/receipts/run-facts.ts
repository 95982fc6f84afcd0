import type { GenerateParams, GenerateStart, ModelInfo } from '../../../../src-main/engine/api/types.ts';
import type { AboutInfo } from '../../../../src-main/protocol/app/about.ts';
import type { ChosenToken, ReplyRun } from '../../../../src-main/protocol/app/chats/chat.ts';
import { conditionsOf, idsDigest, resolvedRequest } from '../../../../src-main/protocol/engine/receipt/receipt.ts';

/** The request for a reply. */
export interface AskedReply {
  readonly params: GenerateParams;
  readonly requestedAt: string;
  /** See `RunConditions`. */
  readonly versions: Record<string, string>;
}

/** What is stored to repeat a run. @returns null if the prompt is not a chat */
export function runFacts(
  { params, requestedAt, versions }: AskedReply,
  start: GenerateStart,
  model: ModelInfo,
): ReplyRun | null {
  const { prompt, stop, useKvCache, continues, firstToken } = resolvedRequest(params, start.seed, model);
  if (prompt.kind !== 'chat') return null;
  const [first] = prompt.messages;
  return {
    requestedAt,
    systemPrompt: first?.role === 'system' ? first.text : '',
    whenFull: prompt.whenFull ?? 'stop',
    template: prompt.template ?? { kind: 'model' },
    enableThinking: prompt.enableThinking ?? null,
    stop,
    useKvCache,
    continues: continues ?? null,
    ...(firstToken === undefined ? {} : { chosen: chosenToken(firstToken, prompt.replyIds) }),
    promptDigest: idsDigest(start.promptIds),
    architecture: model.architecture,
    files: null,
    conditions: conditionsOf(model, versions),
  };
}

function chosenToken(id: number, before: readonly number[] = []): ChosenToken {
  return { id, idsBefore: before.length };
}

/** Browser engines by their part of the user agent string. Edge and others are Chrome. */
const BROWSERS: Readonly<Record<string, string>> = { Firefox: 'Firefox', Chrome: 'Chrome', Version: 'Safari' };

/** Versions of the program and of the engine's runtime: in a browser, the browser. */
export function engineVersions(
  { host, version, versions }: Pick<AboutInfo, 'host' | 'version' | 'versions'>,
  userAgent: string,
): Record<string, string> {
  if (host === 'electron') return { Tokenscope: version, ...versions };
  const [, token = '', browserVersion = ''] = /(Firefox|Chrome|Version)\/([\d.]+)/.exec(userAgent) ?? [];
  const browser = BROWSERS[token];
  return { Tokenscope: version, ...(browser === undefined ? {} : { [browser]: browserVersion }) };
}
