import { defineConfig } from 'vite';

/** One script, one style sheet, nothing inlined: the page runs under a policy that allows neither inline code nor other hosts. */
export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What is bundled asks for its notice to be kept beside it.
    license: { fileName: 'licences.md' },
  },
});
