import type { Socket } from 'node:net';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import type { OracleDatabase, ResultColumn } from './database.ts';
import { asOracleError, OracleError } from './errors.ts';
import { Login } from './login.ts';
import { protocolAnswer, readBinds, readColumnType, readLogin } from './messages.ts';
import type { OracleServer } from './oracle-server.ts';
import { PacketStream } from './packets.ts';
import type { EncodedRows } from './preloaded-rows.ts';
import { writeRow } from './row-encoder.ts';
import { WIRE } from './types.ts';
import { MessageReader, MessageWriter, NeedMoreBytes } from './wire.ts';

/** Message types. */
const MESSAGE = {
  protocol: 1,
  dataTypes: 2,
  call: 3,
  error: 4,
  rowHeader: 6,
  parameter: 8,
  status: 9,
  describe: 16,
  piggyback: 17,
};
/** Functions that a client calls. */
const CALL = {
  fetch: 5,
  logoff: 9,
  commit: 14,
  rollback: 15,
  execute: 94,
  closeCursors: 105,
  login: 115,
  hello: 118,
  cancelCursors: 120,
  ping: 147,
};
/** Options of an execute. */
const OPTION = { define: 0x10, execute: 0x20, fetch: 0x40, describe: 0x20000 };
const NO_MORE_ROWS = 1403;
const CANCELLED = 1013;

interface Cursor {
  id: number;
  sql: string;
  columns: ResultColumn[];
  /** Types that the client wants, where they are not the columns' own. */
  defines: number[] | null;
  next: () => Promise<DuckDBValue[][] | null>;
  waiting: DuckDBValue[][];
  /** Rows that were encoded before anybody asked: see {@link OracleServer.preload}. */
  encoded: EncodedRows | null;
  isOver: boolean;
  rows: number;
  /** The connection is cut before this row. */
  cutAt: number;
}

/** One client: login, statements, rows. */
export class ServerSession {
  /** The statement that runs now. */
  running: string | null = null;
  user = '';
  readonly #server: OracleServer;
  readonly #database: OracleDatabase;
  readonly #socket: Socket;
  readonly #packets: PacketStream;
  readonly #cursors = new Map<number, Cursor>();
  #message = Buffer.alloc(0);
  #work: Promise<void> = Promise.resolve();
  #connection: DuckDBConnection | null = null;
  #login: Login | null = null;
  #nextCursor = 1;
  #isCancelled = false;
  /** The client's answer to the break that is under way: it may come before the break is told. */
  #reset = Promise.withResolvers<void>();

  constructor(server: OracleServer, socket: Socket) {
    this.#server = server;
    this.#database = server.database;
    this.#socket = socket;
    this.#packets = new PacketStream(socket, {
      connect: (descriptor) => this.#connect(descriptor),
      data: (bytes) => {
        this.#message = Buffer.concat([this.#message, bytes]);
        this.#work = this.#work.then(() => this.#answerAll()).catch(() => void socket.destroy());
      },
      interrupt: () => this.#interrupt(),
      reset: () => this.#reset.resolve(),
    });
    socket.once('close', () => {
      this.#isCancelled = true;
      this.#reset.resolve();
      void this.#work.finally(() => this.#connection?.closeSync());
    });
  }

  #connect(descriptor: string): void {
    const name = /\((?:SERVICE_NAME|SID)=([^)]*)\)/i.exec(descriptor)?.[1] ?? '';
    const isSid = /\(SID=/i.test(descriptor);
    const known = isSid ? this.#server.sid : this.#server.service;
    if (this.#server.refuseWith !== null) this.#packets.refuse(this.#server.refuseWith);
    else if (name.toUpperCase() !== known.toUpperCase()) this.#packets.refuse(isSid ? 12505 : 12514);
    else this.#packets.accept();
  }

  /** A break is answered once: in place of what it ends, or, where that was answered just before, by itself. */
  #interrupt(): void {
    this.#isCancelled = true;
    this.#reset = Promise.withResolvers();
    if (this.running !== null) {
      this.#server.cancelled.push(this.running);
      this.#connection?.interrupt();
    }
    this.#work = this.#work.then(async () => {
      if (this.#isCancelled) await this.#answerBreak();
    });
  }

  /** A call may span packets: it is read whole, or waited for. */
  async #answerAll(): Promise<void> {
    while (this.#message.length > 0 && !this.#socket.destroyed) {
      const reader = new MessageReader(this.#message);
      let answer: () => Promise<void>;
      try {
        answer = this.#read(reader);
      } catch (error) {
        if (error instanceof NeedMoreBytes) return;
        throw error;
      }
      this.#message = this.#message.subarray(reader.at);
      try {
        await answer();
      } catch (error) {
        await this.#fail(error);
      }
      this.running = null;
    }
  }

  async #fail(error: unknown): Promise<void> {
    if (this.#socket.destroyed) return;
    if (this.#isCancelled) return await this.#answerBreak();
    const { number, message } = asOracleError(error);
    await this.#packets.send(this.#status(new MessageWriter(), number, message).take());
  }

  async #answerBreak(): Promise<void> {
    this.#packets.breakCall();
    await this.#reset.promise;
    this.#isCancelled = false;
    const { message } = new OracleError(CANCELLED, 'user requested cancel of current operation');
    await this.#packets.send(this.#status(new MessageWriter(), CANCELLED, message).take());
  }

  #read(reader: MessageReader): () => Promise<void> {
    for (;;) {
      const type = reader.byte();
      switch (type) {
        case MESSAGE.protocol:
          reader.byte();
          while (reader.byte() !== 0);
          while (reader.byte() !== 0);
          return () => this.#packets.send(protocolAnswer());
        case MESSAGE.dataTypes:
          return this.#readDataTypes(reader);
        case MESSAGE.piggyback:
          this.#readPiggyback(reader);
          break;
        case MESSAGE.call: {
          const call = reader.byte();
          reader.byte();
          return this.#readCall(call, reader);
        }
        default:
          throw new Error(`Message type ${type} is not known here`);
      }
    }
  }

  #readDataTypes(reader: MessageReader): () => Promise<void> {
    reader.raw(5);
    reader.bytes();
    const runtime = reader.bytes();
    if (runtime !== null && ((runtime[1] as number) & 1) === 1) reader.raw(11);
    while (reader.uint16() !== 0) {
      if (reader.uint16() !== 0) reader.raw(4);
    }
    return () => this.#packets.send(new MessageWriter().byte(MESSAGE.dataTypes).uint16(0).take());
  }

  /** What rides on the next call: cursors that the client needs no more. */
  #readPiggyback(reader: MessageReader): void {
    const call = reader.byte();
    reader.byte();
    if (call !== CALL.closeCursors && call !== CALL.cancelCursors)
      throw new Error(`Piggyback ${call} is not known here`);
    reader.byte();
    for (let count = reader.number(); count > 0; count -= 1) this.#cursors.delete(reader.number());
  }

  #readCall(call: number, reader: MessageReader): () => Promise<void> {
    switch (call) {
      case CALL.hello:
      case CALL.login: {
        const { user, pairs } = readLogin(reader);
        return () => (call === CALL.hello ? this.#hello(user) : this.#logIn(pairs));
      }
      case CALL.execute:
        return this.#readExecute(reader);
      case CALL.fetch: {
        const id = reader.number();
        const count = reader.number();
        return () => this.#fetch(id, count);
      }
      case CALL.commit:
      case CALL.rollback:
        return async () => {
          await this.#endTransaction();
          await this.#done();
        };
      case CALL.logoff:
      case CALL.ping:
        return () => this.#done();
      default:
        throw new Error(`Call ${call} is not known here`);
    }
  }

  #done(): Promise<void> {
    return this.#packets.send(new MessageWriter().byte(MESSAGE.status).numbers(0, 0).take());
  }

  async #hello(user: string): Promise<void> {
    const name = user.startsWith('"') ? user.slice(1, -1) : user.toUpperCase();
    this.#login = new Login(name, this.#server.users.get(name)?.password);
    await this.#packets.send(this.#login.challenge());
  }

  async #logIn(pairs: Record<string, string>): Promise<void> {
    const login = this.#login as Login;
    const user = this.#server.users.get(login.user);
    const password = login.passwordOf(pairs);
    if (user?.state === 'locked') throw new OracleError(28000, 'The account is locked.');
    if (user === undefined || password !== user.password) {
      throw new OracleError(1017, 'invalid username/password; logon denied');
    }
    if (user.state === 'expired') throw new OracleError(28001, 'the password has expired');
    this.user = login.user;
    this.#connection = await this.#database.connect();
    await this.#connection.run(`SET TimeZone = 'UTC'; SET search_path = '"${login.user}",SYS'`);
    await this.#packets.send(login.welcome(this.#server.service));
  }

  #readExecute(reader: MessageReader): () => Promise<void> {
    const options = reader.number();
    const cursorId = reader.number();
    reader.byte();
    const sqlLength = reader.number();
    reader.byte();
    reader.number();
    reader.raw(3);
    const count = reader.number();
    reader.number();
    reader.byte();
    const binds = reader.number();
    reader.raw(6);
    const defines = reader.number();
    reader.number();
    reader.raw(3);
    reader.number();
    reader.byte();
    reader.skipNumbers(2);
    reader.byte();
    reader.number();
    reader.byte();
    const sql = sqlLength > 0 ? reader.text() : '';
    reader.skipNumbers(13);
    const types = Array.from({ length: binds || defines }, () => readColumnType(reader));
    const values = binds > 0 ? readBinds(reader, types) : [];
    return async () => {
      const cursor = this.#cursors.get(cursorId) ?? this.#newCursor(sql);
      const message = new MessageWriter();
      if (options & OPTION.define) cursor.defines = types;
      else if (options & (OPTION.execute | OPTION.describe)) {
        this.running = cursor.sql;
        const isQuery = await this.#execute(cursor, values);
        if (!isQuery) {
          message.byte(MESSAGE.parameter).numbers(0, 0, 0, 0);
          return await this.#packets.send(this.#status(message, 0, '', cursor).take());
        }
        describe(cursor, message);
      }
      // Rows with large objects come once the client said how it wants them.
      const hasLobs = cursor.columns.some(({ type }) => type.code === WIRE.clob || type.code === WIRE.blob);
      const sendsRows = (options & OPTION.fetch) !== 0 && (cursor.defines !== null || !hasLobs);
      await this.#sendRows(cursor, sendsRows ? count : 0, message);
    };
  }

  #newCursor(sql: string): Cursor {
    const cursor: Cursor = {
      id: this.#nextCursor,
      sql,
      columns: [],
      defines: null,
      next: () => Promise.resolve(null),
      waiting: [],
      encoded: null,
      isOver: false,
      rows: 0,
      cutAt: Number.POSITIVE_INFINITY,
    };
    this.#nextCursor += 1;
    this.#cursors.set(cursor.id, cursor);
    return cursor;
  }

  /** Begins a statement; true when it is a query. */
  async #execute(cursor: Cursor, values: (string | null)[]): Promise<boolean> {
    const { sql } = cursor;
    this.#server.log.push(sql);
    const fault = this.#server.onStatement(sql) ?? {};
    if (fault.delayMs !== undefined) await this.#wait(fault.delayMs);
    if (fault.error) throw new OracleError(fault.error.number, fault.error.message);
    cursor.cutAt = fault.cutAfterRows ?? Number.POSITIVE_INFINITY;
    const connection = this.#connection as DuckDBConnection;
    if (/^\s*SET\s+TRANSACTION/i.test(sql)) await connection.run('BEGIN TRANSACTION READ ONLY');
    if (/^\s*(SET\s+TRANSACTION|ALTER\s+SESSION)\b/i.test(sql)) return false;
    if (!/^\s*(SELECT|WITH)\b/i.test(sql)) throw new OracleError(900, 'invalid SQL statement');
    cursor.encoded = await this.#server.preloaded(sql);
    const result = await this.#database.query(connection, sql, values);
    cursor.columns = result.columns;
    cursor.next = result.next;
    return true;
  }

  /** Computes for so long, or until somebody cancels. */
  async #wait(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 5) {
      if (this.#isCancelled) throw new Error('cancelled');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async #endTransaction(): Promise<void> {
    await this.#connection?.run('COMMIT').catch(() => undefined);
  }

  async #fetch(id: number, count: number): Promise<void> {
    const cursor = this.#cursors.get(id);
    if (!cursor) throw new OracleError(1001, 'invalid cursor');
    this.running = cursor.sql;
    this.#server.fetches += 1;
    await this.#sendRows(cursor, count, new MessageWriter());
  }

  async #sendRows(cursor: Cursor, count: number, message: MessageWriter): Promise<void> {
    if (count > 0) {
      message.byte(MESSAGE.rowHeader, 0).numbers(0, 0, count, 0, 0, 0);
      if (cursor.encoded) {
        const taken = cursor.encoded.take(count);
        message.raw(taken.bytes);
        cursor.rows += taken.rows;
        cursor.isOver = taken.rows < count;
      } else await this.#encodeRows(cursor, count, message);
    }
    message.byte(MESSAGE.parameter).numbers(0, 0, 0, 0);
    if (cursor.isOver) this.#status(message, NO_MORE_ROWS, 'ORA-01403: no data found', cursor);
    else this.#status(message, 0, '', cursor);
    await this.#packets.send(message.take());
  }

  async #encodeRows(cursor: Cursor, count: number, message: MessageWriter): Promise<void> {
    let left = count;
    while (left > 0 && !cursor.isOver) {
      if (this.#isCancelled) throw new Error('cancelled');
      if (cursor.waiting.length === 0) {
        const batch = await cursor.next();
        if (batch === null) cursor.isOver = true;
        else cursor.waiting = batch.reverse();
        continue;
      }
      if (cursor.rows >= cursor.cutAt) this.#socket.destroy();
      writeRow(message, cursor.columns, cursor.waiting.pop() as DuckDBValue[], cursor.defines);
      cursor.rows += 1;
      left -= 1;
    }
  }

  /** The end of every answer: an error's number and text, or zero. */
  #status(message: MessageWriter, number: number, text: string, cursor?: Cursor): MessageWriter {
    message.byte(MESSAGE.error).numbers(0, 0, 0, Math.min(number, 65_535), 0, 0, cursor?.id ?? 0, 0);
    message.byte(0, 0, 0, 0, 0, 0).numbers(0, 0).byte(0).numbers(0, 0, 0).byte(0, 0);
    message.numbers(0, 0, 0, 0, 0, 0, number, cursor?.rows ?? 0);
    return number === 0 ? message : message.text(`${text}\n`);
  }
}

function describe(cursor: Cursor, message: MessageWriter): void {
  message.byte(MESSAGE.describe, 0).numbers(1000, cursor.columns.length).byte(1);
  for (const [index, { name, type }] of cursor.columns.entries()) {
    const { code, charset, size, precision, scale } = type;
    message.byte(code, 0, precision, scale).numbers(size, 0, 0, 0, 0, [0, 873, 2000][charset] as number);
    message.byte(charset).number(charset === 0 ? 0 : charset === 2 ? size / 2 : size);
    message
      .byte(1, Buffer.byteLength(name))
      .measuredText(name)
      .numbers(0, 0, index + 1, 0);
  }
  message.numbers(0, 0, 0, 0, 0, 0);
}
