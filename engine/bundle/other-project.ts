import { stat } from 'node:fs/promises';
import path from 'node:path';
import { readProjectAtRevision } from './git-revision.ts';
import { type ProjectFiles, readProjectFiles } from './read-project-files.ts';

/** Whether a folder (or a file) of that name is there. */
export function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/**
 * The files of what a project is compared with: a folder (a project or a bundle), or a revision of the git repository of the project in `project`.
 * What looks like a path is one, so that a mistyped folder is not looked for in git.
 * @param base where relative folders begin
 * @throws IngestError of `readProjectFiles` and `readProjectAtRevision`
 */
export async function readOtherProject(
  name: string,
  { project, base, env }: { project: string; base: string; env: string | null },
): Promise<ProjectFiles> {
  const options = env === null ? {} : { env };
  const folder = path.resolve(base, name);
  const looksLikePath = path.isAbsolute(name) || /^\.{1,2}([/\\]|$)|\\/.test(name);
  if (looksLikePath || (await isThere(folder))) return await readProjectFiles(folder, options);
  return await readProjectAtRevision(project, name, options);
}
