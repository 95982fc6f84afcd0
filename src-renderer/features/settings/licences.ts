/** Licence texts of fonts, icons and libraries in the window, from their packages. */
import bitsUi from '../../../node_modules/bits-ui/LICENSE?raw';
import inter from '../../../node_modules/@fontsource-variable/inter/LICENSE?raw';
import jetbrainsMono from '../../../node_modules/@fontsource-variable/jetbrains-mono/LICENSE?raw';
import highlightJs from '../../../node_modules/highlight.js/LICENSE?raw';
import lowlight from '../../../node_modules/lowlight/license?raw';
import lucide from '../../../node_modules/@lucide/svelte/LICENSE?raw';
import micromark from '../../../node_modules/micromark/license?raw';
import svelte from '../../../node_modules/svelte/LICENSE.md?raw';
import temml from '../../../node_modules/temml/LICENSE?raw';

export interface Notice {
  name: string;
  what: string;
  licence: string;
  text: string;
}

export const NOTICES: readonly Notice[] = [
  { name: 'Inter', what: 'interface font', licence: 'OFL-1.1', text: inter },
  { name: 'JetBrains Mono', what: 'token font', licence: 'OFL-1.1', text: jetbrainsMono },
  { name: 'Lucide', what: 'icons', licence: 'ISC', text: lucide },
  { name: 'Svelte', what: 'interface', licence: 'MIT', text: svelte },
  { name: 'Bits UI', what: 'interface', licence: 'MIT', text: bitsUi },
  { name: 'micromark and its extensions', what: 'Markdown', licence: 'MIT', text: micromark },
  { name: 'highlight.js', what: 'syntax colours', licence: 'BSD-3-Clause', text: highlightJs },
  { name: 'lowlight', what: 'syntax colours', licence: 'MIT', text: lowlight },
  { name: 'Temml', what: 'formulas', licence: 'MIT', text: temml },
];
