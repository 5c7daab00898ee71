import os from 'node:os';
import path from 'node:path';
import { openDestination } from '../../connectors.ts';
import type { Destination, TargetRef } from '../../destinations/destination.ts';
import { IngestError } from '../../errors.ts';
import { chooseDestination } from '../../pipeline/plan-run.ts';
import { newRunId } from '../../runs/run-id.ts';
import { type Job, jobName } from '../../spec/job.ts';
import { type JobState, STATE_VERSION, type StateKey } from '../../state/job-state.ts';
import { cancelOnSignals } from '../cancellation.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { exists } from '../paths.ts';
import { withScratch } from '../scratch.ts';
import { selectJobs, selectOne } from '../selection.ts';
import { renderTable } from '../table.ts';

export interface StateOptions {
  destination?: string;
}

/** `ingest state show`: how far each job has come in a destination, jobs that are no longer in the workbook too. */
export async function showState(
  context: CommandContext,
  selectors: string[],
  options: StateOptions,
): Promise<ExitCode> {
  const { terminal, globals } = context;
  await withDestination(context, options, async ({ destination, pipeline, opened, empty }) => {
    const wanted =
      selectors.length === 0 ? null : selectJobs(opened, selectors).map((job) => targetOf(job, destination));
    const states = (empty ? [] : await destination.listStates(pipeline)).filter(
      (state) =>
        wanted === null ||
        wanted.some(({ schema, table }) => schema === state.target_schema && table === state.target_table),
    );
    if (globals.json) {
      terminal.printJson(states.map(describe));
    } else if (states.length === 0) {
      terminal.print(`Nothing was loaded into ${destination.name} (${destination.location()}) yet.`);
    } else {
      terminal.print(
        renderTable(
          [{ header: 'job' }, { header: 'target' }, { header: 'watermark' }, { header: 'updated at' }],
          states.map((state) => [
            jobName(state),
            `${state.target_schema}.${state.target_table}`,
            state.watermark ?? '–',
            state.updated_at,
          ]),
          { width: terminal.printColumns, style: (style, text) => terminal.style(style, text) },
        ),
      );
      terminal.print(`\n${destination.name}: ${destination.location()}`);
    }
  });
  return EXIT.ok;
}

/** `ingest state set`: the next run reads from the watermark given. Rows at the old boundary are forgotten. */
export async function setState(
  context: CommandContext,
  selector: string,
  watermark: string,
  options: StateOptions,
): Promise<ExitCode> {
  await withDestination(context, options, async ({ destination, pipeline, opened }) => {
    const job = selectOne(opened, selector);
    if (job.source_type === 'filesystem' || job.load_type !== 'INCREMENTAL') {
      throw new IngestError(
        'STATE_WITHOUT_WATERMARK',
        job.load_type === 'INCREMENTAL'
          ? `${jobName(job)} reads files: it remembers which files were loaded, not a watermark.`
          : `${jobName(job)} has load_type FULL and reads everything each time.`,
        { hint: `To load everything again: ingest run --full-refresh --job ${jobName(job)}` },
      );
    }
    const target = targetOf(job, destination);
    await locked(destination, target, async () => {
      const key = keyOf(pipeline, target);
      const before = await destination.readState(key);
      const next: JobState = {
        ...key,
        version: STATE_VERSION,
        destination: destination.name,
        source_name: job.source_name,
        table_name: job.table_name,
        watermark,
        boundary: [],
        boundary_columns: [],
        source_state: before?.source_state ?? null,
        load_id: before?.load_id ?? '',
        updated_at: new Date().toISOString(),
      };
      await destination.writeState(key, next);
      const odd = looksOf(before?.watermark) !== null && looksOf(before?.watermark) !== looksOf(watermark);
      report(
        context,
        [{ before, after: next }],
        `${jobName(job)}: watermark ${before?.watermark ?? '–'} → ${watermark}${
          odd ? `. It is no ${looksOf(before?.watermark)} as the one before: look at it again.` : ''
        }${
          job.write_disposition === 'append'
            ? '. It appends: rows from there on that were loaded before land again.'
            : ''
        }`,
      );
    });
  });
  return EXIT.ok;
}

/** What a watermark reads like; null where that says nothing, as of texts. */
function looksOf(watermark: string | null | undefined): 'number' | 'date' | null {
  if (/^-?\d+(\.\d+)?$/.test(watermark ?? '')) return 'number';
  return /^\d{4}-\d\d-\d\d/.test(watermark ?? '') ? 'date' : null;
}

/** `ingest state reset`: forgets how far jobs have come. Says what was forgotten, so that it can be set again. */
export async function resetState(
  context: CommandContext,
  selectors: string[],
  options: StateOptions,
): Promise<ExitCode> {
  await withDestination(context, options, async ({ destination, pipeline, opened }) => {
    const changes: { before: JobState | null; after: null }[] = [];
    const lines: string[] = [];
    for (const job of selectJobs(opened, selectors)) {
      const target = targetOf(job, destination);
      await locked(destination, target, async () => {
        const key = keyOf(pipeline, target);
        const before = await destination.readState(key);
        if (before !== null) await destination.writeState(key, null);
        changes.push({ before, after: null });
        lines.push(resetLine(job, before));
      });
    }
    report(context, changes, lines.join('\n'));
  });
  return EXIT.ok;
}

/** `ingest state unlock`: removes the lock that a run on another computer left behind. */
export async function unlockState(context: CommandContext, selector: string, options: StateOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  await withDestination(context, options, async ({ destination, opened }) => {
    const target = targetByName(selector) ?? targetOf(selectOne(opened, selector), destination);
    if (destination.breakLock === undefined) {
      throw new IngestError(
        'STATE_LOCK_NOT_KEPT',
        `Locks of ${destination.name} end with the process that holds them.`,
        {
          hint: 'End that process, or wait for it.',
        },
      );
    }
    const held = await destination.breakLock(target);
    const name = `${target.schema}.${target.table}`;
    if (globals.json) terminal.printJson({ target: name, held });
    else if (held === null) terminal.print(`${name} was not locked.`);
    else
      terminal.print(
        `${name}: removed the lock of run ${held.runId} (process ${held.pid} on ${held.host}, since ${held.at}).`,
      );

    /** An error names targets as `schema.table`, which need not be a job's name. */
    function targetByName(text: string): TargetRef | null {
      const match = opened.project.jobs
        .map((job) => targetOf(job, destination))
        .find(({ schema, table }) => `${schema}.${table}` === text);
      return match ?? null;
    }
  });
  return EXIT.ok;
}

interface Opened {
  destination: Destination;
  pipeline: string;
  opened: Awaited<ReturnType<typeof openForCommand>>;
  /** The destination is not there yet; it was not opened, since that would create it. */
  empty: boolean;
}

async function withDestination(
  context: CommandContext,
  options: StateOptions,
  use: (opened: Opened) => Promise<void>,
): Promise<void> {
  const { terminal, globals } = context;
  const cancellation = cancelOnSignals(terminal);
  try {
    const opened = await openForCommand(context, { secrets: false });
    const config = chooseDestination(opened.project, options.destination);
    const baseDirectory = globals.workDir === undefined ? opened.directory : path.resolve(globals.workDir);
    await withScratch(async ({ workspace, folder }) => {
      const destination = await openDestination(config, {
        workspace,
        baseDirectory,
        tempDirectory: folder,
        destinations: opened.project.destinations,
      });
      const location = destination.location();
      const empty = path.isAbsolute(location) && !(await exists(location));
      try {
        if (!empty) await destination.open(cancellation.signal);
        await use({ destination, pipeline: opened.project.settings.name, opened, empty });
      } finally {
        await destination.close();
      }
    });
  } finally {
    cancellation.dispose();
  }
}

async function locked(destination: Destination, target: TargetRef, work: () => Promise<void>): Promise<void> {
  const lock = await destination.lock(target, { runId: newRunId(Date.now()), pid: process.pid, host: os.hostname() });
  try {
    await work();
  } finally {
    await lock.release();
  }
}

function targetOf(job: Job, destination: Destination): TargetRef {
  return { schema: job.target_schema ?? destination.defaultSchema, table: job.target_table };
}

function keyOf(pipeline: string, target: TargetRef): StateKey {
  return { pipeline, target_schema: target.schema, target_table: target.table };
}

/** A state in the form of spec section 6. */
function describe({
  pipeline,
  destination,
  target_schema,
  target_table,
  source_name,
  table_name,
  watermark,
  updated_at,
}: JobState) {
  return { pipeline, destination, target_schema, target_table, source_name, table_name, watermark, updated_at };
}

function report(
  { terminal, globals }: CommandContext,
  changes: { before: JobState | null; after: JobState | null }[],
  text: string,
): void {
  if (!globals.json) terminal.print(text);
  else
    terminal.printJson(
      changes.map(({ before, after }) => ({ before: before && describe(before), after: after && describe(after) })),
    );
}

function resetLine(job: Job, before: JobState | null): string {
  const name = jobName(job);
  if (before === null) return `${name}: there was no state.`;
  if (job.write_disposition === 'append') {
    return `${name}: forgotten${wasAt(before)}. It appends: empty its table, or run with --full-refresh, so that no row lands twice.`;
  }
  return `${name}: forgotten${wasAt(before)}.`;
}

function wasAt({ watermark }: JobState): string {
  return watermark === null ? '' : ` (it was at ${watermark})`;
}
