import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type ProjectDocument, workbookEditModel } from '../contract.ts';
import { projectKey } from '../user-data/user-data.ts';
import { UserFile } from '../user-data/user-file.ts';
import type { HandlerGroup } from './handlers.ts';
import type { ServiceContext } from './service-context.ts';

const recoveryModel = z.object({
  directory: z.string(),
  fingerprint: z.string(),
  saved_at: z.string(),
  edits: z.array(workbookEditModel),
});
type Recovery = z.infer<typeof recoveryModel>;

/** Unsaved edits, kept in the user's folder (never beside the workbook), so that a crash costs nobody their work. */
export const recoveryHandlers: HandlerGroup<'project.keep_recovery' | 'project.drop_recovery'> = (service) => ({
  async 'project.keep_recovery'({ directory, fingerprint, edits }) {
    const file = await recoveryFile(service, directory);
    if (edits.length === 0) return rm(file.file, { force: true });
    // A secret that somebody typed into a cell is not written down here; that cell comes back blank.
    const clean = (text: string) => (service.redact(text) === text ? text : '');
    const kept = edits.map((edit): Recovery['edits'][number] => {
      if (edit.kind === 'set') return { ...edit, text: clean(edit.text) };
      if (edit.kind === 'delete' || edit.kind === 'create') return edit;
      return { ...edit, cells: edit.cells.map(clean) };
    });
    await file.update(() => ({ directory, fingerprint, saved_at: new Date().toISOString(), edits: kept }));
  },
  async 'project.drop_recovery'({ directory }) {
    await dropRecovery(service, directory);
  },
});

/** What a lost window left, or null. */
export async function keptRecovery(
  service: ServiceContext,
  directory: string,
  fingerprint: string,
): Promise<ProjectDocument['recovery']> {
  const kept = await (await recoveryFile(service, directory)).read();
  if (kept.edits.length === 0) return null;
  return { saved_at: kept.saved_at, fits: kept.fingerprint === fingerprint, edits: kept.edits };
}

/** Forgets what was kept for a project. */
export async function dropRecovery(service: ServiceContext, directory: string): Promise<void> {
  await rm((await recoveryFile(service, directory)).file, { force: true });
}

async function recoveryFile(service: ServiceContext, directory: string): Promise<UserFile<Recovery>> {
  const name = createHash('sha256')
    .update(await projectKey(directory))
    .digest('hex')
    .slice(0, 24);
  return new UserFile<Recovery>(path.join(service.userDataDirectory, 'recovery', `${name}.json`), {
    version: 1,
    model: recoveryModel,
    initial: () => ({ directory, fingerprint: '', saved_at: '', edits: [] }),
    damaged: 'begin anew',
  });
}
