import { isIP } from 'node:net';
import { IngestError } from '../../errors.ts';
import type { OracleConnection } from '../../spec/connection.ts';

/** What a connection is called, for people. */
export function addressOf(connection: OracleConnection): string {
  const target = targetOf(connection);
  return target === null ? 'the server of the descriptor' : `${target.host}:${target.port}`;
}

/** Service name or SID, for people. */
export function databaseOf(connection: OracleConnection): string {
  if (connection.sid !== undefined) return `SID ${connection.sid}`;
  if (connection.service_name !== undefined) return `service ${connection.service_name}`;
  const named = /\(\s*(SERVICE_NAME|SID)\s*=\s*([^)]+)\)/i.exec(connection.descriptor ?? '');
  return named
    ? `${named[1]?.toLowerCase() === 'sid' ? 'SID' : 'service'} ${named[2]?.trim()}`
    : 'the database of the descriptor';
}

export interface Target {
  host: string;
  port: number;
  isEncrypted: boolean;
}

const EASY_CONNECT = /^(?:(tcps?):)?(?:\/\/)?(\[[^\]]+\]|[^:/?()=\s]+)(?::(\d+))?\//i;
const DEFAULT_PORT = 1521;

/** Where the first address is; null where only the driver knows: an alias of tnsnames.ora. */
export function targetOf(connection: OracleConnection): Target | null {
  const { host, port, descriptor, encrypt } = connection;
  if (descriptor === undefined) return { host: host ?? '', port, isEncrypted: encrypt };
  const inside = (key: string) => new RegExp(`\\(\\s*${key}\\s*=\\s*"?([^)"\\s]+)`, 'i').exec(descriptor)?.[1];
  const named = inside('HOST');
  if (named !== undefined) {
    const isEncrypted = inside('PROTOCOL')?.toLowerCase() === 'tcps';
    return { host: named, port: Number(inside('PORT') ?? DEFAULT_PORT), isEncrypted };
  }
  const easy = EASY_CONNECT.exec(descriptor);
  if (easy === null) return null;
  const plain = (easy[2] as string).replace(/^\[|\]$/g, '');
  return { host: plain, port: Number(easy[3] ?? DEFAULT_PORT), isEncrypted: easy[1]?.toLowerCase() === 'tcps' };
}

/**
 * The connect string: the connection's own descriptor (a TNS descriptor, an Easy Connect string or an alias), or one made of its parts.
 * @throws IngestError CONNECTION_INVALID
 */
export function connectString(connection: OracleConnection): string {
  const { descriptor, host = '', port, sid, service_name: service, encrypt } = connection;
  if (descriptor !== undefined) return descriptor;
  const protocol = encrypt ? 'TCPS' : 'TCP';
  const database =
    sid === undefined ? `(SERVICE_NAME=${part('service_name', service ?? '')})` : `(SID=${part('sid', sid)})`;
  return `(DESCRIPTION=(ADDRESS=(PROTOCOL=${protocol})(HOST=${part('host', host)})(PORT=${port}))(CONNECT_DATA=${database}))`;
}

/** A value inside a descriptor cannot hold what divides its parts. */
function part(field: string, value: string): string {
  if (isIP(value) !== 0 || /^[^()="'\s\\#]+$/.test(value)) return value;
  throw new IngestError('CONNECTION_INVALID', `${field} "${value}" cannot stand in a connect descriptor.`, {
    hint: 'It is a plain name, without spaces, quotes, parentheses or =. For more, write the whole descriptor into descriptor.',
  });
}
