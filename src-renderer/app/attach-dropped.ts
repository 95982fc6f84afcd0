import { isAttachable } from '../features/chat/attachments/kinds.ts';
import type { AppModel } from '../features/chat/state/app-model.svelte.ts';
import { isGgufFile } from '../lib/gguf-file.ts';

interface Parts {
  readonly session: { readonly attachments: Pick<AppModel['session']['attachments'], 'add'> };
}

/** Attaches dropped files to the message, unless one of them belongs to a model. @returns whether it did */
export async function attachDropped({ session }: Parts, files: readonly File[]): Promise<boolean> {
  if (files.length === 0 || !files.every(({ name }) => isAttachable(name))) return false;
  if ((await Promise.all(files.map(isGgufFile))).includes(true)) return false;
  void session.attachments.add([...files]);
  return true;
}
