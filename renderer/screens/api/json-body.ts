import { isTable } from '../../../engine/spec/toml-table.ts';

/** The body that a text says, null for an empty one; else what is wrong with it and where. */
export function readBody(text: string): { body: Record<string, unknown> | null } | { problem: string } {
  if (text.trim() === '') return { body: null };
  let long: string | null = null;
  try {
    const parsed: unknown = JSON.parse(text, (_key, value, context?: { source?: string }) => {
      if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
        long ??= context?.source ?? String(value);
      return value;
    });
    if (long !== null) return { problem: `${long} would lose digits: write it as a text` };
    return isTable(parsed) ? { body: parsed } : { problem: 'A body is a JSON object, { … }' };
  } catch (error) {
    return { problem: syntaxProblem(error instanceof Error ? error.message : String(error), text) };
  }
}

/** `Line 2, column 5: expected ',' …`, of what the parser says. */
function syntaxProblem(message: string, text: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  const said = message
    .replace(/ in JSON at position.*$/s, '')
    .replace(/, "[\s\S]*$/, '')
    .replace(/ is not valid JSON$/, '');
  const at =
    position === undefined ? (/end of JSON|Unterminated/.test(message) ? text.length : null) : Number(position);
  if (at === null) return `No JSON: ${said}`;
  const lines = text.slice(0, at).split('\n');
  return `Line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}: ${said}`;
}
