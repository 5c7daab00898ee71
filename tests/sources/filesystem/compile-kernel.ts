/** `node tests/sources/filesystem/compile-kernel.ts` compiles engine/sources/filesystem/scan-kernel.as and writes scan-kernel-binary.ts beside it. */
import { readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const folder = new URL('../../../engine/sources/filesystem/', import.meta.url);

/** The text of scan-kernel-binary.ts that belongs to scan-kernel.as. */
export async function compileKernel(): Promise<string> {
  const source = await readFile(new URL('scan-kernel.as', folder), 'utf8');
  let binary: Uint8Array | null = null;
  const { error, stderr } = await asc.main(
    [
      'kernel.ts',
      ...['--outFile', 'kernel.wasm', '-O3', '--runtime', 'stub', '--enable', 'simd', '--noAssert'],
      ...['--initialMemory', '32', '--use', 'abort='],
    ],
    {
      readFile: (name) => (name === 'kernel.ts' ? source : null),
      writeFile: (name, contents) => {
        if (name === 'kernel.wasm') binary = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === null)
    throw new Error(`scan-kernel.as does not compile: ${stderr}`, { cause: error });
  const base64 = Buffer.from(binary).toString('base64');
  const lines = base64.match(/.{1,112}/g) ?? [];
  return [
    '/** scan-kernel.as compiled by tests/sources/filesystem/compile-kernel.ts: WebAssembly, base64. */',
    `export const KERNEL_BINARY = \`\n${lines.join('\n')}\n\`;\n`,
  ].join('\n');
}

if (import.meta.main) await writeFile(new URL('scan-kernel-binary.ts', folder), await compileKernel());
