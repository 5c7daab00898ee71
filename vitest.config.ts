import path from 'node:path';
import { defineConfig } from 'vitest/config';

/** Where .ci/run wants the counts of all suites; a person at a terminal does not. */
const report = process.env['TEST_REPORT'];

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Patience for busy machines: nothing here asserts how long something takes.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
    // Two cores: more workers would only make servers and DuckDB fight for them.
    maxWorkers: 2,
    // The processes that tests start (over a hundred) compile the engine and the drivers once, not each for itself.
    env: { NODE_COMPILE_CACHE: path.join(import.meta.dirname, 'node_modules/.cache/compiled') },
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    coverage: {
      provider: 'v8',
      include: ['engine/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 85, perFile: { lines: 70 } },
    },
  },
});
