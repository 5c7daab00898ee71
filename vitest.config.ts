import path from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Where .ci/run wants the counts of all suites; a person at a terminal does not. */
const report = process.env['TEST_REPORT'];

/** What takes longest on two cores, from the longest on. */
const DEAR = [
  'e2e/app-jobs',
  'e2e/every-screen',
  'e2e/connections',
  'e2e/api-preview',
  'packaging/runner',
  'destinations/delta',
  'grid/data-grid',
  'e2e/journey',
  'packaging/application',
  'e2e/desktop',
  'screens/runs-results-export',
  'pipeline/killed-run',
  'sources/database/threads',
  'destinations/databricks/exactly-once',
  'e2e/discover',
  'object-stores/conformance',
  'destinations/killed-load',
  'sources/oracle/network',
  'cli/project-commands',
  'sources/postgres/network',
].map((name) => path.join(import.meta.dirname, 'tests', `${name}.test.ts`));

/** Begins with the dear files: one that came last would keep a single core busy, all alone. Where vitest remembers a run, it knows better for the others. */
class DearFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = (file: TestSpecification) => DEAR.indexOf(path.normalize(file.moduleId)) + 1 || DEAR.length + 1;
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

/** Suites that drive windows, the application or the packed runner: without coverage, see tests/coverage.ts. */
const WINDOW = ['e2e/**', 'screens', 'grid/**', 'renderer/**', 'packaging/**'].map(
  (place) => `tests/${place}/*.test.ts`,
);

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'engine', include: ['tests/**/*.test.ts'], exclude: WINDOW } },
      { extends: true, test: { name: 'window', include: WINDOW, env: { WITHOUT_COVERAGE: 'true' } } },
    ],
    // Patience for busy machines: nothing here asserts how long something takes.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
    // Two cores: more workers would only make servers and DuckDB fight for them.
    maxWorkers: 2,
    sequence: { sequencer: DearFirst },
    // The processes that tests start (over a hundred) compile the engine and the drivers once, not each for itself.
    env: { NODE_COMPILE_CACHE: path.join(import.meta.dirname, 'node_modules/.cache/compiled') },
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    coverage: {
      // It costs a third of the time; CI sets this variable.
      enabled: Boolean(process.env['CI']),
      provider: 'custom',
      customProviderModule: path.join(import.meta.dirname, 'tests/coverage.ts'),
      // One failed test must not hide a file that no test sees.
      reportOnFailure: true,
      include: ['engine/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { lines: 85, perFile: { lines: 70 } },
    },
  },
});
