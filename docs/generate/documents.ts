import { readFileSync } from 'node:fs';
import path from 'node:path';
import { apiReference } from './api-reference.ts';
import { errorCodes } from './error-codes.ts';
import { jsonSchemas } from './schemas.ts';
import { troubleshootingTable } from './troubleshooting.ts';

/** Where the generated part of a document stands; everything around it is written by hand. */
const BEGIN = '<!-- generated: npm run docs -->';
const END = '<!-- end of the generated part -->';

/** Every generated document, whole, by its path below `docs/`. */
export function generatedDocuments(root: string): Record<string, string> {
  const guide = readFileSync(path.join(root, 'docs/TROUBLESHOOTING_GUIDE.md'), 'utf8').replaceAll('\r\n', '\n');
  const codes = errorCodes(['engine', 'electron'].map((folder) => path.join(root, folder)));
  return {
    ...Object.fromEntries(
      Object.entries(jsonSchemas()).map(([name, schema]) => [
        `schemas/${name}`,
        `${JSON.stringify(schema, null, 2)}\n`,
      ]),
    ),
    'API_REFERENCE.md': apiReference(root),
    'TROUBLESHOOTING_GUIDE.md': withGenerated(guide, troubleshootingTable(codes)),
    'CONFIGURATION_TEMPLATES.md': withFiles(
      root,
      readFileSync(path.join(root, 'docs/CONFIGURATION_TEMPLATES.md'), 'utf8').replaceAll('\r\n', '\n'),
    ),
  };
}

/** A code block behind `<!-- file: PATH -->` is that file, whole: tests try the file. */
function withFiles(root: string, text: string): string {
  return text.replace(/(<!-- file: (\S+) -->\n+```\w*\n)[\s\S]*?(\n?```)/g, (_whole, before: string, file: string) => {
    const content = readFileSync(path.join(root, ...file.split('/')), 'utf8').replaceAll('\r\n', '\n');
    return `${before}${content.replace(/\n+$/, '')}\n\`\`\``;
  });
}

function withGenerated(text: string, generated: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`The document has lost its marks ${BEGIN} and ${END}.`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${generated}\n${text.slice(end)}`;
}
