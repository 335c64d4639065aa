import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['src/**/__tests__/**/*.spec.ts', 'src/**/__tests__/**/*.spec.tsx'],
    setupFiles: ['src/__tests__/setup.ts'],
    // JupyterLab's packages are made for a bundler: Node finds not all of their files by itself.
    server: { deps: { inline: [/@jupyter/, /@microsoft\/fast/] } }
  }
});
