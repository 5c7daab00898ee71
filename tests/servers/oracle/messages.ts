import { decodeNumber, WIRE } from './types.ts';
import { type MessageReader, MessageWriter } from './wire.ts';

/** Message type of the first answer. */
const PROTOCOL = 1;

/** The server's version and what it can do: Oracle 12.1's fields, texts of 32 kB, UTF-8 and UTF-16. */
export function protocolAnswer(): Buffer {
  const compileTime = Buffer.alloc(45);
  compileTime[7] = 7;
  return new MessageWriter()
    .byte(PROTOCOL, 6, 0)
    .raw(Buffer.from('OracleTest-19.0.0\0'))
    .uint16LittleEndian(873)
    .byte(1)
    .uint16LittleEndian(0)
    .uint16(11)
    .raw(Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0x07, 0xd0]))
    .bytes(compileTime)
    .bytes(Buffer.from([2, 0, 0, 0, 0, 0, 4]))
    .take();
}

export function readLogin(reader: MessageReader): { user: string; pairs: Record<string, string> } {
  const hasUser = reader.byte() !== 0;
  const length = reader.number();
  reader.number();
  reader.byte();
  const count = reader.number();
  reader.byte();
  reader.byte();
  const isMeasured = hasUser && reader.peek() === length;
  const user = !hasUser ? '' : isMeasured ? reader.text() : reader.raw(length).toString();
  const pairs: Record<string, string> = {};
  for (let index = 0; index < count; index += 1) {
    reader.number();
    const key = reader.text();
    pairs[key] = reader.number() > 0 ? reader.text() : '';
    reader.number();
  }
  return { user, pairs };
}

/** The type of a bind or define; what else is known of it is skipped. */
export function readColumnType(reader: MessageReader): number {
  const type = reader.byte();
  reader.raw(3);
  reader.skipNumbers(3);
  if (reader.number() > 0) reader.bytes();
  reader.skipNumbers(2);
  reader.byte();
  reader.number();
  return type;
}

export function readBinds(reader: MessageReader, types: readonly number[]): (string | null)[] {
  reader.byte();
  return types.map((type) => {
    const bytes = reader.bytes();
    if (bytes === null) return null;
    return type === WIRE.number ? decodeNumber(bytes) : bytes.toString('utf8');
  });
}
