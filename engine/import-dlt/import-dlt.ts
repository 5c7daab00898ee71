import path from 'node:path';
import { type DltImport, ImportDraft } from './dlt-import.ts';
import { findDltConfigs } from './find-configs.ts';
import { tableName } from './translate-hints.ts';
import { translateRestApi } from './translate-rest.ts';
import { translateSqlDatabase } from './translate-sql.ts';

/**
 * Translates the rest_api and sql_database configs of a file or a dlt project's folder. Nothing is written.
 * @param name what the connection is called; default: dlt's section or the file's name
 * @throws IngestError as {@link findDltConfigs}
 */
export async function readDltImport(file: string, name?: string): Promise<DltImport> {
  const { configs, scripts } = await findDltConfigs(path.resolve(file));
  const draft = new ImportDraft();
  const taken = new Set<string>();
  for (const config of configs) {
    const wanted = tableName(configs.length === 1 && name !== undefined ? name : config.name)
      .replaceAll('.', '_')
      .slice(0, 100);
    let own = wanted;
    for (let number = 2; taken.has(own); number += 1) own = `${wanted}_${number}`;
    taken.add(own);
    if (config.kind === 'rest_api') translateRestApi(draft, own, config.table);
    else translateSqlDatabase(draft, own, config.table);
  }
  if (scripts.length > 0)
    draft.leftOut(
      scripts.slice(0, 5).join(', '),
      'what is said in Python is code; print a config with json.dumps and import that file',
    );
  return draft;
}
