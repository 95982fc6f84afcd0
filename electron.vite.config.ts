import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type UserConfig } from 'electron-vite';
import { resolve } from 'node:path';
import { preloadLinks } from './scripts/lib/preload-links.ts';
import { recordPackages } from './scripts/release/bundled-packages.ts';

const path = (name: string) => resolve(import.meta.dirname, name);

/** scripts/ensure-built.mjs builds one part without the other: `main` or `app` (preload script and renderer). */
const parts = process.env.TOKENSCOPE_BUILD_PARTS?.split(',') ?? ['main', 'app'];

const all: UserConfig = {
  main: {
    plugins: [recordPackages(import.meta.dirname, 'main')],
    build: {
      outDir: 'out/main',
      target: 'node20.18',
      // Everything is bundled: what is shipped has no node_modules.
      externalizeDeps: false,
      minify: false,
      rolldownOptions: {
        input: {
          start: path('src-main/app/start.ts'),
          index: path('src-main/app/main.ts'),
          'roll-back': path('src-main/app/roll-back.ts'),
          utility: path('src-main/hosts/utility/utility.ts'),
          'engine-worker': path('src-main/hosts/node/engine-worker.ts'),
          'kernel-thread': path('src-main/hosts/node/kernel-thread.mjs'),
          'web-host': path('src-main/hosts/web/server/main.ts'),
          cli: path('src-main/hosts/node/cli/main.ts'),
          'bench-host': path('src-main/hosts/node/bench/bench-host.ts'),
          'bench-worker': path('src-main/hosts/node/bench/bench-worker.ts'),
          'ceilings-thread': path('src-main/hosts/node/bench/ceilings-thread.ts'),
          'bench-app': path('src-main/hosts/utility/bench-app.ts'),
        },
        output: {
          format: 'es',
          entryFileNames: '[name].js',
          chunkFileNames: 'chunks/[name]-[hash].js',
          // V8 keeps the source of every thread's code in memory. Identifiers stay, so that logs can be read.
          minify: { compress: true, mangle: false, codegen: true },
        },
      },
    },
  },
  preload: {
    plugins: [recordPackages(import.meta.dirname, 'preload')],
    build: {
      outDir: 'out/preload',
      target: 'node20.18',
      externalizeDeps: false,
      rolldownOptions: {
        input: {
          preload: path('src-main/preload/preload.ts'),
          'gpu-preload': path('src-main/preload/gpu-preload.ts'),
        },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: path('src-renderer'),
    publicDir: false,
    plugins: [svelte({ configFile: false }), preloadLinks(), recordPackages(import.meta.dirname, 'renderer')],
    server: { strictPort: true },
    // Its variant for browsers decodes with the DOM, which a Worker lacks.
    resolve: {
      alias: {
        'decode-named-character-reference': path('node_modules/decode-named-character-reference/index.js'),
      },
    },
    build: {
      outDir: path('out/renderer'),
      target: 'chrome130',
      minify: true,
      // The content security policy allows fonts from files only, and a small file would become a data: address.
      assetsInlineLimit: 0,
      // Its code needs a document, and a Worker has none. The page's own links: preloadLinks.
      modulePreload: false,
      rolldownOptions: {
        input: {
          index: path('src-renderer/index.html'),
          gpu: path('src-renderer/gpu.html'),
          'gpu.worker': path('src-main/hosts/web/gpu.worker.ts'),
          'engine.worker': path('src-main/hosts/web/engine.worker.ts'),
          'kernel-thread': path('src-main/hosts/web/kernel-thread.ts'),
          'markdown.worker': path('src-renderer/features/markdown/parse/markdown.worker.ts'),
          'pdf.worker': path('src-renderer/features/chat/attachments/pdf.worker.ts'),
        },
        output: {
          // Workers are started by their names.
          entryFileNames: ({ name }) => (name === 'index' || name === 'gpu' ? 'assets/[name]-[hash].js' : '[name].js'),
        },
      },
    },
  },
};

export default defineConfig({
  ...(parts.includes('main') ? { main: all.main } : {}),
  ...(parts.includes('app') ? { preload: all.preload, renderer: all.renderer } : {}),
} as UserConfig);
