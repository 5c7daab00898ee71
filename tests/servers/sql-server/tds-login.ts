import { ByteWriter } from './tds-packets.ts';

/** PRELOGIN's encryption option. */
export const ENCRYPTION = { off: 0, on: 1, notSupported: 2, required: 3 } as const;

/** Option tokens of PRELOGIN ([MS-TDS] 2.2.6.5). */
const OPTION = { version: 0, encryption: 1, instance: 2, thread: 3, mars: 4, federated: 6, end: 0xff } as const;

/** What a client asks for before it logs in. */
export function parsePrelogin(data: Buffer): { encryption: number; asksFederated: boolean } {
  const options = new Map<number, Buffer>();
  for (let at = 0; data[at] !== OPTION.end && at + 5 <= data.length; at += 5) {
    const start = data.readUInt16BE(at + 1);
    options.set(data[at] as number, data.subarray(start, start + data.readUInt16BE(at + 3)));
  }
  return {
    encryption: options.get(OPTION.encryption)?.[0] ?? ENCRYPTION.notSupported,
    asksFederated: options.has(OPTION.federated),
  };
}

export function preloginAnswer(encryption: number, federated: boolean): Buffer {
  const options: [number, Buffer][] = [
    [OPTION.version, Buffer.from([16, 0, 0x10, 0x51, 0, 0])],
    [OPTION.encryption, Buffer.from([encryption])],
    [OPTION.instance, Buffer.from([0])],
    [OPTION.thread, Buffer.alloc(0)],
    [OPTION.mars, Buffer.from([0])],
  ];
  if (federated) options.push([OPTION.federated, Buffer.from([1])]);
  let at = options.length * 5 + 1;
  const heads = options.map(([token, value]) => {
    const head = Buffer.alloc(5);
    head[0] = token;
    head.writeUInt16BE(at, 1);
    head.writeUInt16BE(value.length, 3);
    at += value.length;
    return head;
  });
  return Buffer.concat([...heads, Buffer.from([OPTION.end]), ...options.map(([, value]) => value)]);
}

/** LOGIN7 ([MS-TDS] 2.2.6.4). */
export interface Login {
  user: string;
  password: string;
  database: string;
  packetBytes: number;
  /** Entra ID's token (FEDAUTH, SecurityToken). */
  accessToken: string | null;
  asksUtf8: boolean;
}

const FEATURE = { federated: 2, utf8: 0x0a, end: 0xff } as const;

export function parseLogin(data: Buffer): Login {
  const text = (at: number) => {
    const start = data.readUInt16LE(at);
    return data.subarray(start, start + 2 * data.readUInt16LE(at + 2));
  };
  const login: Login = {
    user: text(40).toString('utf16le'),
    password: unmasked(text(44)).toString('utf16le'),
    database: text(68).toString('utf16le'),
    packetBytes: data.readUInt32LE(8),
    accessToken: null,
    asksUtf8: false,
  };
  const hasExtensions = ((data[27] as number) & 0x10) !== 0;
  if (!hasExtensions) return login;
  let at = data.readUInt32LE(data.readUInt16LE(56));
  while (at < data.length && data[at] !== FEATURE.end) {
    const length = data.readUInt32LE(at + 1);
    const value = data.subarray(at + 5, at + 5 + length);
    if (data[at] === FEATURE.utf8) login.asksUtf8 = true;
    if (data[at] === FEATURE.federated) login.accessToken = value.toString('utf16le', 5, 5 + value.readUInt32LE(1));
    at += 5 + length;
  }
  return login;
}

/** The features that the server agrees to (FEATUREEXTACK). */
export function featureAnswer(login: Login): Buffer | null {
  const writer = new ByteWriter().u8(0xae);
  if (login.accessToken !== null) writer.u8(FEATURE.federated).u32(0);
  if (login.asksUtf8) writer.u8(FEATURE.utf8).u32(1).u8(0);
  return writer.length === 1 ? null : writer.u8(FEATURE.end).take();
}

/** Passwords are sent with their nibbles swapped and every bit of 0xA5 flipped. */
function unmasked(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => (((byte ^ 0xa5) & 0x0f) << 4) | ((byte ^ 0xa5) >> 4)));
}
