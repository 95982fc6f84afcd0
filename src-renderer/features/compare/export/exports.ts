/** The formats in which a run can be saved as a file. */
import type { ModelListing } from '../../../../src-main/protocol/app/app-services.ts';
import type { StoredComparison } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import {
  fileModels,
  MAX_TOKENSCOPE_BYTES,
  readTokenscopeFile,
  TOKENSCOPE_EXTENSION,
  tokenscopeFile,
  tooLarge,
  type OpenedFile,
} from '../../../../src-main/protocol/app/comparisons/tokenscope-file.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { newId } from '../../../lib/new-id.ts';
import { now } from '../../chat/state/identity.ts';
import { lanesCsv, tokensCsv } from './csv.ts';
import { comparisonPng } from './draw-comparison.ts';
import { toJson } from './json.ts';
import { toMarkdown } from './markdown.ts';

export interface ExportFormat {
  id: 'markdown' | 'json' | 'lanes' | 'tokens' | 'png' | 'tokenscope';
  label: string;
  /** Of the file's name. */
  ending: string;
  content: (comparison: StoredComparison, context: ExportContext) => Promise<Blob>;
}

/** What the app knows besides the run. */
export interface ExportContext {
  /** Version of the app. */
  app: string;
  library: readonly ModelListing[];
}

export const EXPORT_FORMATS: readonly ExportFormat[] = [
  textFormat('markdown', 'Markdown', '.md', 'text/markdown', toMarkdown),
  textFormat('json', 'JSON', '.json', 'application/json', toJson),
  textFormat('lanes', 'CSV, one row per reply', '-lanes.csv', 'text/csv', lanesCsv),
  textFormat('tokens', 'CSV, one row per token', '-tokens.csv', 'text/csv', tokensCsv),
  { id: 'png', label: 'Picture (PNG)', ending: '.png', content: comparisonPng },
  textFormat('tokenscope', 'Tokenscope file, to run again', TOKENSCOPE_EXTENSION, 'application/json', (run, context) =>
    tokenscopeFile(run, { app: context.app, exportedAt: now(), models: fileModels(run, context.library) }),
  ),
];

function textFormat(
  id: ExportFormat['id'],
  label: string,
  ending: string,
  type: string,
  text: (comparison: StoredComparison, context: ExportContext) => string,
): ExportFormat {
  const content: ExportFormat['content'] = async (comparison, context) =>
    new Blob([text(comparison, context)], { type: `${type};charset=utf-8` });
  return { id, label, ending, content };
}

/** Reads a `.tokenscope` file that a person chose. @throws EngineError BAD_REQUEST with a message for people */
export async function openTokenscopeFile(file: File): Promise<OpenedFile> {
  if (file.size > MAX_TOKENSCOPE_BYTES) throw new EngineError('BAD_REQUEST', tooLarge(`“${file.name}”`, file.size));
  return readTokenscopeFile(await file.text(), file.name, { id: newId(), now: now() });
}
