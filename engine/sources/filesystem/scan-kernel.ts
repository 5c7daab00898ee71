import { growMemory, type KernelMemory, loadKernel } from '../../json-scan/load-kernel.ts';
import { KERNEL_BINARY } from './scan-kernel-binary.ts';
import type { ValueFacts } from './value-facts.ts';

/** What scan-kernel.as exports. */
interface KernelExports {
  memory: KernelMemory;
  rows: { readonly value: number };
  longest: { readonly value: number };
  lineEnds: { readonly value: number };
  scanCsv(
    start: number,
    limit: number,
    until: number,
    most: number,
    places: number,
    width: number,
    delimiter: number,
    quote: number,
  ): number;
  scanJson(start: number, until: number, most: number, root: number): number;
}

/** Bytes of a place in the kernel's memory; the words of it are in {@link writeFacts} and scan-kernel.as. */
export const PLACE_BYTES = 32;
export const FIELD_BYTES = 24;
/** Places start behind the first bytes, so that 0 means none. */
export const FIRST_PLACE = 64;
/** Room for places and names; records are behind it. */
export const PLACES_END = 1024 * 1024;
/** SIMD loads go so far beyond the records. */
const SLACK = 64;
const NO_LIMIT = 0x7fff_ffff;
const EXACT = 1;
const OFFSET = 2;

/** The compiled scan with its own memory: the records, and what is known of their places. One scan uses it at a time: {@link withKernel}. */
export class ScanKernel {
  readonly exports: KernelExports;
  #words: Uint32Array;

  constructor() {
    this.exports = loadKernel<KernelExports>(KERNEL_BINARY);
    this.#words = new Uint32Array(this.exports.memory.buffer, 0, PLACES_END / 4);
  }

  /** A buffer for records in the kernel's memory. The one given before is of no use any more. */
  allocate(bytes: number): Uint8Array {
    const { memory } = this.exports;
    growMemory(memory, PLACES_END + bytes + SLACK);
    this.#words = new Uint32Array(memory.buffer, 0, PLACES_END / 4);
    return new Uint8Array(memory.buffer, PLACES_END, bytes);
  }

  /** True for a buffer of {@link allocate}. */
  holds(buffer: Uint8Array): boolean {
    return buffer.buffer === this.exports.memory.buffer;
  }

  /** The memory below {@link PLACES_END} as 32-bit words, and as bytes. */
  get words(): Uint32Array {
    return this.#words;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, 0, PLACES_END);
  }

  writeFacts(place: number, facts: ValueFacts): void {
    const word = place / 4;
    this.#words[word] = facts.kinds;
    this.#words[word + 1] = facts.integerDigits;
    this.#words[word + 2] = facts.fractionDigits;
    this.#words[word + 3] = (facts.exact ? EXACT : 0) | (facts.offset ? OFFSET : 0);
  }

  /** Takes over what the kernel has found; gives back the flags that only JSON has. */
  readFacts(place: number, facts: ValueFacts): number {
    const word = place / 4;
    facts.kinds = this.#words[word] as number;
    facts.integerDigits = this.#words[word + 1] as number;
    facts.fractionDigits = this.#words[word + 2] as number;
    const flags = this.#words[word + 3] as number;
    if ((flags & OFFSET) !== 0) facts.offset = true;
    return flags;
  }
}

/** A number of records, or an offset, as the kernel takes it. */
export function kernelLimit(limit: number): number {
  return Math.min(Math.max(limit, 0), NO_LIMIT);
}

const idle: ScanKernel[] = [];

/** Lends a kernel for one scan. Kernels are used again: thousands of small files must not make thousands of them. */
export async function withKernel<Result>(use: (kernel: ScanKernel) => Promise<Result>): Promise<Result> {
  const kernel = idle.pop() ?? new ScanKernel();
  try {
    return await use(kernel);
  } finally {
    idle.push(kernel);
  }
}

/**
 * How many records are looked at by the rule (in JavaScript) where the kernel has left one: one, and more and more where it leaves so many
 * that going to and fro costs more than it saves.
 */
export class Detour {
  records = 1;

  /** Tells how many records the kernel has done since. */
  after(rows: number): void {
    if (rows >= 16 * this.records) this.records = 1;
    else this.records = Math.min(2 * this.records, 4096);
  }
}
