import path from 'node:path';
import { isThere, readOtherProject } from '../../bundle/other-project.ts';
import { ProjectInvalidError } from '../../pipeline/plan-run.ts';
import { diffProjects, isSame } from '../../spec/project-diff.ts';
import type { CommandContext } from '../context.ts';
import { differenceText } from '../difference-text.ts';
import { EXIT, type ExitCode } from '../failure.ts';

/**
 * `ingest diff A B`: what differs between two projects, bundles, or revisions of the project's git repository; exit code 1 where anything does, as with `diff`.
 * What is no folder is a revision of the project that the other word names; two revisions are of the one that `--config` names.
 */
export async function diff({ terminal, globals }: CommandContext, before: string, after: string): Promise<ExitCode> {
  const base = process.cwd();
  const folder = (await isThere(path.resolve(before))) ? before : (await isThere(path.resolve(after))) ? after : null;
  const options = { project: path.resolve(folder ?? globals.config), base, env: globals.env ?? null };
  const read = async (name: string) => {
    const files = await readOtherProject(name, options);
    const errors = files.findings.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) throw new ProjectInvalidError(errors);
    return files;
  };
  const difference = diffProjects(await read(before), await read(after));
  if (globals.json) terminal.printJson(difference);
  else terminal.print(differenceText(difference, terminal.style.bind(terminal)));
  return isSame(difference) ? EXIT.ok : EXIT.failed;
}
