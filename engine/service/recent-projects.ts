import { access } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { WORKBOOK_FILE } from '../bundle/read-project-files.ts';
import type { ProjectDocument, RecentProject } from '../contract.ts';
import { UserFile } from '../user-data/user-file.ts';
import type { ServiceContext } from './service-context.ts';

const recentModel = z.array(
  z.object({ directory: z.string(), name: z.string(), opened_at: z.string(), jobs: z.number() }),
);

/** More than anybody scrolls through. */
const MOST = 30;

type Place = Pick<ServiceContext, 'userDataDirectory'>;

function recentFile({ userDataDirectory }: Place): UserFile<z.infer<typeof recentModel>> {
  return new UserFile(path.join(userDataDirectory, 'recent.json'), {
    version: 1,
    model: recentModel,
    initial: () => [],
    damaged: 'begin anew',
  });
}

/** The last opened first; those that are gone are told apart, not left out. */
export async function recentProjects(place: Place): Promise<RecentProject[]> {
  const entries = await recentFile(place).read();
  return Promise.all(
    entries.map(async (entry) => ({
      ...entry,
      exists: await access(path.join(entry.directory, WORKBOOK_FILE)).then(
        () => true,
        () => false,
      ),
    })),
  );
}

/** Puts a project on top of the list. A list that cannot be written is no reason not to open a project. */
export async function rememberProject(place: Place, { directory, name, sheets }: ProjectDocument): Promise<void> {
  const entry = { directory, name, opened_at: new Date().toISOString(), jobs: sheets.SourceConfig?.rows.length ?? 0 };
  await recentFile(place)
    .update((entries) => [entry, ...entries.filter((old) => old.directory !== directory)].slice(0, MOST))
    .catch(() => undefined);
}

export async function forgetProject(place: Place, directory: string): Promise<void> {
  await recentFile(place).update((entries) => entries.filter((entry) => entry.directory !== directory));
}
