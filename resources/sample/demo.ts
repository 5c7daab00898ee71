/**
 * `npm run demo`: runs the sample project in a folder `.demo/` of the checkout, into DuckDB and into Parquet, lets a day pass, runs it again,
 * and compares what landed with the sources by queries that share no code with the engine.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cancelOnSignals } from '../../engine/cli/cancellation.ts';
import { EXIT, type ExitCode, reportFailure } from '../../engine/cli/failure.ts';
import { Reporter } from '../../engine/cli/reporter.ts';
import { runSummary, runTable } from '../../engine/cli/run-table.ts';
import { renderTable } from '../../engine/cli/table.ts';
import { Terminal } from '../../engine/cli/terminal.ts';
import { openProject } from '../../engine/open-project.ts';
import { type RunOutcome, runProject } from '../../engine/pipeline/run-project.ts';
import { FIRST_HISTORY_ENDS, NEXT_DAY } from '../../engine/sample-api/shop-data.ts';
import { compareTotals, type Total } from './compare-totals.ts';

const SAMPLE = import.meta.dirname;
const DESTINATIONS = ['duckdb', 'parquet'] as const;

export interface DemoResult {
  /** Outcomes by run and destination: `first.duckdb`, `second.parquet`, … */
  first: Record<(typeof DESTINATIONS)[number], RunOutcome>;
  second: Record<(typeof DESTINATIONS)[number], RunOutcome>;
  totals: Total[];
}

/** Copies the sample project to `folder`, which is removed first. Scripts stay behind. */
export async function copySample(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  await mkdir(folder, { recursive: true });
  await cp(SAMPLE, folder, {
    recursive: true,
    filter: (source) => !source.endsWith('.ts') && path.basename(source) !== 'next-day',
  });
}

/** What the world does between two runs: the shop sells on, and new files arrive. */
export async function letADayPass(folder: string): Promise<void> {
  const config = path.join(folder, '.dlt', 'config.toml');
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace(`as_of = "${FIRST_HISTORY_ENDS}"`, `as_of = "${NEXT_DAY}"`));
  await cp(path.join(SAMPLE, 'next-day', 'data'), path.join(folder, 'data'), { recursive: true });
}

/** The demo in `folder`. Prints as it goes; throws where a run cannot even begin. */
export async function runDemo(folder: string, terminal: Terminal, signal: AbortSignal): Promise<DemoResult> {
  const heading = (text: string) => terminal.print(`\n${terminal.style('bold', text)}\n`);
  await copySample(folder);

  heading('1. The first run, into a DuckDB file: everything is read');
  const firstDuckdb = await run(folder, 'duckdb', terminal, signal);
  terminal.print(runTable(firstDuckdb.metrics, terminal));
  terminal.print(runSummary(firstDuckdb, terminal));
  terminal.print('checks   the DataQuality sheet is valid; this version does not run its checks yet');

  heading('2. The same jobs into Parquet: each destination keeps its own state, so everything is read again');
  const firstParquet = await run(folder, 'parquet', terminal, signal);
  terminal.print(runSummary(firstParquet, terminal).trimStart());

  await letADayPass(folder);
  heading(
    '3. A day later: new orders in the API, new files. INCREMENTAL jobs load only what is new, FULL jobs replace their table',
  );
  const secondDuckdb = await run(folder, 'duckdb', terminal, signal);
  terminal.print(runTable(secondDuckdb.metrics, terminal));
  terminal.print(runSummary(secondDuckdb, terminal));
  const secondParquet = await run(folder, 'parquet', terminal, signal);
  terminal.print(`\nAnd the same day into Parquet:\n${runSummary(secondParquet, terminal).trimStart()}`);

  heading(
    '4. Is it right? Rows and sums of the sources against what landed, by queries that know nothing of the engine',
  );
  const totals = await compareTotals(folder);
  terminal.print(totalsTable(totals, terminal));
  return {
    first: { duckdb: firstDuckdb, parquet: firstParquet },
    second: { duckdb: secondDuckdb, parquet: secondParquet },
    totals,
  };
}

async function run(folder: string, destination: string, terminal: Terminal, signal: AbortSignal): Promise<RunOutcome> {
  const project = await openProject(folder, { environment: process.env });
  terminal.redact = (text) => project.redactor.text(text);
  const reporter = new Reporter(terminal, terminal.interactive ? 'INFO' : 'ERROR');
  try {
    return await runProject(project, {
      selectors: [],
      destination,
      signal,
      onEvent: (event) => reporter.onEvent(event),
    });
  } finally {
    reporter.close();
  }
}

function totalsTable(totals: readonly Total[], terminal: Terminal): string {
  const sign = (right: boolean) => (right ? terminal.style('green', '✔ equal') : terminal.style('red', '✖ DIFFERS'));
  return renderTable(
    [
      { header: 'what' },
      { header: 'in the sources', align: 'right' },
      { header: 'in DuckDB', align: 'right' },
      { header: 'in Parquet', align: 'right' },
      { header: '' },
    ],
    totals.map(({ what, source, duckdb, parquet }) => [
      what,
      source,
      duckdb,
      parquet,
      sign(source === duckdb && source === parquet),
    ]),
    { width: terminal.printColumns, style: (style, text) => terminal.style(style, text) },
  );
}

if (import.meta.main) {
  const terminal = new Terminal({ stdout: process.stdout, stderr: process.stderr, color: true, env: process.env });
  const cancellation = cancelOnSignals(terminal);
  const started = performance.now();
  let exitCode: ExitCode;
  try {
    const { first, second, totals } = await runDemo(
      path.join(SAMPLE, '..', '..', '.demo'),
      terminal,
      cancellation.signal,
    );
    const wrong = totals.filter(({ source, duckdb, parquet }) => source !== duckdb || source !== parquet).length;
    const codes = [first, second].flatMap((outcomes) => DESTINATIONS.map((name) => outcomes[name].exitCode));
    exitCode = wrong > 0 ? EXIT.failed : (codes.find((code) => code !== EXIT.ok) ?? EXIT.ok);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const verdict =
      exitCode === EXIT.ok
        ? terminal.style('green', '✔ All equal.')
        : terminal.style('red', '✖ Something is not as it should be; see above.');
    terminal.print(
      `\n${verdict} Four runs in ${seconds} s. Look around in .demo/: output/sample.duckdb, output/parquet/, metadata/.`,
    );
    terminal.print(
      'Next: npm run -s ingest -- -c .demo state show, or open .demo/ingestion_config.xlsx and change a row.',
    );
  } catch (error) {
    exitCode = reportFailure(error, terminal, { json: false, debug: process.env['DEBUG'] !== undefined });
  } finally {
    cancellation.dispose();
  }
  process.exitCode = exitCode;
}
