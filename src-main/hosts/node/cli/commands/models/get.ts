import { InvalidArgumentError, type Command } from 'commander';
import type { Download } from '../../../../../protocol/app/downloads.ts';
import { isDownloadAddress, isProxy } from '../../../../../protocol/app/fields.ts';
import { EngineError } from '../../../../../engine/api/errors.ts';
import { cancelled, toErrorPayload } from '../../../../../protocol/errors.ts';
import type { ModelService } from '../../../../../services/models/model-service.ts';
import type { CliContext } from '../../context.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import { displayWidth } from '../../format/display-width.ts';
import { formatDownload } from '../../format/download-progress.ts';
import { formatCatalogue } from '../../format/model-lists.ts';
import { openModelService } from '../../model-service.ts';
import { unlessStopped } from './stoppable.ts';

interface GetOptions {
  acceptTerms?: true;
  mirror?: string;
  proxy?: string;
  json?: true;
}

export function addGetCommand(models: Command, context: CliContext, done: (code: ExitCode) => void): void {
  models
    .command('get')
    .summary('download a model from the catalogue')
    .description(
      'Downloads a model from the catalogue and adds it to the library. Interrupted downloads resume. ' +
        'Without an id, lists the catalogue without contacting any server.',
    )
    .argument('[id]', 'an id from the catalogue')
    .option('--accept-terms', 'accept the licence terms of a model without a free licence')
    .option('--mirror <address>', 'https address of a mirror to use instead of huggingface.co', parseMirror)
    .option('--proxy <address>', 'http://host:port, instead of HTTPS_PROXY and the settings', parseProxy)
    .option('--json', 'print one JSON object at the end; without an id, an array')
    .action(async (id: string | undefined, options: GetOptions) => {
      done(id === undefined ? await showCatalogue(context, options) : await get(context, id, options));
    });
}

async function showCatalogue(context: CliContext, { mirror, json }: GetOptions): Promise<ExitCode> {
  const entries = await unlessStopped(context, ({ handlers }) => handlers.catalogueList(), { mirror });
  if (json) await context.out.json(entries);
  else await context.out.line(formatCatalogue(entries));
  return EXIT.ok;
}

async function get(context: CliContext, id: string, options: GetOptions): Promise<ExitCode> {
  const { err, out, signal } = context;
  const show = options.json ? () => undefined : progress(context);
  const service = await openModelService(context, {
    ...options,
    onEvent: (event) => {
      if (event.type === 'downloads') for (const download of event.downloads) if (download.id === id) show(download);
    },
  });
  const { downloads } = service;
  const interrupt = (): void => void downloads.stop();
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    await start(service, id, options.acceptTerms ?? false);
    if (signal.aborted) await downloads.stop();
    const download = await downloads.settled(id);
    if (context.isTerminal && !options.json) await err.write('\n');
    if (download.phase === 'paused') {
      const stopped = cancelled('Stopped. Run the same command again to resume.');
      if (options.json) await err.json({ error: toErrorPayload(stopped) });
      else await err.line(stopped.message);
      return EXIT.interrupted;
    }
    if (download.problem !== null) throw failureOf(download);
    if (options.json) await out.json(download);
    else await out.line(doneText(download));
    return EXIT.ok;
  } finally {
    signal.removeEventListener('abort', interrupt);
    await service.stop();
  }
}

/** @throws EngineError BAD_REQUEST, which names the flag if the terms must be accepted */
async function start(service: ModelService, id: string, termsAccepted: boolean): Promise<void> {
  const { license } = await service.entry(id);
  try {
    await service.handlers.downloadStart({ catalogueId: id, termsAccepted });
  } catch (error) {
    if (license.kind !== 'terms' || termsAccepted || !(error instanceof EngineError)) throw error;
    const message = `${error.message} Then add --accept-terms.`;
    throw new EngineError(error.code, message, error.details, { cause: error });
  }
}

/** In a terminal, one line that is updated; elsewhere one line per tenth. */
function progress({ err, isTerminal = false }: CliContext): (download: Download) => void {
  let width = 0;
  let told = -1;
  return (download) => {
    if (isTerminal) {
      // A line that fills the terminal would wrap, and `\r` returns only to the start of its last row.
      const most = err.columns === undefined ? Infinity : Math.max(1, err.columns - 1);
      const line = formatDownload(download, most);
      const lineWidth = displayWidth(line);
      void err.control('\r');
      void err.write(line + ' '.repeat(Math.max(0, Math.min(width, most) - lineWidth)));
      width = lineWidth;
      return;
    }
    const { bytes, totalBytes } = download;
    const tenth = totalBytes === null ? 0 : Math.floor((10 * bytes) / totalBytes);
    if (tenth === told) return;
    told = tenth;
    void err.line(formatDownload(download));
  };
}

function doneText({ modelId, sha256, hashChecked }: Download): string {
  const hash = hashChecked
    ? 'Its SHA-256 matches the catalogue.'
    : `Its SHA-256 is ${String(sha256)}. The catalogue has none to compare it with, so it was saved for later checks.`;
  return `${hash} Use it with: --model ${String(modelId)}`;
}

function failureOf({ problem, url }: Download): EngineError {
  const { kind = 'connection', message = '', httpStatus = null } = problem ?? {};
  return new EngineError(kind === 'disk' ? 'STORAGE' : 'MODEL_IO', message, { kind, httpStatus, url });
}

function parseMirror(text: string): string {
  if (isDownloadAddress(text)) return text;
  throw new InvalidArgumentError('Expected an https address.');
}

function parseProxy(text: string): string {
  if (isProxy(text)) return text;
  throw new InvalidArgumentError('Expected http://host:port.');
}
