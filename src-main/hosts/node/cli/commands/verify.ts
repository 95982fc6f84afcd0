import { Option, type Command } from 'commander';
import { availableParallelism } from 'node:os';
import { EngineError } from '../../../../engine/api/errors.ts';
import type { ExecutorName, KvCacheType } from '../../../../engine/api/types.ts';
import { differencesOf, isOtherModel } from '../../../../protocol/engine/receipt/differences.ts';
import { conditionsOf, firstDifference, idsDigest, type Receipt } from '../../../../protocol/engine/receipt/receipt.ts';
import { repeatReply } from '../../../../protocol/engine/receipt/repeat-reply.ts';
import type { CliContext } from '../context.ts';
import { withEngine, type EngineSession } from '../engine-session.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { formatVerification, type Verification } from '../format/verification.ts';
import { findModelById } from '../model-argument.ts';
import { parseCount } from '../options/values.ts';
import { cliVersions, readReceipt } from '../receipt-file.ts';

interface VerifyOptions {
  model?: string;
  executor?: ExecutorName;
  threads?: number;
  cacheType?: KvCacheType;
  json?: true;
}

export function addVerifyCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('verify')
    .summary('repeat a reply from its receipt and compare')
    .description(
      'Loads the model with the settings of a receipt, generates the reply again and compares token by token. ' +
        'Exits with 0 if the reply is identical, 1 if it differs or cannot be repeated, and 2 if the file is not a ' +
        'receipt or has been changed.',
    )
    .argument('<file>', 'a receipt from "tokenscope run --receipt" or the app')
    .option('--model <id or path>', 'the model to use (default: the id in the receipt)')
    .addOption(
      new Option('--executor <name>', 'wasm, webgpu or reference (default: as in the receipt)').choices([
        'wasm',
        'webgpu',
        'reference',
      ]),
    )
    .addOption(
      new Option('--cache-type <type>', 'KV cache type (default: as in the receipt)').choices(['f32', 'f16', 'q8']),
    )
    .option(
      '--threads <n>',
      'threads of the wasm executor (default: as in the receipt, but no more than this computer runs at once)',
      parseCount,
    )
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: VerifyOptions) => done(await verify(context, path, options)));
}

async function verify(context: CliContext, path: string, options: VerifyOptions): Promise<ExitCode> {
  const checked = await readReceipt(path);
  if (checked.state !== 'intact') {
    const { state, reason } = checked;
    if (options.json) await context.out.json({ result: state, reason });
    else {
      const what = state === 'tampered' ? 'has been changed since it was written' : 'is not a receipt';
      await context.err.line(`tokenscope: ${path} ${what}. ${reason}`);
    }
    return EXIT.usage;
  }
  const { receipt } = checked;
  const verification = await repeatOn(context, receipt, options).catch((error: unknown) => {
    throw options.model === undefined ? withHint(error, receipt) : error;
  });
  if (options.json) await context.out.json(verificationJson(receipt, verification));
  else await context.out.line(formatVerification(receipt, verification));
  if (verification.result !== 'identical') return EXIT.engineError;
  // The exit code alone must not claim what nobody could read.
  return (await context.out.flushed()) ? EXIT.ok : EXIT.unread;
}

/** Loads the model and repeats the reply. */
async function repeatOn(context: CliContext, receipt: Receipt, options: VerifyOptions): Promise<Verification> {
  const model = options.model ?? (await findModelById(context, receipt.model.id));
  const work = (session: EngineSession) => repeat(context, session, receipt);
  const load = loadOptions(receipt, options);
  return withEngine(context, model, work, load).catch((error: unknown) => {
    const contextSize = smallerWindow(error);
    if (contextSize === null) throw error;
    // Another model, then, which loads like this and is named.
    return withEngine(context, model, work, { ...load, contextSize });
  });
}

async function repeat(context: CliContext, session: EngineSession, receipt: Receipt): Promise<Verification> {
  const { client, model } = session;
  const { signal } = context;
  const { files } = await client.call('hashModel', {}, { signal });
  const now = { files, conditions: conditionsOf(model, cliVersions()) };
  const differences = differencesOf({ files: receipt.model.files, conditions: receipt.conditions }, now);
  if (isOtherModel(differences)) return { result: 'other_model', differences };
  const { promptIds, ...recorded } = receipt;
  const outcome = await repeatReply(client, { ...recorded, promptDigest: idsDigest(promptIds) }, { signal });
  return { ...outcome, differences };
}

/**
 * The settings of the receipt, unless a flag overrides them. Threads do not change the reply, and more than this computer
 * runs at once only slow it down.
 */
function loadOptions({ conditions }: Receipt, options: VerifyOptions) {
  const { kernels, contextSize } = conditions;
  const executor = options.executor ?? conditions.executor;
  const threads = options.threads ?? (kernels === null ? undefined : Math.min(kernels.threads, availableParallelism()));
  const kvCacheType = options.cacheType ?? kernels?.kvCacheType;
  return {
    executor,
    contextSize,
    ...(threads === undefined || executor !== 'wasm' ? {} : { threads }),
    ...(kvCacheType === undefined || executor === 'reference' ? {} : { kvCacheType }),
  };
}

/** The model's largest context size, if it is smaller than the requested one. */
function smallerWindow(error: unknown): number | null {
  if (!(error instanceof EngineError) || error.details?.field !== 'contextSize') return null;
  return typeof error.details.max === 'number' ? error.details.max : null;
}

/** Receipts contain no paths, so a model outside the library needs a flag. */
function withHint(error: unknown, { model }: Receipt): unknown {
  if (!(error instanceof EngineError) || error.code !== 'MODEL_NOT_FOUND') return error;
  const files = model.files.map(({ name, sha256 }) => `${name} with SHA-256 ${sha256}`).join(', ');
  return new EngineError(
    error.code,
    `${error.message} Use --model with the path of ${model.name}: ${files}.`,
    error.details,
  );
}

function verificationJson({ promptIds, reply }: Receipt, verification: Verification) {
  const { result, differences } = verification;
  if (result === 'differs') {
    const { at, recorded, repeated } = verification;
    return { result, divergesAt: at, recorded, repeated, differences };
  }
  if (result === 'other_prompt') {
    const found = verification.promptIds;
    return { result, promptDivergesAt: firstDifference(promptIds, found), differences };
  }
  if (result === 'other_model') return { result, differences };
  return { result, divergesAt: null, tokens: reply.ids.length, differences };
}
