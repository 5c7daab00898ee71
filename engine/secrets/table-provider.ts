import type { Table } from '../spec/project.ts';
import type { SecretProvider } from './provider.ts';
import { isTable, leafPaths, valueAt } from './table.ts';

/** The values of a TOML file that was read already: `.dlt/secrets.toml`, `.dlt/config.toml`. */
export function tableProvider(name: string, table: Table): SecretProvider {
  return {
    name,
    async get(path) {
      const value = valueAt(table, path);
      return value === undefined || isTable(value) ? null : { kind: 'value', value, place: name };
    },
    async paths() {
      return leafPaths(table);
    },
  };
}
