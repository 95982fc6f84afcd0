/// <reference types="node" />
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import type { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type {
  AppEvent,
  AppMethodName,
  AppMethods,
  AppServices,
} from '../../../../src-main/protocol/app/app-services.ts';
import { checkAppCall } from '../../../../src-main/protocol/app/app-schemas.ts';
import type { PageServices } from '../../../lib/services.ts';
import { LocalAppServices } from '../../../../src-main/services/app-services.ts';

/** A data folder that is gone after the test. */
export async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-test-'));
  // What a page sent when it closed may still be written.
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** The app's real services on a folder. Several on one folder are like the app and a web host side by side. */
export async function openStore(folder: string, host: 'electron' | 'web' = 'electron'): Promise<LocalAppServices> {
  const services = new LocalAppServices({
    host,
    dataFolder: folder,
    modelsDir: resolve('resources/models'),
    openExternal: () => Promise.resolve(),
    restartEngine: () => Promise.resolve(),
    lockTimes: { beatMs: 20, staleMs: 60_000, settleMs: 10 },
  });
  await services.start();
  onTestFinished(() => services.stop());
  return services;
}

/** How one page reaches the services: calls are copied and checked as at a host's edge, can be counted, delayed or fail. */
export class PageLine implements PageServices {
  readonly calls: { method: AppMethodName; params: readonly unknown[] }[] = [];
  /** Makes calls fail before they reach the services. */
  failure: EngineError | null = null;
  /** Makes writes of chats fail before they reach the services. */
  fullDisk: EngineError | null = null;
  /** Makes calls fail after they were done. */
  lostAnswer: EngineError | null = null;
  /** Calls wait for it before they reach the services. */
  delay: Promise<void> = Promise.resolve();

  constructor(public services: AppServices) {}

  async invoke<M extends AppMethodName>(
    method: M,
    ...params: AppMethods[M]['params']
  ): Promise<AppMethods[M]['result']> {
    const copied = structuredClone(params);
    this.calls.push({ method, params: copied });
    await this.delay;
    if (this.failure !== null) throw this.failure;
    if (this.fullDisk !== null && method === 'chatWrite') throw this.fullDisk;
    checkAppCall(method, copied);
    const result = await this.services.invoke(method, ...copied);
    if (this.lostAnswer !== null) throw this.lostAnswer;
    return structuredClone(result);
  }

  invokeLast: PageServices['invokeLast'] = (method, ...params) => this.invoke(method, ...params);

  onEvent(listener: (event: AppEvent) => void): () => void {
    return this.services.onEvent((event) => listener(structuredClone(event)));
  }

  writes(): AppMethods['chatWrite']['params'][0][] {
    return this.calls
      .filter(({ method }) => method === 'chatWrite')
      .map(({ params }) => params[0] as AppMethods['chatWrite']['params'][0]);
  }
}
