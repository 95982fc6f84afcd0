/**
 * Licence texts of fonts, icons and libraries in the app, from their packages. Installers have the same as a file, which
 * scripts/release/notices.ts makes of what the bundler took in; a test compares the lists.
 */
import bitsUi from '../../../node_modules/bits-ui/LICENSE?raw';
import characterEntities from '../../../node_modules/character-entities/license?raw';
import clsx from '../../../node_modules/clsx/license?raw';
import codeMirror from '../../../node_modules/@codemirror/state/LICENSE?raw';
import commander from '../../../node_modules/commander/LICENSE?raw';
import crelt from '../../../node_modules/crelt/LICENSE?raw';
import decodeReference from '../../../node_modules/decode-named-character-reference/license?raw';
import devlop from '../../../node_modules/devlop/license?raw';
import esmEnv from '../../../node_modules/esm-env/LICENSE?raw';
import floatingUi from '../../../node_modules/@floating-ui/core/LICENSE?raw';
import inlineStyleParser from '../../../node_modules/inline-style-parser/LICENSE?raw';
import inter from '../../../node_modules/@fontsource-variable/inter/LICENSE?raw';
import internationalizedDate from '../../../node_modules/@internationalized/date/LICENSE?raw';
import imurmurhash from '../../../node_modules/imurmurhash/README.md?raw';
import jetbrainsMono from '../../../node_modules/@fontsource-variable/jetbrains-mono/LICENSE?raw';
import highlightJs from '../../../node_modules/highlight.js/LICENSE?raw';
import lezer from '../../../node_modules/@lezer/common/LICENSE?raw';
import lib0 from '../../../node_modules/lib0/LICENSE?raw';
import lowlight from '../../../node_modules/lowlight/license?raw';
import lucide from '../../../node_modules/@lucide/svelte/LICENSE?raw';
import micromark from '../../../node_modules/micromark/license?raw';
import temml from '../../../node_modules/temml/LICENSE?raw';
import characterMaps from '../../../node_modules/pdfjs-dist/cmaps/LICENSE?raw';
import pdfjs from '../../../node_modules/pdfjs-dist/LICENSE?raw';
import runed from '../../../node_modules/runed/LICENSE?raw';
import signalExit from '../../../node_modules/write-file-atomic/node_modules/signal-exit/LICENSE.txt?raw';
import styleMod from '../../../node_modules/style-mod/LICENSE?raw';
import styleToObject from '../../../node_modules/style-to-object/LICENSE?raw';
import svelte from '../../../node_modules/svelte/LICENSE.md?raw';
import svelteToolbelt from '../../../node_modules/svelte-toolbelt/LICENSE?raw';
import tabbable from '../../../node_modules/tabbable/LICENSE?raw';
import valibot from '../../../node_modules/valibot/LICENSE.md?raw';
import w3cKeyname from '../../../node_modules/w3c-keyname/LICENSE?raw';
import writeFileAtomic from '../../../node_modules/write-file-atomic/LICENSE.md?raw';
import yjs from '../../../node_modules/yjs/LICENSE?raw';

export interface Notice {
  name: string;
  what: string;
  licence: string;
  text: string;
  /** Packages that it is for. */
  packages: readonly string[];
}

const library = (name: string, licence: string, text: string, packages = [name]): Notice => {
  return { name, what: 'library', licence, text, packages };
};

export const NOTICES: readonly Notice[] = [
  {
    name: 'Inter',
    what: 'interface font',
    licence: 'OFL-1.1',
    text: inter,
    packages: ['@fontsource-variable/inter'],
  },
  {
    name: 'JetBrains Mono',
    what: 'token font',
    licence: 'OFL-1.1',
    text: jetbrainsMono,
    packages: ['@fontsource-variable/jetbrains-mono'],
  },
  { name: 'Lucide', what: 'icons', licence: 'ISC', text: lucide, packages: ['@lucide/svelte'] },
  { name: 'Svelte', what: 'interface', licence: 'MIT', text: svelte, packages: ['svelte'] },
  { name: 'Bits UI', what: 'interface', licence: 'MIT', text: bitsUi, packages: ['bits-ui'] },
  library('clsx', 'MIT', clsx),
  library('Commander', 'MIT', commander, ['commander']),
  library('esm-env', 'MIT', esmEnv),
  library('Floating UI', 'MIT', floatingUi, ['@floating-ui/core', '@floating-ui/dom', '@floating-ui/utils']),
  library('imurmurhash', 'MIT', imurmurhash),
  library('inline-style-parser', 'MIT', inlineStyleParser),
  library('Internationalized Date', 'Apache-2.0', internationalizedDate, ['@internationalized/date']),
  library('Runed', 'MIT', runed, ['runed']),
  library('signal-exit', 'ISC', signalExit),
  library('style-to-object', 'MIT', styleToObject),
  library('svelte-toolbelt', 'MIT', svelteToolbelt),
  library('tabbable', 'MIT', tabbable),
  library('Valibot', 'MIT', valibot, ['valibot']),
  library('write-file-atomic', 'ISC', writeFileAtomic),
  library('micromark and its extensions', 'MIT', micromark, [
    'micromark',
    'micromark-core-commonmark',
    'micromark-extension-gfm-autolink-literal',
    'micromark-extension-gfm-footnote',
    'micromark-extension-gfm-strikethrough',
    'micromark-extension-gfm-table',
    'micromark-extension-gfm-task-list-item',
    'micromark-factory-destination',
    'micromark-factory-label',
    'micromark-factory-space',
    'micromark-factory-title',
    'micromark-factory-whitespace',
    'micromark-util-character',
    'micromark-util-chunked',
    'micromark-util-classify-character',
    'micromark-util-combine-extensions',
    'micromark-util-decode-numeric-character-reference',
    'micromark-util-edit-map',
    'micromark-util-encode',
    'micromark-util-html-tag-name',
    'micromark-util-normalize-identifier',
    'micromark-util-resolve-all',
    'micromark-util-sanitize-uri',
    'micromark-util-subtokenize',
  ]),
  library('character-entities', 'MIT', characterEntities),
  library('decode-named-character-reference', 'MIT', decodeReference),
  library('devlop', 'MIT', devlop),
  library('highlight.js', 'BSD-3-Clause', highlightJs),
  library('lowlight', 'MIT', lowlight),
  library('Temml', 'MIT', temml, ['temml']),
  library('CodeMirror', 'MIT', codeMirror, [
    '@codemirror/commands',
    '@codemirror/language',
    '@codemirror/state',
    '@codemirror/streamparser',
    '@codemirror/view',
    '@marijn/find-cluster-break',
  ]),
  library('Lezer', 'MIT', lezer, ['@lezer/common', '@lezer/highlight', '@lezer/lr']),
  library('style-mod', 'MIT', styleMod),
  library('w3c-keyname', 'MIT', w3cKeyname),
  library('crelt', 'MIT', crelt),
  library('Yjs', 'MIT', yjs, ['yjs']),
  library('lib0', 'MIT', lib0),
  library('PDF.js', 'Apache-2.0', pdfjs, ['pdfjs-dist']),
  library('Character maps of Adobe', 'BSD-3-Clause', characterMaps, ['pdfjs-dist']),
];
