import { mount, unmount } from 'svelte';
import type { IconComponent } from './types.ts';

const drawn = new Map<IconComponent, DocumentFragment>();

/**
 * The shapes of an icon, to be put into an svg element of 24 by 24 units. Each icon is made once and then copied: its
 * component takes ten times as long, and a long chat has hundreds of icons.
 */
export function iconShapes(icon: IconComponent): DocumentFragment {
  let shapes = drawn.get(icon);
  if (shapes === undefined) {
    const target = document.createElement('div');
    const component = mount(icon, { target });
    shapes = document.createDocumentFragment();
    for (const shape of target.querySelectorAll('svg > *')) shapes.append(shape.cloneNode(true));
    void unmount(component);
    drawn.set(icon, shapes);
  }
  return shapes.cloneNode(true) as DocumentFragment;
}
