/** What is used of it here: Node's own types leave WebAssembly to the browser's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/** Memory that a kernel exports. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const modules = new Map<string, object>();
const PAGE = 64 * 1024;

/** A new instance, with a memory of its own, of a kernel that is kept as base64; each is compiled once a process. */
export function loadKernel<Exports>(binary: string): Exports {
  let module = modules.get(binary);
  if (!module) {
    module = new WebAssembly.Module(Buffer.from(binary, 'base64'));
    modules.set(binary, module);
  }
  return new WebAssembly.Instance(module).exports as Exports;
}

/** Lets a kernel's memory have `bytes` at least. Views of it that were made before are of no use any more. */
export function growMemory(memory: KernelMemory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
}
