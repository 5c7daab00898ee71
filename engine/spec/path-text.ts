/** A step into JSON: a key of an object, or an index of a list (negative: from its end). */
export type PathStep = string | number;

const PLAIN_KEY = /^[\p{L}_@][\p{L}\p{N}_@-]*$/u;

/**
 * The path as people write it, which the engine reads back exactly: `data.items`, `data[-1].id`, `$['odata.nextLink']`; `$` is the whole.
 * Keys of other characters are quoted as RFC 9535 section 2.3.1.1 says.
 */
export function pathText(steps: readonly PathStep[]): string {
  let text = '';
  for (const step of steps) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (PLAIN_KEY.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${quoted(step)}]`;
  }
  return text === '' || text.startsWith('[') ? `$${text}` : text;
}

/** The same with `$` in front, as it is shown. */
export function absolutePathText(steps: readonly PathStep[]): string {
  const text = pathText(steps);
  return text.startsWith('$') ? text : `$.${text}`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r' };

function quoted(key: string): string {
  const escaped = key.replace(/[\\'\b\t\n\f\r]/g, (char) => `\\${SHORT_ESCAPES[char] ?? char}`);
  return `'${escaped}'`;
}

/** A JSON Pointer (RFC 6901). */
export function pointerText(steps: readonly PathStep[]): string {
  return steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
