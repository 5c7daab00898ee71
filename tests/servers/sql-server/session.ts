import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import type { DuckDBConnection } from '@duckdb/node-api';
import { type Catalog, literal, wireValue } from './catalog.ts';
import { type ServerError, SqlError, sqlError } from './errors.ts';
import type { BatchFault, SqlServerOptions } from './options.ts';
import { parseBatch, type Statement } from './t-sql.ts';
import { ENCRYPTION, featureAnswer, type Login, parseLogin, parsePrelogin, preloginAnswer } from './tds-login.ts';
import { ByteWriter, MessageReader, PACKET, packetsOf, TlsCarrier } from './tds-packets.ts';
import {
  collationToken,
  columnsToken,
  DONE,
  doneToken,
  environmentToken,
  errorToken,
  loginAckToken,
  writeRow,
} from './tds-values.ts';

/** Rows are sent in pieces of so many bytes. */
const PIECE_BYTES = 64 << 10;
const MOST_PACKET_BYTES = 32_767;

/** What all sessions of a server share. */
export interface SessionHost {
  readonly catalog: Catalog;
  readonly options: SqlServerOptions;
  readonly batches: string[];
  attentions: number;
  logins: number;
}

/** One client's connection: its login, its batches, their results. */
export class Session {
  readonly #server: SessionHost;
  readonly #socket: net.Socket;
  readonly #reader = new MessageReader();
  /** The socket, or TLS over it. */
  #stream: net.Socket | tls.TLSSocket;
  #carrier: TlsCarrier | null = null;
  #state: 'prelogin' | 'login' | 'ready' = 'prelogin';
  #packetBytes = 4096;
  #database: DuckDBConnection | null = null;
  #login = '';
  #inTransaction = false;
  #queue: Promise<void> = Promise.resolve();
  #running = false;
  #cancelled = false;
  #dead = false;

  constructor(server: SessionHost, socket: net.Socket) {
    this.#server = server;
    this.#socket = socket;
    this.#stream = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (this.#carrier) this.#carrier.input(chunk);
      else this.#feed(chunk);
    });
  }

  destroy(): void {
    this.#dead = true;
    this.#stream.destroy();
    this.#socket.destroy();
  }

  close(): void {
    this.#dead = true;
    this.#database?.interrupt();
    this.#queue = this.#queue.finally(() => this.#database?.closeSync());
  }

  #feed(chunk: Buffer): void {
    this.#reader.feed(chunk, (type, data) => {
      if (type === PACKET.attention) {
        this.#attention();
        return;
      }
      this.#queue = this.#queue.then(() => this.#handle(type, data)).catch(() => this.destroy());
    });
  }

  #attention(): void {
    this.#server.attentions += 1;
    if (this.#running) {
      this.#cancelled = true;
      this.#database?.interrupt();
    } else void this.#send(doneToken(DONE.attention));
  }

  async #write(data: Buffer, isLast: boolean): Promise<void> {
    await this.#writePackets(packetsOf(PACKET.result, data, this.#packetBytes, isLast));
  }

  async #writePackets(packets: Buffer): Promise<void> {
    if (this.#dead || this.#stream.write(packets)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#stream.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#stream.on('drain', done);
      this.#socket.on('close', done);
    });
  }

  async #send(...tokens: Buffer[]): Promise<void> {
    await this.#write(Buffer.concat(tokens), true);
  }

  async #handle(type: number, data: Buffer): Promise<void> {
    if (this.#state === 'prelogin' && type === PACKET.prelogin) return await this.#prelogin(data);
    if (this.#state === 'login' && type === PACKET.login) return await this.#logIn(parseLogin(data));
    if (this.#state === 'ready' && type === PACKET.batch) {
      // ALL_HEADERS comes first and says its own length.
      return await this.#batch(data.toString('utf16le', data.readUInt32LE(0)));
    }
    this.destroy();
  }

  async #prelogin(data: Buffer): Promise<void> {
    const { encryption, asksFederated } = parsePrelogin(data);
    const { tls: certificate, requiresTls } = this.#server.options;
    const wants = encryption === ENCRYPTION.on || encryption === ENCRYPTION.required;
    const answer = requiresTls ? ENCRYPTION.required : wants && certificate ? ENCRYPTION.on : ENCRYPTION.notSupported;
    await this.#write(preloginAnswer(answer, asksFederated), true);
    this.#state = 'login';
    if (answer === ENCRYPTION.notSupported || !certificate) return;
    this.#carrier = new TlsCarrier(this.#socket);
    const secure = new tls.TLSSocket(this.#carrier, { isServer: true, ...certificate, maxVersion: 'TLSv1.2' });
    secure.on('data', (chunk: Buffer) => this.#feed(chunk));
    secure.on('error', () => this.destroy());
    this.#stream = secure;
  }

  async #logIn(login: Login): Promise<void> {
    const { options, catalog } = this.#server;
    this.#server.logins += 1;
    const refusal = this.#refusal(login) ?? options.onLogin?.(login, this.#server.logins);
    if (refusal) {
      await this.#send(errorToken(refusal.number, refusal.severity ?? 14, refusal.message), doneToken(DONE.error));
      this.#stream.end();
      return;
    }
    this.#database = await catalog.instance.connect();
    this.#login = login.user;
    await this.#database.run(`SET TimeZone = 'UTC'; SET VARIABLE login = ${literal(login.user)}`);
    const size = Math.min(Math.max(login.packetBytes, 512), MOST_PACKET_BYTES);
    const features = featureAnswer(login);
    await this.#send(
      environmentToken(1, catalog.database, 'master'),
      collationToken(),
      loginAckToken(),
      environmentToken(4, String(size), '4096'),
      ...(features ? [features] : []),
      doneToken(DONE.final),
    );
    this.#packetBytes = size;
    this.#state = 'ready';
  }

  #refusal(login: Login): ServerError | undefined {
    const { options, catalog } = this.#server;
    const users = options.users ?? { etl: 's3cret' };
    const isKnown =
      login.accessToken === null ? users[login.user] === login.password : login.accessToken === options.accessToken;
    const name = login.accessToken === null ? login.user : '<token-identified principal>';
    if (!isKnown) return { number: 18456, message: `Login failed for user '${name}'.` };
    if (login.database.toLowerCase() === catalog.database.toLowerCase()) return undefined;
    return {
      number: 4060,
      message: `Cannot open database "${login.database}" requested by the login. The login failed.`,
      severity: 11,
    };
  }

  async #batch(sql: string): Promise<void> {
    this.#running = true;
    this.#cancelled = false;
    this.#server.batches.push(sql);
    try {
      const fault = this.#server.options.onBatch?.(sql) ?? {};
      await this.#compute(fault.seconds ?? 0);
      if (fault.error) throw new SqlError(fault.error.number, fault.error.message, fault.error.severity);
      const statements = parseBatch(sql);
      for (const [index, statement] of statements.entries()) {
        if (this.#cancelled || this.#dead) break;
        await this.#run(statement, index < statements.length - 1 ? DONE.more : DONE.final, fault);
      }
      if (statements.length === 0) await this.#write(doneToken(DONE.final), true);
    } catch (error) {
      if (!this.#cancelled && !this.#dead) {
        const { number, severity, message } = sqlError(error);
        if (this.#inTransaction) await this.#database?.run('ROLLBACK').catch(() => undefined);
        this.#inTransaction = false;
        await this.#send(errorToken(number, severity, message), doneToken(DONE.error));
      }
    }
    this.#running = false;
    if (!this.#cancelled) return;
    // The interrupted response ends its own message; the attention is acknowledged in another.
    await this.#send(doneToken(DONE.final));
    await this.#send(doneToken(DONE.attention));
  }

  async #compute(seconds: number): Promise<void> {
    const until = Date.now() + seconds * 1000;
    while (Date.now() < until && !this.#cancelled && !this.#dead) await sleep(5);
  }

  async #run(statement: Statement, more: number, fault: BatchFault): Promise<void> {
    const isLast = more === DONE.final;
    switch (statement.kind) {
      case 'wait':
        await this.#compute(statement.seconds);
        break;
      case 'begin':
      case 'commit':
      case 'rollback':
        await this.#database?.run(statement.kind.toUpperCase());
        this.#inTransaction = statement.kind === 'begin';
        break;
      case 'query':
        await this.#query(statement, more, fault);
        return;
      default:
    }
    if (!this.#cancelled) await this.#write(doneToken(more), isLast);
  }

  async #query(statement: Statement, more: number, fault: BatchFault): Promise<void> {
    await this.#refuseDenied(statement);
    const { catalog, options } = this.#server;
    const database = this.#database as DuckDBConnection;
    const result = await database.stream(statement.sql);
    const types = result.columnTypes();
    const columns = result
      .columnNames()
      .map((name, index) =>
        catalog.columnOf(name, types[index] as (typeof types)[number], statement.tables, statement.casts),
      );
    await this.#write(columnsToken(columns), false);
    const times = options.repeat && statement.tables.includes(options.repeat.table) ? options.repeat.times : 0;
    const writer = new ByteWriter(2 * PIECE_BYTES);
    const kept: Buffer[] = [];
    let rows = 0;
    for await (const chunk of result) {
      for (const row of chunk.getRows()) {
        writeRow(
          writer,
          columns,
          row.map((value, index) => wireValue(value, (columns[index] as (typeof columns)[number]).type)),
        );
        rows += 1;
        const isCut = fault.cutAfterRows !== undefined && rows >= fault.cutAfterRows;
        if (isCut || writer.length > PIECE_BYTES) {
          const piece = writer.take();
          if (times > 0) kept.push(packetsOf(PACKET.result, piece, this.#packetBytes, false));
          else await this.#write(piece, false);
        }
        if (isCut) {
          this.#socket.resetAndDestroy();
          this.destroy();
        }
        if (this.#cancelled || this.#dead) return;
      }
      // Lets an attention in.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const rest = writer.take();
    if (times > 0) kept.push(packetsOf(PACKET.result, rest, this.#packetBytes, false));
    else if (rest.length > 0) await this.#write(rest, false);
    for (let time = 0; time < times; time += 1) {
      for (const packets of kept) {
        await this.#writePackets(packets);
        if (this.#cancelled || this.#dead) return;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#write(doneToken(more | DONE.count, rows * Math.max(times, 1)), more === DONE.final);
  }

  async #refuseDenied({ tables }: Statement): Promise<void> {
    const reader = await (this.#database as DuckDBConnection).runAndReadAll(
      `SELECT object FROM mssql_sys.denied WHERE login = ${literal(this.#login)} AND "column" IS NULL`,
    );
    for (const [object] of reader.getRows()) {
      const name = String(object).slice(1, -1).replaceAll('].[', '.');
      if (!tables.includes(name.toLowerCase())) continue;
      throw new SqlError(229, `The SELECT permission was denied on the object '${name}'.`, 14);
    }
  }
}
