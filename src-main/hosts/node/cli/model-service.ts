import { join } from 'node:path';
import { EngineError } from '../../../engine/api/errors.ts';
import { parseStoredSettings } from '../../../protocol/app/settings-schemas.ts';
import type { EmittedEvent } from '../../../protocol/app/app-services.ts';
import { dataFolder } from '../../../services/data-folder.ts';
import { readJson } from '../../../services/json-file.ts';
import { ModelService } from '../../../services/models/model-service.ts';
import { overridesOf } from '../../../services/models/overrides.ts';
import { NetworkLog } from '../../../services/network-log.ts';
import type { CliContext } from './context.ts';

export interface ServiceOptions {
  /** Addresses that override those of the settings. */
  mirror?: string | undefined;
  proxy?: string | undefined;
  onEvent?: (event: EmittedEvent) => void;
}

/**
 * The same library, catalogue and downloads as the app, on the same files.
 * @throws EngineError STORAGE
 */
export async function openModelService(
  { modelsDir, err }: Pick<CliContext, 'modelsDir' | 'err'>,
  { mirror, proxy, onEvent }: ServiceOptions = {},
): Promise<ModelService> {
  const folder = dataFolder();
  const stored = await readJson(join(folder, 'settings.json')).catch((error: unknown) => {
    void err.line(`tokenscope: ${EngineError.from(error).message} Using default settings.`);
    return null;
  });
  const { downloads } = parseStoredSettings(stored?.state === 'read' ? stored.value : null);
  const overrides = overridesOf();
  const service = new ModelService({
    dataFolder: folder,
    modelsDir,
    cataloguePath: overrides.cataloguePath ?? join(modelsDir, '..', 'catalogue.json'),
    emit: (event) => {
      if (event.type === 'notice') void err.line(`tokenscope: ${event.message}`);
      onEvent?.(event);
    },
    mirror: () => mirror ?? downloads.mirror ?? overrides.mirror,
    proxy: () => proxy ?? downloads.proxy,
    log: new NetworkLog(),
    downloadTimes: overrides.times,
    // A command exits at once, so unsaved changes would be lost.
    strict: true,
  });
  await service.start();
  return service;
}
