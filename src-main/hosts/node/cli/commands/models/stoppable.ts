/** Work of the model service that Ctrl-C ends. */
import type { ModelService } from '../../../../../services/models/model-service.ts';
import type { CliContext } from '../../context.ts';
import { openModelService, type ServiceOptions } from '../../model-service.ts';

type Work<T> = (service: ModelService) => Promise<T>;

/** Stops the service at Ctrl-C, and waits until `work`, which may hash gigabytes, has ended. */
export async function untilStopped<T>(context: CliContext, work: Work<T>): Promise<T> {
  const { signal } = context;
  const service = await openModelService(context);
  signal.throwIfAborted();
  const stop = (): void => void service.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work(service);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Abandons `work`, which only reads, at Ctrl-C: a disk may be slow, or a network share may not respond. */
export async function unlessStopped<T>(context: CliContext, work: Work<T>, options?: ServiceOptions): Promise<T> {
  const { signal } = context;
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([openModelService(context, options).then(work), stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
