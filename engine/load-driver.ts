import { IngestError, messageOf } from './errors.ts';

/**
 * Loads a vendor's SDK when a job needs it: no other job waits for it or falls over it.
 * @param name the package, as in package.json
 * @param load `() => import('package')`, so that bundlers see what is asked for
 * @throws IngestError DRIVER_MISSING with the command that installs it
 */
export async function loadDriver<Driver>(name: string, load: () => Promise<Driver>): Promise<Driver> {
  try {
    return await load();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    throw new IngestError(
      'DRIVER_MISSING',
      absent ? `The package ${name} is not installed.` : `The package ${name} cannot be loaded: ${messageOf(error)}`,
      { hint: `Install it with: npm install ${name}`, cause: error },
    );
  }
}
