import type { Table } from './project.ts';

/** A TNS descriptor on one line, as the connection keeps it. */
export function oracleDescriptor(text: string): Table | null {
  if (!/^\s*\(\s*DESCRIPTION/i.test(text)) return null;
  return { descriptor: text.trim().replace(/\s*([()=])\s*/g, '$1') };
}

/**
 * `host`, `port` and service name or SID of `[tcps:][//]host[:port][/service][:server][?parameters]` or `host:port:SID`; a bare name, which only
 * tnsnames.ora knows, as `descriptor`.
 */
export function easyConnect(text: string): Table | null {
  const match = /^(?:(tcps?):)?(?:\/\/)?(\[[^\]]+\]|[^:/?]+)(?::(\d+))?(?:([:/])([^?:]+))?(?::\w+)?(\?.*)?$/i.exec(
    text.trim(),
  );
  if (match === null) return null;
  const [, protocol = '', host = '', port, separator, database, query = ''] = match;
  const wallet = /[?&](?:TNS_ADMIN|wallet_location)=([^&]+)/i.exec(query)?.[1];
  const values: Table = wallet === undefined ? {} : { wallet_location: wallet };
  if (database === undefined && port === undefined) return { descriptor: host, ...values };
  values.host = host.replace(/^\[|\]$/g, '');
  if (port !== undefined) values.port = Number(port);
  if (database !== undefined) values[separator === ':' ? 'sid' : 'service_name'] = database;
  if (protocol.toLowerCase() === 'tcps') values.encrypt = true;
  return values;
}
