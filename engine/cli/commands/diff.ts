import path from 'node:path';
import { readProjectFiles } from '../../bundle/read-project-files.ts';
import { ProjectInvalidError } from '../../pipeline/plan-run.ts';
import { diffProjects, isSame } from '../../spec/project-diff.ts';
import type { CommandContext } from '../context.ts';
import { differenceText } from '../difference-text.ts';
import { EXIT, type ExitCode } from '../failure.ts';

/** `ingest diff A B`: what differs between two projects or bundles; exit code 1 where anything does, as with `diff`. */
export async function diff({ terminal, globals }: CommandContext, before: string, after: string): Promise<ExitCode> {
  const read = async (folder: string) => {
    const files = await readProjectFiles(path.resolve(folder), globals.env === undefined ? {} : { env: globals.env });
    const errors = files.findings.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) throw new ProjectInvalidError(errors);
    return files;
  };
  const difference = diffProjects(await read(before), await read(after));
  if (globals.json) terminal.printJson(difference);
  else terminal.print(differenceText(difference, terminal.style.bind(terminal)));
  return isSame(difference) ? EXIT.ok : EXIT.failed;
}
