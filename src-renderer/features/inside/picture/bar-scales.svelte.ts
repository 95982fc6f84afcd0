import { createContext } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import type { BarScale, Picture } from './picture.ts';

/** Draws bar pictures of the same name in both runs on the same scale. */
export class BarScales {
  readonly #shown = new SvelteMap<symbol, { name: string; scale: BarScale }>();

  /** @returns removes it */
  add(name: string, scale: BarScale): () => void {
    const key = Symbol(name);
    this.#shown.set(key, { name, scale });
    return () => void this.#shown.delete(key);
  }

  /** The picture at the scale of all pictures of the name. */
  scaled(name: string, picture: Picture): Picture {
    if (picture.bars === undefined) return picture;
    const own = picture.bars.scale;
    const shared = { ...own };
    for (const { name: other, scale } of this.#shown.values()) {
      if (other !== name) continue;
      shared.max = Math.max(shared.max, scale.max);
      shared.signed ||= scale.signed;
      shared.labelWidth = Math.max(shared.labelWidth, scale.labelWidth);
    }
    const isOwn = shared.max === own.max && shared.signed === own.signed && shared.labelWidth === own.labelWidth;
    return isOwn ? picture : picture.bars.scaledTo(shared);
  }
}

const [getBarScales, setBarScales] = createContext<BarScales>();
export { getBarScales, setBarScales };
