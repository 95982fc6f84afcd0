import { isAttachable } from '../features/chat/attachments/kinds.ts';
import type { AppModel } from '../features/chat/state/app-model.svelte.ts';

/** Attaches dropped files to the message, unless one of them belongs to a model. @returns whether it did */
export function attachDropped({ session }: Pick<AppModel, 'session'>, files: readonly File[]): boolean {
  if (files.length === 0 || !files.every(({ name }) => isAttachable(name))) return false;
  void session.attachments.add([...files]);
  return true;
}
