import { stat } from 'node:fs/promises';
import path from 'node:path';
import { readProjectAtRevision } from '../../bundle/git-revision.ts';
import { type ProjectFiles, readProjectFiles } from '../../bundle/read-project-files.ts';
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
  const options = globals.env === undefined ? {} : { env: globals.env };
  const [first, second] = [await isThere(before), await isThere(after)];
  const project = first ? before : second ? after : globals.config;
  const read = async (name: string, isFolder: boolean): Promise<ProjectFiles> => {
    const files = isFolder
      ? await readProjectFiles(path.resolve(name), options)
      : await readProjectAtRevision(path.resolve(project), name, options);
    const errors = files.findings.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) throw new ProjectInvalidError(errors);
    return files;
  };
  // What looks like a path is one, so that a mistyped folder is not looked for in git.
  const difference = diffProjects(
    await read(before, first || looksLikePath(before)),
    await read(after, second || looksLikePath(after)),
  );
  if (globals.json) terminal.printJson(difference);
  else terminal.print(differenceText(difference, terminal.style.bind(terminal)));
  return isSame(difference) ? EXIT.ok : EXIT.failed;
}

function isThere(name: string): Promise<boolean> {
  return stat(path.resolve(name)).then(
    () => true,
    () => false,
  );
}

function looksLikePath(name: string): boolean {
  return path.isAbsolute(name) || /^\.{1,2}([/\\]|$)|\\/.test(name);
}
