/** In `key=value;…` and `?key=value&…`: keys whose values are secrets by themselves. */
const PART =
  /(?:^|[;&?])\s*(?:(?:shared)?access(?:key|signature)|accountkey|password|pwd|sig|signature|token|key|secret)\s*=\s*([^;&]+)/gi;

/**
 * What of a secret is one by itself and may be met alone: the key in a connection string, the signature of a signed link, the password and the
 * telling parts of an address, the token behind `Bearer`.
 */
export function secretParts(value: string): string[] {
  const parts = [...value.matchAll(PART)].map(([, part]) => part as string);
  const [, token] = /^(?:bearer|basic|token)\s+(\S+)$/i.exec(value.trim()) ?? [];
  if (token !== undefined) parts.push(token);
  const url = /^[a-z][a-z\d+.-]*:\/\//i.test(value.trim()) ? URL.parse(value.trim()) : null;
  if (url !== null) {
    parts.push(url.password);
    // Hooks have their token in the path; a word of the interface has neither digits nor this length.
    parts.push(...url.pathname.split('/').filter((part) => part.length >= 8 && /\d/.test(part)));
  }
  return [...new Set(parts.flatMap((part) => [part, decoded(part)]))].filter((part) => part !== '' && part !== value);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The texts that a secret turns into on its way out: as it is, percent-encoded (upper and lower hex digits), form-encoded,
 * inside a JSON text (once and twice), with quotes doubled as in SQL. Of a text of several lines (a private key) each long line counts, too.
 */
export function encodedForms(value: string): Set<string> {
  const forms = new Set<string>();
  const lines = value.split(/\r?\n/).filter((line) => line.length >= 16 && !line.startsWith('-----'));
  for (const text of lines.length > 1 ? [value, ...lines] : [value]) {
    const json = jsonText(text);
    for (const form of [
      text,
      json,
      jsonText(json),
      asciiJson(text),
      // Messages of several lines are told in one.
      text.replace(/\s+/g, ' '),
      text.replaceAll("'", "''"),
      text.replaceAll('\\', '\\\\'),
      percentEncoded(text, /[^A-Za-z\d\-_.~]/gu),
    ]) {
      forms.add(form);
    }
    // encodeURIComponent, encodeURI and form encoding differ in what they leave as it is.
    for (const form of [
      percentEncoded(text, /[^A-Za-z\d\-_.!~*'()]/gu),
      percentEncoded(text, /[^A-Za-z\d\-_.!~*'();/?:@&=+$,#]/gu),
      formEncoded(text),
    ]) {
      forms.add(form);
      forms.add(form.replace(/%[\dA-F]{2}/g, (hex) => hex.toLowerCase()));
    }
  }
  return forms;
}

/**
 * The stretches of base64 that are there wherever the value is a part of what was encoded, one for each of the three ways
 * in which bytes fall into base64's groups, in both alphabets.
 */
export function base64Cores(value: string): Set<string> {
  const cores = new Set<string>();
  const bytes = Buffer.from(value, 'utf8');
  for (const shift of [0, 1, 2]) {
    const bits = (shift + bytes.length) * 8;
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    const core = encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(bits / 6));
    if (core.length < 4) continue;
    cores.add(core);
    cores.add(core.replaceAll('+', '-').replaceAll('/', '_'));
    cores.add(core.replaceAll('+', '%2B').replaceAll('/', '%2F'));
  }
  return cores;
}

function jsonText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function asciiJson(text: string): string {
  return jsonText(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function formEncoded(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice(2);
}

// encodeURIComponent throws on a lone surrogate; Buffer does not.
function percentEncoded(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (character) =>
    [...Buffer.from(character, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
