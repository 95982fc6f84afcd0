import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import type { PromptInput, SamplingParams } from '../../../../src-main/engine/api/types.ts';
import type { ModelSettings, Settings } from '../../../../src-main/protocol/app/app-services.ts';
import type { ComparedPrompt } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { differences } from '../../../../src-main/protocol/app/settings-schemas.ts';
import { GrammarCheck } from '../../chat/grammar/grammar-check.svelte.ts';
import type { AutomaticRequests } from '../../chat/state/automatic-requests.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import { ModelSettingsState } from '../../chat/state/model-settings.svelte.ts';
import type { PanelModel } from '../../chat/state/panel-model.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import type { SettingsState } from '../../chat/state/settings.svelte.ts';
import { isEmptyPrompt, laneParams } from './lane-settings.ts';
import type { Lane } from './lane.svelte.ts';

interface LanePanelParts {
  readonly lane: Lane;
  readonly engine: EngineState;
  readonly settings: SettingsState;
  readonly automatic: AutomaticRequests;
  readonly prompt: () => ComparedPrompt;
  /** Lanes are running, so the engine is busy. */
  readonly busy: () => boolean;
  /** What the panel says that its settings apply to. */
  readonly scope: string;
}

/** Lets the chat's panels edit the settings of a lane, as if they were those of its model. */
export class LanePanel implements PanelModel {
  readonly engine: PanelModel['engine'];
  readonly modelSettings: ModelSettingsState;
  readonly grammarCheck: GrammarCheck;
  readonly automatic: AutomaticRequests;
  readonly session: PanelModel['session'];
  readonly chats: PanelModel['chats'];
  readonly scope: string;
  readonly #lane: Lane;
  readonly #settings: SettingsState;

  constructor(parts: LanePanelParts) {
    const { lane, engine, prompt, busy } = parts;
    this.#lane = lane;
    this.#settings = parts.settings;
    this.automatic = parts.automatic;
    this.scope = parts.scope;
    this.engine = {
      get model() {
        return engine.model?.id === lane.settings.modelId ? engine.model : null;
      },
      get status() {
        return engine.model?.id === lane.settings.modelId ? engine.status : 'empty';
      },
      ready: (signal) => engine.ready(signal),
    };
    this.modelSettings = new ModelSettingsState({
      settings: this.#store(),
      engine: this.engine,
      firstModel: lane.settings.modelId,
      owner: lane.key,
    });
    this.grammarCheck = new GrammarCheck(engine, parts.automatic);
    this.session = {
      get busy() {
        return busy();
      },
      get running(): Reply | null {
        return lane.reply?.running ? lane.reply : null;
      },
      draft: '',
      hasDraft: false,
      promptOf: (): PromptInput => laneParams(prompt(), lane.settings, 0).prompt,
    };
    this.chats = {
      current: {
        id: lane.key,
        get isEmpty() {
          return isEmptyPrompt(prompt());
        },
        get lastReply() {
          return lane.reply;
        },
        newestReplies: (count) => lane.replies.filter(({ stop }) => stop !== null).slice(0, count),
        get systemPrompt() {
          return lane.settings.systemPrompt;
        },
        set systemPrompt(systemPrompt) {
          lane.set({ systemPrompt });
        },
      },
    };
  }

  #store(): Pick<SettingsState, 'current' | 'update'> {
    const read = () => ({ ...this.#settings.current, perModel: { [this.#lane.settings.modelId]: this.#own() } });
    const write = (patch: Partial<Settings>) => {
      const own = patch.perModel?.[this.#lane.settings.modelId];
      if (own !== undefined) this.#take(own);
    };
    return {
      get current() {
        return read();
      },
      update: write,
    };
  }

  get #base(): SamplingParams {
    return { ...defaultSamplingParams(), ...this.engine.model?.samplingDefaults };
  }

  /** The lane's settings as differences from the model's. */
  #own(): ModelSettings {
    const { sampling, stop, template, enableThinking } = this.#lane.settings;
    const drafts = { ...this.#lane.drafts };
    if (template.kind === 'custom') drafts.template = template.source;
    if (sampling.grammar !== null) drafts[sampling.grammar.kind] = sampling.grammar.source;
    return {
      sampling: differences(sampling, this.#base),
      stop: differences(stop, defaultStopParams()),
      template: template.kind,
      enableThinking,
      contextSize: null,
      drafts,
    };
  }

  #take({ sampling, stop, template, enableThinking, drafts }: ModelSettings): void {
    this.#lane.drafts = drafts;
    this.#lane.set({
      sampling: { ...this.#base, ...sampling },
      stop: { ...defaultStopParams(), ...stop },
      template: template === 'custom' ? { kind: 'custom', source: drafts.template } : { kind: template },
      enableThinking,
    });
  }
}
