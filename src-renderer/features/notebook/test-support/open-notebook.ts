import type { GenerateEvent } from '../../../../src-main/engine/api/types.ts';
import { EngineState } from '../../chat/state/engine.svelte.ts';
import { ModelSettingsState } from '../../chat/state/model-settings.svelte.ts';
import { SettingsState } from '../../chat/state/settings.svelte.ts';
import { SessionTotals } from '../../chat/rates/session-totals.svelte.ts';
import { RunRecorder } from '../../chat/receipts/run-recorder.ts';
import { FakeConnection, FakeEngine, MODEL, start } from '../../chat/test-support/fakes.ts';
import { dataFolder, openStore, PageLine } from '../../chat/test-support/store.ts';
import { insertTyped, TYPED, type NotebookDocument } from '../state/notebook-document.svelte.ts';
import { NotebookSession } from '../state/notebook-session.svelte.ts';
import { NotebooksState } from '../state/notebooks.svelte.ts';

/** A page on the real services, with an engine that has one token per character of a text. */
export async function open(folder?: string) {
  folder ??= await dataFolder();
  const services = new PageLine(await openStore(folder));
  const connection = new FakeConnection(services);
  const api = new FakeEngine();
  api.answers.tokenize = ({ text, addBos }) => ({
    ids: addBos ? idsOf(text) : idsOf(text).slice(1),
    ranges: new Int32Array(),
    vocabulary: new Map(),
  });
  const settings = await SettingsState.load(services);
  const engine = new EngineState(connection, MODEL.id);
  const notebooks = new NotebooksState(services);
  const modelSettings = new ModelSettingsState({ settings, engine, firstModel: MODEL.id });
  const recorder = new RunRecorder({ engine, versions: async () => ({ Tokenscope: '1.0.0' }) });
  const totals = new SessionTotals();
  const session = new NotebookSession({
    ...{ notebooks, engine, settings, modelSettings, recorder, totals },
    blocked: () => null,
    frame: (callback) => void setTimeout(callback),
  });
  connection.change(api, 'ready');
  await engine.ready();
  const prompts = () => api.requests.map(({ prompt }) => prompt);
  return { folder, services, connection, api, engine, settings, modelSettings, notebooks, session, totals, prompts };
}

/** BOS and `text`, as the engine of `open` has it. */
export function idsOf(text: string): number[] {
  return [0, ...Array.from(text, (one) => one.charCodeAt(0))];
}

/** The engine's `start` for a prompt: its digest is recorded. */
export function startWith(promptIds: number[]): GenerateEvent {
  return { ...start(), promptIds } as GenerateEvent;
}

export function type(notebook: NotebookDocument, at: number, text: string): void {
  notebook.edit(TYPED, (target) => insertTyped(target, at, text));
}

/** Range and index of each token in the text. */
export function marked(session: NotebookSession): number[][] {
  return session.tokens.map(({ from, to, index }) => [from, to, index]);
}
