/** The built page names what it loads, instead of file by file as each one is read. */
import { basename } from 'node:path';
import type { HtmlTagDescriptor, Plugin, Rolldown } from 'vite';

/** What `index.html` loads in any case besides its own script. */
const ALWAYS = 'src-renderer/app/show-app.ts';
/** The font of the first text. Others have signs that few texts have. */
const FONT = /^inter-latin-opsz-normal-/;

/** Adds links to `index.html`: to the modules that its script imports, and to the interface with its styles and font. */
export function preloadLinks(): Plugin {
  return {
    name: 'preload-links',
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle, chunk }) {
        if (bundle === undefined || chunk?.name !== 'index') return [];
        const files = Object.values(bundle);
        const chunks = files.filter((file) => file.type === 'chunk');
        const shown = chunks.find(({ facadeModuleId }) => facadeModuleId?.replaceAll('\\', '/').endsWith(ALWAYS));
        if (shown === undefined) throw new Error(`${ALWAYS} is not a chunk of its own any more.`);
        const modules = [...new Set([...importsOf(chunk, chunks), shown, ...importsOf(shown, chunks)])];
        const styles = shown.viteMetadata?.importedCss ?? [];
        const font = files.find(({ fileName }) => FONT.test(basename(fileName)));
        if (font === undefined) throw new Error('The font of the first text was not found.');
        return [
          ...modules.filter((one) => one !== chunk).map(({ fileName }) => link('modulepreload', fileName)),
          ...[...styles].map((fileName) => link('preload', fileName, { as: 'style' })),
          link('preload', font.fileName, { as: 'font', type: 'font/woff2' }),
        ];
      },
    },
  };
}

/** What `chunk` imports statically, also indirectly. */
function importsOf(chunk: Rolldown.OutputChunk, chunks: readonly Rolldown.OutputChunk[]): Rolldown.OutputChunk[] {
  const found = new Set<Rolldown.OutputChunk>();
  const add = ({ imports }: Rolldown.OutputChunk): void => {
    for (const one of chunks.filter(({ fileName }) => imports.includes(fileName))) {
      if (found.has(one)) continue;
      found.add(one);
      add(one);
    }
  };
  add(chunk);
  return [...found];
}

function link(rel: string, fileName: string, more: Record<string, string> = {}): HtmlTagDescriptor {
  return { tag: 'link', attrs: { rel, ...more, crossorigin: true, href: `./${fileName}` }, injectTo: 'head' };
}
