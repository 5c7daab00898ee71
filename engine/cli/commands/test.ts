import { openSource } from '../../connectors.ts';
import { IngestError, messageOf, throwIfCancelled } from '../../errors.ts';
import { secondsText } from '../../runs/event-text.ts';
import type { TestStage } from '../../sources/source.ts';
import { type Connection, connectionOf } from '../../spec/connection.ts';
import type { Project } from '../../spec/project.ts';
import { cancelOnSignals } from '../cancellation.ts';
import { findConnection } from '../connection-names.ts';
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
    const { project, directory } = await openForCommand(context);
    const connections =
      names.length > 0 ? names.map((name) => findConnection(project, name)) : usedConnections(project);
    if (connections.length === 0) {
      throw new IngestError('CONNECTION_NOT_FOUND', 'No enabled job uses a connection.', {
        hint: 'Name a connection: ingest test NAME',
      });
    }
    const results: TestResult[] = [];
    for (const connection of connections) {
      throwIfCancelled(cancellation.signal);
      if (!globals.json) terminal.print(terminal.style('bold', `${connection.name} (${connection.type})`));
      const source = await openSource(connection, { projectDirectory: directory });
      const stages: TestStage[] = [];
      try {
        for await (const stage of source.test(cancellation.signal)) {
          stages.push(stage);
          if (!globals.json) printStage(context, stage);
        }
      } finally {
        await source
          .close()
          .catch((error: unknown) => terminal.tell(`closing ${connection.name}: ${messageOf(error)}`));
      }
      throwIfCancelled(cancellation.signal);
      const passed = stages.length > 0 && stages.every((stage) => stage.status !== 'failed');
      results.push({ connection: connection.name, type: connection.type, passed, stages });
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
  const took = status === 'skipped' ? 'skipped' : secondsText(durationMs / 1000);
  terminal.print(`  ${sign} ${stage.replaceAll('_', ' ').padEnd(10)} ${took.padStart(8)}  ${error?.message ?? detail}`);
  if (error === undefined) return;
  if (error.hint !== undefined) terminal.print(`      what to do: ${error.hint}`);
  terminal.print(terminal.style('dim', `      code: ${error.code}`));
}

function usedConnections(project: Project): Connection[] {
  const used = project.jobs
    .filter((job) => job.enabled)
    .map((job) => connectionOf(project.connections, job))
    .filter((connection) => connection !== undefined);
  return [...new Set(used)];
}
