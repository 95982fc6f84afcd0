/** The models in memory: one that answers, and possibly others beside it. Callers take turns. */
import { EngineError } from './api/errors.ts';
import type { ModelFiles, Platform } from './api/platform.ts';
import { afterLoss } from './executors/executor-choice.ts';
import { isDeviceLoss } from './executors/webgpu/device-watch.ts';
import { infoOf, loadModel, loadOnCpu, lossBefore, type Loaded, type LoadOptions } from './load-model.ts';
import type { SharedGpu } from './open-on-executor.ts';

type Which = 'current' | 'kept' | 'beside';

export class LoadedModels {
  /** The one that answers. */
  current: Loaded | null = null;
  /** See `LoadOptions.keepLoaded`. */
  kept: Loaded | null = null;
  /** See `LoadOptions.beside`. */
  beside: Loaded | null = null;
  /** Why the GPU was lost; null if it was not, or was chosen again since. */
  private lostGpu: EngineError | null = null;
  /** Loads the model again that was unloaded to free the GPU; null if none was. */
  private reload: ((error: EngineError) => Promise<Loaded>) | null = null;

  constructor(private readonly platform: Platform) {}

  /**
   * Replaces the current model, which stays, or is loaded again, when loading fails.
   * @throws EngineError as `loadModel`
   */
  async load(files: ModelFiles | (() => Promise<ModelFiles>), options: LoadOptions): Promise<Loaded> {
    const { unless, keepLoaded = false, beside = false } = options;
    const isWanted = async (one: Loaded | null): Promise<boolean> =>
      one !== null && !one.executor.failed && (await unless?.(infoOf(one), one.files.stamp)) === true;
    if (beside) return this.loadBeside(files, options, isWanted);
    if (await isWanted(this.current)) {
      if (!keepLoaded) await this.dispose('kept');
      return this.require();
    }
    if (await isWanted(this.kept)) {
      [this.current, this.kept] = [this.kept, this.current];
      if (!keepLoaded) await this.dispose('kept');
      return this.require();
    }
    const found = typeof files === 'function' ? await files() : files;
    this.lostGpu = lossBefore(this.lostGpu, this.current, options);
    // The old model is unusable, so free its memory first.
    if (this.current?.executor.failed) await this.dispose('current');
    try {
      const loaded = await loadModel(this.platform, found, options, this.sharedGpu(keepLoaded));
      if (keepLoaded && this.kept === null) this.kept = this.current;
      else await this.dispose('current');
      if (!keepLoaded) await this.dispose('kept');
      this.current = loaded;
      this.reload = null;
      return loaded;
    } catch (thrown) {
      // Whatever was read of the model is garbage, possibly gigabytes.
      this.platform.collectGarbage?.();
      await this.restore(EngineError.from(thrown));
      throw thrown;
    }
  }

  /** Moves the current model from a lost GPU to the CPU. @throws EngineError the given one if it is not on the GPU */
  async moveToCpu(error: EngineError): Promise<Loaded> {
    const lost = this.require();
    if (lost.executor.name !== 'webgpu') throw error;
    this.lostGpu = error;
    // Its memory is freed first.
    await this.dispose('current');
    this.current = await loadOnCpu(this.platform, lost, error);
    return this.current;
  }

  /** @param modelId of a model in memory; by default the one that answers @throws EngineError NO_MODEL, MODEL_NOT_FOUND */
  require(modelId?: string): Loaded {
    if (this.current === null) throw new EngineError('NO_MODEL', 'No model is loaded. Load one first.');
    if (modelId === undefined) return this.current;
    const found = [this.current, this.beside].find((one) => one?.model.config.id === modelId);
    if (found) return found;
    throw new EngineError('MODEL_NOT_FOUND', 'This model is no longer in memory. Choose it again.', { modelId });
  }

  /** Frees a model and its memory at once. */
  async dispose(which: Which): Promise<void> {
    if (this[which] === null) return;
    await this.release(which);
    // Here no stack frame refers to the model any more.
    this.platform.collectGarbage?.();
  }

  /** As `dispose`, but leaves memory that only the garbage collector frees. */
  async release(which: Which): Promise<void> {
    const one = this[which];
    this[which] = null;
    await one?.executor.dispose();
  }

  private async loadBeside(
    files: ModelFiles | (() => Promise<ModelFiles>),
    options: LoadOptions,
    isWanted: (one: Loaded | null) => Promise<boolean>,
  ): Promise<Loaded> {
    this.require();
    if (this.beside !== null && (await isWanted(this.beside))) return this.beside;
    const found = typeof files === 'function' ? await files() : files;
    await this.dispose('beside');
    try {
      const loaded = await loadModel(this.platform, found, options);
      this.beside = loaded;
      return loaded;
    } catch (error) {
      this.platform.collectGarbage?.();
      throw error;
    }
  }

  /** For a model that replaces the current one, unless that is kept. */
  private sharedGpu(keepLoaded: boolean): SharedGpu {
    return {
      lost: this.lostGpu,
      onLost: (error) => void (this.lostGpu = error),
      free: async (which) => {
        const isKept = keepLoaded && this.kept === null;
        const replaced: Which[] = isKept ? [] : keepLoaded ? ['current'] : ['current', 'kept'];
        const freed: Which[] = which === 'all' ? ['current', 'kept', 'beside'] : replaced;
        const onGpu = freed.filter((one) => this[one]?.executor.name === 'webgpu');
        if (onGpu.includes('current')) this.reload = reloading(this.platform, this.require());
        for (const one of onGpu) await this.dispose(one);
        return onGpu.length > 0;
      },
    };
  }

  /** Loads the model again that was unloaded for one that could not be loaded. @param error why */
  private async restore(error: EngineError): Promise<void> {
    // Only of a GPU that was requested: an automatic load reports it itself, and continues on the CPU.
    if (isDeviceLoss(error)) this.lostGpu = error;
    const { reload } = this;
    this.reload = null;
    if (reload === null) return;
    try {
      this.current = await reload(error);
    } catch (thrown) {
      const { message } = EngineError.from(thrown);
      this.platform.log.warn('The model before could not be loaded again.', { message });
      this.platform.collectGarbage?.();
    }
  }
}

/** Refers to nothing of the model that is in memory. */
function reloading(
  platform: Platform,
  { source, settings, choice, model }: Loaded,
): (error: EngineError) => Promise<Loaded> {
  const { contextSize } = model.config;
  return async (error) => {
    const isLost = isDeviceLoss(error);
    const executor = isLost ? 'wasm' : 'webgpu';
    const loaded = await loadModel(platform, source, { ...settings, contextSize, executor });
    // The load belongs to no reply.
    return { ...loaded, choice: isLost ? afterLoss(error) : choice, loadReported: true };
  };
}
