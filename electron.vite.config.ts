import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';
import type { Plugin } from 'vite';

const here = (file: string) => path.resolve(import.meta.dirname, file);

/** The page's text is drawn in its font at once: else it would be asked for only after the first text was there, in another one. */
function preloadFont(): Plugin {
  return {
    name: 'preload-font',
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle = {} }) {
        const font = Object.keys(bundle).find((file) => /inter-latin-wght-normal-.*\.woff2$/.test(file));
        if (font === undefined) return [];
        return [
          {
            tag: 'link',
            attrs: { rel: 'preload', as: 'font', type: 'font/woff2', crossorigin: true, href: `./${font}` },
            injectTo: 'head',
          },
        ];
      },
    },
  };
}

export default defineConfig({
  main: {
    build: {
      outDir: here('out/main'),
      // All dependencies stay packages of their own: drivers and vendors' SDKs load parts of themselves by name.
      externalizeDeps: true,
      rollupOptions: {
        input: {
          index: here('electron/main.ts'),
          'engine-host': here('electron/engine-host.ts'),
          'scan-worker': here('engine/sources/filesystem/scan-worker.ts'),
          'mssql-worker': here('engine/sources/mssql/mssql-worker.ts'),
          'oracle-worker': here('engine/sources/oracle/oracle-worker.ts'),
        },
        // Side by side: the engine finds its worker beside itself.
        output: { chunkFileNames: '[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: here('out/preload'),
      // A sandboxed preload is one CommonJS file that requires `electron` and nothing else.
      externalizeDeps: false,
      rollupOptions: {
        input: { index: here('electron/preload.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: here('renderer'),
    plugins: [react(), preloadFont()],
    build: {
      outDir: here('out/renderer'),
      emptyOutDir: true,
      minify: true,
      // The page's policy allows fonts and scripts of its own origin only: no file becomes a data: link.
      assetsInlineLimit: 0,
      rollupOptions: { input: here('renderer/index.html') },
    },
  },
});
