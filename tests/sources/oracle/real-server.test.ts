import oracledb from 'oracledb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOracleSource } from '../../../engine/sources/oracle/oracle-source.ts';
import { makeJob } from '../../helpers/pipeline.ts';
import { ReadBench, request } from '../../helpers/read-bench.ts';
import { describeSource } from '../conformance.ts';
import { EXTREMES, type Extreme } from './extremes.ts';
import { connectionTo } from './oracle-under-test.ts';

/**
 * The same suites against a real server: `INGEST_TEST_ORACLE_URL=oracle://user:password@host:1521/SERVICE`, with a user that may create tables and
 * has EXECUTE on DBMS_FLASHBACK. `tests/docker-compose.yml` starts one.
 */
const url = process.env.INGEST_TEST_ORACLE_URL;
const skipped =
  'INGEST_TEST_ORACLE_URL is not set: nothing was asked of a real Oracle, the source is protocol-verified only';

if (url === undefined) {
  console.warn(skipped);
  test.skip(skipped, () => undefined);
} else {
  const { hostname, port, pathname, username, password } = new URL(url);
  const connection = connectionTo(
    { host: hostname, port: Number(port || 1521) },
    { service_name: pathname.slice(1), username: decodeURIComponent(username), password: decodeURIComponent(password) },
  );
  const schema = connection.username.toUpperCase();
  const sql = async (...statements: string[]): Promise<void> => {
    const session = await oracledb.getConnection({
      user: connection.username,
      password: connection.password,
      connectString: `${hostname}:${connection.port}/${connection.service_name}`,
    });
    try {
      for (const statement of statements) await session.execute(statement, [], { autoCommit: true });
    } finally {
      await session.close();
    }
  };
  const replace = async (name: string, ...statements: string[]) => {
    await sql(`DROP TABLE ${name} PURGE`).catch(() => undefined);
    await sql(...statements);
  };

  for (const partitions of [1, 2]) {
    describeSource(`real Oracle (partitions = ${partitions})`, async () => {
      const table = `INGEST_MIXED_${partitions}`;
      await replace(
        table,
        `CREATE TABLE ${table} (ID NUMBER(10) PRIMARY KEY, AMOUNT NUMBER(12,2), NOTE VARCHAR2(40), AT TIMESTAMP(6), BODY CLOB)`,
        `INSERT INTO ${table} SELECT LEVEL, LEVEL * 1.5, 'text ' || LEVEL, SYSTIMESTAMP, 'body ' || LEVEL FROM DUAL CONNECT BY LEVEL <= 24000`,
      );
      const job = { schema_name: schema, options: { ...makeJob({}).options, partitions } };
      return {
        open: () => createOracleSource(connection),
        request: request({ ...job, table_name: table }),
        rows: 24_000,
        missing: request({ ...job, table_name: 'INGEST_MIXT' }),
        [Symbol.asyncDispose]: () => sql(`DROP TABLE ${table} PURGE`),
      };
    });
  }

  describe('every type of a real Oracle', () => {
    let bench: ReadBench;

    beforeAll(async () => {
      bench = await ReadBench.open();
    });

    afterAll(() => bench[Symbol.asyncDispose]());

    test.for(Object.entries(EXTREMES))('%s', async ([name, extreme], { skip }) => {
      const table = `INGEST_TYPE_${name}`;
      try {
        await replace(table, `CREATE TABLE ${table} (KEY NUMBER(3), ${name} ${extreme.type})`);
      } catch (error) {
        // JSON came with 21c, BOOLEAN with 23ai.
        if (!/ORA-00902|ORA-02000|ORA-03001/.test(String(error))) throw error;
        return skip(`${extreme.type}: this server does not know it`);
      }
      await sql(
        ...extreme.landed.map(
          (text, index) => `INSERT INTO ${table} VALUES (${index}, ${literal(extreme, text, index)})`,
        ),
      );
      const source = createOracleSource(connection);
      const { rows } = await bench.read(source, request({ table_name: table, schema_name: schema }));
      await source.close();
      await sql(`DROP TABLE ${table} PURGE`);
      rows.sort((one, other) => Number(one.KEY) - Number(other.KEY));
      expect(rows.map((row) => row[name])).toEqual(extreme.landed);
    });
  });
}

/** What lands, as an Oracle expression. */
function literal({ type, values }: Extreme, landed: string, index: number): string {
  const quoted = `'${landed.replaceAll("'", "''")}'`;
  const stored = (values[index] ?? '').replaceAll("'", '');
  if (/^(NUMBER|FLOAT)/.test(type)) return stored;
  if (type.startsWith('BINARY_')) return `TO_BINARY_DOUBLE('${stored}')`;
  if (type === 'DATE') return `TO_DATE('${stored}', 'YYYY-MM-DD HH24:MI:SS')`;
  if (type.includes('TIME ZONE')) {
    const [day, clock = '00:00:00'] = landed.replace('+00', '').split(' ');
    return `TO_TIMESTAMP_TZ('${day} ${clock} +00:00', 'YYYY-MM-DD HH24:MI:SS.FF TZH:TZM')`;
  }
  if (type.startsWith('TIMESTAMP')) return `TO_TIMESTAMP('${stored}', 'YYYY-MM-DD HH24:MI:SS.FF')`;
  if (type.startsWith('INTERVAL YEAR')) return `TO_YMINTERVAL(${quoted})`;
  if (type.startsWith('INTERVAL DAY')) return `TO_DSINTERVAL(${quoted})`;
  if (type.startsWith('RAW') || type === 'BLOB') return `HEXTORAW('${landed.replaceAll('\\x', '')}')`;
  if (type === 'XMLTYPE') return `XMLTYPE(${quoted})`;
  if (type === 'ROWID') return `CHARTOROWID(${quoted})`;
  if (type === 'BOOLEAN') return landed.toUpperCase();
  return type.startsWith('N') ? `N${quoted}` : quoted;
}
