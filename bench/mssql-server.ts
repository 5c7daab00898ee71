/** The test server in a process of its own: `node bench/mssql-server.ts ROWS`. Prints its port; ends when its standard input does. */
import { SqlServer } from '../tests/servers/sql-server/sql-server.ts';

/** Rows that are encoded once, and sent again and again. */
const BLOCK_ROWS = 20_000;

const rows = Number(process.argv[2]);
const server = await SqlServer.start({
  repeat: { table: 'dbo.orders', times: Math.max(1, Math.round(rows / BLOCK_ROWS)) },
});
await server.createTable('dbo.orders', {
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'customer_id', type: 'int' },
    { name: 'order_no', type: 'nvarchar(20)' },
    { name: 'status', type: 'varchar(12)' },
    { name: 'amount', type: 'decimal(12,2)' },
    { name: 'total', type: 'decimal(19,4)' },
    { name: 'score', type: 'float' },
    { name: 'is_gift', type: 'bit' },
    { name: 'created_at', type: 'datetime2(6)' },
    { name: 'updated_at', type: 'datetimeoffset(6)' },
    { name: 'ship_date', type: 'date' },
    { name: 'note', type: 'nvarchar(200)', nullable: true },
  ],
  primaryKey: ['id'],
  select: `SELECT i, i * 7919 % 100000, 'ORD-' || lpad(i::VARCHAR, 10, '0'), ['new', 'paid', 'shipped', 'delivered', 'cancelled'][1 + i % 5],
    i % 1000000 / 100, i / 7, sqrt(i), i % 3 = 0, ticks_of('2020-01-01 00:00:00') + i * 10001230, ticks_of('2020-01-01 00:00:00') + i * 15003210,
    DATE '2020-01-01' + CAST(i % 2000 AS INT), CASE WHEN i % 4 = 0 THEN 'Leave it at the door of number ' || i || ', please' END
    FROM range(1, ${BLOCK_ROWS + 1}) t(i)`,
});
console.log(server.port);
process.stdin.on('end', () => process.exit()).resume();
