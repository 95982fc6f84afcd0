/** A download manager with a hub on this computer. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  hubPath,
  startDownloadServer,
  type Behaviour,
  type DownloadServer,
} from '../../../../e2e/support/download-server.ts';
import type { Download } from '../../../protocol/app/downloads.ts';
import { NetworkLog } from '../../network-log.ts';
import { temporaryFolder } from '../../test-support/support.ts';
import { downloadUrl, type CatalogueModel } from '../catalogue.ts';
import { DownloadManager, type DownloadManagerOptions } from '../download/download-manager.ts';
import type { Transferred } from '../download/transfer.ts';
import { exampleEntry } from './example-entry.ts';
import { withoutNetwork } from './no-network.ts';

/** The file that the hub has. */
export const BYTES = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 251);
export const SHA256 = createHash('sha256').update(BYTES).digest('hex');
export const ENTRY: CatalogueModel = exampleEntry({ bytes: BYTES.length, sha256: SHA256 });
export const PATH = hubPath(ENTRY.repository, ENTRY.revision, ENTRY.file);
const QUICK = { retryMs: [5, 5, 10], eventMs: 5 };
/** Longer than a busy machine holds up a server of its own. */
const PATIENT = { ...QUICK, answerMs: 15_000, idleMs: 15_000 };
/** For servers that never answer, or fall silent. What they send before must arrive in time. */
export const IMPATIENT = { ...QUICK, answerMs: 2000, idleMs: 2000 };

export interface SetUp {
  server: DownloadServer;
  manager: DownloadManager;
  folder: string;
  log: NetworkLog;
  added: ({ path: string } & Transferred)[];
  seen: Download[];
}

export async function setUp(
  options: Partial<DownloadManagerOptions> & { entry?: CatalogueModel; behaviour?: Behaviour; tls?: boolean } = {},
): Promise<SetUp> {
  withoutNetwork();
  const { entry = ENTRY, behaviour, tls = false, ...rest } = options;
  const folder = rest.folder === undefined ? join(await temporaryFolder(), 'models') : await rest.folder();
  const server = await startDownloadServer({ tls });
  onTestFinished(() => server.close());
  server.serve(PATH, BYTES);
  if (behaviour !== undefined) server.behave(PATH, behaviour);
  const log = new NetworkLog();
  const added: SetUp['added'] = [];
  const seen: Download[] = [];
  const manager = new DownloadManager({
    folder: async () => folder,
    find: async (id) => (id === entry.id ? entry : null),
    url: async (wanted) => downloadUrl(wanted, server.url, null),
    proxy: () => null,
    log,
    emit: ({ downloads }) => void seen.push(...downloads),
    add: async (_, path, file) => {
      added.push({ path, ...file });
      return 'the-model';
    },
    times: PATIENT,
    ...rest,
  });
  onTestFinished(() => manager.stop());
  return { server, manager, folder, log, added, seen };
}

/** Starts a download and waits until it is no longer running. */
export async function run({ manager }: SetUp, entry = ENTRY): Promise<Download> {
  await manager.start(entry);
  return await manager.settled(entry.id);
}
