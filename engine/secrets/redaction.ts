import { base64Cores, encodedForms, secretParts } from './redaction-forms.ts';
import { redactShapes } from './redaction-shapes.ts';

/** Stands where a secret stood. */
export const MASK = '***';

/** Shorter values cannot be redacted: they would be found in every other word. */
export const SHORTEST_REDACTABLE = 4;

/**
 * Replaces secrets by {@link MASK} in whatever leaves the engine: a value as it is, URL-, form- and JSON-encoded, doubled quotes,
 * base64 and base64url (also as a part of what was encoded, as in `user:password`), and, by shape, passwords in URLs, connection strings and headers.
 */
export class Redactor {
  readonly #plain = new Set<string>();
  readonly #cores = new Set<string>();
  readonly #short = new Set<string>();
  #matcher: RegExp | null = null;

  constructor(secrets: Iterable<{ path: string; value: string }> = []) {
    for (const { path, value } of secrets) this.add(path, value);
  }

  /** Keys whose values are too short to be redacted. */
  get unredactable(): string[] {
    return [...this.#short];
  }

  /** Learns a secret, also one that came up in the run (an OAuth token). `path` names it to people; it is not kept with the value. */
  add(path: string, value: string): void {
    for (const text of [value, value.trim(), ...secretParts(value).filter(isRedactable)]) {
      if (text === '') continue;
      if (!isRedactable(text)) {
        this.#short.add(path);
        continue;
      }
      for (const form of encodedForms(text)) this.#plain.add(form);
      for (const core of base64Cores(text)) this.#cores.add(core);
    }
    this.#matcher = null;
  }

  /** The text without its secrets. */
  text(text: string): string {
    return redactShapes(this.values(text), MASK);
  }

  /**
   * A copy of plain data (objects, arrays, texts) without its secrets; everything else stays as it is.
   * Keys are redacted like texts; `keys: 'keep'` is for documents of the engine's own, whose keys are no data.
   */
  data<T>(value: T, options: { keys?: 'redact' | 'keep' } = {}): T {
    return this.#copy(value, options.keys !== 'keep', new Map()) as T;
  }

  #copy(value: unknown, keys: boolean, seen: Map<object, unknown>): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    if (Array.isArray(value)) {
      const copy: unknown[] = [];
      seen.set(value, copy);
      for (const item of value) copy.push(this.#copy(item, keys, seen));
      return copy;
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return value;
    const copy: Record<string, unknown> = {};
    seen.set(value, copy);
    for (const [key, item] of Object.entries(value)) {
      Object.defineProperty(copy, keys ? this.text(key) : key, {
        value: this.#copy(item, keys, seen),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    return copy;
  }

  /** The text without the secrets that are known by their value; what only looks like one stays, as people's data must. */
  values(text: string): string {
    if (text.length < SHORTEST_REDACTABLE || this.#plain.size === 0) return text;
    // One pass that is nearly always the only one; its order of alternatives does not matter.
    this.#matcher ??= new RegExp([...this.#plain, ...this.#cores].map((form) => RegExp.escape(form)).join('|'));
    if (!this.#matcher.test(text)) return text;
    const spans: [from: number, to: number][] = [];
    for (const form of this.#plain) {
      for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) spans.push([at, at + form.length]);
    }
    for (const core of this.#cores) {
      for (let at = text.indexOf(core); at >= 0; ) {
        const span = base64Run(text, at, at + core.length);
        spans.push(span);
        at = text.indexOf(core, span[1]);
      }
    }
    return mask(text, spans);
  }
}

function isRedactable(text: string): boolean {
  return text.length >= SHORTEST_REDACTABLE;
}

/** Secrets that overlap are masked together: each alone would leave a piece of the other. */
function mask(text: string, spans: [from: number, to: number][]): string {
  spans.sort((a, b) => a[0] - b[0]);
  let out = '';
  let end = 0;
  for (const [from, to] of spans) {
    if (from >= end) out += text.slice(end, from) + MASK;
    end = Math.max(end, to);
  }
  return out + text.slice(end);
}

/** The whole base64 text around a match: its edges hold bits of the secret, and often a user name. */
function base64Run(text: string, from: number, to: number): [from: number, to: number] {
  const inRun = (index: number) => /[A-Za-z\d+/_-]/.test(text[index] ?? '');
  let start = from;
  let end = to;
  while (start > 0 && inRun(start - 1)) start -= 1;
  while (end < text.length && inRun(end)) end += 1;
  while (text[end] === '=') end += 1;
  return [start, end];
}
