import { DRAW_STEPS, type Kernel, kernel, RUN } from '../shader.ts';
import { EXPONENTIAL, TOP_HEADER, TOP_LOGITS } from './top-logits.ts';

/** Values of a step's kind in the run's header. */
export const STEP_KINDS = { none: 0, count: 1, mass: 2, difference: 3, temperature: 4 } as const;

/**
 * Draws one of the best logits of the first row, with the steps and the random number of the run's header. Its id replaces
 * that of the highest. A sampler chain computes the same with doubles, so it may draw another token close to a
 * boundary.
 *
 * Bindings: run, result (of `topLogits`).
 * @param k of `topLogits`, at most `TOP_LOGITS`
 */
export function draw(k: number): Kernel {
  return kernel(
    [
      ['run', 'array<u32>'],
      ['result', 'array<u32>', 'read_write'],
    ],
    { integers: { k } },
    `${EXPONENTIAL}
/** Best first. */
var<workgroup> ids: array<u32, ${TOP_LOGITS}>;
var<workgroup> logits: array<f32, ${TOP_LOGITS}>;
var<workgroup> weights: array<f32, ${TOP_LOGITS}>;

fn setting(word: u32) -> f32 {
  return bitcast<f32>(run[word]);
}

/** Sets the weights of the first \`length\`. @returns their sum */
fn weigh(length: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < length; i += 1u) {
    weights[i] = exponential(logits[i] - logits[0]);
    sum += weights[i];
  }
  return sum;
}

/** How many of the first \`length\` a step leaves. */
fn lengthAfter(kind: u32, value: f32, length: u32) -> u32 {
  if (kind == ${STEP_KINDS.count}u) {
    return min(length, u32(value));
  }
  if (kind == ${STEP_KINDS.difference}u) {
    var left = 1u;
    while (left < length && logits[left] >= logits[0] + value) {
      left += 1u;
    }
    return left;
  }
  if (kind == ${STEP_KINDS.mass}u) {
    let goal = value * weigh(length);
    var sum = 0.0;
    for (var i = 0u; i < length; i += 1u) {
      sum += weights[i];
      if (sum >= goal) {
        return i + 1u;
      }
    }
  }
  return length;
}

@compute @workgroup_size(${TOP_LOGITS})
fn main(@builtin(local_invocation_index) local: u32) {
  let count = min(result[${TOP_HEADER.count}u], shape.k);
  if (local < count) {
    let id = result[${TOP_HEADER.words}u + 2u * local];
    let logit = bitcast<f32>(result[${TOP_HEADER.words}u + 2u * local + 1u]);
    var rank = 0u;
    for (var i = 0u; i < count; i += 1u) {
      let other = bitcast<f32>(result[${TOP_HEADER.words}u + 2u * i + 1u]);
      if (other > logit || (other == logit && result[${TOP_HEADER.words}u + 2u * i] < id)) {
        rank += 1u;
      }
    }
    ids[rank] = id;
    logits[rank] = logit;
  }
  workgroupBarrier();
  if (local > 0u || count == 0u) {
    return;
  }
  var length = count;
  for (var step = 0u; step < ${DRAW_STEPS}u; step += 1u) {
    let kind = run[${RUN.steps}u + 2u * step];
    let value = setting(${RUN.steps}u + 2u * step + 1u);
    if (kind == ${STEP_KINDS.temperature}u) {
      for (var i = 0u; i < length; i += 1u) {
        logits[i] /= value;
      }
    } else {
      length = lengthAfter(kind, value, length);
    }
  }
  let goal = setting(${RUN.random}u) * weigh(length);
  var sum = 0.0;
  var chosen = 0u;
  for (var i = 0u; i < length; i += 1u) {
    chosen = i;
    sum += weights[i];
    if (sum >= goal) {
      break;
    }
  }
  result[${TOP_HEADER.chosen}u] = ids[chosen];
}
`,
    () => [1, 1, 1],
  );
}
