import { quote } from '../formats/json/strict-json.ts';
import type { SafetensorsFolder } from '../formats/safetensors/safetensors-folder.ts';
import { elementCount, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { type HfLayout, type HfTensor, hfTensor, isHfBuffer } from './hf-tensor-names.ts';
import type { Hyperparameters } from './hyperparameters.ts';
import type { ReadWeightOptions, WeightSource } from './weight-source.ts';

/** The weights of a Hugging Face folder under GGUF's names and in GGUF's layouts: changed one by one as they are read. */
export class HfWeights implements WeightSource {
  constructor(
    private readonly folder: SafetensorsFolder,
    private readonly hyper: Hyperparameters,
  ) {}

  check(name: string, shape: Shape): void {
    const { source, layout } = this.find(name);
    this.folder.check(source, layout.change === 'transpose' ? [...shape].reverse() : shape);
  }

  async readTensor(name: string, { shape, ...options }: ReadWeightOptions): Promise<Tensor> {
    const { source, layout } = this.find(name);
    const stored = await this.folder.readTensor(source, {
      ...options,
      shape: layout.change === 'transpose' ? [...shape].reverse() : shape,
    });
    return new Tensor(shape, changed(stored, layout));
  }

  /**
   * Insists that every weight of the folder is used: one left over means that the configuration does not describe this
   * model, and what it computes would be wrong.
   * @param declared names of the program's weights
   * @throws EngineError MODEL_FORMAT
   */
  checkAllUsed(declared: Iterable<string>): void {
    const used = new Set<string>();
    for (const name of declared) used.add(this.find(name).source);
    for (const name of this.folder.tensors.keys()) {
      if (used.has(name) || isHfBuffer(name)) continue;
      const { architecture } = this.hyper;
      throw this.folder.error(
        `tensor ${quote(name)} has no place in the ${architecture} model that the config describes`,
        name,
      );
    }
  }

  /** @throws EngineError MODEL_FORMAT when the folder has no such tensor */
  private find(name: string): { source: string; layout: HfLayout } {
    const found: HfTensor | undefined = hfTensor(name, this.hyper);
    const names = found?.names ?? [name];
    const source = names.find((candidate) => this.folder.tensors.has(candidate));
    if (found && source !== undefined) return { source, layout: found.layout };
    throw this.folder.error(`tensor "${names[0]}" is missing`, names[0]);
  }
}

/** The stored values in GGUF's layout; may be the stored array itself. */
function changed({ shape, data }: Tensor, layout: HfLayout): Float32Array {
  switch (layout.change) {
    case 'none':
      return data;
    case 'plus-one':
      // A Float32Array rounds the sum, as float32 arithmetic does.
      for (let i = 0; i < data.length; i++) data[i] += 1;
      return data;
    case 'transpose':
      return transposed(data, shape[0], shape[1]);
    case 'interleave':
      return interleaved(data, shape[0], elementCount(shape.slice(1)), layout.heads);
  }
}

/** `[rows, columns]` to `[columns, rows]`. */
function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column];
  }
  return result;
}

/** Rows j and j + half of each head become neighbours 2j and 2j + 1. */
function interleaved(data: Float32Array, rows: number, width: number, heads: number): Float32Array {
  const result = new Float32Array(data.length);
  const headDim = rows / heads;
  const half = headDim / 2;
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const to = row - within + 2 * (within % half) + (within < half ? 0 : 1);
    result.set(data.subarray(row * width, (row + 1) * width), to * width);
  }
  return result;
}
