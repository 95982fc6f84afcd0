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

/** Makes what is stored to repeat a run; null if it cannot be repeated from that. */
export type RunFacts = (asked: AskedReply, start: GenerateStart, model: ModelInfo) => ReplyRun | null;

/** Of a chat, whose turns are the prompt. @returns null if the prompt is not a chat */
export const runFacts: RunFacts = (asked, start, model) => {
  const { prompt, firstToken } = resolvedRequest(asked.params, start.seed, model);
  if (prompt.kind !== 'chat') return null;
  const [first] = prompt.messages;
  return {
    ...requestFacts(asked, start, model),
    systemPrompt: first?.role === 'system' ? first.text : '',
    template: prompt.template ?? { kind: 'model' },
    enableThinking: prompt.enableThinking ?? null,
    ...(firstToken === undefined ? {} : { chosen: chosenToken(firstToken, prompt.replyIds) }),
  };
};

/** Of a notebook, whose text before the reply is the prompt: no template is used. */
export const notebookRunFacts: RunFacts = (asked, start, model) => {
  const { firstToken } = asked.params;
  return {
    ...requestFacts(asked, start, model),
    systemPrompt: '',
    template: { kind: 'plain' },
    enableThinking: null,
    ...(firstToken === undefined ? {} : { chosen: chosenToken(firstToken) }),
  };
};

function requestFacts(
  { params, requestedAt, versions }: AskedReply,
  start: GenerateStart,
  model: ModelInfo,
): Omit<ReplyRun, 'systemPrompt' | 'template' | 'enableThinking' | 'chosen'> {
  const { prompt, stop, useKvCache, continues } = resolvedRequest(params, start.seed, model);
  return {
    requestedAt,
    whenFull: prompt.whenFull ?? 'stop',
    stop,
    useKvCache,
    continues: continues ?? null,
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
