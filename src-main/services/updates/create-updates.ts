import manifest from '../../../package.json' with { type: 'json' };
import { DOWNLOAD_TIMES, type DownloadTimes } from '../models/download/download-manager.ts';
import { UpdateService, type UpdateOptions } from './update-service.ts';

type Given = Omit<UpdateOptions, 'currentVersion' | 'platform' | 'arch' | 'installation' | 'source' | 'times'> &
  Partial<Pick<UpdateOptions, 'installation' | 'source'>> & { times: Partial<DownloadTimes> };

/** The updates of this program on this computer. A host that names no installation does not update itself. */
export function createUpdates({ installation, source, times, ...rest }: Given): UpdateService {
  return new UpdateService({
    ...rest,
    currentVersion: manifest.version,
    platform: process.platform,
    arch: process.arch,
    installation: installation ?? { kind: 'other', reason: 'Update the program that you started in the terminal.' },
    source: source ?? null,
    times: { ...DOWNLOAD_TIMES, ...times },
  });
}
