import type { Program } from '../../program/program.ts';
import type { ArchitectureProgram } from '../decoder.ts';
import type { ArchitectureName, Hyperparameters } from '../hyperparameters.ts';
import { gemma2 } from './gemma2.ts';
import { gemma3 } from './gemma3.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';
import { olmo2 } from './olmo2.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { smollm3 } from './smollm3.ts';

const PROGRAMS: Readonly<Record<ArchitectureName, ArchitectureProgram>> = {
  llama,
  qwen2,
  qwen3,
  gemma2,
  gemma3,
  gpt2,
  phi3,
  smollm3,
  olmo2,
};

/** The forward pass of a model, loaded for a context of `contextSize` tokens. */
export function buildProgram(hyper: Hyperparameters, contextSize: number): Program {
  return PROGRAMS[hyper.architecture](hyper, contextSize);
}
