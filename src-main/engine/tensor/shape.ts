/** Extents, outermost first: a weight of a linear layer is `[outputs, inputs]`. A scalar is `[]`. */
export type Shape = readonly number[];

/** Product of the extents; not a safe integer when it overflows. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Formats a shape for messages: `[384, 128]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}
