import { createSubscriber } from 'svelte/reactivity';
import { themeColours, type Colours } from './scene.ts';

let colours: Colours | null = null;

const subscribe = createSubscriber((update) => {
  const watcher = new MutationObserver(() => {
    colours = null;
    update();
  });
  watcher.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => {
    watcher.disconnect();
    colours = null;
  };
});

/**
 * Colours of the present theme. An effect that reads them runs again with those of the next one: on a canvas, colours are
 * values instead of names.
 */
export function currentColours(): Colours {
  subscribe();
  return (colours ??= themeColours());
}
