/** One discovered object of a connection, whatever search found it. */
export function objectId({ schema, name }: { schema: string | null; name: string }): string {
  return JSON.stringify([schema, name]);
}
