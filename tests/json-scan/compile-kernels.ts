/** `node tests/json-scan/compile-kernels.ts` compiles the kernels (engine/json-scan/json-bytes.as before each) and writes NAME-binary.ts beside NAME.as. */
import { readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const engine = new URL('../../engine/', import.meta.url);
/** Without their endings, in engine/. */
export const KERNELS = ['sources/filesystem/scan-kernel', 'sources/rest/page-kernel'] as const;

/** Where the compiled kernel is kept. */
export function binaryOf(kernel: string): URL {
  return new URL(`${kernel}-binary.ts`, engine);
}

/** The text of NAME-binary.ts that belongs to NAME.as. */
export async function compileKernel(kernel: string): Promise<string> {
  const bytes = await readFile(new URL('json-scan/json-bytes.as', engine), 'utf8');
  const source = `${bytes}\n${await readFile(new URL(`${kernel}.as`, engine), 'utf8')}`;
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
  if (error !== null || binary === null) throw new Error(`${kernel}.as does not compile: ${stderr}`, { cause: error });
  const base64 = Buffer.from(binary).toString('base64');
  const lines = base64.match(/.{1,112}/g) ?? [];
  return [
    `/** ${kernel.replace(/.*\//, '')}.as compiled by tests/json-scan/compile-kernels.ts: WebAssembly, base64. */`,
    `export const KERNEL_BINARY = \`\n${lines.join('\n')}\n\`;\n`,
  ].join('\n');
}

if (import.meta.main) for (const kernel of KERNELS) await writeFile(binaryOf(kernel), await compileKernel(kernel));
