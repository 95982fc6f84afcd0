/** The theme's colours, resolved for a canvas: Chart.js does not read custom properties. */
export interface ChartColours {
  accent: string;
  accentSoft: string;
  danger: string;
  surface: string;
  line: string;
  textQuiet: string;
  inverse: string;
  onInverse: string;
  font: string;
}

export function chartColours(element: Element): ChartColours {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    accent: read('--accent'),
    accentSoft: read('--accent-soft'),
    danger: read('--danger'),
    surface: read('--surface-1'),
    line: read('--line-1'),
    textQuiet: read('--text-3'),
    inverse: read('--surface-inv'),
    onInverse: read('--text-inv'),
    font: read('--font-ui'),
  };
}

/** Calls `callback` when the document's theme changes. @returns unsubscribes */
export function onThemeChange(callback: () => void): () => void {
  const observer = new MutationObserver(callback);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  return () => observer.disconnect();
}
