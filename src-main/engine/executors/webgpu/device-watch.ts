import { EngineError } from '../../api/errors.ts';
import type { GpuCommandBuffer, GpuDevice } from '../../api/gpu.ts';
import type { CancelToken } from '../../api/platform.ts';

/** Time after which a GPU counts as hung, ms. Most browsers end a hung GPU process after about ten seconds. */
export const HANG_MS = 30_000;
/** Longest time from a failed call to the reason for the loss of the device, ms. On a busy computer, a second is not enough. */
const REASON_MS = 10_000;
/** How often work checks whether it was cancelled, ms. */
const CANCEL_MS = 20;

/**
 * Turns failures that WebGPU reports in error scopes, or not at all, into errors: a lost device, rejected commands, missing
 * memory, a GPU that does not answer. After any of them, the device stays lost.
 */
export class DeviceWatch {
  /** Why the device is lost; null while it works. */
  reason: string | null = null;
  /** Counts work that was done. */
  private answers = 0;

  /** @param hangMs time limit for commands; null for none, as for a software renderer */
  constructor(
    readonly device: GpuDevice,
    private readonly hangMs: number | null,
  ) {
    void device.lost.then(({ message }) => this.lose(message || 'no reason given'));
  }

  /** @throws EngineError BACKEND_LOST after the device was lost */
  check(cause?: unknown): void {
    if (this.reason !== null) throw deviceLost(this.reason, cause);
  }

  /** Submits commands, and resolves when they are accepted. @throws EngineError BACKEND_LOST when they are rejected */
  async submit(commands: GpuCommandBuffer): Promise<void> {
    const { device } = this;
    device.pushErrorScope('validation');
    device.pushErrorScope('out-of-memory');
    device.queue.submit([commands]);
    const errors = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
    const [error] = errors.filter((each) => each !== null);
    if (error === undefined) return;
    this.lose(error.message);
    device.destroy();
    this.check();
  }

  /**
   * Waits for work on the device. The time limit starts again whenever other work is done meanwhile, because work may wait
   * for its turn, as shaders that are compiled.
   * @throws EngineError BACKEND_LOST when the device is lost or does not answer, CANCELLED when `cancel` is set
   */
  async during<T>(work: () => Promise<T>, cancel?: CancelToken): Promise<T> {
    const { hangMs } = this;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let poll: ReturnType<typeof setTimeout> | undefined;
    const ended = new Promise<never>((_, reject) => {
      const look = (): void => {
        if (cancel?.cancelled) reject(new EngineError('CANCELLED', 'The request was cancelled.'));
        else poll = setTimeout(look, CANCEL_MS);
      };
      if (cancel) poll = setTimeout(look, CANCEL_MS);
      if (hangMs === null) return;
      const wait = (answers: number): void => {
        timer = setTimeout(() => {
          if (this.answers !== answers) return wait(this.answers);
          this.lose(`it did not answer for ${hangMs / 1000} s`);
          this.device.destroy();
          reject(deviceLost(this.reason!));
        }, hangMs);
      };
      wait(this.answers);
    });
    try {
      const result = await Promise.race([work(), ended]);
      this.answers++;
      return result;
    } catch (error) {
      if (error instanceof EngineError) throw error;
      clearTimeout(timer);
      // The error of the call gives no reason. The loss of the device does, a little later.
      await Promise.race([this.device.lost, new Promise<void>((resolve) => setTimeout(resolve, REASON_MS))]);
      this.check(error);
      throw error;
    } finally {
      clearTimeout(timer);
      clearTimeout(poll);
    }
  }

  private lose(reason: string): void {
    this.reason ??= reason;
  }
}

/**
 * Waits for an adapter or a device. Some drivers never answer, for example after a device was lost.
 * @throws EngineError BACKEND_LOST when there is no answer
 */
export async function whileOpening<T>(answer: Promise<T>, limitMs = HANG_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const reason = `it did not answer for ${limitMs / 1000} s`;
    const error = new EngineError('BACKEND_LOST', `The GPU did not answer for ${limitMs / 1000} s.`, { reason });
    timer = setTimeout(() => reject(error), limitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function deviceLost(reason: string, cause?: unknown): EngineError {
  return new EngineError('BACKEND_LOST', `The GPU was lost: ${reason}. Load the model again.`, { reason }, { cause });
}

/** Whether the GPU was lost or does not answer. Otherwise, BACKEND_LOST says that there is none. */
export function isDeviceLoss({ code, details }: EngineError): boolean {
  return code === 'BACKEND_LOST' && typeof details.reason === 'string';
}
