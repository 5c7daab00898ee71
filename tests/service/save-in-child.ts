/** Opens a project and tries to save it, as the user that this process runs as. Prints what came of it. */
import { startService } from './service-harness.ts';

const [directory = ''] = process.argv.slice(2);
await using studio = await startService();
const document = await studio.call('project.open', { directory, env: null });
const { fingerprint, configFingerprint, readOnly } = document;
const [row] = document.sheets.SourceConfig!.rows;
const edits = [{ kind: 'set' as const, sheet: 'SourceConfig', row: row!.row, column: 0, text: 'changed' }];
const saving = { directory, env: null, fingerprint, configFingerprint, edits, config: [] };
const error = await studio.failure('project.save', saving);
console.log(JSON.stringify({ readOnly, error }));
