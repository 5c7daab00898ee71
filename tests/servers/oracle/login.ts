import { createCipheriv, createDecipheriv, createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { MessageWriter } from './wire.ts';

/** How Oracle 12c and later check a password (O5LOGON with the 12c verifier): neither side sends it, both prove that they know it. */
export class Login {
  readonly user: string;
  readonly #hash: Buffer;
  readonly #serverKey = randomBytes(32);
  readonly #salt = randomBytes(16);
  readonly #verifier = randomBytes(16);
  #sessionKey: Buffer | null = null;

  /** `password` undefined: the user is not known, which the client must not learn. */
  constructor(user: string, password: string | undefined) {
    this.user = user;
    const secret = Buffer.from(password ?? randomBytes(16).toString('hex'));
    const salt = Buffer.concat([this.#verifier, Buffer.from('AUTH_PBKDF2_SPEEDY_KEY')]);
    const key = pbkdf2Sync(secret, salt, VERIFIER_ROUNDS, 64, 'sha512');
    this.#hash = createHash('sha512').update(key).update(this.#verifier).digest().subarray(0, 32);
  }

  /** What the server says first. */
  challenge(): Buffer {
    return new MessageWriter()
      .byte(8)
      .number(5)
      .pair('AUTH_SESSKEY', hex(encrypt(this.#hash, this.#serverKey)))
      .pair('AUTH_VFR_DATA', hex(this.#verifier), VERIFIER_12C)
      .pair('AUTH_PBKDF2_CSK_SALT', hex(this.#salt))
      .pair('AUTH_PBKDF2_VGEN_COUNT', String(VERIFIER_ROUNDS))
      .pair('AUTH_PBKDF2_SDER_COUNT', String(KEY_ROUNDS))
      .byte(9)
      .numbers(0, 0)
      .take();
  }

  /** The password that the client proves to know. */
  passwordOf(answer: Readonly<Record<string, string>>): string {
    const clientKey = decrypt(this.#hash, Buffer.from(answer.AUTH_SESSKEY ?? '', 'hex')).subarray(0, 32);
    const both = Buffer.from(hex(Buffer.concat([clientKey, this.#serverKey])));
    this.#sessionKey = pbkdf2Sync(both, this.#salt, KEY_ROUNDS, 32, 'sha512');
    const padded = decrypt(this.#sessionKey, Buffer.from(answer.AUTH_PASSWORD ?? '', 'hex'));
    return padded.subarray(16, padded.length - (padded.at(-1) ?? 0)).toString();
  }

  /** What the server says to who is let in: that it knows the password too, and what it is. */
  welcome(service: string): Buffer {
    const proof = Buffer.concat([randomBytes(16), Buffer.from('SERVER_TO_CLIENT')]);
    const facts = {
      AUTH_SVR_RESPONSE: hex(encrypt(this.#sessionKey as Buffer, proof)),
      AUTH_VERSION_NO: String(VERSION_19),
      AUTH_VERSION_STRING: '- Test',
      AUTH_SESSION_ID: '42',
      AUTH_SERIAL_NUM: '7',
      AUTH_SC_DBUNIQUE_NAME: 'FREE',
      AUTH_SC_SERVICE_NAME: service,
      AUTH_INSTANCENAME: 'FREE',
      AUTH_MAX_OPEN_CURSORS: '300',
      AUTH_MAX_IDEN_LENGTH: '128',
    };
    const message = new MessageWriter().byte(8).number(Object.keys(facts).length);
    for (const [key, value] of Object.entries(facts)) message.pair(key, value);
    return message.byte(9).numbers(0, 0).take();
  }
}

const VERIFIER_12C = 0x4815;
const VERIFIER_ROUNDS = 4096;
const KEY_ROUNDS = 3;
const VERSION_19 = 0x13000000;

const hex = (bytes: Buffer) => bytes.toString('hex').toUpperCase();

function encrypt(key: Buffer, data: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-cbc', key, Buffer.alloc(16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

function decrypt(key: Buffer, data: Buffer): Buffer {
  const cipher = createDecipheriv('aes-256-cbc', key, Buffer.alloc(16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}
