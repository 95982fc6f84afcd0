/** What a person or a test sets in the environment for models and downloads. */
import { isDownloadAddress } from '../../protocol/app/fields.ts';
import { DOWNLOAD_TIMES, type DownloadTimes } from './download/download-manager.ts';

/** Path of a catalogue that replaces the bundled one. */
const CATALOGUE_VARIABLE = 'TOKENSCOPE_CATALOGUE';
/** Address that replaces the catalogue's hub if the settings name none. */
const MIRROR_VARIABLE = 'TOKENSCOPE_HUB_MIRROR';
/** Maximum silence of a server, ms; also the maximum wait between retries. */
const TIMEOUT_VARIABLE = 'TOKENSCOPE_DOWNLOAD_TIMEOUT_MS';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Overrides {
  cataloguePath: string | null;
  mirror: string | null;
  times: Partial<DownloadTimes>;
}

/** @throws Error with the name of the invalid variable */
export function overridesOf(env: Environment = process.env): Overrides {
  const mirror = env[MIRROR_VARIABLE] || null;
  if (mirror !== null && !isDownloadAddress(mirror)) {
    throw new Error(`${MIRROR_VARIABLE} is "${mirror}": expected an https address.`);
  }
  const timeout = env[TIMEOUT_VARIABLE] || null;
  const ms = timeout === null ? null : Number(timeout);
  if (ms !== null && !(Number.isInteger(ms) && ms > 0 && ms < 2 ** 31)) {
    throw new Error(`${TIMEOUT_VARIABLE} is "${String(timeout)}": expected a number of milliseconds.`);
  }
  return {
    cataloguePath: env[CATALOGUE_VARIABLE] || null,
    mirror,
    times:
      ms === null
        ? {}
        : { answerMs: ms, idleMs: ms, retryMs: DOWNLOAD_TIMES.retryMs.map((wait) => Math.min(wait, ms)) },
  };
}
