/**
 * Makes `docs/images/demo.svg`, the picture of the README, from what `npm run demo` really prints: `node resources/make-demo-image.ts`.
 * Colours and line breaks are the demo's own; only its middle is left out.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Terminal } from '../engine/cli/terminal.ts';
import { runDemo } from './sample/demo.ts';

const COLUMNS = 154;
const CHARACTER = 7.25;
const LINE = 18;
const PADDING = 22;
const BAR = 34;
const COLORS: Record<string, string> = { '31': '#f58a88', '32': '#56c486', '33': '#e0ab4b', '36': '#8b9df1' };
const TEXT = '#d6d9de';
const DIM = '#737b87';

const folder = await mkdtemp(path.join(os.tmpdir(), 'demo-image-'));
try {
  let printed = '';
  const stdout = {
    columns: COLUMNS,
    write: (text: string) => {
      printed += text;
      return true;
    },
  };
  const stderr = { write: () => true };
  const terminal = new Terminal({ stdout, stderr, color: true, env: { FORCE_COLOR: '1' } });
  await runDemo(path.join(folder, '.demo'), terminal, new AbortController().signal);
  const lines = printed.replaceAll(`${folder}${path.sep}`, '').trim().split('\n');
  await writeFile(
    path.join(import.meta.dirname, '..', 'docs', 'images', 'demo.svg'),
    svg(['$ npm run demo', '', ...excerpt(lines)]),
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** The first run's and the second run's tables, and the end of the comparison. */
function excerpt(lines: string[]): string[] {
  const at = (beginning: string) => lines.findIndex((line) => stripVTControlCharacters(line).startsWith(beginning));
  const [second, third, fourth] = ['2. ', '3. ', '4. '].map(at) as [number, number, number];
  const table = lines.slice(third, fourth);
  const totals = lines.slice(fourth);
  return [
    ...lines.slice(0, second),
    ...table.slice(
      0,
      table.findIndex((line) => line.startsWith('data ')),
    ),
    ...totals.slice(0, 12),
    `${dim('  …')}`,
  ];
}

function dim(text: string): string {
  return `\u001b[2m${text}\u001b[22m`;
}

function svg(lines: string[]): string {
  const width = Math.round(COLUMNS * CHARACTER + 2 * PADDING);
  const height = BAR + lines.length * LINE + 2 * PADDING - 8;
  const text = lines.map(
    (line, index) => `<text x="${PADDING}" y="${BAR + PADDING + 6 + index * LINE}">${spans(line)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Output of npm run demo: a table of jobs with rows, bytes, time and watermarks, for a first and a second run">
<style>text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:${TEXT};white-space:pre}</style>
<rect width="${width}" height="${height}" rx="10" fill="#17191d"/>
<circle cx="22" cy="19" r="5.5" fill="#3a3f48"/><circle cx="41" cy="19" r="5.5" fill="#3a3f48"/><circle cx="60" cy="19" r="5.5" fill="#3a3f48"/>
${text.join('\n')}
</svg>
`;
}

/** The text between two control sequences in their style. Each piece stands at its own column, whatever font the reader has. */
function spans(line: string): string {
  let color: string | undefined;
  let bold = false;
  let column = 0;
  let result = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
  for (const piece of line.split(/(\u001b\[\d+m)/)) {
    const code = piece.startsWith('\u001b') ? piece.slice(2, -1) : null;
    if (code === '1') bold = true;
    else if (code === '2') color = DIM;
    else if (code === '22') [bold, color] = [false, undefined];
    else if (code === '39') color = undefined;
    else if (code !== null) color = COLORS[code];
    else {
      // Runs of blanks place what follows them, so that columns stay columns.
      for (const match of piece.matchAll(/\S+(?: \S+)*/g)) {
        const x = (PADDING + (column + match.index) * CHARACTER).toFixed(1);
        const length = ([...match[0]].length * CHARACTER).toFixed(1);
        const style = `${color === undefined ? '' : ` fill="${color}"`}${bold ? ' font-weight="700"' : ''}`;
        result += `<tspan x="${x}" textLength="${length}"${style}>${escapeXml(match[0])}</tspan>`;
      }
      column += [...piece].length;
    }
  }
  return result;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
