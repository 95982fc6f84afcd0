import type { Density, TextSize, ThemeSetting } from '../../src-main/protocol/app/app-services.ts';

export type Theme = Exclude<ThemeSetting, 'system'>;

/** Resolves `system` with the system's preferences. */
export function resolveTheme(setting: ThemeSetting, system: { dark: boolean; moreContrast: boolean }): Theme {
  if (setting !== 'system') return setting;
  if (system.moreContrast) return 'contrast';
  return system.dark ? 'dark' : 'light';
}

/**
 * Applies the theme to the document, and updates it when the system's preferences change.
 *
 * @returns stops following the system
 */
export function followTheme(setting: ThemeSetting): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  // Forced colours report prefers-contrast too, but there the system's own palette rules.
  const contrast = matchMedia('(prefers-contrast: more) and (forced-colors: none)');
  const apply = (): void => {
    const theme = resolveTheme(setting, { dark: dark.matches, moreContrast: contrast.matches });
    document.documentElement.dataset['theme'] = theme;
  };
  apply();
  dark.addEventListener('change', apply);
  contrast.addEventListener('change', apply);
  return () => {
    dark.removeEventListener('change', apply);
    contrast.removeEventListener('change', apply);
  };
}

/** Applies text size and density to the document. */
export function applySpacing({ textSize, density }: { textSize: TextSize; density: Density }): void {
  Object.assign(document.documentElement.dataset, { textSize, density });
}
