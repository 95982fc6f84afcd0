import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import type {
  ChatTemplateChoice,
  GrammarSource,
  ModelInfo,
  SamplingParams,
  StopParams,
} from '../../../../src-main/engine/api/types.ts';
import {
  defaultModelSettings,
  differences,
  MAX_MODELS_WITH_SETTINGS,
} from '../../../../src-main/protocol/app/settings-schemas.ts';
import type { ChatSettings } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { ModelSettings } from '../../../../src-main/protocol/app/app-services.ts';
import type { EngineState } from './engine.svelte.ts';
import type { SettingsState } from './settings.svelte.ts';

/** All settings of a model for replies, without gaps. */
export interface CompleteSettings {
  readonly sampling: SamplingParams;
  readonly stop: StopParams;
  readonly template: ChatTemplateChoice;
  readonly enableThinking: boolean | null;
}

/** A chat that may have settings of its own. */
export interface SettingsScope {
  readonly id: string;
  settings: ChatSettings | null;
}

/**
 * The settings of the current model: the user's, else those that its file recommends, else the app's defaults. Only the
 * user's are stored. The sampling and stop settings may instead be those of the open chat.
 */
export class ModelSettingsState {
  readonly #settings: Pick<SettingsState, 'current' | 'update'>;
  readonly #engine: Pick<EngineState, 'model'>;
  readonly #firstModel: string;
  readonly #chat: () => SettingsScope | null;
  readonly #restore: (chat: SettingsScope, settings: ChatSettings) => void;
  readonly #owner: string | null;

  readonly #id = $derived.by(() => this.#engine.model?.id ?? this.#firstModel);
  /** The user's settings of the model. */
  readonly #ofModel = $derived.by(
    (): ModelSettings => this.#settings.current.perModel[this.#id] ?? defaultModelSettings(),
  );
  /** The sampling and stop settings are those of the open chat. */
  readonly areOfChat = $derived.by((): boolean => (this.#chat()?.settings ?? null) !== null);
  /** What the sampling and stop settings belong to: the id of the chat, of the model, or of what `parts` names. */
  readonly owner = $derived.by((): string => {
    const chat = this.#chat();
    return chat === null || chat.settings === null ? (this.#owner ?? this.#id) : chat.id;
  });
  /** The user's settings. */
  readonly own = $derived.by((): ModelSettings => ({ ...this.#ofModel, ...this.#chat()?.settings }));
  /** What the model's file recommends; may be empty. */
  readonly recommended = $derived.by((): Partial<SamplingParams> => this.#engine.model?.samplingDefaults ?? {});
  /** The values without the user's settings. */
  readonly base = $derived.by((): SamplingParams => ({ ...defaultSamplingParams(), ...this.recommended }));
  readonly sampling = $derived.by((): SamplingParams => ({ ...this.base, ...this.own.sampling }));
  readonly stop = $derived.by((): StopParams => ({ ...defaultStopParams(), ...this.own.stop }));
  readonly template = $derived.by((): ChatTemplateChoice => {
    const { template, drafts } = this.own;
    return template === 'custom' ? { kind: 'custom', source: drafts.template } : { kind: template };
  });

  /**
   * @param parts `firstModel`: the model whose settings apply until one is loaded; `chat`: the open chat, if it counts;
   * `restore`: gives settings back to a chat that may be closed by then; `owner`: of the settings, if not the model
   */
  constructor(parts: {
    settings: Pick<SettingsState, 'current' | 'update'>;
    engine: Pick<EngineState, 'model'>;
    firstModel: string;
    chat?: () => SettingsScope | null;
    restore?: (chat: SettingsScope, settings: ChatSettings) => void;
    owner?: string;
  }) {
    this.#settings = parts.settings;
    this.#engine = parts.engine;
    this.#firstModel = parts.firstModel;
    this.#chat = parts.chat ?? (() => null);
    this.#restore = parts.restore ?? ((chat, settings) => (chat.settings = settings));
    this.#owner = parts.owner ?? null;
  }

  get model(): ModelInfo | null {
    return this.#engine.model;
  }

  /** The settings of any chat with the current model. */
  of({ settings }: Pick<SettingsScope, 'settings'>): Pick<CompleteSettings, 'sampling' | 'stop'> {
    const { sampling, stop } = settings ?? this.#ofModel;
    return { sampling: { ...this.base, ...sampling }, stop: { ...defaultStopParams(), ...stop } };
  }

  /** Gives the open chat a copy of the settings as its own, or takes its own away. */
  setOfChat(on: boolean): void {
    const chat = this.#chat();
    if (chat === null || on === this.areOfChat) return;
    const { sampling, stop } = this.own;
    chat.settings = on ? { sampling, stop } : null;
  }

  /** @returns puts the sampling and stop settings back as they are now, whatever model or chat is current by then */
  remember(): () => void {
    const chat = this.#chat();
    const own = chat?.settings ?? null;
    if (chat !== null && own !== null) return () => this.#restore(chat, own);
    const id = this.#id;
    const { sampling, stop } = this.#ofModel;
    return () => this.#changeOf(id, { sampling, stop });
  }

  setSampling(patch: Partial<SamplingParams>): void {
    this.#change({ sampling: differences({ ...this.sampling, ...patch }, this.base) });
  }

  setStop(patch: Partial<StopParams>): void {
    this.#change({ stop: differences({ ...this.stop, ...patch }, defaultStopParams()) });
  }

  setTemplate(kind: ChatTemplateChoice['kind']): void {
    this.#change({ template: kind });
  }

  setThinking(enableThinking: boolean | null): void {
    this.#change({ enableThinking });
  }

  /** Sets the context size of any model, not only of the current one. */
  setContext(id: string, contextSize: number): void {
    this.#changeOf(id, { contextSize });
  }

  /** Replaces what a person set for any model by complete settings. @returns undoes it */
  replace(id: string, settings: CompleteSettings): () => void {
    const { sampling, stop, template, enableThinking } = settings;
    const before = this.#settings.current.perModel[id] ?? defaultModelSettings();
    const drafts = { ...before.drafts };
    if (template.kind === 'custom') drafts.template = template.source;
    if (sampling.grammar !== null) drafts[sampling.grammar.kind] = sampling.grammar.source;
    this.#changeOf(id, {
      // What the file of another model recommends is not known, so every value is set.
      sampling: id === this.#id ? differences(sampling, this.base) : sampling,
      stop: differences(stop, defaultStopParams()),
      template: template.kind,
      enableThinking,
      drafts,
    });
    return () => this.#changeOf(id, before);
  }

  setTemplateSource(template: string): void {
    this.#change({ drafts: { ...this.own.drafts, template } });
  }

  /** Null turns the grammar off; its text is kept as a draft. */
  setGrammar(grammar: GrammarSource | null): void {
    const drafts = grammar === null ? this.own.drafts : { ...this.own.drafts, [grammar.kind]: grammar.source };
    this.#change({ sampling: differences({ ...this.sampling, grammar }, this.base), drafts });
  }

  /** Whether the value is recommended by the model's file and not overridden. */
  isRecommended(key: keyof SamplingParams): boolean {
    return Object.hasOwn(this.recommended, key) && !Object.hasOwn(this.own.sampling, key);
  }

  /** Resets settings to what the model's file recommends, else to the app's defaults. */
  reset(keys: readonly (keyof SamplingParams)[]): void {
    this.setSampling(Object.fromEntries(keys.map((key) => [key, this.base[key]])));
  }

  #change(patch: Partial<ModelSettings>): void {
    const chat = this.#chat();
    const own = chat?.settings ?? null;
    if (chat === null || own === null) {
      this.#changeOf(this.#id, patch);
      return;
    }
    const { sampling = own.sampling, stop = own.stop, ...others } = patch;
    if (sampling !== own.sampling || stop !== own.stop) chat.settings = { sampling, stop };
    if (Object.keys(others).length > 0) this.#changeOf(this.#id, others);
  }

  #changeOf(id: string, patch: Partial<ModelSettings>): void {
    const { perModel } = this.#settings.current;
    const kept = Object.entries(perModel)
      .filter(([other]) => other !== id)
      .slice(-(MAX_MODELS_WITH_SETTINGS - 1));
    const changed = { ...(perModel[id] ?? defaultModelSettings()), ...patch };
    this.#settings.update({ perModel: { ...Object.fromEntries(kept), [id]: changed } });
  }
}
