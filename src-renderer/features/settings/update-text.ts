import type { UpdateState } from '../../../src-main/protocol/app/updates.ts';
import { formatBytes, formatDate } from '../../ui/format.ts';

/** The state of updates as a sentence. */
export function updateText({ phase, release, lastCheck, bytes, problem }: UpdateState): string {
  const version = release?.version ?? '';
  switch (phase) {
    case 'checking':
      return 'Checking for updates…';
    case 'available':
      return `Tokenscope ${version} is available.`;
    case 'downloading':
      return `Downloading Tokenscope ${version}: ${formatBytes(bytes)} of ${formatBytes(release?.bytes ?? 0)}.`;
    case 'ready':
      return `Tokenscope ${version} is downloaded and verified. It will be installed when you quit.`;
    case 'failed':
      return problem ?? 'The update failed.';
    case 'idle':
      return lastCheck === null
        ? 'Not checked yet.'
        : `This is the latest version, as of ${formatDate(new Date(lastCheck))}.`;
  }
}
