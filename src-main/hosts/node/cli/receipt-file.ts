import { readFile, stat } from 'node:fs/promises';
import { version } from '../../../../package.json';
import type { GenerateParams } from '../../../engine/api/types.ts';
import { checkReceipt, receiptText, type CheckedReceipt } from '../../../protocol/engine/receipt/check-receipt.ts';
import { conditionsOf, makeReceipt, resolvedRequest } from '../../../protocol/engine/receipt/receipt.ts';
import { codeOf } from '../../../services/json-file.ts';
import type { EngineSession } from './engine-session.ts';
import { formatBytes } from './format/numbers.ts';
import type { NewFile } from './new-file.ts';
import type { WrittenReply } from './reply-stream.ts';

/** More than a million ids and the longest texts need. */
const MAX_BYTES = 128 * 1024 * 1024;

/** Versions of the program and its runtime. */
export function cliVersions(): Record<string, string> {
  return { Tokenscope: version, 'Node.js': process.versions.node, V8: process.versions.v8 };
}

/** @throws EngineError STORAGE; MODEL_IO if the model's files are missing or changed after they were loaded */
export async function writeReceipt(
  { client, model }: EngineSession,
  { request, requestedAt }: { request: GenerateParams; requestedAt: string },
  { start, end }: WrittenReply,
  file: NewFile,
): Promise<void> {
  const { files } = await client.call('hashModel', {});
  const { id, name, architecture } = model;
  const receipt = makeReceipt({
    requestedAt,
    model: { id, name, architecture, files },
    conditions: conditionsOf(model, cliVersions()),
    request: resolvedRequest(request, start.seed, model),
    promptIds: start.promptIds,
    reply: { ids: end.ids, text: end.text, stop: end.stop },
  });
  await file.write(Buffer.from(receiptText(receipt)));
  await file.finish();
}

/** Reads and checks a file. An unreadable file is not a receipt. */
export async function readReceipt(path: string): Promise<CheckedReceipt> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) return notAReceipt(`It has ${formatBytes(size)}; the limit is ${formatBytes(MAX_BYTES)}.`);
    return checkReceipt(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) return notAReceipt('It is not JSON.');
    if (codeOf(error) === 'ENOENT') return notAReceipt('The file does not exist.');
    return notAReceipt(`It cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function notAReceipt(reason: string): CheckedReceipt {
  return { state: 'not_a_receipt', reason };
}
