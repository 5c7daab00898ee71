/** A protobuf message by field number: varints and fixed numbers as bigint, the rest as bytes. As much as tests need. */
export type Message = Map<number, (bigint | Uint8Array)[]>;

/** Reads a message (https://protobuf.dev/programming-guides/encoding/). */
export function parse(bytes: Uint8Array): Message {
  const view = Buffer.from(bytes);
  const message: Message = new Map();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view[at++] as number;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < view.length) {
    const tag = Number(varint());
    const [field, wire] = [tag >> 3, tag & 7];
    let value: bigint | Uint8Array;
    if (wire === 0) value = varint();
    else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : Number(varint());
      value = view.subarray(at, at + length);
      at += length;
    }
    message.set(field, [...(message.get(field) ?? []), value]);
  }
  return message;
}

/** The messages of a field. */
export function messages(message: Message, field: number): Message[] {
  return (message.get(field) ?? []).map((value) => parse(value as Uint8Array));
}

/** The text of a field; undefined where it has none. */
export function textOf(message: Message, field: number): string | undefined {
  const [value] = message.get(field) ?? [];
  return value instanceof Uint8Array ? Buffer.from(value).toString() : undefined;
}

/** A varint or a fixed64 as a number. */
export function numberOf(message: Message, field: number): number {
  const [value] = message.get(field) ?? [0n];
  return Number(value instanceof Uint8Array ? Buffer.from(value).readBigUInt64LE() : value);
}
