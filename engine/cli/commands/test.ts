import path from 'node:path';
import { openSource } from '../../connectors.ts';
import { IngestError, messageOf, throwIfCancelled } from '../../errors.ts';
import { secondsText } from '../../runs/event-text.ts';
import { testDestination } from '../../service/test-destination.ts';
import type { TestStage } from '../../sources/source.ts';
import { type Connection, connectionOf } from '../../spec/connection.ts';
import type { DestinationConfig } from '../../spec/destination.ts';
import type { Project } from '../../spec/project.ts';
import { cancelOnSignals } from '../cancellation.ts';
import { findTestable } from '../connection-names.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';

interface TestResult {
  connection: string;
  type: string;
  passed: boolean;
  stages: TestStage[];
}

/** `ingest test`: stage by stage, each with its time; exit code 1 where a connection fails. */
export async function test(context: CommandContext, names: string[]): Promise<ExitCode> {
  const { terminal, globals } = context;
  const cancellation = cancelOnSignals(terminal);
  try {
    const opened = await openForCommand(context, { vault: { scope: 'everything', signal: cancellation.signal } });
    const { project, directory } = opened;
    const targets = names.length > 0 ? names.map((name) => findTestable(opened, name)) : usedConnections(project);
    if (targets.length === 0) {
      throw new IngestError('CONNECTION_NOT_FOUND', 'No enabled job uses a connection.', {
        hint: 'Name a connection: ingest test NAME',
      });
    }
    const results: TestResult[] = [];
    for (const target of targets) {
      throwIfCancelled(cancellation.signal);
      const isDestination = Object.values(project.destinations).includes(target as DestinationConfig);
      const words = isDestination ? `destination, ${target.type}` : target.type;
      if (!globals.json) terminal.print(terminal.style('bold', `${target.name} (${words})`));
      const stages: TestStage[] = [];
      const take = async (tested: AsyncIterable<TestStage>) => {
        for await (const stage of tested) {
          stages.push(stage);
          if (!globals.json) printStage(context, stage);
        }
      };
      if (isDestination) {
        const baseDirectory = path.resolve(globals.workDir ?? directory);
        const options = { baseDirectory, signal: cancellation.signal, destinations: project.destinations };
        await take(testDestination(target as DestinationConfig, options));
      } else {
        const source = await openSource(target as Connection, { projectDirectory: directory });
        try {
          await take(source.test(cancellation.signal));
        } finally {
          await source.close().catch((error: unknown) => terminal.tell(`closing ${target.name}: ${messageOf(error)}`));
        }
      }
      throwIfCancelled(cancellation.signal);
      const passed = stages.length > 0 && stages.every((stage) => stage.status !== 'failed');
      results.push({ connection: target.name, type: target.type, passed, stages });
      if (!globals.json) terminal.print();
    }
    if (globals.json) terminal.printJson(results);
    return results.every((result) => result.passed) ? EXIT.ok : EXIT.failed;
  } finally {
    cancellation.dispose();
  }
}

function printStage({ terminal }: CommandContext, { stage, status, durationMs, detail, error }: TestStage): void {
  const sign = {
    passed: terminal.style('green', '✔'),
    failed: terminal.style('red', '✖'),
    skipped: terminal.style('dim', '–'),
  }[status];
  const took = status === 'skipped' ? 'skipped' : stageTime(durationMs);
  terminal.print(`  ${sign} ${stage.replaceAll('_', ' ').padEnd(10)} ${took.padStart(8)}  ${error?.message ?? detail}`);
  if (error === undefined) return;
  if (error.hint !== undefined) terminal.print(`      what to do: ${error.hint}`);
  terminal.print(terminal.style('dim', `      code: ${error.code}`));
}

function stageTime(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : secondsText(milliseconds / 1000);
}

function usedConnections(project: Project): Connection[] {
  const used = project.jobs
    .filter((job) => job.enabled)
    .map((job) => connectionOf(project.connections, job))
    .filter((connection) => connection !== undefined);
  return [...new Set(used)];
}
