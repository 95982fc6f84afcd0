import type { FoundModels } from '../../../protocol/app-services.ts';

/** Models in other programs' folders on this computer. */
export async function findModels(): Promise<FoundModels> {
  return await Promise.resolve({ places: [], models: [] });
}
