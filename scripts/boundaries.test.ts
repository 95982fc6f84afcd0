import { ESLint, type Linter } from 'eslint';
import { join } from 'node:path';
import ts from 'typescript-eslint';
import { describe, expect, test } from 'vitest';
import { boundariesConfig } from './lib/boundaries.mjs';
import { root } from './lib/run.ts';

const eslint = new ESLint({
  cwd: root,
  overrideConfigFile: true,
  overrideConfig: [
    { files: ['**/*.ts'], languageOptions: { parser: ts.parser as Linter.Parser } },
    ...(boundariesConfig as unknown as Linter.Config[]),
  ],
});

/** Lint errors of the boundary rules for one import in a file that need not exist. */
async function lint(file: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: join(root, file) });
  return result!.messages.map((message) => message.ruleId ?? message.message);
}

describe('module boundaries', () => {
  test.each([
    ['src-main/engine/sampling/x.ts', "import { EngineError } from '../api/errors.ts';"],
    ['src-main/engine/program/x.ts', "import { shape } from '../tensor/shape.ts';"],
    ['src-main/engine/models/x.ts', "import { program } from '../program/program.ts';"],
    ['src-main/engine/quantize/x.ts', "import { openModel } from '../models/open-model.ts';"],
    ['src-main/engine/generation/x.ts', "import { executor } from '../executors/executor.ts';"],
    ['src-main/protocol/engine/x.ts', "import type { Stop } from '../../engine/api/types.ts';"],
    ['src-main/protocol/app/x.ts', "import { EngineError } from '../../engine/api/errors.ts';"],
    ['src-main/protocol/x.ts', "import { SAMPLING_SETTINGS } from '../engine/settings/sampling.ts';"],
    ['src-main/protocol/engine/x.ts', "import { Inbox } from '../transports/transport.ts';"],
    ['src-main/protocol/app/x.ts', "import { schemaOf } from '../fields.ts';"],
    ['src-main/hosts/node/x.ts', "import { relay } from '../../protocol/engine/relay.ts';"],
    ['src-renderer/features/chat/x.ts', "import type { EngineApi } from '../../../src-main/protocol/engine/api.ts';"],
    ['src-renderer/features/chat/x.ts', "import { defaults } from '../../../src-main/engine/api/defaults.ts';"],
    ['src-renderer/lib/x.ts', "import { isGguf } from '../../src-main/engine/api/model-file-rules.ts';"],
    ['src-main/services/models/x.ts', "import { isGguf } from '../../engine/api/model-file-rules.ts';"],
    ['src-renderer/features/chat/x.ts', "import { number } from '../../../src-main/engine/settings/setting.ts';"],
  ])('%s may contain %s', async (file, code) => {
    expect(await lint(file, code)).toEqual([]);
  });

  test.each([
    ['src-main/engine/api/errors.ts', "import { shape } from '../tensor/shape.ts';"],
    ['src-main/engine/settings/x.ts', "import { EngineError } from '../api/errors.ts';"],
    ['src-main/engine/tensor/x.ts', "import { program } from '../program/program.ts';"],
    ['src-main/engine/sampling/x.ts', "import { tokenizer } from '../tokenizer/tokenizer.ts';"],
    ['src-main/engine/models/x.ts', "import { executor } from '../executors/executor.ts';"],
    ['src-main/engine/models/x.ts', "import { quantizeModel } from '../quantize/quantize-model.ts';"],
    ['src-main/engine/executors/x.ts', "export { model } from '../models/model.ts';"],
    ['src-main/engine/executors/x.ts', "import { generate } from '../generation/generate.ts';"],
    ['src-main/engine/generation/x.ts', "import { relay } from '../../protocol/engine/relay.ts';"],
    ['src-main/engine/generation/x.ts', "const host = await import('../../hosts/node/spawn-engine.ts');"],
    ['src-main/engine/generation/x.ts', "import { models } from '../test-support/model-files.ts';"],
    ['src-main/protocol/engine/x.ts', "import { stop } from '../../engine/api/types.ts';"],
    ['src-main/protocol/app/x.ts', "import type { Rng } from '../../engine/sampling/rng.ts';"],
    ['src-main/protocol/x.ts', "import { checkCall } from './engine/schemas.ts';"],
    ['src-main/protocol/transports/x.ts', "import { checkCall } from '../engine/schemas.ts';"],
    ['src-main/protocol/engine/x.ts', "import { checkAppCall } from '../app/app-schemas.ts';"],
    ['src-main/protocol/app/x.ts', "import { checkCall } from '../engine/schemas.ts';"],
    ['src-main/services/x.ts', "import { EngineClient } from '../protocol/engine/client.ts';"],
    ['src-main/protocol/engine/x.ts', "import type { Limits } from '../../engine/validate.ts';"],
    ['src-main/hosts/node/x.ts', "import { rng } from '../../engine/sampling/rng.ts';"],
    ['src-main/app/x.ts', "import { spawnEngine } from '../hosts/node/spawn-engine.ts';"],
    ['src-renderer/features/chat/x.ts', "import { roving } from '../../../src-main/engine/api/platform.ts';"],
    ['src-renderer/lib/x.ts', "import { spawnEngine } from '../../src-main/hosts/node/spawn-engine.ts';"],
    ['src-main/protocol/engine/x.ts', "import { roving } from '../../../src-renderer/ui/roving.ts';"],
  ])('%s may not say %s', async (file, code) => {
    expect(await lint(file, code)).toEqual(['boundaries/dependencies']);
  });

  test('a new folder needs a row in the table', async () => {
    expect(await lint('src-main/elsewhere/x.ts', 'export {};')).toEqual(['boundaries/no-unknown-files']);
  });
});
