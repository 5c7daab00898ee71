/** Prints the rows of the table `types` as JSON: `TZ=… node read-in-zone.ts PORT`. */
import { createMssqlSource } from '../../../engine/sources/mssql/mssql-source.ts';
import { mssqlConnection } from '../../helpers/mssql-connection.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';

const bench = await ReadBench.open();
const source = createMssqlSource(mssqlConnection({ port: Number(process.argv[2]) }));
const { rows } = await bench.read(source, request({ source_type: 'mssql', table_name: 'types' }));
await source.close();
await bench[Symbol.asyncDispose]();
process.stdout.write(JSON.stringify(rows));
