import { EngineError } from '../../../engine/errors.ts';
import type { Download } from '../../../protocol/app-services.ts';
import type { CatalogueModel } from '../catalogue.ts';

/** The downloads there are. */
export class DownloadManager {
  async list(): Promise<Download[]> {
    return await Promise.resolve([]);
  }

  async start(entry: CatalogueModel): Promise<Download> {
    return await this.resume(entry.id);
  }

  async pause(id: string): Promise<Download> {
    return await this.resume(id);
  }

  /** @throws EngineError BAD_REQUEST for an id that stands for none */
  async resume(id: string): Promise<Download> {
    return await Promise.reject(new EngineError('BAD_REQUEST', `There is no download "${id}".`, { download: id }));
  }

  async cancel(id: string): Promise<void> {
    await this.resume(id);
  }
}
