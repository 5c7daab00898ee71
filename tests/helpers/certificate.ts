import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  /** PEM */
  certificate: string;
  /** PEM */
  key: string;
}

interface CertificateOptions {
  /** Common name. */
  name: string;
  /** DNS names that it is for. */
  hosts?: string[];
  /** Who signs it; default: itself. */
  issuer?: Authority;
  /** Days from now; negative: expired. */
  days?: number;
}

/** A certificate that signs others. */
export interface Authority extends Certificate {
  name: string;
  privateKey: KeyObject;
}

/** An X.509 v3 certificate (RFC 5280) with a new P-256 key, made here so that tests need no tool and no stored key. */
export function makeCertificate(options: CertificateOptions): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = options.issuer ?? { name: options.name, privateKey };
  const days = options.days ?? 2;
  const algorithm = sequence(objectId('2a8648ce3d040302'));
  const isAuthority = options.hosts === undefined;
  const extensions = [
    sequence(objectId('551d13'), boolean(true), octets(isAuthority ? sequence(boolean(true)) : sequence())),
  ];
  if (options.hosts) {
    const names = options.hosts.map((host) => element(0x82, Buffer.from(host)));
    extensions.push(sequence(objectId('551d11'), octets(sequence(...names))));
  }
  const body = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(issuer.name),
    sequence(time(Math.min(days, 0) - 2), time(days)),
    distinguishedName(options.name),
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, issuer.privateKey);
  const whole = sequence(body, algorithm, element(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const base64 = whole.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return {
    name: options.name,
    certificate: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey,
  };
}

/** One element in DER: tag, length, content. */
function element(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: Uint8Array[]) => element(0x30, Buffer.concat(parts));
const objectId = (hex: string) => element(0x06, Buffer.from(hex, 'hex'));
const boolean = (value: boolean) => element(0x01, Buffer.from([value ? 255 : 0]));
const octets = (content: Uint8Array) => element(0x04, content);
const distinguishedName = (name: string) =>
  sequence(element(0x31, sequence(objectId('550403'), element(0x0c, Buffer.from(name)))));

function time(daysFromNow: number): Buffer {
  const at = new Date(Date.now() + daysFromNow * 86_400_000).toISOString();
  return element(0x18, Buffer.from(`${at.replace(/[-:T]/g, '').slice(0, 14)}Z`));
}
