import type { ServiceContext } from './service-context.ts';
import { readSettings } from './settings.ts';

/** Where a project's runs write: its own folder, unless the settings name another place for all. */
export async function workDirectoryOf(
  service: Pick<ServiceContext, 'userDataDirectory'>,
  directory: string,
): Promise<string> {
  return (await readSettings(service)).work_directory ?? directory;
}
