import type {
  ChatMessage,
  GenerateParams,
  ModelInfo,
  PreviewParams,
  PromptInput,
  StopParams,
  WhenFull,
} from '../../../../src-main/engine/api/types.ts';
import { newReplyFacts, type ReplyFacts } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { storedRun } from '../receipts/recorded-reply.ts';
import type { DrawQuestion, DrawSource } from '../../waterfall/draw-source.ts';
import type { ChatDocument, ChatTurn } from './chat-document.svelte.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';
import { drawnFrom, replyDraws } from './reply-draws.ts';
import { prefixOf, type ReplyPrefix } from './reply-prefix.ts';
import { Reply } from './reply.svelte.ts';
import type { SettingsState } from './settings.svelte.ts';

/** Number of candidates stored with each token. */
export const CANDIDATES = 20;

/** A token of a reply in whose place another one is chosen. */
export interface Branch {
  readonly from: Reply;
  readonly index: number;
  /** The token to take instead. */
  readonly id: number;
}

/** Builds requests for the engine from a chat and the settings. */
export class ReplyRequest {
  readonly #settings: SettingsState;
  readonly #modelSettings: ModelSettingsState;

  constructor(parts: { settings: SettingsState; modelSettings: ModelSettingsState }) {
    this.#settings = parts.settings;
    this.#modelSettings = parts.modelSettings;
  }

  /** What happens in a chat when the context window is full. */
  whenFull(chat: ChatDocument): WhenFull {
    return chat.whenFull ?? this.#settings.current.whenFull;
  }

  /** Parameters to generate `reply`, or to continue it. @param date the current time, ISO 8601 @param whenFull instead of the chat's */
  params(chat: ChatDocument, reply: Reply, date: string, whenFull = this.whenFull(chat)): GenerateParams {
    const messages = this.#messagesWith(chat, reply);
    const { sampling, stop } = this.#modelSettings.of(chat);
    const { useKvCache, speculate } = this.#settings.current;
    const run = { useKvCache, speculate, ...this.storedPrefix(chat) };
    const prompt = { ...this.#prompt(chat, messages), whenFull, date };
    return { prompt, sampling, stop, ...run, topCandidates: CANDIDATES, ...continuationOf(reply) };
  }

  /** Parameters from `params` with the settings of the model that is loaded by now. */
  withPresentSettings(params: GenerateParams, chat: ChatDocument): GenerateParams {
    if (params.prompt.kind !== 'chat') return params;
    const { enableThinking: _, ...prompt } = params.prompt;
    const { sampling, stop } = this.#modelSettings.of(chat);
    return { ...params, prompt: { ...prompt, ...this.#templating() }, sampling, stop };
  }

  /** The draws of a reply in the open path of a chat. */
  drawsOf(chat: ChatDocument, reply: Reply): DrawSource {
    const asked = chat.path[chat.path.indexOf(reply) - 1];
    const before = asked?.role === 'user' ? `${asked.text} ` : '';
    return replyDraws(reply, before, (index) => this.#drawOf(chat, reply, index));
  }

  #drawOf(chat: ChatDocument, reply: Reply, index: number): DrawQuestion {
    const { branch } = reply.facts;
    const source = branch === undefined || index >= branch.index ? null : chat.turn(branch.turn);
    // Tokens before the branch were drawn for the other version.
    if (source instanceof Reply) return this.#drawOf(chat, source, index);
    const run = index < reply.runStart ? null : storedRun(chat, reply);
    if (run === null || typeof run === 'string') return this.#unrecordedDrawOf(chat, reply, index);
    const { prompt, sampling, stop, continues, firstToken } = run.request;
    const dated = prompt.kind === 'chat' ? { ...prompt, date: run.requestedAt } : prompt;
    return {
      ...{ sampling, stop, ...(continues === undefined ? {} : { continues }) },
      prompt: dated,
      ...(firstToken === undefined ? { reply: reply.ids(reply.runStart, index) } : afterChosen(reply, index)),
    };
  }

  /**
   * Parameters to generate a branch: those of a new reply, with the tokens before the branch and the chosen one.
   * @param id the chosen token @param before the tokens before it
   */
  branchParams(
    params: GenerateParams,
    chat: ChatDocument,
    reply: Reply,
    id: number,
    before: ReplyPrefix,
  ): GenerateParams {
    const { continues: _, ...others } = params;
    const prompt = this.#promptAfter(chat, reply, before);
    const dated = params.prompt.kind === 'chat' ? { ...params.prompt, ...prompt } : prompt;
    return { ...others, prompt: dated, firstToken: id };
  }

  /**
   * The prompt of a reply with a part of it behind: the first `end` tokens of `from`.
   * @param reply in the open path; `from` itself, or another version of it
   */
  async promptWith(
    chat: ChatDocument,
    reply: Reply,
    { from, end }: { from: Reply; end: number },
    engine: Pick<EngineApi, 'call'>,
  ): Promise<Extract<PromptInput, { kind: 'chat' }>> {
    return this.#promptAfter(chat, reply, await prefixOf(from, end, engine));
  }

  #promptAfter(chat: ChatDocument, reply: Reply, { text, ids }: ReplyPrefix): Extract<PromptInput, { kind: 'chat' }> {
    const messages = chat.messages(reply).map(({ message }) => message);
    if (text !== '') messages.push({ role: 'assistant', text });
    return { ...this.#prompt(chat, messages), ...(ids.length === 0 ? {} : { replyIds: ids }) };
  }

  /** Where K and V of a chat are stored; empty if they are not. */
  storedPrefix({ id }: ChatDocument): Pick<GenerateParams, 'storePrefixFor'> {
    return this.#settings.current.storePrefix ? { storePrefixFor: id } : {};
  }

  /**
   * The prompt if `draft` were sent in the chat; without a draft, of the last reply's continuation, with its reasoning.
   * @param instead it is another version of this turn
   */
  promptOf(chat: ChatDocument, draft: string, instead?: ChatTurn): PromptInput {
    const before = chat.messages(instead).map(({ message }) => message);
    if (draft.trim() !== '' || before.every(({ role }) => role === 'system')) {
      return this.#prompt(chat, [...before, { role: 'user', text: draft }]);
    }
    const { lastReply } = chat;
    const isContinued = instead === undefined && lastReply !== null;
    return this.#prompt(chat, isContinued ? this.#messagesWith(chat, lastReply) : before);
  }

  /** Initial facts of a new reply. */
  newFacts(model: ModelInfo | null): ReplyFacts {
    return newReplyFacts({
      sampling: this.#modelSettings.sampling,
      ...modelFacts(model),
      executor: model?.executor ?? 'reference',
    });
  }

  /** For replies of earlier versions, branches, and what precedes a continuation: the prompt as it would be now. */
  #unrecordedDrawOf(chat: ChatDocument, reply: Reply, index: number): DrawQuestion {
    const { branch, run } = reply.facts;
    const dated = run == null ? {} : { date: run.requestedAt };
    const messages = chat.messages(reply).map(({ message }) => message);
    const sampling = { ...reply.sampling, seed: reply.seed };
    const stop = stopBefore(reply) ?? this.#modelSettings.stop;
    if (branch !== undefined && branch.index === reply.runStart && index >= reply.runStart) {
      const prompt = { ...this.#prompt(chat, messages), ...dated, replyIds: reply.ids(0, reply.runStart) };
      return { prompt, sampling, stop, ...afterChosen(reply, index) };
    }
    const first = index < reply.runStart ? 0 : reply.runStart;
    if (first > 0) messages.push({ role: 'assistant', text: reply.slice(0, reply.startOf(first)) });
    return { prompt: { ...this.#prompt(chat, messages), ...dated }, sampling, stop, reply: reply.ids(first, index) };
  }

  /** The messages up to a reply, and the reply as it was generated. */
  #messagesWith(chat: ChatDocument, reply: Reply): ChatMessage[] {
    const messages = chat.messages(reply).map(({ message }) => message);
    return reply.text === '' ? messages : [...messages, { role: 'assistant', text: reply.text }];
  }

  #prompt(chat: ChatDocument, messages: ChatMessage[]): Extract<PromptInput, { kind: 'chat' }> {
    return { kind: 'chat', messages, whenFull: this.whenFull(chat), ...this.#templating() };
  }

  #templating(): Pick<Extract<PromptInput, { kind: 'chat' }>, 'template' | 'enableThinking'> {
    const { template, own } = this.#modelSettings;
    return { template, ...(own.enableThinking === null ? {} : { enableThinking: own.enableThinking }) };
  }
}

/** The tokens before token `index` of a run that began with a token that a person chose. */
function afterChosen(reply: Reply, index: number): Pick<PreviewParams, 'firstToken' | 'reply'> {
  const drawn = drawnFrom(reply, index);
  const chosen = reply.ids(reply.runStart, drawn).at(0);
  return { ...(chosen === undefined ? {} : { firstToken: chosen }), reply: reply.ids(drawn, index) };
}

/** The stop settings of a reply that was continued: only those of its latest run are stored. Null if none are. */
function stopBefore({ facts: { run }, runStart }: Reply): StopParams | null {
  // The limit was at least what was generated. A grammar needs the number of tokens that are left.
  return run == null ? null : { ...run.stop, maxTokens: Math.max(run.stop.maxTokens, runStart) };
}

export function modelFacts(model: ModelInfo | null): Pick<ReplyFacts, 'modelId' | 'model' | 'vocabularySize'> {
  return { modelId: model?.id ?? '', model: model?.name ?? '', vocabularySize: model?.vocabularySize ?? 0 };
}

/** What the engine needs to know to continue a reply; empty for a new one. */
function continuationOf({ text, stop }: Reply): Pick<GenerateParams, 'continues'> {
  if (text === '' && stop === null) return {};
  const stopString = stop?.reason === 'stop_string' ? stop.stopString : undefined;
  return { continues: { reason: stop?.reason ?? null, ...(stopString === undefined ? {} : { stopString }) } };
}
